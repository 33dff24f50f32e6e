"""Chat data models as the plain messages that requests carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synalinks import _json
from synalinks._json import JsonObject
from synalinks.data import ChatMessages, JsonDataModel, as_value, is_data_model, value_of
from synalinks.errors import ConfigurationError


def to_wire(messages: object) -> list[dict[str, Any]]:
    """Wire messages of a `ChatMessages`, a `ChatMessage`, or a list of messages, each as data model or dict.

    Absent fields are dropped, `content` is always there, and tool arguments are JSON objects.

    Raises:
        ConfigurationError: not messages.
    """
    if isinstance(messages, JsonDataModel | dict) or is_data_model(messages):
        value = value_of(as_value(messages))
        found = value.get("messages", [value])
    elif isinstance(messages, list):
        found = [value_of(as_value(message)) for message in messages]
    else:
        raise ConfigurationError(f"a language model takes ChatMessages, got {type(messages).__name__}: {messages!r}")
    return [_message(message) for message in found]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(message, dict) or "role" not in message:
        raise ConfigurationError(f"a chat message needs a role and content, got {message!r}")
    wire = {name: value for name, value in message.items() if value is not None and name != "tool_calls"}
    wire.setdefault("content", "")
    if isinstance(wire["content"], dict):
        wire["content"] = _json.dumps(wire["content"])
    if message.get("tool_calls"):
        wire["tool_calls"] = [_tool_call(call) for call in message["tool_calls"]]
    return wire


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function", call)
    arguments = function["arguments"]
    if isinstance(arguments, str):
        try:
            arguments = _json.exact(arguments)
        except _json.JSONDecodeError as error:
            name = function["name"]
            raise ConfigurationError(f"the arguments of tool call {name!r} are not JSON: {error}") from error
    return {"id": call.get("id", ""), "name": function["name"], "arguments": arguments}


def from_wire(message: Mapping[str, Any]) -> JsonObject:
    """A message, or a reply's text and tool calls, as `ChatMessage` has it: arguments of tool calls are JSON text."""
    if not message.get("tool_calls"):
        return dict(message)
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": _json.dumps(call["arguments"])},
        }
        for call in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def conversation_of(messages: Iterable[Mapping[str, object]], name: str) -> JsonDataModel:
    """Wire messages as `ChatMessages`, under a name."""
    conversation = {"messages": [from_wire(message) for message in messages]}
    return JsonDataModel(schema=ChatMessages.get_schema(), json=conversation, name=name)
