"""ProgramCheckpoint: saves the program while it is trained, always or when it is at its best."""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synalinks import scope
from synalinks._base.warning import warn
from synalinks._support.interactive import report
from synalinks._support.setting_of import SettingOf
from synalinks.callbacks.callback import Callback, Logs
from synalinks.callbacks.monitoring import MonitoredLog
from synalinks.errors import ConfigurationError


class ProgramCheckpoint(Callback):
    """Saves the program while it is trained.

    Args:
        filepath: a `.json` file, `.variables.json` for the variables alone. May hold `{epoch}` and `{batch}` (from 1)
            and names of logs, with a format: `{epoch:02d}-{val_reward:.2f}.json`.
        monitor: the log that says which program is the best.
        verbose: 1 says what is saved, and why not.
        save_best_only: save only when the log is better than before.
        save_variables_only: save the variables alone.
        mode: `max`, `min`, or `auto`: as the metric says, `max` otherwise.
        save_freq: `epoch`, or a number of steps.
        initial_value_threshold: what the first program has to be better than.

    Attributes:
        best: the best value so far.

    Raises:
        ConfigurationError: a file of another suffix, an unknown mode, or no frequency.

    Example:
        >>> checkpoint = synalinks.callbacks.ProgramCheckpoint("epoch-{epoch:02d}.json", save_best_only=True)
        >>> checkpoint.placeholders, checkpoint.monitor
        (['epoch'], 'val_reward')
        >>> synalinks.callbacks.ProgramCheckpoint("program.txt")
        Traceback (most recent call last):
        synalinks.errors.ConfigurationError: ProgramCheckpoint(filepath='program.txt', ...): the path must end in .json
    """

    monitor = SettingOf("_monitor")
    mode = SettingOf("_monitor")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_reward",
        verbose: int = 0,
        save_best_only: bool = False,
        save_variables_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__()
        self.filepath = os.fspath(filepath)
        suffix = ".variables.json" if save_variables_only else ".json"
        if not self.filepath.endswith(suffix):
            raise ConfigurationError(
                f"ProgramCheckpoint(filepath={self.filepath!r}, save_variables_only={save_variables_only}): "
                f"the path must end in {suffix}"
            )
        if not save_variables_only and self.filepath.endswith(".variables.json"):
            raise ConfigurationError(
                f"ProgramCheckpoint(filepath={self.filepath!r}): .variables.json files hold variables alone; "
                "pass save_variables_only=True, or choose another name"
            )
        self.placeholders = _placeholders(self.filepath)
        self.save_freq = checked_frequency("ProgramCheckpoint", save_freq)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_variables_only = save_variables_only
        self.initial_value_threshold = initial_value_threshold
        self.best = initial_value_threshold
        self._monitor = MonitoredLog("ProgramCheckpoint", monitor, mode)
        self._epoch = self._steps = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Take the direction in which the log is better.

        The best value of an earlier `fit` with this callback is still to be beaten: its file is still there.
        """
        self._monitor.resolve(self.program)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the epoch, for file names."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after so many steps."""
        if self.save_freq == "epoch":
            return
        self._steps += 1
        if self._steps >= int(self.save_freq):
            self._steps = 0
            self._checkpoint(logs or {}, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after an epoch and its validation."""
        if self.save_freq == "epoch":
            self._checkpoint(logs or {}, None)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Say so if the log was never there."""
        if self.save_best_only:
            self._monitor.finish()

    def _checkpoint(self, logs: Logs, batch: int | None) -> None:
        number = scope.counted("epoch", self._epoch)
        if not self.save_best_only or self._monitor.has_several(logs):
            if self.save_best_only:
                warn(
                    f"ProgramCheckpoint monitors {self.monitor!r}, which has several values, so that none is the best, "
                    "and every program is saved; give the metric an average, e.g. average='macro'. Got "
                    f"{logs[self.monitor]}",
                )
            path = self._path(logs, batch)
            self._print(f"Epoch {number}: saving model to {path}")
            self._save(path)
            return
        value = self._monitor.value(logs)
        if value is None:
            return
        if not self._monitor.better(value, self.best):
            self._print(f"Epoch {number}: {self.monitor} did not improve from {self.best:.5f}")
            return
        path = self._path(logs, batch)
        since = self._monitor.worst if self.best is None else self.best
        self._print(
            f"Epoch {number}: {self.monitor} improved from {since:.5f} to {value:.5f}, saving program to {path}"
        )
        self._save(path)
        self.best = value

    def _path(self, logs: Logs, batch: int | None) -> Path:
        known = {
            **logs,
            "epoch": scope.counted("epoch", self._epoch),
            **({} if batch is None else {"batch": scope.counted("step", batch)}),
        }
        if missing := [name for name in self.placeholders if name not in known]:
            raise ConfigurationError(
                f"ProgramCheckpoint(filepath={self.filepath!r}): no value for {missing}; there are {sorted(known)}"
            )
        return Path(self.filepath.format(**known))

    def _save(self, path: Path) -> None:
        if self.save_variables_only:
            self.program.save_variables(path)
        else:
            self.program.save(path)

    def _print(self, text: str) -> None:
        if self.verbose:
            report(text)

    def get_state(self) -> dict[str, Any]:
        """The best value so far."""
        return {"best": self.best, "steps": self._steps}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from the best value."""
        self.best, self._steps = state["best"], state["steps"]


def checked_frequency(owner: str, frequency: str | int) -> str | int:
    """`epoch`, or a number of steps.

    Raises:
        ConfigurationError: neither.
    """
    whole = isinstance(frequency, int) and not isinstance(frequency, bool) and frequency >= 1
    if frequency != "epoch" and not whole:
        raise ConfigurationError(f"{owner}(save_freq={frequency!r}): write 'epoch' or a number of steps, 1 or more")
    return frequency


def _placeholders(filepath: str) -> list[str]:
    """The names in a path's braces.

    Raises:
        ConfigurationError: braces that don't close, or hold no name.
    """
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(filepath) if name is not None]
    except ValueError as error:
        raise ConfigurationError(f"ProgramCheckpoint(filepath={filepath!r}): {error}") from error
    if odd := [name for name in names if not name.isidentifier()]:
        raise ConfigurationError(
            f"ProgramCheckpoint(filepath={filepath!r}): {odd} are no names; write {{epoch}}, {{batch}} or a log's name"
        )
    return names
