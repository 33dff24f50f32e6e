"""Hooks of the session: those that every module has besides its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synalinks import session
from synalinks.hooks.hook import Hook, HookedModule

_SETTING = "hooks"

#: What makes a hook for a module.
MakeHook = Callable[[], Hook]


def use_everywhere(make: MakeHook) -> None:
    """Have a hook made for every call of every module from now on; a second time it has no effect."""
    made: tuple[MakeHook, ...] = session.get_setting(_SETTING, ())
    if make not in made:
        session.set_setting(_SETTING, (*made, make))


def stop_everywhere(make: MakeHook) -> None:
    """Undo `use_everywhere`."""
    session.set_setting(_SETTING, tuple(one for one in session.get_setting(_SETTING, ()) if one is not make) or None)


def hooks_of(module: HookedModule, own: Sequence[Hook]) -> Sequence[Hook]:
    """The hooks of a call: the module's own, then those of the session that are of no class of its own."""
    made: tuple[MakeHook, ...] = session.get_setting(_SETTING, ())
    if not made:
        return own
    hooks = [make() for make in made if not any(type(hook) is make for hook in own)]
    for hook in hooks:
        hook.set_module(module)
    return [*own, *hooks]
