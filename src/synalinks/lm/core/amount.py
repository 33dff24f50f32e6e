"""Amounts that budgets count (dollars, tokens, calls), and what attempts of a call cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from synalinks.lm.core.dollars import dollars_text

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
        return (
            f"{dollars_text(self.usd)}, {self.tokens:,} tokens, {self.calls:,} {'call' if self.calls == 1 else 'calls'}"
        )


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class AttemptCosts:
    """What attempts of a call cost, such as those that failed before its answer came. Costs add up.

    Example:
        >>> from decimal import Decimal
        >>> from synalinks.lm import AttemptCosts
        >>> broken, lost = AttemptCosts(Decimal("0.25"), tokens=90), AttemptCosts(uncertain=1, priced=False)
        >>> both = broken + lost
        >>> both.cost, both.known_cost, both.tokens, both.uncertain
        (None, Decimal('0.25'), 90, 1)

    Attributes:
        known_cost: dollars of those attempts whose cost is known.
        tokens: of the answers that came, as far as known.
        uncertain: how many may have been billed though no answer arrived.
        priced: whether the cost of all of them is known.
    """

    known_cost: Decimal = ZERO
    tokens: int = 0
    uncertain: int = 0
    priced: bool = True

    @property
    def cost(self) -> Decimal | None:
        """Dollars of all of them; None if part of it is unknown."""
        return self.known_cost if self.priced else None

    def __add__(self, other: AttemptCosts) -> AttemptCosts:
        return AttemptCosts(
            self.known_cost + other.known_cost,
            self.tokens + other.tokens,
            self.uncertain + other.uncertain,
            self.priced and other.priced,
        )

    @classmethod
    def of(cls, cost: Decimal | None, tokens: int | None = 0) -> AttemptCosts:
        """Those of an answer of a cost, or of an unknown one (None)."""
        return cls(cost or ZERO, tokens or 0, priced=cost is not None)

    def to_dict(self) -> dict[str, Any]:
        """The costs as files have them; dollars are decimal strings."""
        value: dict[str, Any] = {"wasted": None if self.cost is None else str(self.cost)}
        if not self.priced and self.known_cost:
            value["wasted_known"] = str(self.known_cost)
        value["wasted_tokens"] = self.tokens
        if self.uncertain:
            value["uncertain_attempts"] = self.uncertain
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> AttemptCosts:
        """The costs that `to_dict` wrote; nothing where it wrote none."""
        cost = value.get("wasted", "0")
        known = value.get("wasted_known", 0) if cost is None else cost
        return cls(
            Decimal(known), value.get("wasted_tokens", 0), value.get("uncertain_attempts", 0), priced=cost is not None
        )


NO_COSTS = AttemptCosts()
