"""Hooks that every module has besides its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synalinks.hooks.hook import Hook, HookedModule

#: What makes a hook for a module.
MakeHook = Callable[[], Hook]

#: What makes the hooks of every module. A call with neither these nor hooks of the module's own does not look further.
EVERYWHERE: list[MakeHook] = []


def use_everywhere(make: MakeHook) -> None:
    """Have a hook made for every call of every module from now on; a second time it has no effect."""
    if make not in EVERYWHERE:
        EVERYWHERE.append(make)


def stop_everywhere(make: MakeHook) -> None:
    """Undo `use_everywhere`."""
    if make in EVERYWHERE:
        EVERYWHERE.remove(make)


def hooks_of(module: HookedModule, own: Sequence[Hook]) -> Sequence[Hook]:
    """The hooks of a call: the module's own, then those of every module that are of no class of its own."""
    hooks = [make() for make in EVERYWHERE if not any(type(hook) is make for hook in own)]
    for hook in hooks:
        hook.set_module(module)
    return [*own, *hooks]
