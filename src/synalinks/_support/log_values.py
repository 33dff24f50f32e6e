"""Values of logs as people read them."""

from __future__ import annotations

import math
from decimal import Decimal

from synalinks.lm import dollars_text

#: Ends of the names of metrics that are counts.
_COUNTS = ("tokens", "calls")
#: From here on one decimal is enough.
_LARGE = 1000.0


def log_value(name: str, value: object) -> str:
    """The value of a log: dollars and counts as such, several values one by one, and `-` where there is none.

    Example:
        >>> from synalinks._support.log_values import log_value
        >>> log_value("val_cost", 0.0123), log_value("total_tokens", 1761.0), log_value("reward", 0.5)
        ('$0.0123', '1,761', '0.5000')
    """
    if isinstance(value, list | tuple):
        return ", ".join(log_value(name, one) for one in value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "-" if value is None else str(value)
    kind = name.rpartition("_")[2]
    if kind == "cost":
        return dollars_text(Decimal(value))
    return f"{value:,.0f}" if kind in _COUNTS else number(value)


def number(value: float) -> str:
    """Four decimals, one of a large number, or scientific where four would hide it."""
    if abs(value) >= _LARGE:
        return f"{value:,.1f}"
    return f"{value:.4f}" if value == 0 or abs(value) > 1e-3 else f"{value:.4e}"
