"""JSON schemas as OpenAI's strict mode takes them: a subset, in which every object names all it may hold.

The schema that is sent may be narrower or looser than the one given; answers are checked against the latter.
Source: OpenAI, "Structured outputs", supported schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks._base.references import referred

#: Keywords that strict mode refuses and that say nothing about what is allowed.
ANNOTATIONS = frozenset(
    {
        "default", "examples", "example", "discriminator", "readOnly", "writeOnly", "deprecated", "$schema", "$id",
        "$comment",
    }
)  # fmt: skip
#: Keywords that strict mode refuses and that only narrow what is allowed, so that they can be left out.
BOUNDS = frozenset(
    {
        "minLength", "maxLength", "uniqueItems", "contains", "minContains", "maxContains", "minProperties",
        "maxProperties", "propertyNames", "patternProperties", "unevaluatedProperties", "unevaluatedItems",
        "dependentRequired", "dependentSchemas",
    }
)  # fmt: skip
#: Keywords that change what a schema means and that strict mode has no form for.
INEXPRESSIBLE = frozenset({"not", "if", "then", "else", "prefixItems", "$dynamicRef", "$anchor"})
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_DEFINITIONS = ("$defs", "definitions")
_REF = "#/"


class _NotStrictError(Exception):
    """A schema that has no strict form."""


def strict_schema(schema: Mapping[str, object], *, bounds: bool = False) -> dict[str, Any] | None:
    """A schema in strict form, or None where it has none (free-form objects, conditions, a root that is no object).

    Every object gets `additionalProperties: false` and requires all its properties, so an optional field is always
    given; keywords beside `$ref` (a description, for one) are removed; `oneOf` becomes `anyOf`.

    Args:
        schema: as it was given.
        bounds: keep lengths and other bounds that strict mode refuses, for servers that may support them.
    """
    dropped = ANNOTATIONS if bounds else ANNOTATIONS | BOUNDS
    try:
        root = _inlined(schema)
        if root.get("type") != "object" or "anyOf" in root or "oneOf" in root:
            return None
        done: dict[str, Any] = _strict(root, dropped)
    except _NotStrictError:
        return None
    return done


def without_ref_siblings(value: object) -> Any:
    """A schema without the keywords beside `$ref`, which most grammars refuse or ignore."""
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            kept = ("$ref", *_DEFINITIONS)
            return {name: without_ref_siblings(item) for name, item in value.items() if name in kept}
        return {name: without_ref_siblings(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_ref_siblings(item) for item in value]
    return value


def _inlined(schema: Mapping[str, object]) -> Mapping[str, Any]:
    """The root, with a `$ref` of its own replaced by what it names: strict mode needs an object there."""
    seen: set[str] = set()
    root = schema
    while isinstance(found := root.get("$ref"), str):
        if found in seen or not found.startswith(_REF):
            raise _NotStrictError
        seen.add(found)
        target = referred(found, schema)
        if not isinstance(target, Mapping):
            raise _NotStrictError
        root = target
    if not seen:
        return schema
    return {**root, **{name: schema[name] for name in _DEFINITIONS if name in schema}}


def _strict(schema: object, dropped: frozenset[str]) -> Any:
    if not isinstance(schema, Mapping):
        raise _NotStrictError  # `true` and `false` are schemas too, but not strict ones
    if "allOf" in schema:
        if len(schema["allOf"]) != 1:
            raise _NotStrictError
        rest = {name: value for name, value in schema.items() if name != "allOf"}
        return _strict({**rest, **schema["allOf"][0]}, dropped)
    if isinstance(schema.get("$ref"), str):
        return {"$ref": schema["$ref"], **_definitions(schema, dropped)}
    if INEXPRESSIBLE & schema.keys():
        raise _NotStrictError
    done: dict[str, Any] = {}
    for name, value in schema.items():
        if name in dropped or name in ("required", "additionalProperties"):
            continue
        if name == "properties":
            done[name] = {field: _strict(item, dropped) for field, item in value.items()}
        elif name == "items":
            done[name] = _strict(value, dropped)
        elif name in _DEFINITIONS:
            done.update(_definitions(schema, dropped))
        elif name in ("anyOf", "oneOf"):
            done["anyOf"] = [*done.get("anyOf", ()), *(_strict(item, dropped) for item in value)]
        elif name != "format" or value in FORMATS or not dropped >= BOUNDS:
            done[name] = value
    kinds = schema.get("type")
    if kinds == "object" or (isinstance(kinds, list) and "object" in kinds) or "properties" in schema:
        _close(done, schema)
    return done


def _close(done: dict[str, Any], schema: Mapping[str, object]) -> None:
    """Let an object hold what it names, all of it and nothing else."""
    if not schema.get("properties") and schema.get("additionalProperties") is not False:
        raise _NotStrictError  # a dictionary with any keys
    if isinstance(schema.get("additionalProperties"), Mapping):
        raise _NotStrictError
    done.setdefault("properties", {})
    done["required"] = list(done["properties"])
    done["additionalProperties"] = False


def _definitions(schema: Mapping[str, Any], dropped: frozenset[str]) -> dict[str, Any]:
    return {
        name: {field: _strict(item, dropped) for field, item in schema[name].items()}
        for name in _DEFINITIONS
        if name in schema
    }
