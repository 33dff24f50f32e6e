"""ExactSum: a sum of numbers that does not depend on their order, and is None where a part is unknown."""

from __future__ import annotations

import math
from decimal import Decimal


class ExactSum:
    """A sum of int, Decimal and float, exact until it is read; None counts as an unknown amount.

    Attributes:
        unknown: how many of the amounts were None.
    """

    __slots__ = ("_parts", "_whole", "unknown")

    def __init__(self) -> None:
        self._whole: int | Decimal = 0
        self._parts: list[float] = []
        self.unknown = 0

    def add(self, amount: int | Decimal | float | None) -> None:
        """Add an amount."""
        if amount is None:
            self.unknown += 1
        elif isinstance(amount, float):
            grow(self._parts, amount)
        else:
            self._whole += amount

    @property
    def known(self) -> float:
        """The sum of the amounts that are known, as float64."""
        return math.fsum((*self._parts, float(self._whole)))

    @property
    def exact(self) -> float | None:
        """The sum, or None if part of it is unknown."""
        return None if self.unknown else self.known


def grow(parts: list[float], number: float) -> None:
    """Add a number to a sum that is kept, exactly, as floats that don't overlap.

    Grow-expansion of Shewchuk, "Adaptive Precision Floating-Point Arithmetic" (1997), section 2.4; there are as many
    parts as the magnitudes of the numbers ask for, two or three as a rule.
    """
    kept = []
    for part in parts:
        large, small = (number, part) if abs(number) >= abs(part) else (part, number)
        number = large + small
        if rest := small - (number - large):
            kept.append(rest)
    parts[:] = [*kept, number]
