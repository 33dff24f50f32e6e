"""Data models of plain JSON: a dict is a value, whose schema is inferred where no class or input gives one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from synalinks._json import Json, JsonObject
from synalinks.data import tree
from synalinks.data.convert import as_operand, is_meta_class
from synalinks.data.data_model import DataModel
from synalinks.data.json_data_model import JsonDataModel, value_of
from synalinks.data.model_json import in_words
from synalinks.data.models.chat import ChatMessage, ChatMessages, ChatRole
from synalinks.data.operand import Operand, is_operand
from synalinks.errors import DataError


def is_record(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a dict of plain data, and not a structure of data models."""
    if not isinstance(value, dict) or not value or not all(isinstance(name, str) for name in value):
        return False
    leaves = tree.flatten(value)
    return not leaves or any(leaf is not None and not is_operand(leaf) for leaf in leaves)


def plain_json(value: Mapping[str, object]) -> JsonObject:
    """A dict as JSON: what is not JSON yet is written as it would be sent (dates as text, NumPy's numbers as numbers).

    Raises:
        DataError: something that has no JSON form.
    """
    try:
        found: JsonObject = to_jsonable_python(_unwrapped(value))
    except ValueError as error:
        raise DataError(f"a dict of plain JSON was expected, got {value!r}: {error}") from error
    return found


def _unwrapped(value: object) -> Any:
    if isinstance(value, Mapping):
        return {name: _unwrapped(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unwrapped(item) for item in value]
    if isinstance(value, BaseModel | Operand) and not isinstance(value, type):
        return value_of(value)
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _unwrapped(value.tolist())
    return value


def schema_of_record(value: Mapping[str, Json]) -> JsonObject:
    """The schema of a JSON object, as its value shows it: all fields required, none other allowed.

    Example:
        >>> schema_of_record({"question": "2 + 2?", "tags": ["sum"]})["properties"]["tags"]
        {'items': {'type': 'string'}, 'title': 'Tags', 'type': 'array'}
    """
    return {**_object(value), "title": "Record"}


def _object(value: Mapping[str, Json]) -> JsonObject:
    fields = {
        name: {**_definition(item), "title": name.replace("_", " ").title()}
        for name, item in value.items()
        if item is not None
    }
    absent = {name: {"title": name.replace("_", " ").title()} for name, item in value.items() if item is None}
    return {
        "additionalProperties": False,
        "properties": {name: {**fields, **absent}[name] for name in value},
        "required": list(fields),
        "type": "object",
    }


def _definition(value: Json) -> JsonObject:
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list):
        return {"items": _items(value), "type": "array"}
    kind = _KINDS.get(type(value))
    return {} if kind is None else {"type": kind}


def _items(values: Sequence[Json]) -> JsonObject:
    kinds: list[JsonObject] = []
    for value in values:
        if (kind := _definition(value)) not in kinds:
            kinds.append(kind)
    return {} if not kinds else kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


_KINDS: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _chat_of(value: Mapping[str, object]) -> type[DataModel] | None:
    """The class of a dict that is a message, or messages and nothing else."""
    messages = value.get("messages")
    if value.keys() == {"messages"} and isinstance(messages, list) and messages:
        return ChatMessages if all(isinstance(one, ChatMessage) or _is_message(one) for one in messages) else None
    return ChatMessage if _is_message(value) else None


def _is_message(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and value.get("role") in _ROLES
        and not {"content", "tool_calls"}.isdisjoint(value)
        and set(value) <= _FIELDS
    )


_ROLES = frozenset(map(str, ChatRole))
_FIELDS = frozenset({*ChatMessage.model_fields, "thinking"})


def record(value: Mapping[str, object]) -> JsonDataModel:
    """A dict of plain data as a value that flows between modules; fields that are None are left out.

    A dict of a message, or of messages, is a `ChatMessage` or a `ChatMessages`.

    Raises:
        DataError: something that has no JSON form, or a message that is none.
    """
    if (model := _chat_of(value)) is not None:
        try:
            made: JsonDataModel = as_operand(model.model_validate(dict(value)))
        except ValidationError as error:
            raise DataError(f"not a {model.__name__}: {in_words(error)}; got {value!r}") from error
        return made
    json = plain_json(value)
    return JsonDataModel(schema_of_record(json), {name: item for name, item in json.items() if item is not None})


def as_value(value: object) -> Any:
    """A `JsonDataModel` of a data model of any kind, of another pydantic model, or of a dict; plain values pass."""
    if isinstance(value, JsonDataModel) or value is None:
        return value
    if is_record(value):
        return record(value)
    return as_operand(value) if is_operand(value) and not is_meta_class(value) else value
