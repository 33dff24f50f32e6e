"""How much work it is at most to validate a JSON value: how often parts of it meet parts of its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synalinks._base.references import referred

#: More are refused; a validator makes about ten million a second.
MOST_VISITS = 2_000_000
_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def visits(value: object, root: Mapping[str, Any]) -> int:
    """An upper bound of the visits, exponential in the depth of the value where a schema leads to itself twice.

    A part of a schema that a value breaks at its first level is one visit, as to a validator that looks there first. A
    reference by an anchor or an address that is not found counts as too many.

    Example:
        >>> from synalinks._base.visits import visits
        >>> once = {"properties": {"next": {"$ref": "#"}}}
        >>> twice = {"allOf": [once, once]}
        >>> value = {"next": {"next": {"next": {}}}}
        >>> visits(value, once), visits(value, twice)
        (7, 67)
    """
    named = dict(_named(root))
    known: dict[tuple[int, int], int] = {}

    def of(value: object, schema: object) -> int:
        if not isinstance(schema, Mapping) or _breaks(value, schema):
            return 1
        key = (id(value), id(schema))
        if key in known:
            return known[key]
        known[key] = 0  # a schema that leads to itself at the same value is visited once
        count = 1
        for inner, part in _below(value, schema):
            count += of(inner, part)
        for word in _REFERENCES:
            if isinstance(reference := schema.get(word), str):
                target = named.get(reference) or referred(reference, root)
                count += MOST_VISITS + 1 if target is None else of(value, target)
        known[key] = count
        return count

    try:
        return of(value, root)
    except RecursionError:
        return MOST_VISITS + 1


def _below(value: object, schema: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    """The parts of a value and of a schema that meet where both meet, references aside."""
    for word in _LISTS:
        for part in schema.get(word) or ():
            yield value, part
    for word in _SAME:
        if word in schema:
            yield value, schema[word]
    for part in (schema.get("dependentSchemas") or {}).values():
        yield value, part
    if isinstance(value, dict):
        fields = schema.get("properties") or {}
        patterns = (schema.get("patternProperties") or {}).values()
        for name, item in value.items():
            if name in fields:
                yield item, fields[name]
            for part in (*patterns, schema.get("additionalProperties"), schema.get("unevaluatedProperties")):
                yield item, part
    elif isinstance(value, list):
        first = schema.get("prefixItems") or ()
        for index, item in enumerate(value):
            for part in (first[index] if index < len(first) else None, schema.get("items"), schema.get("contains")):
                yield item, part


def _breaks(value: object, schema: Mapping[str, Any]) -> bool:
    """Whether a value breaks what a schema says of its first level: required fields, and constants in fields."""
    if not isinstance(value, dict):
        return False
    fields = schema.get("properties") or {}
    return any(name not in value for name in schema.get("required") or ()) or any(
        isinstance(part := fields.get(name), Mapping) and "const" in part and part["const"] != item
        for name, item in value.items()
    )


def _named(schema: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The parts of a schema that have a name of their own, by the references to them."""
    if isinstance(schema, Mapping):
        for word in ("$anchor", "$dynamicAnchor"):
            if isinstance(name := schema.get(word), str):
                yield f"#{name}", schema
        if isinstance(address := schema.get("$id"), str):
            yield address, schema
        for part in schema.values():
            yield from _named(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _named(part)
