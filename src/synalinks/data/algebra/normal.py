"""The normal form of JSON values: one spelling for what is one value under its schema.

A field that may be null is absent or null, a default is written or left out, a set comes in any order and names what
it holds once or more often, a whole number may be written 5 or 5.0 (kept as the schema says: integer or number) and
zero 0 or -0.0, a Decimal is `1.5`, `"1.50"` or `"15E-1"`, an instant is that of UTC with any offset, a day is `P1D` or
`PT24H`, and addresses, paths, identifiers and Base64 have spellings of their own. NaN and infinities are no JSON
values: they are null. `normal_form` chooses the spelling that `DataModel.get_json` writes.

A null is kept where the field has a default that is none, for which an absent field stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from synalinks import _json
from synalinks.data.algebra.values import copy_json

#: The least whole number that rounds to infinity.
LEAST_INFINITE = 2**1024 - 2**970
#: The format of texts that are Decimals, and how pydantic's patterns for them begin in schemas without it.
DECIMAL = "decimal"
_DECIMAL_PATTERN = "^(?!^[-+.]*$)[+-]?0*"
_REF = "#/$defs/"
#: The names of the plain fields of an object, by the identity of the fields of its schema, which all values of a class
#: share. At most so many.
_PLAIN: dict[int, tuple[Mapping[str, Any], frozenset[str]]] = {}
MOST_KNOWN = 1000
_AS_THEY_ARE = frozenset({str, bool})
#: Words of a schema that refers to another.
_INDIRECT = frozenset({"$ref", "anyOf", "oneOf", "allOf"})
#: Words of a schema under which one value may have several spellings.
_WORDS = frozenset({"default", "uniqueItems", "anyOf", "oneOf", "allOf", "format", "enum", "const"})


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
    if type(schema) is not dict or not _INDIRECT.isdisjoint(schema):
        schema = _resolved(value, schema, defs)
    if isinstance(value, dict):
        return _object(value, schema, defs, prune)
    if isinstance(value, list):
        return _array(value, schema, defs, prune)
    if isinstance(value, str):
        return _text(value, schema)
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = _number(value, schema)
        return _text(str(number), schema) if number is not None and _is_decimal(schema) else number
    return value


def _text(value: str, schema: Mapping[str, Any]) -> Any:
    """A text in the one spelling of its format."""
    format_of_it = DECIMAL if _is_decimal(schema) else schema.get("format")
    if format_of_it is None:
        return value
    from synalinks.data.algebra.formats import written  # 20 modules of addresses and URLs, which few schemas need

    return written(value, str(format_of_it))


def _is_decimal(schema: object) -> bool:
    """Whether what is under a schema is a Decimal that is written as text."""
    if not isinstance(schema, Mapping) or schema.get("type") != "string":
        return False
    return schema.get("format") == DECIMAL or str(schema.get("pattern")).startswith(_DECIMAL_PATTERN)


def _number(value: float, schema: Mapping[str, Any]) -> float | None:
    """A number as the schema says, as one of its choices or by its type; None for NaN and infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    choices = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else ()
    for choice in choices:
        if choice == value and not isinstance(choice, bool):
            return choice  # type: ignore[no-any-return]
    kind = schema.get("type")
    if isinstance(value, float):
        return int(value) if kind == "integer" and value.is_integer() else value + 0.0  # -0.0 + 0.0 is 0.0
    return float(value) if kind == "number" and is_float(value) else value


def is_float(whole: int) -> bool:
    """Whether a whole number is also a float."""
    return abs(whole) < LEAST_INFINITE and float(whole) == whole


def _object(value: dict[str, Any], schema: Mapping[str, Any], defs: Mapping[str, Any], prune: bool) -> dict[str, Any]:
    fields = schema.get("properties")
    if not fields:
        more = schema.get("additionalProperties")
        inner = more if isinstance(more, Mapping) else {}
        return {name: _normal(item, inner, defs, prune) for name, item in value.items()}
    result, plain = {}, _plain_fields(fields)
    for name, definition in fields.items():
        item = value.get(name)
        if type(item) in _AS_THEY_ARE and name in plain:
            result[name] = item
            continue
        default = definition.get("default") if type(definition) is dict or isinstance(definition, Mapping) else None
        if name not in value:
            item = copy_json(default)
        if item is not None:
            item = _normal(item, definition, defs, prune)
        if item is not None or (default is not None and name in value):
            result[name] = item
    if not (prune and schema.get("additionalProperties") is False):
        result.update({name: item for name, item in value.items() if name not in fields})
    return result


def _plain_fields(fields: Mapping[str, Any]) -> frozenset[str]:
    """The names of the fields that are texts or Booleans, each in its one spelling."""
    known = _PLAIN.get(id(fields))
    if known is None or known[0] is not fields:
        if len(_PLAIN) >= MOST_KNOWN:
            _PLAIN.clear()
        names = (
            name
            for name, one in fields.items()
            if isinstance(one, Mapping) and one.get("type") in ("string", "boolean")
            if "$ref" not in one and has_one_spelling(one)
        )
        _PLAIN[id(fields)] = known = (fields, frozenset(names))
    return known[1]


def _array(value: list[Any], schema: Mapping[str, Any], defs: Mapping[str, Any], prune: bool) -> list[Any]:
    first, rest = schema.get("prefixItems", ()), schema.get("items", {})
    found = [_normal(item, first[i] if i < len(first) else rest, defs, prune) for i, item in enumerate(value)]
    if not schema.get("uniqueItems"):
        return found
    return [item for _, item in sorted({_json.canonical(item): item for item in found}.items())]


def _resolved(value: object, schema: object, defs: Mapping[str, object]) -> Mapping[str, Any]:
    """The schema behind references and alternatives: the alternative that fits the kind and the fields of the value."""
    for _ in range(64):  # a reference may lead to another, and in a broken schema to itself
        if not isinstance(schema, Mapping):
            return {}
        reference, choices = schema.get("$ref"), schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if isinstance(reference, str):
            schema = defs.get(reference.removeprefix(_REF), {})
        elif isinstance(choices, list) and choices:
            decimals = filter(_is_decimal, choices) if isinstance(value, int | float) else iter(())
            schema = next(decimals, None) or max(choices, key=lambda choice: _fit(value, choice, defs))
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
    whole = isinstance(value, float) and value.is_integer()
    fits = kind is None or any(
        isinstance(value, _KINDS.get(name, ())) or (whole and name == "integer") for name in _listed(kind)
    )
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
