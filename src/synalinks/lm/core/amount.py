"""Amounts that budgets count: dollars, tokens and calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """Dollars, tokens and calls that are spent, reserved or left.

    Example:
        >>> from synalinks.lm import Amount
        >>> Amount(tokens=30, calls=1) + Amount(tokens=12, calls=1)
        Amount(usd=Decimal('0'), tokens=42, calls=2)
    """

    usd: Decimal = ZERO
    tokens: int = 0
    calls: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.usd + other.usd, self.tokens + other.tokens, self.calls + other.calls)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.usd - other.usd, self.tokens - other.tokens, self.calls - other.calls)

    def at_most(self, other: Amount) -> Amount:
        """The lesser of each two."""
        return Amount(min(self.usd, other.usd), min(self.tokens, other.tokens), min(self.calls, other.calls))

    def at_least(self, other: Amount) -> Amount:
        """The greater of each two."""
        return Amount(max(self.usd, other.usd), max(self.tokens, other.tokens), max(self.calls, other.calls))

    def times(self, count: int) -> Amount:
        """The amount, `count` times."""
        return Amount(self.usd * count, self.tokens * count, self.calls * count)

    def to_dict(self) -> dict[str, Any]:
        """The amount as JSON; dollars are a decimal string."""
        return {"usd": str(self.usd), "tokens": self.tokens, "calls": self.calls}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Amount:
        """The amount that `to_dict` wrote."""
        return cls(Decimal(value["usd"]), value["tokens"], value["calls"])

    def __str__(self) -> str:
        return f"${self.usd:.6f}, {self.tokens:,} tokens, {self.calls:,} {'call' if self.calls == 1 else 'calls'}"


NOTHING = Amount()
