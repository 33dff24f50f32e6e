"""History: what `fit` returns: logs by epoch, the ledger of its calls, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.callbacks.callback import Callback
from synalinks.lm.ledger import Ledger


class History(Callback):
    """Logs by epoch, and the bill.

    Attributes:
        history: a list per name, one value per epoch: metrics and `reward` on the training samples, then `val_*`.
        epoch: the epochs run, from 0.
        ledger: every model call of this `fit`.
        stopped_by: `budget`, `callback` or `interrupt` if training ended early, else None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.ledger = Ledger()
        self.stopped_by: str | None = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Append the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        """The logs so far. The ledger is of this process's calls alone."""
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on with the logs of the epochs before."""
        self.history = {name: list(values) for name, values in state["history"].items()}
        self.epoch = list(state["epoch"])

    @property
    def costs(self) -> list[dict[str, Any]]:
        """One row per epoch and phase: calls, hits, failed, tokens, dollars billed and as if live."""
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
                    "billed": totals.billed,
                    "as_if": totals.as_if,
                }
            )
        return rows

    @property
    def failed_calls(self) -> int:
        """Calls that failed for good; their samples scored 0."""
        return self.ledger.total.failed

    def __repr__(self) -> str:
        stop = f", stopped by {self.stopped_by}" if self.stopped_by else ""
        return f"<History {len(self.epoch)} epochs{stop}, {self.ledger!r}>"
