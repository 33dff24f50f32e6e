"""Dollars as text: all amounts that people read are written by this one function, but for prices, which are exact."""

from __future__ import annotations

from decimal import Decimal

#: From this amount on two decimals are shown. It is the least that four decimals would round to $1.0000.
_WHOLE = Decimal("0.99995")
#: Decimals and digits that smaller amounts have at least.
_DECIMALS, _DIGITS = 4, 2


def dollars_text(amount: Decimal, beside: Decimal | None = None) -> str:
    """An amount of dollars: cents from one dollar on, else four decimals, and more where two digits need them.

    Args:
        amount: in dollars.
        beside: an amount that it is compared with; there are as many decimals as tell the two apart.

    Example:
        >>> from decimal import Decimal
        >>> from synalinks.lm import dollars_text
        >>> [dollars_text(Decimal(one)) for one in ("1234.5", "0.042", "0.000012345", "0")]
        ['$1,234.50', '$0.0420', '$0.000012', '$0.0000']
        >>> dollars_text(Decimal("0.04201"), beside=Decimal("0.04202"))
        '$0.04201'
    """
    places = _places(amount)
    if beside is not None and amount != beside:
        places = max(places, _places(beside))
        while f"{amount:.{places}f}" == f"{beside:.{places}f}":
            places += 1
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{places}f}"


def _places(amount: Decimal) -> int:
    size = abs(amount)
    if size >= _WHOLE:
        return 2
    return max(_DECIMALS, _DIGITS - 1 - size.adjusted()) if size else _DECIMALS
