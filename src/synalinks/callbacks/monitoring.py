"""MonitoredLog: one log of a run, its value in an epoch, and whether one value is better than another."""

from __future__ import annotations

import math
from typing import Any, Literal

from synalinks._base.warning import warn
from synalinks.callbacks.callback import Logs
from synalinks.errors import ConfigurationError

Mode = Literal["auto", "min", "max"]
#: What a metric may say of itself in an attribute `direction`, and the mode that follows.
DIRECTIONS = {"up": "max", "max": "max", "down": "min", "min": "min"}
#: Words in front of a metric's name in logs.
VALIDATION = "val_"


class MonitoredLog:
    """One log of a run, and in which direction it is better.

    Args:
        owner: the callback's name, for messages.
        monitor: the log's name, e.g. `val_reward`.
        mode: `max`, `min`, or `auto`: as the metric of that name says in its `direction`, else `max`.
        min_delta: a smaller change, in either direction, is none.

    Attributes:
        mode: as given.
        direction: `max` or `min`; for `auto` known once `resolve` has seen the program.

    Raises:
        ConfigurationError: no such mode, or a `min_delta` below 0.
    """

    def __init__(self, owner: str, monitor: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ConfigurationError(f"{owner}(mode={mode!r}): write 'auto', 'min' or 'max'")
        if min_delta < 0:
            raise ConfigurationError(f"{owner}(min_delta={min_delta!r}): 0 or above")
        self.owner = owner
        self.monitor = monitor
        self.min_delta = min_delta
        self.mode = mode
        self.direction = "min" if mode == "min" else "max"
        self._seen = self._warned = False
        self._others: set[str] = set()
        self._unknown: Any = None

    def resolve(self, program: Any) -> None:
        """Take the direction from the metrics that the program was compiled with, and begin a new run."""
        self._seen = self._warned = False
        self._others = set()
        self.direction = "min" if self.mode == "min" else "max"
        if self.mode != "auto":
            return
        compiled = program.compilation
        monitored = self.monitor.removeprefix(VALIDATION)
        for name, metric in zip(compiled.names(), compiled.metrics, strict=True):
            if name == monitored or monitored.startswith(f"{name}_"):  # one of its labels
                self.direction = DIRECTIONS.get(str(getattr(metric, "direction", None)), "max")

    def value(self, logs: Logs) -> float | None:
        """The log's value, or None where these logs don't hold it, or hold None or NaN: it is not known.

        A log that is missing is warned of once; a validation's only at the end of the run (`finish`), because an epoch
        without validation has none; so is one that is there and not known, for it may be known later. Of several values
        at once none is the one to compare.

        Raises:
            ConfigurationError: the log is no number.
        """
        found = scalar(logs.get(self.monitor))
        if self.monitor in logs and (found is None or found != found or self.has_several(logs)):  # NaN is not itself
            self._unknown = found
            self._others |= logs.keys()
            return None
        if found is None:
            self._others |= logs.keys()
            validated = any(name.startswith(VALIDATION) for name in logs)
            if not self.monitor.startswith(VALIDATION) or validated:
                self._warn()
            return None
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise ConfigurationError(f"{self.owner} monitors {self.monitor!r}, which is no number: {found!r}")
        self._seen = True
        return float(found)

    def has_several(self, logs: Logs) -> bool:
        """Whether the log holds several values, such as one for each label, so that none of them says what is best."""
        return isinstance(scalar(logs.get(self.monitor)), (list, tuple))

    def finish(self) -> None:
        """Warn if the log was never there."""
        if not self._seen and self._others:
            self._warn()

    def _warn(self) -> None:
        if self._warned or self._seen:
            return
        self._warned = True
        if self.monitor in self._others:
            warn(
                f"{self.owner} monitors {self.monitor!r}, which was {self._unknown} whenever it was logged: its value "
                "is not known, so nothing was done",
            )
            return
        held = ", ".join(sorted(self._others)) or "nothing"
        warn(
            f"{self.owner} monitors {self.monitor!r}, which the logs don't hold, so it does nothing. They hold: {held}",
        )

    @property
    def worst(self) -> float:
        """What every value is better than."""
        return -math.inf if self.direction == "max" else math.inf

    def better(self, value: float, than: float | None) -> bool:
        """Whether one value is better than another by more than `min_delta`; anything is better than None."""
        if than is None:
            return True
        if self.direction == "max":
            return value - self.min_delta > than
        return value + self.min_delta < than


def scalar(value: object) -> Any:
    """A value of NumPy as Python's, several as a list; a list of one is that one."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return scalar(value[0]) if isinstance(value, (list, tuple)) and len(value) == 1 else value
