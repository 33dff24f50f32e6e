"""Arithmetic on amounts of a budget: parts of them, their caps, what is short, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any

from synalinks.lm import Amount, Budget, BudgetTracker, dollars_text

#: The finest part of a dollar that a share is rounded to.
FINEST = Decimal("1e-12")
#: Calls that a budget without a cap on them leaves room for.
UNLIMITED = 10**9


def part(amount: Amount, share: Fraction, up: bool = True) -> Amount:
    """A share of an amount, rounded up or, as an expectation, down."""
    usd, tokens, calls = (share * count for count in (Fraction(amount.usd), amount.tokens, amount.calls))
    exact = Decimal(usd.numerator) / Decimal(usd.denominator)
    if up:
        return Amount(exact.quantize(FINEST, ROUND_CEILING), -(-tokens // 1), -(-calls // 1))
    return Amount(exact.quantize(FINEST, ROUND_FLOOR), tokens // 1, calls // 1)


def unspent(tracker: BudgetTracker) -> Amount:
    """What is not settled of a budget's caps; meaningless for what is not capped."""
    return (tracker.left + tracker.reserved + tracker.aside).at_least(Amount())


def capped(amount: Amount, budget: Budget) -> Amount:
    """No more than the caps of a budget."""
    return Amount(
        amount.usd if budget.usd is None else min(amount.usd, Decimal(budget.usd)),
        amount.tokens if budget.tokens is None else min(amount.tokens, budget.tokens),
        amount.calls if budget.calls is None else min(amount.calls, budget.calls),
    )


def shortage(tracker: BudgetTracker, need: Amount, seconds: float) -> str | None:
    """What is needed and what is left, in words, of the first cap that is short; None if none is."""
    left, budget, name = tracker.left, tracker.budget, tracker.name
    if budget.usd is not None and need.usd > left.usd:
        rest = max(Decimal(0), left.usd)
        needed, cap = dollars_text(need.usd, rest), dollars_text(Decimal(budget.usd))
        return f"{needed}, and {dollars_text(rest, need.usd)} of {cap} is left of the {name}"
    if budget.tokens is not None and need.tokens > left.tokens:
        return f"{need.tokens:,} tokens, and {max(0, left.tokens):,} of {budget.tokens:,} are left of the {name}"
    if budget.calls is not None and need.calls > left.calls:
        return f"{need.calls:,} calls, and {max(0, left.calls):,} of {budget.calls:,} are left of the {name}"
    if budget.seconds is not None and seconds > (time := tracker.seconds_left or 0.0):
        return f"{seconds:.0f} s, and {max(0.0, time):.0f} of {budget.seconds:g} s are left of the {name}"
    return None


def affordable(tracker: BudgetTracker, one: Amount) -> int:
    """How many calls of the program the caps of a budget leave room for, at what one of them takes at most."""
    left, budget = tracker.left, tracker.budget
    caps = (
        (budget.usd, left.usd, one.usd),
        (budget.tokens, left.tokens, one.tokens),
        (budget.calls, left.calls, max(1, one.calls)),
    )
    rooms = [int(room // each) for cap, room, each in caps if cap is not None and each > 0]
    return max(0, min(rooms, default=UNLIMITED))


def amount_to_dict(amount: Amount) -> dict[str, Any]:
    """An amount as JSON."""
    return {"usd": str(amount.usd), "tokens": amount.tokens, "calls": amount.calls}


def amount_from_dict(value: Mapping[str, Any]) -> Amount:
    """What `amount_to_dict` wrote."""
    return Amount(Decimal(value["usd"]), value["tokens"], value["calls"])
