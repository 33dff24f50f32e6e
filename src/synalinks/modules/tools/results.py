"""The JSON schema of what a tool gives: from the type its function returns, or from a value."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from pydantic import BaseModel, PydanticUserError, TypeAdapter

from synalinks._json import Json, JsonObject
from synalinks.data.model_json import SchemaGenerator

_KINDS: Mapping[type, str] = {
    str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null",
}  # fmt: skip


def result_schema(returns: object, name: str) -> JsonObject:
    """The schema of the results of a function with a return type; any object where it says no more."""
    if isinstance(returns, type) and issubclass(returns, BaseModel):
        get = getattr(returns, "get_schema", None)
        found: JsonObject = get() if get else returns.model_json_schema(schema_generator=SchemaGenerator)
        return found
    schema = _described(returns)
    kind = schema.get("type")
    if kind == "object" or schema == {}:
        return {"title": title_of(name), "additionalProperties": True, "type": "object", "properties": {}, **schema}
    defs = schema.pop("$defs", None)
    made: JsonObject = {
        "title": title_of(name),
        "additionalProperties": False,
        "type": "object",
        "properties": {"result": {"title": "Result", **schema}},
        "required": ["result"],
    }
    return made if defs is None else {**made, "$defs": defs}


def _described(returns: object) -> JsonObject:
    """The schema of a type; empty where it is not known, or has none."""
    if returns is None or returns is inspect.Parameter.empty or returns is type(None):
        return {}
    try:
        adapter: TypeAdapter[object] = TypeAdapter(returns)  # type: ignore[arg-type]  # any type hint
        return adapter.json_schema(schema_generator=SchemaGenerator)
    except PydanticUserError:
        return {}


def schema_of_value(value: JsonObject, name: str) -> JsonObject:
    """The schema of one object: its keys, and the type of each value."""
    fields: JsonObject = {key: {"title": title_of(key), **_kind(item)} for key, item in value.items()}
    return {
        "title": title_of(name),
        "additionalProperties": False,
        "type": "object",
        "properties": fields,
        "required": list(fields),
    }


def _kind(value: Json) -> JsonObject:
    kind: JsonObject = {"type": _KINDS[type(value)]}
    if isinstance(value, list):
        kind["items"] = {}
    elif isinstance(value, dict):
        kind["additionalProperties"] = True
    return kind


def title_of(name: str) -> str:
    """A name as titles in schemas are written."""
    return name.replace("_", " ").title()
