"""EarlyStopping: ends training when a log stops improving, or is good enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks import scope
from synalinks._support.interactive import report
from synalinks._support.setting_of import SettingOf
from synalinks.callbacks.callback import Callback, Logs
from synalinks.callbacks.monitoring import MonitoredLog
from synalinks.data import copy_json
from synalinks.errors import ConfigurationError


class EarlyStopping(Callback):
    """Ends training when a log has stopped improving, or has reached what is wanted.

    Args:
        monitor: the log's name.
        min_delta: a smaller improvement is none.
        stop_at: end at once when the log is this good; only where more is better. None: never.
        patience: epochs without improvement to wait for.
        verbose: 1 says when and why.
        mode: `max`, `min`, or `auto`: as the metric says, `max` otherwise.
        baseline: a value that has to be beaten within `patience` epochs.
        restore_best_variables: leave the trainable variables of the best epoch in the program, not of the last.
        start_from_epoch: the first epoch that is looked at, from 0.

    Attributes:
        stopped_epoch: the epoch that was the last one, from 0; 0 as well if training was not ended here.
        best, best_epoch, wait: the best value, when it was, and the epochs since then.
        best_variables: the trainable variables of that epoch by path, with `restore_best_variables`; else None.

    Raises:
        ConfigurationError: a `patience` or `min_delta` below 0, or an unknown mode.

    Example:
        >>> from types import SimpleNamespace
        >>> stopping = synalinks.callbacks.EarlyStopping("reward", mode="max", verbose=1)
        >>> stopping.set_program(SimpleNamespace(stop_training=False, trainable_variables=[]))
        >>> for epoch, reward in enumerate([0.5, 0.75, 0.75]):
        ...     stopping.on_epoch_end(epoch, {"reward": reward})
        Epoch 3: early stopping, reward did not improve from 0.75000
    """

    monitor = SettingOf("_monitor")
    min_delta = SettingOf("_monitor")
    mode = SettingOf("_monitor")

    def __init__(
        self,
        monitor: str = "val_reward",
        min_delta: float = 0,
        stop_at: float | None = 1.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_variables: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__()
        if patience < 0:
            raise ConfigurationError(f"EarlyStopping(patience={patience!r}): epochs to wait, 0 or above")
        self.stop_at = stop_at
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_variables = restore_best_variables
        self.start_from_epoch = start_from_epoch
        self._monitor = MonitoredLog("EarlyStopping", monitor, mode, min_delta)
        self._begin()

    def _begin(self) -> None:
        self.best: float | None = None
        self.best_epoch = self.wait = self.stopped_epoch = 0
        self.best_variables: dict[str, Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew."""
        self._monitor.resolve(self.program)
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and end training where nothing more is to be expected."""
        value = self._monitor.value(logs or {})
        if value is None or epoch < self.start_from_epoch:
            return
        first = self.best is None
        self.wait += 1
        if self._monitor.better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_variables:
                variables = self.program.trainable_variables
                self.best_variables = {variable.path: copy_json(variable.get_json()) for variable in variables}
            if self.baseline is None or self._monitor.better(value, self.baseline):
                self.wait = 0
        if self.stop_at is not None and self._monitor.direction == "max" and value >= self.stop_at:
            self._stop(epoch, f"{self.monitor} reached {value:.5f}")
        elif self.wait >= max(1, self.patience) and not first:
            self._stop(epoch, f"{self.monitor} did not improve from {self.best:.5f}")

    def _stop(self, epoch: int, why: str) -> None:
        self.stopped_epoch = epoch
        self.program.stop_training = True
        if self.verbose:
            report(f"Epoch {scope.shown('epoch', epoch)}: early stopping, {why}")

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best variables, with `restore_best_variables`."""
        self._monitor.finish()
        if self.best_variables is None:
            return
        for variable in self.program.trainable_variables:
            variable.assign(self.best_variables[variable.path])
        if self.verbose:
            report(f"Restoring the variables of the best epoch: {scope.shown('epoch', self.best_epoch)}")

    def get_state(self) -> dict[str, Any]:
        """What it has seen."""
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "wait": self.wait,
            "best_variables": self.best_variables,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what it had seen."""
        self.best, self.best_epoch, self.wait = state["best"], state["best_epoch"], state["wait"]
        self.best_variables = state["best_variables"]
