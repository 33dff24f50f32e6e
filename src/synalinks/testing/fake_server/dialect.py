"""Ollama's native JSON: requests checked as a real server checks them, answers in its shapes.

The words of the errors and the order of the fields are those of recordings of a real server (2026-08).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from time import time_ns
from typing import Any

import orjson

from synalinks.testing.fake_models import words as _words
from synalinks.testing.fake_models.chat import ChatRequest, ModelReply, text_of, without_corrections

#: Tokens a chat template adds to each message: its role and its two marks.
MESSAGE_TOKENS = 4
#: A real server's default, in tokens; counts only for requests with `truncate: false`.
CONTEXT_LENGTH = 4096
#: Nanoseconds that a model in memory reports as its loading, at the most.
LOADED = 1_000_000
_TYPES = {
    "temperature": "float32",
    "top_p": "float32",
    "min_p": "float32",
    "repeat_penalty": "float32",
    "presence_penalty": "float32",
    "frequency_penalty": "float32",
    "seed": "integer",
    "num_predict": "integer",
    "num_ctx": "integer",
    "top_k": "integer",
}
_JSON_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


class RefusalError(Exception):
    """An error answer: its status and words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def dump(value: object) -> bytes:
    """JSON bytes as Go writes them: `<`, `>` and `&` escaped."""
    data = orjson.dumps(value)
    return data.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def digest_of(name: str) -> str:
    """A digest in hexadecimal."""
    return sha256(name.encode()).hexdigest()


def now() -> str:
    """The time in Go's form, with nanoseconds."""
    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


# ------------------------------------------------------------------ requests
def decode(data: bytes) -> dict[str, Any]:
    """The JSON object of a request's body.

    Raises:
        RefusalError: 400, in Go's words, where it is none.
    """
    if not data:
        raise RefusalError(400, "missing request body")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        rest = error.doc[error.pos :].strip() if isinstance(error.doc, str) else ""
        if not rest:
            raise RefusalError(400, "unexpected EOF") from None
        raise RefusalError(400, f"invalid character {rest[0]!r} looking for beginning of value") from None
    if not isinstance(value, dict):
        raise RefusalError(400, f"json: cannot unmarshal {_go_type(value)} into Go value of type api.ChatRequest")
    return value


def _go_type(value: object) -> str:
    names: dict[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}
    return names.get(type(value), "object")


def chat_request(body: Mapping[str, Any], abilities: Sequence[str]) -> ChatRequest:
    """The chat request of a body, checked.

    Raises:
        RefusalError: as a real server refuses it.
    """
    name, messages = str(body.get("model") or body.get("name")), body.get("messages") or []
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        kind = _go_type(messages) if not isinstance(messages, list) else "string"
        raise RefusalError(
            400,
            f"json: cannot unmarshal {kind} into Go struct field ChatRequest.messages of type []api.Message",
        )
    if "completion" not in abilities:
        raise RefusalError(400, f'"{name}" does not support chat')
    if body.get("tools") and "tools" not in abilities:
        raise RefusalError(400, f'"{name}" does not support tools')
    if body.get("think") and "thinking" not in abilities:
        raise RefusalError(400, f'"{name}" does not support thinking')
    if "vision" not in abilities and any(one.get("images") for one in messages):
        raise RefusalError(400, _inner("Multimodal data provided, but model does not support multimodal requests."))
    options = body.get("options") or {}
    _check_options(options)
    request = ChatRequest(
        name,
        without_corrections(messages),
        _format(body.get("format")),
        options,
        body.get("tools") or (),
        bool(body.get("think")),
    )
    _check_length(body, request)
    return request


def _inner(message: str, kind: str = "invalid_request_error", **more: Any) -> str:
    return orjson.dumps({"error": {"code": 400, "message": message, "type": kind, **more}}).decode()


def _check_options(options: object) -> None:
    if not isinstance(options, dict):
        raise RefusalError(
            400,
            f"json: cannot unmarshal {_go_type(options)} into Go struct field ChatRequest.options "
            "of type map[string]interface {}",
        )
    for name, kind in _TYPES.items():
        value = options.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise RefusalError(500, f'option "{name}" must be of type {kind}')


def _format(value: object) -> str | Mapping[str, Any] | None:
    if value in (None, "", "json"):
        return value or None
    if not isinstance(value, dict):
        raw = orjson.dumps(orjson.dumps(value).decode()).decode()
        raise RefusalError(500, f'invalid format: {raw}; expected "json" or a valid JSON Schema object')
    kinds = value.get("type", "object")
    for kind in kinds if isinstance(kinds, list) else (kinds,):
        if kind not in _JSON_TYPES:
            raise RefusalError(
                400,
                _inner(
                    "Field 'json_schema': \"json_schema\": JSON schema conversion failed:\n"
                    f"JSON schema error at #: unrecognized type {kind}"
                ),
            )
    return value


def _check_length(body: Mapping[str, object], request: ChatRequest) -> None:
    if body.get("truncate") is not False:
        return
    size, room = prompt_tokens(request), int(request.options.get("num_ctx") or CONTEXT_LENGTH)
    if size > room:
        message = f"request ({size} tokens) exceeds the available context size ({room} tokens), try increasing it"
        raise RefusalError(400, _inner(message, "exceed_context_size_error", n_prompt_tokens=size, n_ctx=room))


def embed_texts(body: Mapping[str, object]) -> list[str]:
    """The texts of an `/api/embed` body; an empty string alone is no text, as with a real server.

    Raises:
        RefusalError: 400, where the input is neither a string nor a list of strings, or has a text that exceeds the
            context and is not to be cut.
    """
    given = body.get("input")
    if given is None or given == "":
        return []
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RefusalError(400, "invalid input type")
    if body.get("truncate") is False and any(_words.count_tokens(text) > _room(body) for text in texts):
        raise RefusalError(400, "the input length exceeds the context length")
    return texts


def _room(body: Mapping[str, Any]) -> int:
    """The context of a request, in tokens."""
    return int((body.get("options") or {}).get("num_ctx") or CONTEXT_LENGTH)


def prompt_tokens(request: ChatRequest) -> int:
    """Tokens of all messages and tools, and `MESSAGE_TOKENS` for each message."""
    count = 0
    for message in request.messages:
        count += MESSAGE_TOKENS + _words.count_tokens(text_of(message))
        if calls := message.get("tool_calls"):
            count += _words.count_tokens(orjson.dumps(calls).decode())
    if request.tools:
        count += _words.count_tokens(orjson.dumps(request.tools).decode())
    return count


# ------------------------------------------------------------------ answers
@dataclass(slots=True)
class ChatAnswer:
    """A whole answer of a model, counted.

    Attributes:
        pieces: the tokens of the visible text, as a stream sends them.
        reason: "stop", or "length" for one that was cut short.
        started: `time.perf_counter_ns()` when the request came.
        loading, queued: nanoseconds of waiting for the model to be loaded, and for a slot.
    """

    model: str
    pieces: list[str]
    thinking: str
    tool_calls: list[dict[str, Any]]
    reason: str
    prompt_tokens: int
    completion_tokens: int
    started: int
    logprobs: Sequence[Mapping[str, Any]] = ()
    created: str = field(default_factory=now)
    loading: int = 0
    queued: int = 0

    def message(self, content: str) -> dict[str, Any]:
        """A message with this text."""
        return {"role": "assistant", "content": content}

    def body(self, elapsed: int) -> dict[str, Any]:
        """The answer in one piece; `elapsed` in nanoseconds."""
        message = self.message("".join(self.pieces))
        if self.thinking:
            message["thinking"] = self.thinking
        if self.tool_calls:
            message["tool_calls"] = self.tool_calls
        head = {"model": self.model, "created_at": self.created, "message": message, "done": True}
        likely = {"logprobs": list(self.logprobs)} if self.logprobs else {}
        return head | {"done_reason": self.reason} | likely | self.counters(elapsed)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of a stream but for the last: thinking, text by tokens, tool calls."""
        head = {"model": self.model, "created_at": self.created}
        if self.thinking:
            yield head | {"message": self.message("") | {"thinking": self.thinking}, "done": False}
        for piece in self.pieces:
            yield head | {"message": self.message(piece), "done": False}
        if self.tool_calls:
            yield head | {"message": self.message("") | {"tool_calls": self.tool_calls}, "done": False}

    def last_line(self, elapsed: int) -> dict[str, Any]:
        """The last line of a stream, with the counters."""
        head = {"model": self.model, "created_at": self.created, "message": self.message(""), "done": True}
        return head | {"done_reason": self.reason} | self.counters(elapsed)

    def counters(self, elapsed: int) -> dict[str, int]:
        """Ollama's counters, in nanoseconds and tokens; those that are 0 are left out, as Go does."""
        loading = self.loading or min(elapsed // 4, LOADED)
        working = elapsed - loading - self.queued
        counts = {
            "total_duration": elapsed,
            "load_duration": loading,
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": working // 4,
            "eval_count": self.completion_tokens,
            "eval_duration": working - working // 4,
        }
        return {name: value for name, value in counts.items() if value}


class NativeAnswer:
    """An answer in the shapes of `/api/chat`; `elapsed` in nanoseconds."""

    def __init__(self, answer: ChatAnswer, elapsed: int) -> None:
        self._answer = answer
        self._elapsed = elapsed

    def shape(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        """A line in the form of the path."""
        return line

    def whole(self) -> bytes:
        """The answer in one piece."""
        return dump(self.shape(self._answer.body(self._elapsed)))

    def events(self) -> Iterator[bytes]:
        """The lines of a stream but for the last."""
        return (dump(self.shape(line)) + b"\n" for line in self._answer.lines())

    def end(self) -> bytes:
        """The last line, with the counters."""
        return dump(self.shape(self._answer.last_line(self._elapsed))) + b"\n"


def chat_answer(request: ChatRequest, reply: str | ModelReply, cut: bool, started: int) -> ChatAnswer:
    """The answer with a model's reply, `stop` and `num_predict` obeyed; `cut` halves it."""
    if isinstance(reply, str):
        reply = ModelReply(reply)
    text = reply.text
    stops = request.options.get("stop") or ()
    for stop in (stops,) if isinstance(stops, str) else stops:
        text = text.partition(stop)[0] if stop else text
    calls = [
        {
            "id": f"call_{digest_of(f'{request.digest.hex()} {request.draw} {place}')[:8]}",
            "function": {"index": place, "name": name, "arguments": dict(arguments)},
        }
        for place, (name, arguments) in enumerate(reply.tool_calls)
    ]
    pieces, thoughts = _words.tokens(text), _words.tokens(reply.thinking)
    called = _words.count_tokens(orjson.dumps(calls).decode()) if calls else 0
    written = len(thoughts) + len(pieces) + called
    limit = int(request.options.get("num_predict") or 0)
    if cut:
        limit = min(limit, written // 2) if limit > 0 else max(written // 2, 1)
    reason = "stop"
    if 0 < limit < written:
        reason, written = "length", limit
        thoughts = thoughts[:limit]
        pieces, calls = pieces[: limit - len(thoughts)], []
    elif cut:
        reason = "length"
    prompt = prompt_tokens(request)
    thinking = "".join(thoughts)
    return ChatAnswer(request.model, pieces, thinking, calls, reason, prompt, written, started, reply.logprobs)
