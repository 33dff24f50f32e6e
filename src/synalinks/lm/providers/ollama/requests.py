"""Requests of Ollama's native API; nothing here touches the network.

Source: Ollama's `docs/api.md` and `api/types.go`, and recordings of a real server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synalinks.lm.core.call import Request
from synalinks.lm.core.errors import RequestError
from synalinks.lm.providers.common.content import arguments_of, as_function, function_of, tool_named

#: Options that stand beside `options` in the request, not in it.
TOP_LEVEL = frozenset({"keep_alive", "truncate", "shift", "logprobs", "top_logprobs", "dimensions", "think"})
#: How long a model stays in memory after a call that others will follow; a server's own default is 5 minutes.
KEEP_ALIVE = "30m"
#: Efforts as `think` takes them: three levels, and False.
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
#: Options that are said in another way, or not at all: Ollama itself decides whether a tool is called.
NOT_SENT = frozenset({"extra_body", "tool_choice", "parallel_tool_calls"})


def chat_payload(
    request: Request, stream: bool, output_limit: int | None = None, keep_loaded: bool = False
) -> dict[str, Any]:
    """The body of a request to `/api/chat`.

    Args:
        output_limit: the most answer tokens, if that is less than what the request's own options allow.
        keep_loaded: whether the model is to stay in memory for more calls, where the request does not say how long.

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
    if tools := _offered(request):
        payload["tools"] = tools
    if request.schema is not None:
        payload["format"] = request.schema.value
    _with_options(payload, request.options)
    if output_limit is not None:
        payload.setdefault("options", {})["num_predict"] = output_limit
    payload.setdefault("truncate", False)  # else the beginning of a prompt that is too long is left out, unsaid
    return _kept(payload) if keep_loaded else payload


def embed_payload(request: Request, keep_loaded: bool = False) -> dict[str, Any]:
    """The body of a request to `/api/embed`: all texts at once."""
    payload = _with_options({"model": _name(request), "input": request.texts}, request.options)
    payload.setdefault("truncate", False)  # else the end of a text that is too long is left out, unsaid
    return _kept(payload) if keep_loaded else payload


def _kept(payload: dict[str, Any]) -> dict[str, Any]:
    payload.setdefault("keep_alive", KEEP_ALIVE)
    return payload


def _name(request: Request) -> str:
    return request.model.partition("/")[2]


def _with_options(payload: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or name in NOT_SENT:
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
    payload.update(given.get("extra_body") or {})
    return payload


def _think(effort: object) -> bool | str:
    try:
        return EFFORTS[effort]
    except (KeyError, TypeError):
        known = ", ".join(repr(name) for name in EFFORTS if isinstance(name, str))
        raise RequestError(f"reasoning_effort={effort!r} is not known; Ollama takes {known}") from None


def _offered(request: Request) -> list[Mapping[str, Any]]:
    """The tools that a `tool_choice` leaves: none, or the one that it names; Ollama can't be made to call one."""
    choice, tools = request.options.get("tool_choice"), [as_function(tool) for tool in request.tools]
    if choice == "none":
        return []
    if (wanted := tool_named(choice)) is None:
        return tools
    return [tool for tool in tools if tool["function"]["name"] == wanted]


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


def _call(call: Mapping[str, object]) -> dict[str, Any]:
    value: dict[str, Any] = {"function": {"name": function_of(call)["name"], "arguments": arguments_of(call)}}
    if identity := call.get("id"):
        value["id"] = identity
    return value


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


def _image(part: Mapping[str, object]) -> str:
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
