"""What budgets are charged for answers and failures: live attempts one by one, recorded calls as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from synalinks.lm.budget.tracker import BudgetTracker
from synalinks.lm.core.amount import NOTHING, ZERO, Amount
from synalinks.lm.core.errors import LMError
from synalinks.lm.core.reply import Reply


def spent_on(reply: Reply, trackers: Sequence[BudgetTracker]) -> Amount | None:
    """What one answered attempt cost; None if a count that is capped is not known."""
    tokens, cost = reply.usage.total_tokens, reply.cost
    for tracker in trackers:
        if tracker.budget.tokens is not None and tokens is None:
            return None
        if tracker.budget.usd is not None and cost is None and tracker.budget.unpriced == "raise":
            return None
    return Amount(max(cost or ZERO, ZERO), max(tokens or 0, 0), 1)  # a count below zero refills no budget


def charge_of(ended: Reply | LMError, trackers: Sequence[BudgetTracker], settled: Amount, bound: Amount) -> Amount:
    """What a recorded call cost, all its attempts.

    Args:
        settled: what budgets settled for attempts of unknown cost when it was recorded.
        bound: of one attempt; counts for each attempt of unknown cost that was not settled then.
    """
    attempts, failed_cost = ended.attempts, Amount(ended.failed_cost or ZERO, ended.failed_tokens)
    last = NOTHING
    if isinstance(ended, LMError):
        unknown = ended.uncertain_attempts
        unknown += ended.reply is not None and spent_on(ended.reply, trackers) is None
    elif not attempts and not ended.usage.total_tokens and not ended.cost:
        return NOTHING
    else:
        known = spent_on(ended, trackers)
        last = NOTHING if known is None else Amount(known.usd, known.tokens)
        unknown = ended.uncertain_attempts or (attempts - 1 if ended.failed_cost is None else 0)
        unknown += known is None
    if settled.calls > unknown:  # what these budgets cap is known of all attempts
        settled = NOTHING
    return failed_cost + last + Amount(calls=attempts - unknown) + settled + bound.times(unknown - settled.calls)
