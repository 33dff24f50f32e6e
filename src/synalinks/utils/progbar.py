"""Progbar: the progress of a loop of one's own, drawn as `fit` draws its own."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING

from synalinks._base.lazy import LazyModule
from synalinks._support.interactive import report
from synalinks.callbacks.progress import REDRAW, can_draw, duration, log_text, per_step, time_left
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from synalinks.callbacks import progress_bar
else:
    progress_bar = LazyModule("synalinks.callbacks.progress_bar")  # rich takes 60 ms; only terminals need it


class Progbar:
    """The progress of a loop: a bar on a terminal, one line at the end elsewhere.

    Example:
        >>> bar = synalinks.utils.Progbar(2, verbose=2)
        >>> bar.update(1, [("reward", 0.0)])
        >>> bar.update(2, [("reward", 1.0)])  # doctest: +ELLIPSIS
        2/2 - 0s ...s/step - reward: 0.5000

    Args:
        target: the steps in all; None where they are unknown, then `finalize=True` ends it.
        width: columns of the bar.
        verbose: 1 draws a bar on a terminal and writes the last line elsewhere; 2 writes the last line; 0 is silent.
        interval: seconds between two drawings.
        unit_name: what a step is called.

    Raises:
        ConfigurationError: a target below 0, or another `verbose`.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = REDRAW,
        unit_name: str = "step",
    ) -> None:
        if target is not None and target < 0:
            raise ConfigurationError(f"Progbar(target={target}): give the number of steps, or None")
        if verbose not in (0, 1, 2):
            raise ConfigurationError(f"Progbar(verbose={verbose!r}): write 0, 1 or 2")
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self._begun, self._drawn = perf_counter(), 0.0
        self._done = 0
        self._sums: dict[str, tuple[float, int]] = {}  # the sum of values over steps, and the steps
        self._texts: dict[str, str] = {}
        self._bar: progress_bar.ProgressBar | None = None

    def update(
        self, current: int, values: Iterable[tuple[str, object]] | None = None, finalize: bool | None = None
    ) -> None:
        """The loop is at step `current`.

        Args:
            values: pairs of a name and its value since the last update. Of numbers the mean by steps is shown.
            finalize: whether this was the last step; where None, it is the last if it is the target.
        """
        steps = max(1, current - self._done)
        for name, value in values or ():
            if isinstance(value, int | float):
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + value * steps, count + steps
            self._texts[name] = log_text((name, self._mean(name) if name in self._sums else value))
        self._done = current
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if self.verbose == 0:
            return
        if finalize:
            self._finish()
        elif self.verbose == 1 and (self._bar is not None or can_draw()):
            self._draw()

    def add(self, n: int, values: Iterable[tuple[str, object]] | None = None) -> None:
        """The loop did `n` steps more."""
        self.update(self._done + n, values)

    def _mean(self, name: str) -> float:
        total, count = self._sums[name]
        return total / count

    def _draw(self) -> None:
        now = perf_counter()
        if now - self._drawn < self.interval:
            return
        self._drawn = now
        if self._bar is None:
            self._bar = progress_bar.ProgressBar()
        time = time_left(now - self._begun, self._done, self.target, self.unit_name)
        self._bar.draw(progress_bar.Progress(self._done, self.target, time, list(self._texts.values()), self.width))

    def _finish(self) -> None:
        seconds = perf_counter() - self._begun
        time = f"{duration(seconds)} {per_step(seconds, self._done, self.unit_name)}"
        shown = [f"{self._done}/{self.target or self._done}", time, *self._texts.values()]
        bar, self._bar = self._bar, None
        if bar is None:
            report(" - ".join(shown))
        else:
            bar.finish(shown)
