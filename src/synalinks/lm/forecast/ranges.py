"""Figures from low to high: a range of one figure, calls, tokens and dollars together, and a row of a forecast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from synalinks.lm.core.call import ZERO

N = TypeVar("N", int, Decimal)


@dataclass(frozen=True, slots=True)
class Range(Generic[N]):
    """A figure from low to high.

    Example:
        >>> from synalinks.lm import Range
        >>> calls = Range(10, 12, 14) + Range(0, 5, 9)
        >>> calls, 20 in calls
        (Range(low=10, expected=17, high=23), True)
    """

    low: N
    expected: N
    high: N

    def __add__(self, other: Range[N]) -> Range[N]:
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float, Decimal)) and self.low <= value <= self.high

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal strings."""
        values = {"low": self.low, "expected": self.expected, "high": self.high}
        return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in values.items()}


NO_COUNT: Range[int] = Range(0, 0, 0)
NO_MONEY: Range[Decimal] = Range(ZERO, ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls, tokens and dollars from low to high.

    Attributes:
        calls: to models. input_tokens, output_tokens: of their prompts and answers, reasoning included.
        priced: dollars of the calls with a known price.
        unpriced: whether there are calls without one.

    Example:
        >>> from synalinks.lm import Figures, Range
        >>> figures = Figures(input_tokens=Range(100, 200, 300), output_tokens=Range(10, 20, 30))
        >>> (figures + figures).tokens
        Range(low=220, expected=440, high=660)
    """

    calls: Range[int] = NO_COUNT
    input_tokens: Range[int] = NO_COUNT
    output_tokens: Range[int] = NO_COUNT
    priced: Range[Decimal] = NO_MONEY
    unpriced: bool = False

    @property
    def dollars(self) -> Range[Decimal] | None:
        """Dollars; None, which is not 0, if the price of some calls is unknown."""
        return None if self.unpriced else self.priced

    @property
    def tokens(self) -> Range[int]:
        """Tokens of prompts and answers together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.priced + other.priced,
            self.unpriced or other.unpriced,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON; dollars are null where a price is unknown."""
        return {
            "calls": self.calls.to_dict(),
            "input_tokens": self.input_tokens.to_dict(),
            "output_tokens": self.output_tokens.to_dict(),
            "dollars": None if self.dollars is None else self.dollars.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one phase and model."""

    phase: str | None
    model: str
    figures: Figures


def summed(figures: Iterable[Figures]) -> Figures:
    """The sum of figures; low with low, high with high."""
    return sum(figures, Figures())
