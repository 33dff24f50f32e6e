"""OpenAI's Responses API: requests to `/responses`, and answers, whole and streamed. Nothing here touches the network.

| here                                 | there                                                                      |
|--------------------------------------|----------------------------------------------------------------------------|
| `request.messages`                   | `input`: messages, `function_call` and `function_call_output` items        |
| text, images and files of a message  | `input_text`, `input_image`, `input_file`; of an assistant, `output_text`  |
| `request.schema`                     | `text.format` of type `json_schema`                                        |
| `request.output_limit`               | `max_output_tokens`                                                        |
| `reasoning_effort`, `verbosity`      | `reasoning.effort`, `text.verbosity`                                       |
| `reply.reasoning`                    | summaries of `reasoning` items                                             |
| `extra["thinking_blocks"]`           | encrypted `reasoning` items, to be handed back in a history                |
| `finish` length, content_filter      | `incomplete` for `max_output_tokens`, `content_filter`                     |

Nothing is stored on the server (`store: false`), unless an option says so. Source: OpenAI's API reference (Responses).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from synalinks import _json
from synalinks.lm.core.call import OUTPUT_LIMITS, Delta, Reply, Request
from synalinks.lm.core.errors import RequestError
from synalinks.lm.providers.common.content import function_of, media_of, parts_of, text_of
from synalinks.lm.providers.common.shape import Shape, check, counts
from synalinks.lm.providers.common.tool_calls import ToolCalls
from synalinks.lm.providers.openai.requests import STRUCTURED_OUTPUT, format_of, model_name
from synalinks.lm.providers.openai.responses import usage
from synalinks.lm.providers.openai.variants import Variant

#: What a model's name begins with that is called through this API whatever it is: `openai/responses/gpt-4o`.
PREFIX = "responses/"
#: Models that have no other API.
_ONLY = re.compile(r"^(?:o\d-pro|o\d(?:-mini)?-deep-research|gpt-\d[\d.]*-(?:pro|codex)|codex-|computer-use-)")
#: Options that are said in another place.
_TAKEN = frozenset({*OUTPUT_LIMITS, "api_version", "extra_body", "reasoning_effort", "verbosity", "tool_choice"})
#: Pieces of a stream, and what each is: visible text or reasoning.
_TEXT = frozenset({"response.output_text.delta"})
_REASONING = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})
#: Records that end a stream, with the whole response in them.
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
#: Why an answer is not complete, in our words.
_FINISHES = {"max_output_tokens": "length", "content_filter": "content_filter"}
_ITEM: Shape = {"type": str, "content": [{"text": str, "refusal": str}], "summary": [{"text": str}], "name": str}
_RESPONSE: Shape = {"output": [_ITEM], "model": str, "status": str, "incomplete_details": {"reason": str}}


def is_responses_model(name: str, own_server: bool) -> bool:
    """Whether a model is called through this API: its name says so, or OpenAI serves it through no other.

    Args:
        name: the model's, without the provider's prefix.
        own_server: whether the server is OpenAI's own.
    """
    return name.startswith(PREFIX) or (own_server and _ONLY.match(name) is not None)


def responses_payload(
    request: Request, variant: Variant, *, stream: bool = False, output_cap: int | None = None
) -> dict[str, Any]:
    """The body of a request to `/responses`.

    Raises:
        RequestError: a message or a part that there is no form for.
    """
    if not request.messages:
        raise RequestError(f"{request.model}: no messages; a chat model needs at least one")
    items = [item for message in request.messages for item in _items(message, request.model)]
    payload: dict[str, Any] = {"model": model_name(request), "input": items, "store": False}
    if stream:
        payload["stream"] = True
    if request.tools:
        payload["tools"] = [_tool(tool) for tool in request.tools]
    text: dict[str, Any] = {}
    if request.schema is not None:
        text["format"] = {"type": "json_schema", **format_of(request.schema, variant.schemas)["json_schema"]}
    options = request.options
    payload.update({name: value for name, value in options.items() if value is not None and name not in _TAKEN})
    if (verbosity := options.get("verbosity")) is not None:
        text["verbosity"] = verbosity
    if text:
        payload["text"] = {**text, **counts(payload.get("text"))}
    if (effort := options.get("reasoning_effort")) is not None:
        word = {"disable": "none", False: "none", True: "medium"}.get(effort, effort)
        payload["reasoning"] = {"effort": word, **counts(payload.get("reasoning"))}
    if (choice := options.get("tool_choice")) is not None:
        named = counts(choice).get("function")
        payload["tool_choice"] = {"type": "function", **named} if isinstance(named, Mapping) else choice
    limits = [limit for limit in (request.output_limit, output_cap) if limit is not None]
    if limits:
        payload["max_output_tokens"] = min(limits)
    payload.update(options.get("extra_body") or {})
    return payload


def _tool(tool: Mapping[str, object]) -> Mapping[str, Any]:
    if tool.get("type") not in (None, "function"):
        return tool  # one of the server's own
    function = function_of(tool)
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    said = {"type": "function", "name": function["name"], "parameters": parameters}
    if description := function.get("description"):
        said["description"] = description
    return {**said, "strict": bool(function.get("strict", False))}


def _items(message: Mapping[str, Any], model: str) -> Iterator[Mapping[str, Any]]:
    """A message as items of the input."""
    role = message["role"]
    if role in ("tool", "function"):
        output = "".join(text_of(part) or _json.dumps(part) for part in parts_of(message.get("content")))
        yield {"type": "function_call_output", "call_id": message.get("tool_call_id") or "", "output": output}
        return
    if role == "assistant":
        yield from (block for block in message.get("thinking_blocks") or () if block.get("type") == "reasoning")
    content = [_part(part, role, model) for part in parts_of(message.get("content"))]
    if content:
        yield {"type": "message", "role": role, "content": content}
    for call in message.get("tool_calls") or ():
        function = function_of(call)
        arguments = function.get("arguments")
        yield {
            "type": "function_call",
            "call_id": call.get("id") or "",
            "name": function["name"],
            "arguments": arguments if isinstance(arguments, str) else _json.dumps(arguments or {}),
        }


def _part(part: Any, role: str, model: str) -> Mapping[str, Any]:
    text = text_of(part)
    if text is not None:
        return {"type": "output_text" if role == "assistant" else "input_text", "text": text}
    if str(part.get("type")).startswith("input_") and part["type"] != "input_audio":
        return part  # type: ignore[no-any-return]  # already in this form
    media = media_of(part, model)
    if media.kind == "audio":
        raise RequestError(f"{model}: the Responses API takes text, images and files, got a part of audio")
    address = media.url or f"data:{media.mime or 'image/png'};base64,{media.data}"
    if media.kind == "image":
        detail = counts(part.get("image_url")).get("detail") or part.get("detail")
        return {"type": "input_image", "image_url": address, **({"detail": detail} if detail else {})}
    name = counts(part.get("file")).get("filename") or part.get("filename") or "file.pdf"
    return {"type": "input_file", **({"file_url": address} if media.url else {"filename": name, "file_data": address})}


def responses_reply(body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
    """The reply that a response holds.

    Raises:
        BadReply, SampleRefused: arguments of a tool call that are no JSON object, the second where the answer was cut.
        ShapeError: the body is no response.
    """
    check(body, _RESPONSE)
    calls = ToolCalls(request, STRUCTURED_OUTPUT)
    texts: list[str] = []
    refusals: list[str] = []
    thoughts: list[str] = []
    extra: dict[str, Any] = {}
    for item in body.get("output") or ():
        kind = item.get("type")
        if kind == "message":
            for part in item.get("content") or ():
                texts.append(part.get("text") or "")
                refusals.append(part.get("refusal") or "")
                if part.get("annotations"):
                    extra["annotations"] = [*extra.get("annotations", ()), *part["annotations"]]
        elif kind == "reasoning":
            thoughts += [part.get("text") or "" for name in ("summary", "content") for part in item.get(name) or ()]
            if item.get("encrypted_content"):
                kept = {name: value for name, value in item.items() if name != "status" and value is not None}
                extra["thinking_blocks"] = [*extra.get("thinking_blocks", ()), kept]
        elif kind == "function_call":
            calls.add(item.get("name") or "", item.get("arguments"), item.get("call_id") or item.get("id"))
    reason = counts(body.get("incomplete_details")).get("reason")
    finish = _FINISHES.get(str(reason), str(reason)) if body.get("status") == "incomplete" else "stop"
    if calls.calls and finish == "stop":
        finish = "tool_calls"
    reply = Reply(
        text="".join(texts),
        reasoning="\n\n".join(thoughts) or None,
        tool_calls=tuple(calls.calls),
        finish=finish,
        refusal="".join(refusals) or None,
        usage=usage(counts(body.get("usage"))),
        model=body.get("model") or None,
        chunks=chunks,
        extra=extra or None,
    )
    return calls.checked(reply)


class ResponsesAssembly:
    """One streamed response: its pieces as they come, and the whole that its last record holds.

    Attributes:
        whole: whether that record has come.
    """

    def __init__(self) -> None:
        self.whole = False
        self._body: dict[str, Any] = {}

    def add(self, record: Mapping[str, Any]) -> Delta | None:
        """Take in a record; the text or reasoning it brings, if any."""
        kind = record.get("type")
        if kind in _TEXT:
            return Delta(str(record.get("delta") or ""))
        if kind in _REASONING:
            return Delta(reasoning=str(record.get("delta") or ""))
        if kind in _ENDS:
            self.whole, self._body = True, dict(counts(record.get("response")))
        return None

    def body(self) -> dict[str, Any]:
        """The whole response; of one that broke off, nothing."""
        return self._body


def error_of_record(record: Mapping[str, object]) -> Any:
    """The error in a response or in a record of a stream; None if there is none."""
    if record.get("type") == "error":
        return record.get("error") or {"message": record.get("message"), "code": record.get("code")}
    held = counts(record.get("response"))
    return held.get("error") or record.get("error") or None
