"""ProgbarLogger: the progress of a run, a bar on a terminal and lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from synalinks import scope
from synalinks._base.lazy import LazyModule
from synalinks._support.interactive import is_interactive_logging_enabled, report
from synalinks._support.log_values import log_value
from synalinks._support.notebook_display import NotebookDisplay, in_notebook
from synalinks.callbacks.callback import Callback, Logs

if TYPE_CHECKING:
    from synalinks.callbacks import progress_bar
else:
    progress_bar = LazyModule("synalinks.callbacks.progress_bar")  # rich takes 60 ms; only terminals need it

#: Seconds between two drawings of the bar.
REDRAW = 0.05
#: Seconds between two lines where no bar can be drawn, as in the log of a CI job.
LINE_EVERY = 30.0
#: Seconds between two drawings in a notebook, to which each is a message.
NOTEBOOK_REDRAW = 0.5


class ProgbarLogger(Callback):
    """Writes the progress of fit, evaluate and predict to standard output.

    On a terminal: a bar that is redrawn, with time left, rate, logs, tokens and, where there is a price, the money
    spent and the calls that failed. In a notebook: the same in one output, which is redrawn. Elsewhere, on a terminal
    that cannot move its cursor (`TERM=dumb`) and with `verbose=2`: two lines an epoch, `Epoch 1/2` and one with steps,
    seconds, logs and money, and one every 30 seconds between. Epochs are counted from 1. After
    `synalinks.config.disable_interactive_logging()` the lines go to the logger `synalinks`.

    Args:
        spent: gives the money spent so far as text, or None where nothing has a price.
        budget: gives what is spent of the budget as text, or None without one; shown beside the bar.
        tokens: gives the tokens so far; shown beside the bar.
        failed: gives the calls that failed so far; shown where there are any.

    Example:
        >>> from synalinks.callbacks import ProgbarLogger
        >>> bar = ProgbarLogger(spent=lambda: "$0.0123")
        >>> bar.set_params({"epochs": 2, "steps": 1, "verbose": 2})
        >>> bar.on_epoch_begin(0)
        Epoch 1/2
        >>> bar.on_train_batch_end(0)
        >>> bar.on_epoch_end(0, {"reward": 0.5})  # doctest: +ELLIPSIS
        1/1 - 0s ...s/step - reward: 0.5000 - $0.0123
    """

    def __init__(
        self,
        spent: Callable[[], str | None] = lambda: None,
        budget: Callable[[], str | None] = lambda: None,
        tokens: Callable[[], int] = lambda: 0,
        failed: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__()
        self.failed = failed
        self._notebook: NotebookDisplay | None = None
        self._logs: Logs = {}
        self.spent, self.budget, self.tokens = spent, budget, tokens
        self._begun = self._drawn = 0.0
        self._done = 0
        self._in_fit = False
        self._epoch = scope.shown("epoch", 0)
        self._bar: progress_bar.ProgressBar | None = None

    def close(self) -> None:
        """End the drawing of a run that an error ended; the bar stays as it was drawn last."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _begin(self) -> None:
        self._begun, self._drawn, self._done, self._logs = perf_counter(), 0.0, 0, {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Fit has begun: evaluations inside it are silent."""
        self._in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Fit is over; a line says why, where it ended before its last epoch."""
        self._in_fit = False
        history = getattr(self.program, "history", None)
        reason = getattr(history, "stop_reason", None)
        warned = getattr(history, "stopped_by", None) == "failures"
        if reason and not warned and self.params.get("verbose") != 0:
            self._say(f"Ended in epoch {self._epoch} of {self.params.get('epochs', 1)}: {reason}")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Head the epoch."""
        self._begin()
        self._epoch = scope.shown("epoch", epoch)
        if self.params.get("epochs", 1) > 1:
            self._say(f"Epoch {self._epoch}/{self.params['epochs']}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """The epoch's line, validation included."""
        self._finish(logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another step is done."""
        self._advance(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """An evaluation begins."""
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another batch is done."""
        if not self._in_fit:
            self._advance(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """The evaluation's line."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Predictions begin."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another batch is done."""
        self._advance(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """The line of the run."""
        self._finish(None)

    def _advance(self, batch: int, logs: Logs | None) -> None:
        self._done, self._logs = batch + 1, logs or {}
        self.redraw()

    def redraw(self) -> None:
        """Show how far the run is, also within a long step; a line now and then where nothing can be redrawn."""
        now = perf_counter()
        if not self._begun or self.params.get("verbose") == 0:
            return
        if self._bar is not None or self._draws():
            if now - self._drawn >= REDRAW:
                self._drawn = now
                self._draw(now - self._begun, self._logs)
        elif self._in_notebook():
            if now - self._drawn >= NOTEBOOK_REDRAW:
                self._drawn = now
                total = self.params.get("steps")
                self._display().draw(self._line(now - self._begun), self._done / total if total else None)
        elif now - max(self._drawn, self._begun) >= LINE_EVERY:
            self._drawn = now
            report(self._line(now - self._begun))

    def _line(self, seconds: float) -> str:
        """How far the run is, as text."""
        total = self.params.get("steps")
        count = f"{self._done}/{'?' if total is None else total}"
        time = time_left(seconds, self._done, total) if self._done else duration(seconds)
        return " - ".join([count, time, *self._details(self._logs)])

    def _details(self, logs: Logs) -> list[str]:
        tokens, failed = self.tokens(), self.failed()
        details = (
            *map(log_text, logs.items()),
            self.spent(),
            f"{tokens:,} tokens" if tokens else None,
            self.budget(),
            f"{failed:,} failed" if failed else None,
        )
        return [detail for detail in details if detail]

    def _in_notebook(self) -> bool:
        return self.params.get("verbose") != 2 and is_interactive_logging_enabled() and in_notebook()

    def _display(self) -> NotebookDisplay:
        if self._notebook is None:
            self._notebook = NotebookDisplay()
        return self._notebook

    def _say(self, line: str) -> None:
        """A line that stays."""
        if self._in_notebook():
            self._display().add(line)
        else:
            report(line)

    def _draws(self) -> bool:
        return self.params.get("verbose") != 2 and can_draw()

    def _draw(self, seconds: float, logs: Logs) -> None:
        if self._bar is None:
            self._bar = progress_bar.ProgressBar()
        total = self.params.get("steps")
        time = time_left(seconds, self._done, total) if self._done else duration(seconds)
        self._bar.draw(progress_bar.Progress(self._done, total, time, self._details(logs)))

    def _finish(self, logs: Logs | None) -> None:
        seconds, bar = perf_counter() - self._begun, self._bar
        self._bar = None
        total = self.params.get("steps") or self._done
        time = f"{duration(seconds)} {per_step(seconds, self._done)}"
        failed = self.failed()
        failures = f"{failed:,} failed" if failed else None
        details = (f"{self._done}/{total}", time, *map(log_text, (logs or {}).items()), self.spent(), failures)
        shown = [detail for detail in details if detail]
        if bar is None:
            self._say(" - ".join(shown))
        else:
            bar.finish(shown)
        self._begun = 0.0


def can_draw() -> bool:
    """Whether a bar can be drawn: on a terminal that can move its cursor, and beside no other bar."""
    if not is_interactive_logging_enabled():
        return False
    other = getattr(sys.stdout, "rich_proxied_file", None)  # rich stands between a bar and what is printed
    return other is None and sys.stdout.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def duration(seconds: float) -> str:
    """`24s`, `2:05` or `1:02:05`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def time_left(seconds: float, done: int, total: int | None, unit: str = "step") -> str:
    """`12s left 4s/step`; the seconds so far where the steps in all are unknown."""
    if total is None:
        return duration(seconds)
    return f"{duration(seconds / max(1, done) * (total - done))} left {per_step(seconds, done, unit)}"


def per_step(seconds: float, steps: int, unit: str = "step") -> str:
    """`4s/step`, `80ms/step` or `15us/step`."""
    each = seconds / max(1, steps)
    if each >= 1:
        return f"{each:.0f}s/{unit}"
    return f"{each * 1e3:.0f}ms/{unit}" if each >= 1e-3 else f"{each * 1e6:.0f}us/{unit}"


def log_text(log: tuple[str, object]) -> str:
    """`name: 0.1234`; counts and dollars as such: `total_tokens: 1,761`, `cost: $0.0123`."""
    name, value = log
    return f"{name}: {log_value(name, value)}"
