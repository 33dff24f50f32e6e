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


def charge_of(
    ended: Reply | LMError, trackers: Sequence[BudgetTracker], settled: Amount, bound: Amount
) -> tuple[Amount, Amount]:
    """What a recorded call cost, all its attempts; and the part of it for attempts whose cost is not known.

    Args:
        settled: what budgets settled for attempts of unknown cost when it was recorded.
        bound: of one attempt; counts for each attempt of unknown cost that was not settled then.
    """
    attempts, last, uncounted = ended.attempts, NOTHING, False
    if isinstance(ended, LMError):  # the last answer is one of those that failed
        uncounted = ended.reply is not None and spent_on(ended.reply, trackers) is None
    elif not attempts and not ended.usage.total_tokens and not ended.cost:
        return NOTHING, NOTHING
    elif (known := spent_on(ended, trackers)) is None:
        uncounted = True
    else:
        last = Amount(known.usd, known.tokens)
    unknown = _unknown_before(ended, trackers, settled.calls - uncounted) + uncounted
    if settled.calls > unknown:  # what these budgets cap is known of all attempts
        settled = NOTHING
    uncertain = settled + bound.times(unknown - settled.calls)
    return Amount(ended.failed.known_cost, ended.failed.tokens, attempts - unknown) + last + uncertain, uncertain


def _unknown_before(ended: Reply | LMError, trackers: Sequence[BudgetTracker], settled: int) -> int:
    """How many attempts, an answer of the last aside, have an unknown cost; budgets settled `settled` as such."""
    unknown, more = ended.failed.uncertain, ended.attempts - 1
    if more < 1:
        return unknown
    if settled > 0 and (not ended.failed.priced or any(tracker.budget.tokens is not None for tracker in trackers)):
        return max(unknown, min(settled, ended.attempts))  # failed answers that did not say what they cost, too
    return more if isinstance(ended, Reply) and not ended.failed.priced and not unknown else unknown
