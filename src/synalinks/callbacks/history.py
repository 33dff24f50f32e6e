"""History: what `fit` returns: logs by epoch, the ledger of its calls, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks import _json, scope
from synalinks._base import html as _html
from synalinks._base.frames import data_frame
from synalinks._json import JsonObject
from synalinks._support.log_values import log_value
from synalinks.callbacks.callback import Callback, Logs
from synalinks.callbacks.forecast import ForecastVsActual
from synalinks.callbacks.measured import Measured, ScoredSamples
from synalinks.callbacks.reward_curve import CurvePoint, best_within
from synalinks.lm import BudgetTracker, Forecast, Ledger, Totals

if TYPE_CHECKING:
    import pandas


class History(Callback):
    """Logs by epoch, and the bill.

    Attributes:
        history: a list per name, one value per epoch: metrics and `reward` on the training samples, then `val_*`.
        epoch: the epochs run, from 0.
        ledger: every model call of this `fit`.
        reward_curve: what the training had cost and how good the program was, after each step and each epoch.
        measured: how sure the figures are: 95 % intervals, and rewards by sample; see `Measured`.
        samples: targets of samples, and the reward of each by epoch and phase; see `ScoredSamples`.
        test: what the trained program earns on `test_data`: `test_reward` and the metrics; empty without.
        seed: of the fit.
        feedback: words of rewards, the newest last: the place of the sample as the ledger has it (epoch, step, phase,
            sample), reward and feedback, and in phase `candidate`, where several answer a sample in one place, the
            digests of the calls; see `rewards.Score`.
        stopped_by: `budget`, `callback`, `failures` or `interrupt` if training ended early, else None.
        stop_reason: why a budget, too many failed calls, or a search with nothing more to try ended training, in words,
            else None.
        forecast: the last forecast made of this program (`program.estimate`), or None.
        candidates: what became of each candidate: its name and its parents', the fields in which it differs, its
            evidence and the outcome; JSON. A parent that was no candidate before is noted as a start. The newest
            10,000.
        budget: the budget of this `fit` with what is spent of it, or None without one.

    Example:
        >>> history = synalinks.callbacks.History()
        >>> for epoch, reward in enumerate([0.5, 0.75]):
        ...     history.on_epoch_end(epoch, {"reward": reward, "val_reward": reward})
        ...
        >>> history.history["reward"], history.best_within(calls=0)
        ([0.5, 0.75], 0.75)
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.ledger = Ledger()
        self.reward_curve: list[CurvePoint] = []
        self._before: CurvePoint | None = None  # where the run that this one goes on from was cut off
        self._epoch = 0
        self.candidates: list[JsonObject] = []
        self.measured = Measured()
        self.samples = ScoredSamples()
        self.test: dict[str, float] = {}
        self.seed: int | None = None
        self.feedback: Sequence[JsonObject] = []
        self.stopped_by: str | None = None
        self.stop_reason: str | None = None
        self.budget: BudgetTracker | None = None
        self.forecast: Forecast | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "program": None}  # a record of a run does not take the program along

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the epoch that points of the curve are of."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A point of the curve."""
        self._add_point(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the epoch's logs, and a point of the curve."""
        self._add_point(None, logs)
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def _add_point(self, step: int | None, logs: Logs | None) -> None:
        point = CurvePoint.after(self.ledger.total, self._before, self._epoch, step, logs or {})
        self.reward_curve.append(point)

    def best_within(
        self,
        calls: int | None = None,
        tokens: int | None = None,
        usd: Decimal | float | str | None = None,
        monitor: str = "val_reward",
    ) -> float | None:
        """The best `val_reward` (or `reward`) that was reached within so many calls, tokens or dollars as if live; None
        if there was none by then. So optimizers are compared at equal cost."""
        return best_within(self.reward_curve, calls, tokens, usd, monitor)

    def get_state(self) -> dict[str, Any]:
        """Logs, curve and candidates so far. The ledger is of this process's calls alone."""
        curve = [point.to_dict() for point in self.reward_curve]
        return {
            "history": self.history,
            "epoch": self.epoch,
            "reward_curve": curve,
            "measured": self.measured.get_state(),
            "candidates": list(self.candidates),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on with the logs and the curve of the epochs before."""
        self.history = {name: list(values) for name, values in state["history"].items()}
        self.epoch = list(state["epoch"])
        self.reward_curve = [CurvePoint.from_dict(point) for point in state.get("reward_curve", ())]
        if "measured" in state:  # states of versions before don't have it
            self.measured.set_state(state["measured"])
        self.candidates = list(state.get("candidates", ()))
        self._before = self.reward_curve[-1] if self.reward_curve else None

    def to_dict(self) -> dict[str, Any]:
        """The history as JSON: logs, curve, intervals, candidates, feedback, costs and how it ended; see `save`."""
        return {
            "synalinks_history": 1,
            **self.get_state(),
            "samples": self.samples.to_dict(),
            "test": self.test,
            "seed": self.seed,
            "feedback": list(self.feedback),
            "stopped_by": self.stopped_by,
            "stop_reason": self.stop_reason,
            "costs": self.costs,
        }

    def save(self, filepath: str | Path) -> None:
        """Write the history as JSON, for `synalinks report`. The ledger has a file of its own: `ledger.to_jsonl`."""
        Path(filepath).write_text(_json.dumps(self.to_dict()), encoding="utf-8")

    @property
    def costs(self) -> list[dict[str, Any]]:
        """One row per epoch and phase, as JSON: `pandas.DataFrame(history.costs)` is a table of it.

        `billed` and `as_if` are dollars, floats, of the calls whose price is known, failed attempts included;
        `unpriced` counts the others. `failed_tokens` are those of failed attempts. `history.ledger` has exact sums.
        """
        rows = []
        for (epoch, phase), totals in self.ledger.by("epoch", "phase").items():
            rows.append(
                {
                    "epoch": epoch,
                    "phase": phase,
                    "calls": totals.calls,
                    "hits": totals.hits,
                    "failed": totals.failed,
                    "input_tokens": totals.input_tokens,
                    "output_tokens": totals.output_tokens,
                    "failed_tokens": totals.failed_tokens,
                    "billed": float(totals.billed.known),
                    "as_if": float(totals.as_if.known),
                    "unpriced": totals.as_if.unknown,
                }
            )
        return rows

    @property
    def forecast_vs_actual(self) -> ForecastVsActual | None:
        """The forecast beside what was taken, by phase: `print` it; None if none was made."""
        return None if self.forecast is None else ForecastVsActual(self.forecast, self.ledger, len(self.epoch))

    @property
    def failed_calls(self) -> int:
        """Calls that failed for good; their samples scored 0."""
        return self.ledger.total.failed

    def to_pandas(self) -> pandas.DataFrame:
        """A row per epoch, from 1: its logs, and the calls, tokens and dollars (floats) it took.

        `ledger.to_pandas()` has a row per call.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        taken = self.ledger.by("epoch")
        rows: list[dict[str, object]] = []
        for place, epoch in enumerate(self.epoch):
            totals = taken.get(epoch, Totals())
            rows.append(
                {
                    "epoch": scope.counted("epoch", epoch),
                    **{name: found[place] for name, found in self.history.items() if place < len(found)},
                    "calls": totals.calls,
                    "tokens": totals.tokens,
                    "billed": float(totals.billed.known),
                    "as_if": float(totals.as_if.known),
                }
            )
        return data_frame(rows, index="epoch")

    def curves(self, by: str = "calls") -> dict[str, list[tuple[float, float]]]:
        """Points (x, reward) of `reward` and `val_reward` at the ends of epochs; x is `epoch`, from 1, or `calls`."""
        ends = [point for point in self.reward_curve if point.step is None]
        found: dict[str, list[tuple[float, float]]] = {}
        for name in ("reward", "val_reward"):
            known = [(point, getattr(point, name)) for point in ends]
            found[name] = [
                (scope.counted("epoch", point.epoch) if by == "epoch" else point.calls, y)
                for point, y in known
                if y is not None
            ]
        return found

    def _repr_html_(self) -> str:
        rows = []
        for place, epoch in enumerate(self.epoch):
            values = ((name, found[place] if place < len(found) else None) for name, found in self.history.items())
            rows.append((scope.shown("epoch", epoch), *(log_value(*value) for value in values)))
        stop = f", stopped by {self.stopped_by}: {self.stop_reason or ''}" if self.stopped_by else ""
        return _html.block(
            f"History, {_epochs(self.epoch)}{stop}",
            _html.line_chart(self.curves("epoch"), "epoch", "reward by epoch"),
            _html.table(("epoch", *self.history), rows, numbers=range(1 + len(self.history))),
            self.ledger._repr_html_(),
        )

    @property
    def failures(self) -> list[JsonObject]:
        """Each call that failed for good, as JSON: its place, model, kind of failure, and why it failed."""
        return [
            {**entry.scope.to_dict(), "model": entry.model, "kind": entry.error, "failure": entry.error_message}
            for entry in self.ledger
            if entry.error is not None
        ]

    def __repr__(self) -> str:
        stop = f", stopped by {self.stopped_by}" if self.stopped_by else ""
        return f"<History {_epochs(self.epoch)}{stop}, {self.ledger!r}>"


def _epochs(epochs: Sequence[int]) -> str:
    return "1 epoch" if len(epochs) == 1 else f"{len(epochs):,} epochs"
