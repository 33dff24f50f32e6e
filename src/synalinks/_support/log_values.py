"""Values of logs as people read them."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from synalinks.lm import dollars_text

#: Amounts of money, by what their names hold.
_MONEY = re.compile(r"(^|_)(usd|dollars?|costs?)(_|$)")
#: Ends of the names of metrics that are counts.
_COUNTS = ("tokens", "calls")
#: From here on one decimal is enough.
_LARGE = 1000.0


def is_money(name: str) -> bool:
    """Whether a metric is by its name an amount of dollars.

    Example:
        >>> from synalinks._support.log_values import is_money
        >>> is_money("val_cost"), is_money("cost_per_call"), is_money("costume")
        (True, True, False)
    """
    return _MONEY.search(name) is not None


def log_value(name: str, value: object) -> str:
    """The value of a log: dollars and counts as such, several values one by one, and `-` where there is none.

    Example:
        >>> from synalinks._support.log_values import log_value
        >>> log_value("val_cost", 0.0123), log_value("cost_per_call", 2.5), log_value("total_tokens", 1761.0)
        ('$0.0123', '$2.50', '1,761')
        >>> log_value("reward", 0.5)
        '0.5000'
    """
    if isinstance(value, list | tuple):
        return ", ".join(log_value(name, one) for one in value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "-" if value is None else str(value)
    if is_money(name):
        return dollars_text(Decimal(value))
    return f"{value:,.0f}" if name.rpartition("_")[2] in _COUNTS else number(value)


def number(value: float) -> str:
    """Four decimals, one of a large number, or scientific where four would hide it."""
    if abs(value) >= _LARGE:
        return f"{value:,.1f}"
    return f"{value:.4f}" if value == 0 or abs(value) > 1e-3 else f"{value:.4e}"
