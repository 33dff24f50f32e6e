"""BudgetStopping: a budget for `fit`, in the form of a callback."""

from __future__ import annotations

from synalinks._support.interactive import report
from synalinks.callbacks.callback import Callback, Logs
from synalinks.errors import ConfigurationError
from synalinks.lm import Budget


class BudgetStopping(Callback):
    """A budget for `fit`, in the form of a callback: the same as `fit(budget=Budget(usd=..., tokens=...))`.

    What a call may cost is reserved before it is sent, so the budget is not exceeded, not even by a batch. An epoch
    that can't be expected to end with its validation is not begun.

    Args:
        max_cost: dollars.
        max_tokens: prompt and answer tokens together.
        verbose: 1 says when it ended training, and why.

    Attributes:
        budget: what `fit` is held to.

    Raises:
        ConfigurationError: no limit at all, or one below 0.

    Example:
        >>> synalinks.callbacks.BudgetStopping(max_cost=0.50).budget.usd
        Decimal('0.5')
    """

    def __init__(self, max_cost: float | None = None, max_tokens: int | None = None, verbose: int = 0) -> None:
        super().__init__()
        if max_cost is None and max_tokens is None:
            raise ConfigurationError("BudgetStopping() limits nothing; give max_cost= (dollars) or max_tokens=")
        self.max_cost = max_cost
        self.max_tokens = max_tokens
        self.verbose = verbose
        self.budget = Budget(usd=max_cost, tokens=max_tokens)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Print what was spent, if the budget ended training."""
        history = self.program.history
        if self.verbose and history.stopped_by == "budget":
            total = history.ledger.total
            why = "" if history.stop_reason is None else f": {history.stop_reason}"
            report(f"BudgetStopping: training ended after {total.as_if} and {total.tokens:,} tokens{why}")
