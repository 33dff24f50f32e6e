"""Hook: methods called before and after every call of a module."""

from __future__ import annotations

from typing import Protocol


class HookedModule(Protocol):
    """A module as its hooks see it."""

    name: str
    description: str
    trainable: bool


class Hook:
    """Methods called before and after every call of the modules it is given to; the base does nothing.

    Attributes:
        module: the module whose call it is called for; before that, the module it was given to last.
        params: what `set_params` was given.

    Example:
        >>> class Count(synalinks.hooks.Hook):
        ...     calls = 0
        ...
        ...     def on_call_begin(self, call_id, parent_call_id, inputs, kwargs):
        ...         self.calls += 1
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> class Same(synalinks.Module):
        ...     async def call(self, inputs):
        ...         return inputs
        ...
        >>> count = Count()
        >>> _ = asyncio.run(Same(hooks=[count])(Answer(answer=4)))
        >>> count.calls
        1
    """

    module: HookedModule | None = None
    params: dict[str, object] = {}

    def set_module(self, module: HookedModule) -> None:
        """Set `module`."""
        self.module = module

    def set_params(self, params: dict[str, object]) -> None:
        """Set `params`."""
        self.params = params

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: object, kwargs: object) -> None:
        """Called before `call`; `parent_call_id` is that of the module that made this call, or None."""

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        """Called after `call`, with what it returned or raised."""
