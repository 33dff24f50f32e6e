"""Schemas for providers that support a subset of JSON Schema; the rest is written into descriptions.

The answer is still checked against the whole schema; only what is sent is as_subset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from synalinks import _json
from synalinks._base.references import referred
from synalinks.lm.core.call import Schema

#: Keywords whose values map names to schemas.
MAPS = frozenset({"properties", "$defs", "definitions"})
#: Keywords whose values are lists of schemas.
LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
#: Notes of a schema that bind no answer.
NOTES = frozenset({"$schema", "$id", "$comment", "examples", "example", "discriminator", "deprecated", "readOnly"})
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@dataclass(frozen=True)
class Subset:
    """The part of JSON Schema that a provider supports.

    Attributes:
        keywords: taken as they are.
        formats: values of `format` that are known.
        closed: objects must have `additionalProperties: false`.
        lone_ref: nothing may stand beside a `$ref`.
        few_items: `minItems` may be 0 or 1 only.
    """

    keywords: frozenset[str]
    formats: frozenset[str]
    closed: bool = False
    lone_ref: bool = False
    few_items: bool = False


@lru_cache(maxsize=512)
def as_subset(schema: Schema, subset: Subset) -> dict[str, Any]:
    """The schema within the provider's subset; made once for each, so not to be changed."""
    value: dict[str, Any] = _walk(schema.value, subset)
    return value


@lru_cache(maxsize=512)
def closable(schema: Schema) -> bool:
    """Whether the schema means the same with every object closed and every `$ref` written out: it has no
    objects of any keys, and no recursion."""
    return _closable(schema.value, schema.value, {})


def _walk(node: object, subset: Subset) -> Any:
    if not isinstance(node, Mapping):
        return node
    made: dict[str, Any] = {}
    words: list[str] = []
    for name, value in node.items():
        _put(made, words, name, value, subset)
    if "$ref" in made and subset.lone_ref:
        return {name: made[name] for name in ("$defs", "definitions", "$ref") if name in made}
    if subset.closed and (made.get("type") == "object" or "properties" in made):
        made["additionalProperties"] = False
    if words:
        said = made.get("description")
        made["description"] = (f"{said} " if said else "") + f"({'; '.join(words)})"
    return made


def _each(schemas: Mapping[str, object], subset: Subset) -> dict[str, Any]:
    return {name: _walk(value, subset) for name, value in schemas.items()}


def _put(made: dict[str, Any], words: list[str], name: str, value: Any, subset: Subset) -> None:
    """Enter one keyword of a schema, as_subset, or its words."""
    if name in MAPS:
        made[name] = _each(value, subset)
    elif name == "oneOf" or (name in LISTS and name in subset.keywords):
        made["anyOf" if name == "oneOf" else name] = [_walk(item, subset) for item in value]
    elif name == "allOf" and len(value) == 1:
        made.update(_walk(value[0], subset))
    elif name == "additionalProperties":
        if not subset.closed:
            made[name] = _walk(value, subset)
    elif name == "items":
        made[name] = _walk(value, subset)
    elif name == "const" and name not in subset.keywords:
        made["enum"] = [value]
        if (kind := _JSON_TYPES.get(type(value))) is not None:
            made.setdefault("type", kind)
    elif name in NOTES:
        pass
    elif _known(name, value, subset):
        made[name] = value
    elif name != "default":
        words.append(f"{name}: {value if isinstance(value, str) else _json.dumps(value)}")


def _known(name: str, value: object, subset: Subset) -> bool:
    if name == "format":
        return value in subset.formats
    if name == "minItems" and subset.few_items:
        return value in (0, 1)
    return name in subset.keywords


def _closable(node: object, root: Mapping[str, object], seen: dict[str, bool]) -> bool:
    """See `closable`; `seen` has what was found of each `$ref`, False of one that is being looked at."""
    if isinstance(node, list | tuple):
        return all(_closable(item, root, seen) for item in node)
    if not isinstance(node, Mapping):
        return True
    if node.get("type") == "object" and not node.get("properties") and node.get("additionalProperties") is not False:
        return False
    if isinstance(node.get("additionalProperties"), Mapping) or "patternProperties" in node:
        return False
    reference = node.get("$ref")
    if isinstance(reference, str):
        if not reference.startswith("#/"):
            return False
        if reference not in seen:
            seen[reference] = False
            seen[reference] = _closable(referred(reference, root), root, seen)
        if not seen[reference]:
            return False
    for name, value in node.items():
        if name == "properties":
            if not all(_closable(item, root, seen) for item in value.values()):
                return False
        elif (name in LISTS or name == "items") and not _closable(value, root, seen):
            return False
    return True
