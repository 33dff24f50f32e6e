"""How long the JSON of the fields that a schema names can be, where the schema bounds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from synalinks import _json
from synalinks._base.references import referred
from synalinks.lm.core.call import Schema

#: Bytes of one character of a string at most: a surrogate pair of escapes.
CHARACTER = 12
#: Bytes of an integer between bounds, its sign included, and of `false`, the longest of the words.
WORD = 5


@lru_cache(maxsize=256)
def longest(schema: Schema) -> int | None:
    """Bytes of the longest compact JSON that obeys a schema; None where nothing bounds it.

    Example:
        >>> from synalinks.lm.budget.schema_bound import longest
        >>> from synalinks.lm.core.call import schema_of
        >>> closed = {"type": "object", "properties": {"yes": {"type": "boolean"}}}
        >>> longest(schema_of(closed)), longest(schema_of({"type": "string"}))
        (13, None)
    """
    return _Sizes(schema.value).of(schema.value)


class _Sizes:
    """The sizes of the parts of a schema; each definition is looked at once, and one within itself has no bound."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self._root = root
        self._references: dict[str, int | None] = {}

    def of(self, schema: object) -> int | None:
        if not isinstance(schema, Mapping):
            return None
        if "const" in schema:
            return _size(schema["const"])
        if isinstance(values := schema.get("enum"), list) and values:
            return max(map(_size, values))
        if isinstance(reference := schema.get("$ref"), str):
            return self._of_reference(reference)
        for name in ("anyOf", "oneOf"):
            if isinstance(choices := schema.get(name), list) and choices:
                return _most([self.of(choice) for choice in choices])
        kinds = schema.get("type")
        return _most([self._of_type(kind, schema) for kind in (kinds if isinstance(kinds, list) else [kinds])])

    def _of_reference(self, reference: str) -> int | None:
        if reference not in self._references:
            self._references[reference] = None
            self._references[reference] = self.of(referred(reference, self._root))
        return self._references[reference]

    def _of_type(self, kind: object, schema: Mapping[str, object]) -> int | None:
        if kind in ("boolean", "null"):
            return WORD
        if kind == "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            bounded = isinstance(low, int) and isinstance(high, int)
            return max(len(str(low)), len(str(high))) if bounded else None
        most = schema.get("maxLength" if kind == "string" else "maxItems")
        if kind == "string":
            return 2 + CHARACTER * most if isinstance(most, int) else None
        if kind == "array":
            item = self.of(schema.get("items"))
            return 2 + most * (item + 1) if isinstance(most, int) and item is not None else None
        fields = schema.get("properties")
        if kind == "object" and isinstance(fields, Mapping):
            sizes = {name: self.of(field) for name, field in fields.items()}
            known = [_size(name) + 2 + size for name, size in sizes.items() if size is not None]
            return 1 + sum(known) if len(known) == len(sizes) else None
        return None


def _most(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return max(known) if known and len(known) == len(sizes) else None


def _size(value: object) -> int:
    return len(_json.canonical(value))
