"""OpenAI's JSON as Ollama's server speaks it under `/v1`: requests in its native form, answers in OpenAI's shapes.

The words of the errors and the order of the fields are those of recordings of a real server (2026-08).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from time import time
from typing import Any

import orjson

from synalinks._json import Json, JsonObject
from synalinks.testing.fake_server.dialect import ChatAnswer, RefusalError, dump

ROOT = "/v1/"
SSE = "text/event-stream"
#: Options and their names in Ollama's form.
_OPTIONS = {
    **{name: name for name in ("temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty")},
    "max_tokens": "num_predict",
    "max_completion_tokens": "num_predict",
}
_KINDS = {404: "not_found_error", 429: "rate_limit_error"}
_LEAST_SERVER_ERROR = 500


def native(body: Mapping[str, Json]) -> JsonObject:
    """A body of `/v1/chat/completions` as one of `/api/chat`.

    Raises:
        RefusalError: 400, without messages.
    """
    messages = body.get("messages")
    if not messages:
        raise RefusalError(400, "[] is too short - 'messages'")
    made: JsonObject = {"model": body.get("model"), "stream": bool(body.get("stream"))}
    made["messages"] = [_message(one) for one in messages] if isinstance(messages, list) else messages
    made["options"] = options_of(body)
    form = body.get("response_format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        made["format"] = form["json_schema"].get("schema")
    elif isinstance(form, dict) and form.get("type") == "json_object":
        made["format"] = "json"
    if body.get("tools") and body.get("tool_choice") != "none":
        made["tools"] = body["tools"]
    if body.get("reasoning_effort") not in (None, "none"):
        made["think"] = True
    return made


def options_of(body: Mapping[str, Json]) -> JsonObject:
    """The options of a body, in Ollama's form."""
    return {ours: body[name] for name, ours in _OPTIONS.items() if body.get(name) is not None}


def _message(said: object) -> Any:
    """A message whose tool calls have objects as arguments."""
    if not isinstance(said, dict) or not said.get("tool_calls"):
        return said
    calls = []
    for call in said["tool_calls"]:
        function = call.get("function") or {}
        try:
            arguments = orjson.loads(function.get("arguments") or "{}")
        except orjson.JSONDecodeError:
            raise RefusalError(400, "invalid tool call arguments") from None
        calls.append({"id": call.get("id"), "function": {"name": function.get("name"), "arguments": arguments}})
    return {**said, "content": said.get("content") or "", "tool_calls": calls}


class Answer:
    """An answer in the shapes of `/v1/chat/completions`.

    Args:
        answer: as the rule gave it.
        number: of the request; the answer's id is made of it.
        counted: whether a stream ends with the counts.
    """

    kind = "chat.completion"
    chunk_kind = "chat.completion.chunk"

    def __init__(self, answer: ChatAnswer, number: int, counted: bool = True) -> None:
        self._answer = answer
        self._head: JsonObject = {"id": f"chatcmpl-{number}", "created": int(time()), "model": answer.model}
        self._counted = counted

    def whole(self) -> bytes:
        """The answer in one piece."""
        return dump(self._object(self.kind) | {"choices": [self._choice()], "usage": self._usage()})

    def _choice(self) -> JsonObject:
        answer = self._answer
        message: JsonObject = {"role": "assistant", "content": "".join(answer.pieces)}
        if answer.thinking:
            message["reasoning"] = answer.thinking
        if answer.tool_calls:
            message["tool_calls"] = self._calls()
        return {"index": 0, "message": message, "finish_reason": self._finish()}

    def events(self) -> Iterator[bytes]:
        """The events of a stream but for the last ones: thinking, text by tokens, tool calls."""
        answer = self._answer
        deltas: list[JsonObject] = [{"reasoning": answer.thinking}] if answer.thinking else []
        deltas += [{"content": piece} for piece in answer.pieces]
        if answer.tool_calls:
            deltas.append({"tool_calls": self._calls()})
        for place, delta in enumerate(deltas):
            yield self._chunk({"role": "assistant", **delta} if place == 0 else delta)

    def end(self) -> bytes:
        """The last events of a stream: why it ended, the counts if they were asked for, and the mark."""
        end = self._chunk({}, self._finish())
        if self._counted:
            end += _event(self._object(self.chunk_kind) | {"choices": [], "usage": self._usage()})
        return end + b"data: [DONE]\n\n"

    def _chunk(self, delta: Mapping[str, Json], finish: str | None = None) -> bytes:
        return _event(self._object(self.chunk_kind) | {"choices": [self._piece(delta, finish)]})

    def _piece(self, delta: Mapping[str, Json], finish: str | None) -> JsonObject:
        return {"index": 0, "delta": delta, "finish_reason": finish}

    def _object(self, kind: str) -> JsonObject:
        head = self._head
        return {"id": head["id"], "object": kind, **head, "system_fingerprint": "fp_ollama"}

    def _calls(self) -> list[JsonObject]:
        return [
            {
                "id": call["id"],
                "index": place,
                "type": "function",
                "function": {
                    "name": call["function"]["name"],
                    "arguments": orjson.dumps(call["function"]["arguments"]).decode(),
                },
            }
            for place, call in enumerate(self._answer.tool_calls)
        ]

    def _finish(self) -> str:
        return "tool_calls" if self._answer.tool_calls and self._answer.reason == "stop" else self._answer.reason

    def _usage(self) -> dict[str, int]:
        prompt, completion = self._answer.prompt_tokens, self._answer.completion_tokens
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _event(value: Mapping[str, Json]) -> bytes:
    return b"data: " + dump(value) + b"\n\n"


def error(status: int, message: str) -> JsonObject:
    """The body of an error."""
    kind = _KINDS.get(status, "api_error" if status >= _LEAST_SERVER_ERROR else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def models(listing: Sequence[Mapping[str, Json]]) -> JsonObject:
    """The answer of `/v1/models`."""
    return {"object": "list", "data": [model(one["name"]) for one in listing]}


def model(name: Json) -> JsonObject:
    """The answer of `/v1/models/NAME`."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "library"}


def embeddings(body: Mapping[str, Json], vectors: Sequence[Sequence[float]], tokens: int) -> JsonObject:
    """The answer of `/v1/embeddings`; vectors as base64 of float32 where the request says so."""

    def said(vector: Sequence[float]) -> Any:
        if body.get("encoding_format") != "base64":
            return vector
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

    rows = [{"object": "embedding", "embedding": said(vector), "index": i} for i, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": body.get("model"), "usage": usage}
