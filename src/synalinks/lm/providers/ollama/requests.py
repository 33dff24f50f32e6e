"""How Ollama's native API says requests and replies; nothing here touches the network.

Source: Ollama's `docs/api.md` and `api/types.go`, and recordings of a real server.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from synalinks import _json
from synalinks.errors import RequestError
from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage

#: The counters kept as they came. The durations beside them differ from run to run, and `reply.seconds`
#: says how long it took.
COUNTERS = ("prompt_eval_count", "prompt_eval_cached_count", "eval_count")
#: Options that stand beside `options` in the request, not in it.
TOP_LEVEL = frozenset({"keep_alive", "truncate", "shift", "logprobs", "top_logprobs", "dimensions", "think"})
#: Efforts as `think` takes them; it knows three levels, and False.
EFFORTS: Mapping[Any, bool | str] = {
    "none": False,
    "disable": False,
    False: False,
    True: True,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
RENAMED = {"max_tokens": "num_predict", "max_completion_tokens": "num_predict"}
PLAIN = frozenset({"role", "content"})


def chat_payload(request: Request, stream: bool, output_limit: int | None = None) -> dict[str, Any]:
    """The body of a request to `/api/chat`.

    Args:
        output_limit: the most answer tokens, if that is less than what the request's own options allow.

    Raises:
        RequestError: a message or an option that Ollama has no form for.
    """
    if not request.messages:
        raise RequestError(f"{request.model}: no messages; Ollama would load the model and answer nothing")
    payload: dict[str, Any] = {
        "model": _name(request),
        "messages": [_message(message) for message in request.messages],
        "stream": stream,
    }
    if request.tools:
        payload["tools"] = [_tool(tool) for tool in request.tools]
    if request.schema is not None:
        payload["format"] = request.schema.value
    _with_options(payload, request.options)
    if output_limit is not None:
        payload.setdefault("options", {})["num_predict"] = output_limit
    return payload


def embed_payload(request: Request) -> dict[str, Any]:
    """The body of a request to `/api/embed`: all texts at once."""
    return _with_options({"model": _name(request), "input": request.texts}, request.options)


def _name(request: Request) -> str:
    return request.model.partition("/")[2]


def _with_options(payload: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in TOP_LEVEL:
            payload[name] = value
        elif name == "reasoning_effort":
            payload.setdefault("think", _think(value))
        elif name == "stop" and isinstance(value, str):
            options[name] = [value]
        else:
            options[RENAMED.get(name, name)] = value
    if options:
        payload["options"] = options
    return payload


def _think(effort: Any) -> bool | str:
    try:
        return EFFORTS[effort]
    except (KeyError, TypeError):
        known = ", ".join(repr(name) for name in EFFORTS if isinstance(name, str))
        raise RequestError(f"reasoning_effort={effort!r} is not known; Ollama takes {known}") from None


def _tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    return tool if tool.get("type") == "function" else {"type": "function", "function": tool}


def _message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message.get("content")
    if isinstance(content, str) and message.keys() == PLAIN and message["role"] != "developer":
        return message
    role = message["role"]
    text, images = (content or "", []) if not isinstance(content, list | tuple) else _parts(content)
    said: dict[str, Any] = {"role": "system" if role == "developer" else role, "content": text}
    if images:
        said["images"] = images
    if thinking := message.get("reasoning") or message.get("reasoning_content") or message.get("thinking"):
        said["thinking"] = thinking
    if calls := message.get("tool_calls"):
        said["tool_calls"] = [_call(call) for call in calls]
    if role == "tool":
        if name := message.get("tool_name") or message.get("name"):
            said["tool_name"] = name
        if identity := message.get("tool_call_id"):
            said["tool_call_id"] = identity
    return said


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function", call)
    arguments = function.get("arguments") or {}
    if isinstance(arguments, str):
        try:
            arguments = _json.loads(arguments)
        except _json.JSONDecodeError as error:
            raise RequestError(
                f"arguments of a call of {function.get('name')!r} in the history are not JSON: {arguments!r}"
            ) from error
    said: dict[str, Any] = {"function": {"name": function["name"], "arguments": arguments}}
    if identity := call.get("id"):
        said["id"] = identity
    return said


def _parts(parts: Iterable[Mapping[str, Any] | str]) -> tuple[str, list[str]]:
    """Text and base64 images of a content that is a list of parts."""
    texts: list[str] = []
    images: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif part.get("type") == "text":
            texts.append(part.get("text") or "")
        elif part.get("type") in ("image_url", "image"):
            images.append(_image(part))
        else:
            raise RequestError(f"Ollama takes parts of type 'text' and 'image_url', got {part.get('type')!r}")
    return "\n".join(texts), images


def _image(part: Mapping[str, Any]) -> str:
    source = part.get("image_url", part.get("data"))
    if isinstance(source, Mapping):
        source = source.get("url")
    text = source if isinstance(source, str) else ""
    if text.startswith("data:"):
        text = text.partition("base64,")[2]
    elif "://" in text:
        raise RequestError(
            f"Ollama takes images as data, not by address, got {text[:80]!r}; "
            "read the image and pass 'data:image/png;base64,...'"
        )
    if not text:
        raise RequestError("an image part without base64 data; pass 'data:image/png;base64,...'")
    return text


def chat_reply(body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
    """The reply that the body of an answer to `/api/chat` holds."""
    message = body.get("message") or {}
    calls = tuple(
        _called(call, f"call_{len(request.messages)}_{index}")
        for index, call in enumerate(message.get("tool_calls") or ())
    )
    finish = body.get("done_reason") or None
    extra = {name: body[name] for name in ("logprobs", "remote_host") if body.get(name)}
    return Reply(
        text=message.get("content") or "",
        reasoning=message.get("thinking") or None,
        tool_calls=calls,
        finish="tool_calls" if calls and finish == "stop" else finish,
        usage=usage(body),
        model=body.get("remote_model") or body.get("model"),
        chunks=chunks,
        extra=extra or None,
    )


def _called(call: Mapping[str, Any], identity: str) -> dict[str, Any]:
    function = call.get("function") or {}
    return {
        "id": call.get("id") or identity,
        "name": function.get("name", ""),
        "arguments": function.get("arguments") or {},
    }


def embed_reply(body: Mapping[str, Any]) -> Reply:
    """The reply that the body of an answer to `/api/embed` holds."""
    vectors = tuple(float32_bytes(vector) for vector in body.get("embeddings") or ())
    return Reply(vectors=vectors, usage=usage(body), model=body.get("model"))


def float32_bytes(numbers: Iterable[float]) -> bytes:
    """Numbers as little-endian float32."""
    packed = array("f", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def usage(body: Mapping[str, Any]) -> Usage:
    """Counters as buckets. Ollama leaves out what is 0 or not known, so absent is None, never 0.

    `prompt_eval_count` includes the tokens of `prompt_eval_cached_count`; `eval_count` includes thinking,
    which is not counted apart.
    """
    raw = {name: body[name] for name in COUNTERS if body.get(name) is not None}
    if not raw:
        return NO_USAGE
    prompt, cached = raw.get("prompt_eval_count"), raw.get("prompt_eval_cached_count")
    fresh = prompt - cached if prompt is not None and cached is not None else prompt
    return Usage(input_fresh=fresh, input_cache_read=cached, output_text=raw.get("eval_count"), raw=raw)
