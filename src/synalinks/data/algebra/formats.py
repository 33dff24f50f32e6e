"""How values of formats (those of JSON Schema, those that pydantic adds, and Decimals) are written in normal form."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import AnyUrl, IPvAnyAddress, IPvAnyNetwork, TypeAdapter

from synalinks._json import Json

#: Digits of a Decimal that is written without an exponent.
LONGEST_DECIMAL = 40


def _instant(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC)


def _hour(value: time) -> time:
    """A time of day at UTC, but for one that is of another day there."""
    if value.utcoffset() is None:
        return value
    there = datetime.combine(date(2000, 1, 2), value)
    here = there.astimezone(UTC)
    return here.timetz() if here.date() == there.date() else value


def _decimal(text: str) -> str:
    """A Decimal without zeros at its end and, up to 40 digits, without an exponent; NaN and infinities as they are.

    Raises:
        ValueError: it is none.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return text
    if not value:
        return "0"
    while digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    shortest = Decimal((sign, digits, exponent))
    return format(shortest, "f") if abs(exponent) + len(digits) <= LONGEST_DECIMAL else str(shortest)


def _as_it_is(value: Any) -> Any:
    return value


#: Formats whose values have several spellings: their types, signs one of which is in each spelling, and which of equal
#: values is written. (A number by itself would be read as seconds.)
_FORMATS: Mapping[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "date-time": (datetime, "-", _instant),
    "date": (date, "-", _as_it_is),
    "time": (time, ":", _hour),
    "duration": (timedelta, "P:", _as_it_is),
    "uri": (AnyUrl, ":", _as_it_is),
    "ipv6": (IPv6Address, ":", _as_it_is),
    "ipv4network": (IPv4Network, ".", _as_it_is),
    "ipv6network": (IPv6Network, ":", _as_it_is),
    "ipvanyaddress": (IPvAnyAddress, ".:", _as_it_is),
    "ipvanynetwork": (IPvAnyNetwork, ".:", _as_it_is),
    **dict.fromkeys(("path", "file-path", "directory-path"), (PurePath, "", _as_it_is)),
    **dict.fromkeys((f"uuid{version}" for version in ("", 1, 3, 4, 5, 6, 7, 8)), (UUID, "", _as_it_is)),
    "decimal": (str, "", _decimal),
    "base64": (str, "", lambda text: b64encode(b64decode("".join(text.split()), validate=True)).decode()),
}


def written(text: str, format_of_it: str) -> Json:
    """A text of a format as pydantic writes its value; one that is of no such format as it is.

    Example:
        >>> from synalinks.data.algebra.formats import written
        >>> written("PT24H", "duration"), written("2026-01-02T03:00+02:00", "date-time"), written("soon", "date-time")
        ('P1D', '2026-01-02T01:00:00Z', 'soon')
        >>> written("1.50", "decimal"), written("15E-1", "decimal")
        ('1.5', '1.5')
    """
    if format_of_it not in _FORMATS:
        return text
    kind, signs, chosen = _FORMATS[format_of_it]
    if signs and not any(sign in text for sign in signs):
        return text
    adapter = _adapter(kind)
    try:
        return adapter.dump_python(chosen(adapter.validate_python(text)), mode="json")
    except (ValueError, OverflowError):  # an instant near the first or the last year has none at UTC
        return text


@lru_cache(maxsize=32)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
