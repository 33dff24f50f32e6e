"""Requests of OpenAI's chat completions API; nothing here touches the network.

Source: OpenAI's API reference (chat completions, embeddings) and recordings of the providers with an API like it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from synalinks import _json
from synalinks.lm.core.call import OUTPUT_LIMITS, Request, Schema
from synalinks.lm.core.errors import RequestError
from synalinks.lm.providers.common.content import as_function
from synalinks.lm.providers.openai.strict_schema import strict_schema, without_ref_siblings
from synalinks.lm.providers.openai.variants import Schemas, Variant

#: What an answer with a schema is called: the name of its format, or of the tool whose arguments it is.
STRUCTURED_OUTPUT = "structured_output"
PLAIN = frozenset({"role", "content"})
#: Beginnings of base64 data of pictures, by type, for data without one.
MAGIC = (("/9j/", "image/jpeg"), ("iVBOR", "image/png"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"))
#: Efforts that mean "as the provider does by itself", and "none at all".
UNSAID, OFF = ("none",), ("disable", False)
#: Options that are not part of the body.
NOT_SENT = frozenset({*OUTPUT_LIMITS, "api_version", "extra_body"})
JSON_MODE_PROMPT = "Answer with one JSON object and nothing else. It must obey this JSON schema:\n"


def chat_payload(
    request: Request, variant: Variant, *, stream: bool = False, output_cap: int | None = None
) -> dict[str, Any]:
    """The body of a request to `/chat/completions`.

    Args:
        request: what is asked.
        variant: of whom.
        stream: whether the answer is to come in pieces.
        output_cap: the most answer tokens there is money for.

    Raises:
        RequestError: a message or an option that there is no form for.
    """
    if not request.messages:
        raise RequestError(f"{request.model}: no messages; a chat model needs at least one")
    payload: dict[str, Any] = {
        "model": model_name(request),
        "messages": [_message(message, variant) for message in request.messages],
    }
    if stream:
        payload["stream"] = True
        if variant.stream_usage:
            payload["stream_options"] = {"include_usage": True}
    if request.tools:
        payload["tools"] = [as_function(tool) for tool in request.tools]
    options = request.options
    if request.schema is not None:
        if variant.structured == "forced_tool" and options.get("tool_choice") == "none":  # the answer is a tool
            options = {name: value for name, value in options.items() if name != "tool_choice"}
            payload.pop("tools", None)
        _ask_for(request.schema, variant, payload, plain=not stream and "tools" not in payload)
    _put_options(payload, options, variant)
    _limit_output(payload, request, variant, output_cap)
    return payload


def embed_payload(request: Request, variant: Variant) -> dict[str, Any]:
    """The body of a request to `/embeddings`: all texts at once."""
    payload: dict[str, Any] = {"model": model_name(request), "input": list(request.texts)}
    if variant.base64_vectors:
        payload["encoding_format"] = "base64"
    _put_options(payload, request.options, variant)
    return payload


def model_name(request: Request) -> str:
    """The model's name without its prefix, and without the word for the API that it is called through."""
    return request.model.partition("/")[2].removeprefix("responses/")


@lru_cache(maxsize=512)
def format_of(schema: Schema, form: Schemas) -> dict[str, Any]:
    """A schema as `response_format`; made once per schema."""
    sent = None if form == "whole" else strict_schema(schema.value, bounds=form == "closed")
    inner = {
        "name": STRUCTURED_OUTPUT,
        "schema": without_ref_siblings(schema.value) if sent is None else sent,
        "strict": sent is not None or form == "whole",
    }
    return {"type": "json_schema", "json_schema": inner}


@lru_cache(maxsize=512)
def _output_tool(schema: Schema) -> dict[str, Any]:
    """The tool whose arguments are the answer."""
    return {
        "type": "function",
        "function": {
            "name": STRUCTURED_OUTPUT,
            "description": "Gives the answer. Call it once, with the whole answer as arguments.",
            "parameters": without_ref_siblings(schema.value),
        },
    }


@lru_cache(maxsize=512)
def _json_prompt(schema: Schema) -> str:
    return JSON_MODE_PROMPT + _json.dumps(schema.value)


def _ask_for(schema: Schema, variant: Variant, payload: dict[str, Any], plain: bool) -> None:
    """Ask for an answer that obeys a schema, in the way the provider has; `plain` is without tools and not streamed."""
    if variant.structured == "json_schema" or (plain and payload["model"] in variant.json_schema_models):
        payload["response_format"] = format_of(schema, variant.schemas)
    elif variant.structured == "forced_tool":
        others = payload.get("tools", ())
        payload["tools"] = [*others, _output_tool(schema)]
        forced = {"type": "function", "function": {"name": STRUCTURED_OUTPUT}}
        payload["tool_choice"] = "required" if others else forced
    else:
        payload["response_format"] = {"type": "json_object"}
        payload["messages"] = _with_instruction(payload["messages"], _json_prompt(schema))


def _with_instruction(messages: list[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    first = messages[0]
    if first["role"] == "system" and isinstance(first["content"], str):
        return [{**first, "content": f"{first['content']}\n\n{text}"}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


def _put_options(payload: dict[str, Any], options: Mapping[str, object], variant: Variant) -> None:
    """Options in the provider's words; those it alone has (`provider=` of OpenRouter) pass through."""
    for name, value in options.items():
        if value is None or name in NOT_SENT:
            continue
        if name == "reasoning_effort":
            _put_effort(payload, value, variant)
        elif name == "seed":
            payload[variant.seed] = value
        else:
            payload[name] = value
    extra = options.get("extra_body")
    if isinstance(extra, Mapping):
        payload.update(extra)


def _put_effort(payload: dict[str, Any], effort: object, variant: Variant) -> None:
    if effort in UNSAID:
        return
    if effort in OFF:
        payload.update(variant.no_thinking)
        return
    outer, dot, inner = variant.effort.partition(".")
    value = "medium" if effort is True else effort
    payload[outer] = {inner: value} if dot else value


def _limit_output(payload: dict[str, Any], request: Request, variant: Variant, cap: int | None) -> None:
    limits = [limit for limit in (request.output_limit, cap) if limit is not None]
    if limits:
        newer = "max_completion_tokens" in request.options
        payload["max_completion_tokens" if newer else variant.output_limit] = min(limits)


def _message(message: Mapping[str, Any], variant: Variant) -> Mapping[str, Any]:
    content = message.get("content")
    if isinstance(content, str) and message.keys() == PLAIN and message["role"] != "developer":
        return message
    role = message["role"]
    said: dict[str, Any] = {"role": "system" if role == "developer" and not variant.developer else role}
    calls = message.get("tool_calls")
    if content or not calls:
        said["content"] = [_part(part) for part in content] if isinstance(content, list | tuple) else _text(message)
    if calls:
        said["tool_calls"] = [_call(call) for call in calls]
    if role == "tool":
        said["tool_call_id"] = message.get("tool_call_id") or ""
    elif name := message.get("name"):
        said["name"] = name
    if role == "assistant" and variant.remembered:
        thought = message.get("reasoning_content") or message.get("reasoning") or message.get("thinking")
        if thought:
            said.update(dict.fromkeys(variant.remembered, thought))
        if variant.reports_cost and (details := message.get("reasoning_details")):
            said["reasoning_details"] = details
    return said


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, Mapping):
        return _json.dumps(content)
    return content or message.get("refusal") or ""


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function", call)
    arguments = function.get("arguments")
    return {
        "id": call.get("id") or "",
        "type": "function",
        "function": {
            "name": function["name"],
            "arguments": arguments if isinstance(arguments, str) else _json.dumps(arguments or {}),
        },
    }


def _part(part: Mapping[str, object] | str) -> Mapping[str, Any]:
    """A part of a content: text, picture or sound; parts of other kinds are the provider's own and pass through."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    kind = part.get("type")
    if kind in ("image", "image_url"):
        return {"type": "image_url", "image_url": _image(part)}
    if kind in ("audio", "input_audio", "audio_url"):
        return {"type": "input_audio", "input_audio": _audio(part)}
    return part


def _image(part: Mapping[str, Any]) -> dict[str, Any]:
    source = part.get("image_url")
    more: dict[str, Any] = {}
    if isinstance(source, Mapping):
        more = {name: value for name, value in source.items() if name != "url"}
        source = source.get("url")
    source = source or part.get("url")
    if not source and (data := part.get("data")):
        if data.startswith("data:"):
            source = data
        else:
            source = f"data:{part.get('mime_type') or _kind_of_picture(data)};base64,{data}"
    if not source:
        raise RequestError(
            f"an image part needs 'data' (base64) or an address ('url', or 'image_url'), got {sorted(part)}"
        )
    return {"url": source, **more}


def _kind_of_picture(data: str) -> str:
    return next((kind for beginning, kind in MAGIC if data.startswith(beginning)), "image/png")


def _audio(part: Mapping[str, object]) -> Any:
    given = part.get("input_audio", part)
    if not isinstance(given, Mapping):
        return given
    data = given.get("data")
    if not data:
        raise RequestError(
            f"an audio part needs 'data' (base64) and 'format' (e.g. 'wav'), got {sorted(part)}; "
            "chat completions take no address of a sound"
        )
    kind = given.get("format")
    if data.startswith("data:"):
        head, _, data = data.partition("base64,")
        kind = kind or head.removeprefix("data:").partition(";")[0].rpartition("/")[2]
    kind = kind or (given.get("mime_type") or "").rpartition("/")[2] or "wav"
    return {"data": data, "format": {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}.get(kind, kind)}
