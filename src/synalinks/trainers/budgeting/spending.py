"""What a run has spent, as the progress output shows it."""

from __future__ import annotations

from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.ledger.table import dollars_text, money_text
from synalinks.lm.runtime import open_purses


def spent_of_budget() -> str | None:
    """What is spent of the budget in dollars that has least left, e.g. `$0.0200 of $0.50`; None without one."""
    dear = [purse for purse in open_purses() if purse.budget.usd]
    if not dear:
        return None
    purse = min(dear, key=lambda purse: purse.left.usd)
    return f"{dollars_text(purse.settled.usd)} of ${purse.budget.usd}"


def money_spent(ledger: Ledger) -> str | None:
    """The money billed so far, for the progress line; None where nothing has a price."""
    total = ledger.total
    if total.as_if.unknown == 0 and total.as_if.known == 0:
        return None
    return money_text(total)
