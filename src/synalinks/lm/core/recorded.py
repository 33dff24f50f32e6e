"""Recorded: what a cassette answers a call with, on its way through the budgets, which charge it."""

from __future__ import annotations

from dataclasses import dataclass

from synalinks.lm.core.amount import NOTHING, Amount
from synalinks.lm.core.errors import BudgetExceeded, LMError
from synalinks.lm.core.reply import Reply


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a cassette answers a call with; every layer above the budget hands it down untouched.

    Attributes:
        outcome: the answer, the failure, or the refusal by a budget; None where the cassette has none of them.
        fresh: the part of an answer that is new to this run and is charged, where that is not all of it.
        settled: what the budgets of the recorded run settled for attempts whose cost is not known.
        refused_by: which of the open budgets, from 0, refused the recorded call.
        ended: descriptions of budgets that ended the recorded run, or were exceeded in it, as `BudgetTracker.key` gives
            them.
    """

    outcome: Reply | LMError | BudgetExceeded | None
    fresh: Reply | None = None
    settled: Amount = NOTHING
    refused_by: int = 0
    ended: frozenset[str] = frozenset()
