"""Types of what a server sends: a check that names the place of a wrong one, and lenient readers of numbers.

A shape is written like the value: `{"choices": [{"message": {"content": (str, list)}}]}`. Every field is optional:
absent, null, and empty values fit any shape, because the APIs leave out or empty what they have nothing to say in.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

Shape: TypeAlias = "type | tuple[type, ...] | dict[str, Shape] | list[Shape]"

#: What reading a body of another shape raises: the type errors of Python, numbers out of range, and too deep nesting.
SHAPE_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError)
#: Characters of a wrong value that a message quotes.
QUOTE = 80
_NAMES = {str: "text", dict: "an object", list: "a list", int: "a number", float: "a number", bool: "true or false"}


class ShapeError(ValueError):
    """A value of an answer has another type than its API documents; the message names the place."""


def check(value: object, shape: Shape) -> None:
    """Compare a value with its shape.

    Raises:
        ShapeError: e.g. `choices[0].message.content must be text or a list, got 17`.
    """
    found = _mismatch(value, shape)
    if found is not None:
        place, wanted, got = found
        raise ShapeError(f"{place.lstrip('.') or 'the answer'} must be {_described(wanted)}, got {_quoted(got)}")


def _mismatch(value: object, shape: Shape) -> tuple[str, Shape, object] | None:
    if not value:
        return None
    if isinstance(shape, dict):
        if not isinstance(value, Mapping):
            return "", shape, value
        for name, inner in shape.items():
            item = value.get(name)
            if item and not (type(inner) is type and isinstance(item, inner)) and (found := _mismatch(item, inner)):
                return f".{name}{found[0]}", found[1], found[2]
        return None
    if isinstance(shape, list):
        if not isinstance(value, list | tuple):
            return "", shape, value
        for index, item in enumerate(value):
            found = ("", shape[0], None) if item is None else _mismatch(item, shape[0])
            if found is not None:
                return f"[{index}]{found[0]}", found[1], found[2]
        return None
    return None if isinstance(value, shape) else ("", shape, value)


def _described(shape: Shape) -> str:
    if isinstance(shape, dict | list):
        shape = type(shape)
    return " or ".join(_NAMES[kind] for kind in (shape if isinstance(shape, tuple) else (shape,)))


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= QUOTE else text[: QUOTE - 3] + "..."


def text(value: object) -> str | None:
    """A text that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """A count of tokens: an integer from 0 on, also where a server writes it as text or as `12.0`; else None."""
    if isinstance(value, int):
        return None if isinstance(value, bool) or value < 0 else value
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) < 20:
        return int(value)
    return int(value) if isinstance(value, float) and value >= 0 and value.is_integer() else None


def counts(value: object) -> Mapping[str, object]:
    """An object of counts; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def dollars(value: object) -> Decimal | None:
    """An amount in dollars, finite and not negative, from a number or a text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
