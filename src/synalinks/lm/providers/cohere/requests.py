"""Requests of Cohere's API, version 2; nothing here touches the network.

| here                                   | there                                                      |
|----------------------------------------|------------------------------------------------------------|
| `request.schema`                       | `response_format` of type `json_object` with `json_schema` |
| `request.schema` beside `tools`        | a tool whose arguments are the answer                      |
| `tool_choice` required, none           | `REQUIRED`, `NONE`; a single tool can't be forced          |
| `top_p`, `top_k`, `stop`               | `p`, `k`, `stop_sequences`                                 |
| `reasoning_effort`                     | `thinking`, on or off                                      |
| reasoning of a history                 | parts of type `thinking`                                   |
| `request.texts`                        | `texts`, up to 96 a request                                |

Source: Cohere's API reference (Chat, Embed; v2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synalinks import _json
from synalinks.lm.core.call import OUTPUT_LIMITS, Request
from synalinks.lm.core.errors import RequestError
from synalinks.lm.providers.common.content import function_of, media_of, parts_of, text_of
from synalinks.lm.providers.common.schema_subset import Subset, as_subset

#: Texts of one request to `/embed`.
MOST_TEXTS = 96
#: What vectors are for where the program does not say; newer models refuse requests without it.
INPUT_TYPE = "search_document"
#: The tool whose arguments are the answer, where schema and tools can't stand together.
ANSWER_TOOL = "give_answer"
ANSWER_TOOL_SAYS = "Give the final answer. Its arguments are the answer. Call it alone."
#: The part of JSON Schema that `json_schema` supports (Structured Outputs, "Unsupported schema features").
KNOWN = Subset(
    frozenset({"type", "title", "description", "enum", "const", "anyOf", "required", "$ref", "additionalProperties"}),
    frozenset({"date-time", "uuid", "date", "time"}),
)
_RENAMED = {"top_p": "p", "top_k": "k"}
_CHOICES = {"required": "REQUIRED", "any": "REQUIRED", "none": "NONE", "auto": None}
_TAKEN = frozenset(
    {*OUTPUT_LIMITS, "stop", "tool_choice", "parallel_tool_calls", "reasoning_effort", "extra_body", "dimensions"}
)


def chat_payload(request: Request, *, stream: bool = False, output_cap: int | None = None) -> dict[str, Any]:
    """The body of a request to `/v2/chat`.

    Raises:
        RequestError: a message, a part or an option that Cohere has no form for.
    """
    if not request.messages:
        raise RequestError(f"{request.model}: no messages; a chat model needs at least one")
    options = request.options
    payload: dict[str, Any] = {
        "model": model_name(request),
        "messages": [_message(message, request.model) for message in request.messages],
    }
    if stream:
        payload["stream"] = True
    payload.update(_renamed(options))
    if stop := options.get("stop"):
        payload["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    effort = options.get("reasoning_effort")
    if effort is not None and "thinking" not in payload:
        payload["thinking"] = {"type": "disabled" if effort in ("none", "disable", False) else "enabled"}
    choice = _choice(options.get("tool_choice"), request.model)
    tools = [{"type": "function", "function": dict(function_of(tool))} for tool in request.tools]
    if choice == "NONE" and request.schema is not None:  # the answer would be one of the tools
        tools, choice = [], None
    if request.schema is not None and tools:
        inner = {"name": ANSWER_TOOL, "description": ANSWER_TOOL_SAYS, "parameters": request.schema.value}
        tools, choice = [*tools, {"type": "function", "function": inner}], "REQUIRED"
    elif request.schema is not None:
        payload["response_format"] = {"type": "json_object", "json_schema": as_subset(request.schema, KNOWN)}
    if tools:
        payload["tools"] = tools
        if choice is not None:
            payload["tool_choice"] = choice
    limits = [limit for limit in (request.output_limit, output_cap) if limit is not None]
    if limits:
        payload["max_tokens"] = min(limits)
    payload.update(options.get("extra_body") or {})
    return payload


def embed_payloads(request: Request) -> Iterator[dict[str, Any]]:
    """The bodies of requests to `/v2/embed`, together for all texts."""
    options = request.options
    common: dict[str, Any] = {"model": model_name(request), "input_type": INPUT_TYPE, **_renamed(options)}
    if (width := options.get("dimensions")) is not None:
        common["output_dimension"] = width
    common |= {"embedding_types": ["float"], **(options.get("extra_body") or {})}
    for first in range(0, len(request.texts), MOST_TEXTS):
        yield {**common, "texts": list(request.texts[first : first + MOST_TEXTS])}


def model_name(request: Request) -> str:
    """The model's name without its prefix."""
    return request.model.partition("/")[2]


def _renamed(options: Mapping[str, object]) -> dict[str, Any]:
    said = ((name, value) for name, value in options.items() if value is not None and name not in _TAKEN)
    return {_RENAMED.get(name, name): value for name, value in said}


def _choice(choice: object, model: str) -> str | None:
    if choice is None:
        return None
    if isinstance(choice, str) and choice in _CHOICES:
        return _CHOICES[choice]
    raise RequestError(
        f"{model}: tool_choice={choice!r} has no form at Cohere, which takes 'auto', 'none' and 'required'; to force a "
        "single tool, give that tool only and write 'required'"
    )


def _message(message: Mapping[str, Any], model: str) -> dict[str, Any]:
    role = message["role"]
    parts = parts_of(message.get("content"))
    if role in ("tool", "function"):
        output = "".join(text_of(part) or _json.dumps(part) for part in parts)
        return {"role": "tool", "tool_call_id": message.get("tool_call_id") or "", "content": output}
    said: dict[str, Any] = {"role": "system" if role == "developer" else role}
    content = [_part(part, model) for part in parts]
    calls = message.get("tool_calls")
    thought = (message.get("reasoning_content") or message.get("thinking")) if role == "assistant" else None
    if isinstance(thought, str) and thought:
        content = [{"type": "thinking", "thinking": thought}, *content]
    if len(content) == 1 and content[0]["type"] == "text":
        said["content"] = content[0]["text"]
    elif content or not calls:
        said["content"] = content or ""
    if calls:
        said["tool_calls"] = [_call(call) for call in calls]
    return said


def _call(call: Mapping[str, object]) -> dict[str, Any]:
    function = function_of(call)
    given = function.get("arguments")
    arguments = given if isinstance(given, str) else _json.dumps(given or {})
    return {
        "id": call.get("id") or "",
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }


def _part(part: Any, model: str) -> dict[str, Any]:
    text = text_of(part)
    if text is not None:
        return {"type": "text", "text": text}
    media = media_of(part, model)
    if media.kind != "image":
        raise RequestError(f"{model}: Cohere takes text and images, got a part of type {part.get('type')!r}")
    address = media.url or f"data:{media.mime or 'image/png'};base64,{media.data}"
    return {"type": "image_url", "image_url": {"url": address}}
