"""Several callbacks as one, told in the order they were given."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from synalinks.callbacks.callback import Callback
from synalinks.errors import ConfigurationError


class CallbackList:
    """Tells each callback in turn, awaiting those hooks that are async.

    Args:
        callbacks: what to tell, in this order; those that are to be told `last` after all others.
        program: the program being run.
        **params: what is known of the run.

    Raises:
        ConfigurationError: something that is no callback.
    """

    def __init__(self, callbacks: Iterable[Callback] | None = None, program: Any = None, **params: Any) -> None:
        self.callbacks = list(callbacks or ())
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise ConfigurationError(f"callbacks are instances of synalinks.callbacks.Callback, got {callback!r}")
        self.callbacks.sort(key=lambda callback: callback.last)
        for callback in self.callbacks:
            callback.set_program(program)
            callback.set_params(params)

    async def tell(self, hook: str, *args: Any) -> None:
        """Call a hook by name on every callback, e.g. `tell("on_epoch_end", 0, logs)`."""
        for callback in self.callbacks:
            told = getattr(callback, hook)(*args)
            if inspect.isawaitable(told):
                await told

    def set_params(self, **changes: Any) -> None:
        """Update what is known of the run, such as the number of steps of a stream."""
        for callback in self.callbacks:
            callback.set_params({**callback.params, **changes})


Logs = Mapping[str, float]
