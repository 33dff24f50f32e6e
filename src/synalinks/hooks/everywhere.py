"""Hooks that every module has besides its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar

from synalinks.hooks.hook import Hook, HookedModule
from synalinks.hooks.hook_list import flat
from synalinks.lm import current_run

#: What makes the hooks of every module, by their class. A call with neither these nor hooks of the module's own looks
#: no further.
EVERYWHERE: dict[type[Hook], Callable[[], Hook]] = {}
#: The outermost module of the call that is under way, usually a program.
ENTRY: ContextVar[HookedModule | None] = ContextVar("synalinks_entry", default=None)


def use_everywhere(kind: type[Hook], make: Callable[[], Hook] | None = None) -> None:
    """Have a hook made for every call of every module from now on; a second time, in the way that is given last.

    Args:
        kind: the class of the hook.
        make: what makes one; the class where None.
    """
    EVERYWHERE[kind] = make or kind


def stop_everywhere(kind: type[Hook]) -> None:
    """Undo `use_everywhere`."""
    EVERYWHERE.pop(kind, None)


def hooks_of(own: Sequence[Hook]) -> Sequence[Hook]:
    """The hooks of a call: the module's own, then those of every module that are of no class of its own.

    A call of an estimate or a dry run has none: its answers are invented.
    """
    if current_run().is_simulated:
        return ()
    if not EVERYWHERE:
        return own
    kinds = {type(hook) for hook in flat(own)}
    return [*own, *(make() for kind, make in EVERYWHERE.items() if kind not in kinds)]
