"""The progress of a run: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from synalinks.callbacks.callback import Callback

BAR_WIDTH = 20
#: Seconds between two redraws of the live bar.
REDRAW = 0.05


class ProgbarLogger(Callback):
    """Writes the progress of fit, evaluate and predict to standard output.

    On a terminal: a bar that is redrawn, with rate, time left, metrics and, under a price, the money spent. Elsewhere:
    two lines per epoch, `Epoch 1/2` and one with steps, seconds and logs.

    Args:
        spent: gives the money spent so far as text, or None where nothing has a price.
        budget: gives what is spent of the budget as text, or None without one; shown on the bar.
    """

    def __init__(
        self, spent: Callable[[], str | None] | None = None, budget: Callable[[], str | None] | None = None
    ) -> None:
        super().__init__()
        self._spent = spent or (lambda: None)
        self._budget = budget or (lambda: None)
        self._begun = self._drawn = 0.0
        self._done = 0
        self._in_fit = False

    @property
    def _live(self) -> bool:
        return self.params.get("verbose") != 2 and sys.stdout.isatty()

    def _begin(self) -> None:
        self._begun, self._drawn, self._done = perf_counter(), 0.0, 0

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Fit has begun: evaluations inside it are silent."""
        self._in_fit = True

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Fit is over."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Head the epoch."""
        self._begin()
        if self.params.get("epochs", 1) > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}", flush=True)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """The epoch's line, validation included."""
        self._finish(logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Another step is done."""
        self._advance(batch, logs)

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """An evaluation begins."""
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Another batch is done."""
        if not self._in_fit:
            self._advance(batch, logs)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """The evaluation's line."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Predictions begin."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Another batch is done."""
        self._advance(batch, None)

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """The line of the run."""
        self._finish(None)

    def _advance(self, batch: int, logs: Mapping[str, Any] | None) -> None:
        self._done = batch + 1
        now = perf_counter()
        if self._live and now - self._drawn >= REDRAW:
            self._drawn = now
            sys.stdout.write("\r\x1b[2K" + self._bar(now - self._begun, logs))
            sys.stdout.flush()

    def _bar(self, seconds: float, logs: Mapping[str, Any] | None) -> str:
        total, money = self.params.get("steps"), self._money() + self._of_budget()
        if total is None:
            return f"{self._done}/? - {duration(seconds)}{logs_text(logs)}{money}"
        filled = BAR_WIDTH * self._done // max(1, total)
        bar = f"\x1b[32m{'━' * filled}\x1b[0m\x1b[2m{'━' * (BAR_WIDTH - filled)}\x1b[0m"
        left = seconds / max(1, self._done) * (total - self._done)
        rate = per_step(seconds, self._done)
        return f"\x1b[1m{self._done}/{total}\x1b[0m {bar} {duration(left)} left {rate}{logs_text(logs)}{money}"

    def _finish(self, logs: Mapping[str, Any] | None) -> None:
        seconds = perf_counter() - self._begun
        start = "\r\x1b[2K" if self._live else ""
        total = self.params.get("steps") or self._done
        rate = per_step(seconds, self._done)
        print(f"{start}{self._done}/{total} - {duration(seconds)} {rate}{logs_text(logs)}{self._money()}", flush=True)

    def _money(self) -> str:
        spent = self._spent()
        return f" - {spent}" if spent else ""

    def _of_budget(self) -> str:
        spent = self._budget()
        return f" - {spent}" if spent else ""


def duration(seconds: float) -> str:
    """`24s`, `2:05` or `1:02:05`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def per_step(seconds: float, steps: int) -> str:
    """`4s/step`, `80ms/step` or `15us/step`."""
    each = seconds / max(1, steps)
    if each >= 1:
        return f"{each:.0f}s/step"
    return f"{each * 1e3:.0f}ms/step" if each >= 1e-3 else f"{each * 1e6:.0f}us/step"


def logs_text(logs: Mapping[str, Any] | None) -> str:
    """` - name: 0.1234` for each log."""
    return "".join(f" - {name}: {number(value)}" for name, value in (logs or {}).items())


def number(value: Any) -> str:
    """Four decimals, or scientific where those would hide it."""
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.4f}" if value == 0 or abs(value) > 1e-3 else f"{value:.4e}"
