"""The normal form of JSON values: one spelling for what is one value under its schema.

A field that may be null is absent or null, a default is written or left out, a set comes in any order, a whole number
may be written 5 or 5.0 (kept as the schema says: integer or number), UTC is `Z` or `+00:00`, and a day is `P1D` or
`PT24H`. A time with an offset other than that of UTC keeps it. `normal_form` chooses the spelling that
`DataModel.get_json` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from synalinks import _json
from synalinks._json import Json
from synalinks.data.algebra.values import copy_json

#: Formats whose values have several spellings: their types, and a sign that is in each spelling. (A number by itself
#: would be read as seconds.)
_FORMATS: Mapping[str, tuple[type, str]] = {
    "date-time": (datetime, "-"),
    "time": (time, ":"),
    "duration": (timedelta, "P"),
    "uuid": (UUID, "-"),
}
#: The largest whole numbers all of which are floats, too.
EXACT = 2**53
_REF = "#/$defs/"
#: Words of a schema under which one value may have several spellings.
_WORDS = frozenset({"default", "uniqueItems", "anyOf", "oneOf", "allOf", "format"})


def normal_form(value: Any, schema: Mapping[str, Any], *, prune: bool = False) -> Any:
    """The value in its normal form: nulls of fields left out, defaults written, sets sorted, whole numbers as integers.

    Args:
        value: JSON that obeys the schema; nothing of it is changed.
        schema: its JSON schema.
        prune: leave out fields that an object's schema does not define and refuses.

    Example:
        >>> schema = {
        ...     "type": "object",
        ...     "properties": {
        ...         "name": {"type": "string"},
        ...         "nickname": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        ...         "nights": {"type": "integer", "default": 1},
        ...     },
        ... }
        >>> normal_form({"name": "Ada", "nickname": None}, schema)
        {'name': 'Ada', 'nights': 1}
    """
    return _normal(value, schema, schema.get("$defs", {}), prune)


def has_one_spelling(schema: Mapping[str, Any]) -> bool:
    """Whether every value under the schema is in its normal form already, so that `normal_form` has nothing to do."""
    if _WORDS & schema.keys() or schema.get("type") in ("integer", "number") or isinstance(schema.get("type"), list):
        return False
    parts = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    parts += [part for name in ("items", "additionalProperties") if isinstance(part := schema.get(name), Mapping)]
    parts += schema.get("prefixItems", ())
    return all(has_one_spelling(part) for part in parts)


def _normal(value: object, schema: object, defs: Mapping[str, object], prune: bool) -> Any:
    schema = _resolved(value, schema, defs)
    if isinstance(value, dict):
        return _object(value, schema, defs, prune)
    if isinstance(value, list):
        return _array(value, schema, defs, prune)
    kind = schema.get("type")
    if isinstance(value, float) and kind == "integer" and value.is_integer():
        return int(value)
    if type(value) is int and kind == "number" and abs(value) <= EXACT:
        return float(value)
    if isinstance(value, str) and (form := _FORMATS.get(str(schema.get("format")))) is not None:
        return _written(value, *form)
    return value


def _written(text: str, kind: type, sign: str) -> Json:
    """A text of a format as pydantic writes its value; one that is of no such format as it is."""
    if sign not in text:
        return text
    adapter = _adapter(kind)
    try:
        return adapter.dump_python(adapter.validate_python(text), mode="json")
    except ValidationError:
        return text


@lru_cache(maxsize=8)
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _object(value: dict[str, Any], schema: Mapping[str, Any], defs: Mapping[str, Any], prune: bool) -> dict[str, Any]:
    fields = schema.get("properties")
    if not fields:
        more = schema.get("additionalProperties")
        inner = more if isinstance(more, Mapping) else {}
        return {name: _normal(item, inner, defs, prune) for name, item in value.items()}
    result = {}
    for name, definition in fields.items():
        item = value.get(name)
        if name not in value and (default := definition.get("default")) is not None:
            item = copy_json(default)
        if item is not None:
            result[name] = _normal(item, definition, defs, prune)
    if not (prune and schema.get("additionalProperties") is False):
        result.update({name: item for name, item in value.items() if name not in fields})
    return result


def _array(value: list[Any], schema: Mapping[str, Any], defs: Mapping[str, Any], prune: bool) -> list[Any]:
    first, rest = schema.get("prefixItems", ()), schema.get("items", {})
    found = [_normal(item, first[i] if i < len(first) else rest, defs, prune) for i, item in enumerate(value)]
    return sorted(found, key=_json.canonical) if schema.get("uniqueItems") else found


def _resolved(value: object, schema: object, defs: Mapping[str, object]) -> Mapping[str, Any]:
    """The schema behind references and alternatives: the alternative that fits the kind and the fields of the value."""
    for _ in range(64):  # a reference may lead to another, and in a broken schema to itself
        if not isinstance(schema, Mapping):
            return {}
        reference, choices = schema.get("$ref"), schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if isinstance(reference, str):
            schema = defs.get(reference.removeprefix(_REF), {})
        elif isinstance(choices, list) and choices:
            schema = max(choices, key=lambda choice: _fit(value, choice, defs))
        else:
            return schema
    return {}


def _fit(value: object, schema: object, defs: Mapping[str, object]) -> tuple[bool, int]:
    """How well a schema fits a value: whether it is of its kind, and how many of its fields the schema defines."""
    if isinstance(schema, Mapping) and isinstance(reference := schema.get("$ref"), str):
        schema = defs.get(reference.removeprefix(_REF), {})
    if not isinstance(schema, Mapping):
        return (False, 0)
    kind = schema.get("type")
    fits = kind is None or any(isinstance(value, _KINDS.get(name, ())) for name in _listed(kind))
    if not isinstance(value, dict):
        return (fits and not (isinstance(value, bool) and kind in ("integer", "number")), 0)
    fields, required = schema.get("properties", {}), schema.get("required", ())
    return (fits and all(name in value for name in required), sum(name in fields for name in value))


def _listed(kind: object) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
