"""A call that hooks are called around."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Protocol, TypeVar

from synalinks.hooks.everywhere import hooks_of
from synalinks.hooks.hook import Hook, HookedModule

T = TypeVar("T")
_call_id: ContextVar[str | None] = ContextVar("synalinks_call_id", default=None)
_call_ids = itertools.count(1)


class WithHooks(HookedModule, Protocol):
    """A module with its own hooks."""

    hooks: list[Hook]


async def hooked(
    module: WithHooks,
    work: Callable[[], Awaitable[T]],
    inputs: object,
    kwargs: object,
    shown: Callable[[T], object] = lambda outputs: outputs,
) -> T:
    """Do some work as a call of a module that its hooks are called around.

    Args:
        module: the module.
        work: the work.
        inputs, kwargs: what it is done with, as hooks see it.
        shown: what it gave, as hooks see it.
    """
    hooks = hooks_of(module.hooks)
    call_id, parent = f"{module.name}-{next(_call_ids)}", _call_id.get()
    token = _call_id.set(call_id)
    try:
        for hook in hooks:
            hook.set_module(module)  # it may be a hook of several modules
            hook.on_call_begin(call_id, parent, inputs, kwargs)
        try:
            outputs = await work()
        except BaseException as error:
            for hook in hooks:
                hook.set_module(module)
                hook.on_call_end(call_id, parent, exception=error)
            raise
        for hook in hooks:
            hook.set_module(module)
            hook.on_call_end(call_id, parent, outputs=shown(outputs))
        return outputs
    finally:
        _call_id.reset(token)
