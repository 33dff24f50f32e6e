"""What a run has spent, as the progress output shows it."""

from __future__ import annotations

from decimal import Decimal

from synalinks.lm import Ledger, current_run, dollars_text, money_text


def spent_of_budget() -> str | None:
    """What is spent of the budget in dollars that has least left, e.g. `$0.0200 of $0.5000`; None without one."""
    trackers = [tracker for tracker in current_run().budgets if tracker.budget.usd]
    if not trackers:
        return None
    tracker = min(trackers, key=lambda tracker: tracker.left.usd)
    return f"{dollars_text(tracker.settled.usd)} of {dollars_text(Decimal(tracker.budget.usd or 0))}"


def money_spent(ledger: Ledger) -> str | None:
    """The money billed so far, for the progress line, and what it would be live where that differs; None where nothing
    has a price."""
    total = ledger.total
    if total.as_if.unknown == 0 and total.as_if.known == 0:
        return None
    return str(total.billed) if total.billed == total.as_if else money_text(total, "as if live")
