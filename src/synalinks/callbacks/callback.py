"""Callback: called as fit, evaluate and predict go on."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

#: Rewards and metrics by name; of a batch of predictions, `outputs`.
Logs = dict[str, Any]
#: What a hook returns: nothing, or a coroutine, which is awaited.
Hooked = Awaitable[None] | None


class Callback:
    """Called as a run goes on. Override the hooks that are needed; each may be sync or async.

    Order in `fit`: train_begin, then per epoch: epoch_begin, per step train_batch_begin and train_batch_end, then
    test_begin, test_batch_begin and test_batch_end, test_end for the validation, epoch_end; at last train_end.

    `on_batch_begin` and `on_batch_end` are called by the hooks of a training step, `on_train_batch_begin` and
    `on_train_batch_end`, unless a callback overrides those.

    Attributes:
        program: the program being run.
        params: `epochs`, `steps` (None where unknown), `batch_size`, `verbose`, and in `fit` the `optimizer`'s name.
        last: whether its hooks are called after those of other callbacks, for what depends on their results.

    Example:
        >>> class Rewards(synalinks.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch + 1}: {logs['reward']}")
        ...
        >>> callbacks = synalinks.callbacks.CallbackList([Rewards()])
        >>> asyncio.run(callbacks.call("on_epoch_end", 0, {"reward": 0.5}))
        epoch 1: 0.5
    """

    last: ClassVar[bool] = False
    # of a subclass that does not call super().__init__(), too
    program: Any = None
    params: Mapping[str, Any] = MappingProxyType({})

    def __init__(self) -> None:
        self.program = None
        self.params = {}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, for callbacks that are registered and saved."""
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Callback:
        """The callback that `get_config` described."""
        return cls(**config)

    def set_program(self, program: Any) -> None:
        """Set `program`."""
        self.program = program

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Set `params`."""
        self.params = dict(params)

    def get_state(self) -> Any:
        """The state that a run which goes on from here needs, as JSON; None where there is none."""
        return None

    def set_state(self, state: Any) -> None:
        """Go on from what `get_state` gave; called after `on_train_begin`, and only where that was not None."""

    def on_train_begin(self, logs: Logs | None = None) -> Hooked:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> Hooked:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> Hooked:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> Hooked:
        """After an epoch and its validation, with the logs of both."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> Hooked:
        """Before a step: what `on_train_batch_begin` calls."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> Hooked:
        """After a step: what `on_train_batch_end` calls."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> Hooked:
        """Before a step, counted from 0."""
        return self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> Hooked:
        """After a step, with the epoch's logs so far."""
        return self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> Hooked:
        """Before an evaluation or validation."""

    def on_test_end(self, logs: Logs | None = None) -> Hooked:
        """After it, with its logs."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> Hooked:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> Hooked:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> Hooked:
        """Before a prediction run."""

    def on_predict_end(self, logs: Logs | None = None) -> Hooked:
        """After it."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> Hooked:
        """Before a batch of predictions."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> Hooked:
        """After a batch of predictions, with `outputs`."""
