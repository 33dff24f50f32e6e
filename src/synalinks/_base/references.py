"""Parts of a JSON schema: what a reference names, how many parts there are, and arrays as sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Parts of a schema, its references written out. Validators, and what fills schemas in, look at each of them.
MOST_PARTS = 1_000_000


def referred(reference: str, root: Mapping[str, object]) -> object:
    """What a `$ref` within the same schema names (RFC 6901), or None.

    Example:
        >>> from synalinks._base.references import referred
        >>> referred("#/$defs/a~1b", {"$defs": {"a/b": {"type": "null"}}})
        {'type': 'null'}
    """
    found: object = root if reference.startswith("#") else None
    for name in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
        found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def parts_of(schema: Mapping[str, object]) -> int:
    """How many parts a schema has where each reference is written out; one within what it names counts once.

    Example:
        >>> from synalinks._base.references import parts_of
        >>> twice = {"anyOf": [{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/x"}], "$defs": {"x": {"type": "null"}}}
        >>> parts_of(twice)
        6
    """
    known: dict[str, int] = {}

    def of(node: object) -> int:
        if isinstance(node, list | tuple):
            return sum(map(of, node))
        if not isinstance(node, Mapping):
            return 0
        count = 1 + sum(of(value) for name, value in node.items() if name not in ("$defs", "definitions"))
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference not in known:
                known[reference] = 0
                known[reference] = of(referred(reference, schema))
            count += known[reference]
        return count

    return of(schema)


def without_unique_items(schema: Any, are_names: bool = False) -> Any:
    """A schema without `uniqueItems`, which may also be the name of a property or be in a value."""
    if isinstance(schema, dict):
        return {
            name: part
            if name in _VALUES and not are_names
            else without_unique_items(part, name in _BY_NAME and not are_names)
            for name, part in schema.items()
            if are_names or name != "uniqueItems"
        }
    return list(map(without_unique_items, schema)) if isinstance(schema, list) else schema


#: Words of a schema under which parts stand by names of the schema's own, and those under which values stand.
_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_VALUES = frozenset({"default", "const", "enum", "examples"})
