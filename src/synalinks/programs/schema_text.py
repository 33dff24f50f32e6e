"""A JSON schema in the few words of a table or a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def field_lines(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """A line per field: `name: type`."""
    if "properties" not in schema:
        return (type_text(schema),)
    return tuple(f"{name}: {type_text(kind)}" for name, kind in schema["properties"].items())


def type_text(schema: Mapping[str, Any]) -> str:
    """A field's type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(type_text(part) for part in schema[union])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"[{type_text(schema.get('items', {}))}]"
    return " | ".join(kind) if isinstance(kind, list) else str(kind)
