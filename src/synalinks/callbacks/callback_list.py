"""CallbackList: several callbacks as one, called in the order they were given."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from synalinks.callbacks.callback import Callback
from synalinks.errors import ConfigurationError


class CallbackList:
    """Calls a hook of each callback in turn, and awaits those that are async.

    Args:
        callbacks: in the order of their calls; those with `last` come after all others.
        program: the program being run.
        **params: what callbacks may read of the run.

    Raises:
        ConfigurationError: something that is no callback.

    Example:
        >>> history = synalinks.callbacks.History()
        >>> callbacks = synalinks.callbacks.CallbackList([history], epochs=1)
        >>> asyncio.run(callbacks.call("on_epoch_end", 0, {"reward": 0.5}))
        >>> history.history
        {'reward': [0.5]}
    """

    def __init__(self, callbacks: Iterable[Callback] | None = None, program: Any = None, **params: Any) -> None:
        self.callbacks: list[Callback] = list(callbacks or ())
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise ConfigurationError(f"callbacks are instances of synalinks.callbacks.Callback, got {callback!r}")
        self.callbacks.sort(key=lambda callback: callback.last)
        for callback in self.callbacks:
            callback.set_program(program)
            callback.set_params(params)

    async def call(self, hook: str, *args: Any) -> None:
        """Call a hook by name on every callback, e.g. `call("on_epoch_end", 0, logs)`."""
        for callback in self.callbacks:
            called = getattr(callback, hook)(*args)
            if inspect.isawaitable(called):
                await called

    def set_params(self, **changes: Any) -> None:
        """Update what callbacks may read of the run, such as the number of steps of a stream."""
        for callback in self.callbacks:
            callback.set_params({**callback.params, **changes})
