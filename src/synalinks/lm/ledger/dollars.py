"""Dollars as text."""

from __future__ import annotations

from decimal import Decimal

#: Dollars from which on two decimals are shown; below, four; below the second, the first two digits that are not 0.
_WHOLE, _LEAST = Decimal(1), Decimal("0.0001")


def dollars_text(amount: Decimal) -> str:
    """`$1.84`, `$0.0420`, `$0.0000`, and `$0.000012` where four places would hide it."""
    size = abs(amount)
    sign = "-" if amount < 0 else ""
    if size >= _WHOLE:
        return f"{sign}${size:,.2f}"
    if size >= _LEAST or not size:
        return f"{sign}${size:.4f}"
    return f"{sign}${size:.{1 - size.adjusted()}f}"
