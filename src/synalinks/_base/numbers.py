"""What counts as a number in a setting."""

from __future__ import annotations

import math
from numbers import Integral, Real


def is_number(value: object) -> bool:
    """Whether a value is a finite real number; a bool is none, and neither is text.

    Example:
        >>> from synalinks._base.numbers import is_number
        >>> [is_number(value) for value in (0.5, 2, True, "2", float("nan"), float("inf"))]
        [True, True, False, False, False, False]
    """
    return is_whole(value) or (isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value))


def is_whole(value: object) -> bool:
    """Whether a value is of an integer type; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)
