"""Attributes of spans by OpenTelemetry's semantic conventions for generative AI; any others are `synalinks.*`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from synalinks import _json, scope
from synalinks._base.media import without_bytes
from synalinks._json import JsonObject
from synalinks.data import JsonDataModel, tree
from synalinks.hooks.context import current_trace_context
from synalinks.hooks.kinds import Kind
from synalinks.hooks.requests import CallsModel

if TYPE_CHECKING:
    from synalinks.lm import Entry

Attribute = str | bool | int | float | Sequence[str]
Attributes = dict[str, Attribute]

#: What the conventions call the operations of models, tools, agents and programs.
OPERATIONS = {
    "chat": "chat",
    "embed": "embeddings",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "program": "invoke_workflow",
}
#: What the conventions call the kinds of named operations in the names of their attributes.
NAMED = {"tool": "tool", "agent": "agent", "program": "workflow"}
#: Providers whose name in the conventions is not the prefix of their models here.
PROVIDERS = {"azure": "azure.ai.openai", "gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
#: Options of requests that the conventions name, and the type of their values.
OPTIONS: Mapping[str, tuple[str, type]] = {
    "temperature": ("temperature", float),
    "top_p": ("top_p", float),
    "top_k": ("top_k", int),
    "frequency_penalty": ("frequency_penalty", float),
    "presence_penalty": ("presence_penalty", float),
    "seed": ("seed", int),
    "max_tokens": ("max_tokens", int),
    "max_completion_tokens": ("max_tokens", int),
    "num_predict": ("max_tokens", int),
}


def span_name(kind: Kind, module: object) -> str:
    """The name of a module's spans."""
    operation = OPERATIONS.get(kind)
    name = module.client.model_name if isinstance(module, CallsModel) else getattr(module, "name", "module")
    return name if operation is None else f"{operation} {name}"


def begun(kind: Kind, module: object, kwargs: object) -> Attributes:
    """What is known when a call begins."""
    found: Attributes = {"synalinks.module.class": type(module).__name__, **_place(), **_labels()}
    found["synalinks.module.name"] = getattr(module, "name", "module")
    if (operation := OPERATIONS.get(kind)) is not None:
        found["gen_ai.operation.name"] = operation
    if (named := NAMED.get(kind)) is not None:
        found[f"gen_ai.{named}.name"] = found["synalinks.module.name"]
        if kind != "program" and (description := getattr(module, "description", None)):
            found[f"gen_ai.{named}.description"] = str(description)
    if kind == "tool":
        found["gen_ai.tool.type"] = "function"
    if isinstance(module, CallsModel):
        found |= _request(module, kwargs)
    return found


def _request(module: CallsModel, kwargs: object) -> Attributes:
    client, given = module.client, kwargs if isinstance(kwargs, Mapping) else {}
    server = urlsplit(client.endpoint if len(client.endpoints) == 1 else "")  # which of several is not known yet
    found: Attributes = {
        "gen_ai.provider.name": PROVIDERS.get(client.spec.prefix, client.spec.prefix),
        "gen_ai.request.model": client.model_name,
    }
    if server.hostname:
        found["server.address"] = server.hostname
        found["server.port"] = server.port or (443 if server.scheme == "https" else 80)
    options = {**module.default_kwargs, **(given.get("options") or {})}
    for option, (name, type_) in OPTIONS.items():
        if isinstance(value := options.get(option), (int, float)):
            found[f"gen_ai.request.{name}"] = type_(value)
    if stop := options.get("stop"):
        found["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else [*stop]
    if module.kind == "chat":
        found["gen_ai.output.type"] = "text" if given.get("schema") is None else "json"
    elif isinstance(size := options.get("dimensions"), int):
        found["gen_ai.embeddings.dimension.count"] = size
    return found


def _place() -> Attributes:
    """Where in a run: epoch and step, from 0, phase and sample."""
    place = scope.current().to_dict()
    return {f"synalinks.{name}": place[name] for name in ("epoch", "step", "phase", "sample") if name in place}


def _labels() -> Attributes:
    context = current_trace_context()
    if context is None:
        return {}
    whom = {"user.id": context.user_id, "gen_ai.conversation.id": context.session_id}
    found: Attributes = {name: value for name, value in whom.items() if value is not None}
    for kind, values in (("metadata", context.metadata), ("tag", context.tags)):
        found |= {f"synalinks.{kind}.{name}": value for name, value in values.items()}
    return found


def ended(entry: Entry | None, outputs: object) -> Attributes:
    """What is known when a call has ended: tokens, dollars and the way it finished."""
    if entry is None:
        return {}
    usage, failed = entry.usage, entry.error is not None
    written = (usage.input_cache_write_5m, usage.input_cache_write_1h)
    counts = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.input_cache_read,
        "gen_ai.usage.cache_creation.input_tokens": sum(filter(None, written)) if any(written) else None,
        "gen_ai.usage.reasoning.output_tokens": usage.output_reasoning,
        "gen_ai.response.time_to_first_chunk": entry.first_token,
        "synalinks.cost": None if entry.as_if is None else float(entry.as_if),
        "synalinks.billed": None if entry.billed is None else float(entry.billed),
        "synalinks.attempts": entry.attempts,
    }
    found: Attributes = {name: value for name, value in counts.items() if value is not None}
    found["synalinks.source"] = entry.source
    if entry.is_fallback:
        found["synalinks.is_fallback"] = True
    if entry.finish is not None:
        found["gen_ai.response.finish_reasons"] = [_finish(entry.finish)]
    elif failed:
        found["gen_ai.response.finish_reasons"] = ["error"]
    return found


def _finish(finish: str) -> str:
    return "tool_call" if finish == "tool_calls" else finish


# --- prompts and answers ---------------------------------------------------------------------------------------------


def content_of_inputs(kind: Kind, inputs: object, kwargs: object) -> Attributes:
    """What a call was given, as JSON text."""
    values = list(_values(inputs))
    if kind == "chat":
        messages = [message for value in values for message in value.get("messages", ())]
        found = {
            "gen_ai.system_instructions": [part for one in messages if one["role"] == "system" for part in _parts(one)],
            "gen_ai.input.messages": [_message(one) for one in messages if one["role"] != "system"],
            "gen_ai.tool.definitions": [
                {"type": "function", **tool}
                for tool in (kwargs.get("tools") if isinstance(kwargs, Mapping) else ()) or ()
            ],
        }
        return {name: _json.dumps(value) for name, value in found.items() if value}
    name = "gen_ai.tool.call.arguments" if kind == "tool" else "synalinks.inputs"
    given: object = values if kind != "tool" else _arguments(values, kwargs)
    return {name: _json.dumps(given)} if given else {}


def content_of_outputs(kind: Kind, outputs: object, entry: Entry | None) -> Attributes:
    """What a call gave, as JSON text; vectors are left out."""
    values = list(_values(outputs))
    if kind == "embed" or not values:
        return {}
    if kind == "chat":
        finish = "stop" if entry is None or entry.finish is None else _finish(entry.finish)
        answers = [
            value if "role" in value else {"role": "assistant", "content": _json.dumps(value)} for value in values
        ]
        return {"gen_ai.output.messages": _json.dumps([{**_message(one), "finish_reason": finish} for one in answers])}
    name = "gen_ai.tool.call.result" if kind == "tool" else "synalinks.outputs"
    return {name: _json.dumps(values[0] if kind == "tool" else values)}


def _arguments(values: Sequence[JsonObject], kwargs: object) -> object:
    """The arguments of a tool, which it is given by name or as one data model."""
    named = {key: value for key, value in kwargs.items() if key != "training"} if isinstance(kwargs, Mapping) else {}
    return named or (values[0] if values else None)


def _values(given: object) -> Iterator[JsonObject]:
    for leaf in tree.flatten(given):
        if isinstance(leaf, JsonDataModel):
            yield without_bytes(leaf.get_json())


def _message(message: JsonObject) -> JsonObject:
    """A chat message as the conventions write it."""
    return {"role": message["role"], "parts": list(_parts(message))}


def _parts(message: JsonObject) -> Iterator[JsonObject]:
    content = message.get("content")
    if message.get("reasoning_content"):
        yield {"type": "reasoning", "content": message["reasoning_content"]}
    if message["role"] == "tool":
        yield {"type": "tool_call_response", "id": message.get("tool_call_id"), "response": content}
        return
    if isinstance(content, str) and content:
        yield {"type": "text", "content": content}
    elif isinstance(content, list):
        for part in content:
            yield {"type": "text", "content": part["text"]} if part.get("type") == "text" else part
    for call in message.get("tool_calls") or ():
        function = call.get("function", call)
        arguments = function["arguments"]
        yield {
            "type": "tool_call",
            "id": call.get("id"),
            "name": function["name"],
            "arguments": _json.exact(arguments) if isinstance(arguments, str) else arguments,
        }
