"""JSON in its canonical form, fast and exact.

Canonical means: keys sorted, no white space, UTF-8, NaN and infinities refused. Two values are the same
request if and only if their canonical bytes are the same.
"""

from __future__ import annotations

import hashlib
import json
import numbers
from typing import Any

import orjson

from synalinks.lm.core.errors import ConfigurationError

#: Any JSON value: None, bool, int, float, str, a list or an object of them. Type checkers would refuse
#: `value["a"]["b"]` of a recursive alias, so it is Any under the name of what it holds.
Json = Any
#: A JSON object.
JsonObject = dict[str, Json]

JSONDecodeError = orjson.JSONDecodeError
loads = orjson.loads
#: The most levels of objects and lists in each other that are read; code that walks JSON goes a call deeper a level.
MOST_DEPTH = 200
TOO_DEEP = f"it is nested too deeply, {MOST_DEPTH} levels of objects and lists are admitted"
#: The least whole number that orjson reads as a float is 2**64, or below zero -2**63 - 1.
_LEAST_ROUNDED = 2.0**63
_NEVER_ROUNDED = frozenset({str, int, bool, type(None)})


def exact(text: str | bytes) -> Any:
    """The JSON value of a text, whole numbers of any size exact; `loads` reads those over 64 bits as floats.

    Raises:
        JSONDecodeError: the text is not JSON, or is nested deeper than `MOST_DEPTH` levels.
    """
    value = loads(text)
    if type(value) is dict and _NEVER_ROUNDED.issuperset(map(type, value.values())):  # quick, and most are
        return value
    if may_be_deep(text) and is_deep(value):
        raise _refused(text, f"nested deeper than {MOST_DEPTH} levels")
    if not _may_be_rounded(value):
        return value
    try:
        return json.loads(text)
    except ValueError as error:  # a number of more digits than Python reads
        raise _refused(text, str(error)) from error


def _refused(text: str | bytes, why: str) -> JSONDecodeError:
    return JSONDecodeError(why, text if isinstance(text, str) else text.decode("utf-8", "replace"), 0)


def may_be_deep(text: str | bytes) -> bool:
    """Whether a JSON text has brackets enough to be nested deeper than `MOST_DEPTH` levels."""
    if isinstance(text, str):
        return text.count("{") + text.count("[") > MOST_DEPTH
    return text.count(b"{") + text.count(b"[") > MOST_DEPTH


def is_deep(value: object, levels: int = MOST_DEPTH) -> bool:
    """Whether a JSON value is nested deeper than so many levels."""
    level = [value] if isinstance(value, (dict, list, tuple)) else []
    for _ in range(levels):
        held = [item.values() if isinstance(item, dict) else item for item in level]
        level = [item for items in held for item in items if isinstance(item, (dict, list, tuple))]
        if not level:
            return False
    return True


def _may_be_rounded(value: object) -> bool:
    if isinstance(value, float):
        return abs(value) >= _LEAST_ROUNDED
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return any(map(_may_be_rounded, value))


def canonical(value: object) -> bytes:
    """The canonical UTF-8 bytes of a JSON value.

    Raises:
        ConfigurationError: the value holds NaN, an infinity, or something that is not JSON.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer over 64 bits or a lone surrogate, which JSON allows and orjson does not
        return _slow_canonical(value)
    if b"null" in text:  # orjson writes NaN as null; only then can one hide
        _refuse_nan(value)
    return text


def canonical_schema(schema: object) -> bytes:
    """The canonical bytes of a JSON schema, or of anything that holds some: as `canonical`, but with the
    properties of objects in the order given.

    That order is part of what is asked: a grammar makes a model fill in fields in it, and thinking before the
    answer is not the same as after.
    """
    canonical(schema)  # refuses what is not JSON
    return dumps(_sorted_but_properties(schema, False)).encode()


def _sorted_but_properties(value: object, is_properties: bool) -> Any:
    if isinstance(value, dict):
        names = value if is_properties else sorted(value)
        return {name: _sorted_but_properties(value[name], name == "properties" and not is_properties) for name in names}
    if isinstance(value, (list, tuple)):
        return [_sorted_but_properties(item, False) for item in value]
    return value


def _slow_canonical(value: object) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=number)
        return text.encode()
    except RecursionError as error:
        raise ConfigurationError(f"not a JSON value that can be sent: {TOO_DEEP}") from error
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"not a JSON value: {error}. Got {_brief(value)}") from error


def number(value: object) -> int | float:
    """A number of another library, such as NumPy's, as Python's.

    Raises:
        TypeError: it is no number.
    """
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


#: Refuses NaN and infinities.
_STRICT = json.JSONEncoder(allow_nan=False)


def _refuse_nan(value: object) -> None:
    try:
        _STRICT.encode(value)
    except ValueError as error:
        raise ConfigurationError(
            f"NaN and infinities are not JSON, got one in {_brief(value)}; send a string or None instead"
        ) from error


def dumps(value: object) -> str:
    """Compact JSON in the order of the value's keys, non-ASCII text as it is; NaN refused."""
    try:
        text = orjson.dumps(value)
    except TypeError:
        return _slow_canonical(value).decode()
    if b"null" in text:
        _refuse_nan(value)
    return text.decode()


def pretty(value: object) -> str:
    """JSON for people and diffs: two spaces of indent, keys in their order, a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=number) + "\n"


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _brief(value: object, width: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."
