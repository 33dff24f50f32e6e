"""Hooks that every module has besides its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar

from synalinks.hooks.hook import Hook, HookedModule
from synalinks.hooks.hook_list import flat
from synalinks.hooks.logger import Logger
from synalinks.lm import current_run

#: What makes the hooks of every module, by their class. A call with neither these nor hooks of the module's own looks
#: no further.
EVERYWHERE: dict[type[Hook], Callable[[], Hook]] = {}
#: The outermost module of the call that is under way, usually a program.
ENTRY: ContextVar[HookedModule | None] = ContextVar("synalinks_entry", default=None)

_log = logging.getLogger("synalinks")


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


def any_everywhere() -> bool:
    """Whether modules have hooks besides their own; with the logger `synalinks` at INFO they have a `Logger`."""
    return bool(EVERYWHERE) or (_log.level or logging.root.level) <= logging.INFO  # without a function call


def hooks_of(own: Sequence[Hook]) -> Sequence[Hook]:
    """The hooks of a call: the module's own, then those of every module that are of no class of its own.

    A call of an estimate or a dry run has none: its answers are invented.
    """
    if current_run().is_simulated:
        return ()
    if not any_everywhere():
        return own
    kinds = {type(hook) for hook in flat(own)}
    made = [make() for kind, make in EVERYWHERE.items() if kind not in kinds]
    if _log.isEnabledFor(logging.INFO) and Logger not in {*kinds, *EVERYWHERE}:
        made.insert(0, Logger())
    return [*own, *made]
