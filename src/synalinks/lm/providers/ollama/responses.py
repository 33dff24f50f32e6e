"""Answers, streams and errors of Ollama's native API; nothing here touches the network.

Source: Ollama's `docs/api.md` and `api/types.go`, and recordings of a real server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks import _json
from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage
from synalinks.lm.core.reply import SECONDS_DIGITS
from synalinks.lm.providers.common.shape import Shape, check, count
from synalinks.lm.providers.common.thinking import untagged
from synalinks.lm.providers.common.tool_calls import ToolCalls
from synalinks.lm.providers.common.vectors import float32_bytes

#: The counters kept as they came. The durations beside them differ from run to run, and `reply.seconds` is the
#: duration of the answer.
COUNTERS = ("prompt_eval_count", "prompt_eval_cached_count", "eval_count")
#: Seconds of `load_duration` from which on a model was loaded: one in memory reports some hundredths.
LEAST_LOADING = 0.1
NANOSECONDS = 1e9
#: Characters of a server's own words that a message quotes.
LONG_QUOTE = 1000
_FUNCTION: Shape = {"id": str, "function": {"name": str}}
_MESSAGE: Shape = {"content": str, "thinking": str, "tool_calls": [_FUNCTION]}
_CHAT: Shape = {"message": _MESSAGE, "done_reason": str, "model": str, "remote_model": str}
_EMBED: Shape = {"embeddings": [list], "model": str}


def chat_reply(body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
    """The reply that the body of an answer to `/api/chat` holds.

    Raises:
        BadReply, SampleRefused: arguments of a tool call that are no JSON object, the second where the answer was cut.
        ShapeError: the body is not such an answer.
    """
    check(body, _CHAT)
    message = body.get("message") or {}
    text, reasoning = untagged(message.get("content") or "", message.get("thinking") or "")
    calls = ToolCalls(request)
    calls.add_functions(message.get("tool_calls") or ())
    finish = body.get("done_reason") or None
    extra = {name: body[name] for name in ("logprobs", "remote_host") if body.get(name)}
    reply = Reply(
        text=text,
        reasoning=reasoning or None,
        tool_calls=tuple(calls.calls),
        finish="tool_calls" if calls.calls and finish == "stop" else finish,
        usage=usage(body),
        loading=loading(body),
        model=body.get("remote_model") or body.get("model") or None,
        chunks=chunks,
        extra=extra or None,
    )
    return calls.checked(reply)


def embed_reply(body: Mapping[str, Any]) -> Reply:
    """The reply that the body of an answer to `/api/embed` holds."""
    check(body, _EMBED)
    vectors = tuple(float32_bytes(vector) for vector in body.get("embeddings") or ())
    return Reply(vectors=vectors, usage=usage(body), loading=loading(body), model=body.get("model") or None)


def loading(body: Mapping[str, object]) -> float | None:
    """Seconds in which the model was loaded before it answered; None where it was in memory."""
    seconds = round((count(body.get("load_duration")) or 0) / NANOSECONDS, SECONDS_DIGITS)
    return seconds if seconds >= LEAST_LOADING else None


def usage(body: Mapping[str, object]) -> Usage:
    """Counters as buckets. Ollama leaves out what is 0 or not known, so absent is None, never 0.

    `prompt_eval_count` includes the tokens of `prompt_eval_cached_count`; `eval_count` includes thinking,
    which is not counted apart.
    """
    raw = {name: number for name in COUNTERS if (number := count(body.get(name))) is not None}
    if not raw:
        return NO_USAGE
    prompt, cached = raw.get("prompt_eval_count"), raw.get("prompt_eval_cached_count")
    fresh = max(0, prompt - cached) if prompt is not None and cached is not None else prompt
    return Usage(input_fresh=fresh, input_cache_read=cached, output_text=raw.get("eval_count"), raw=raw)


class Assembly:
    """A streamed answer, put together line by line.

    Attributes:
        whole: whether its last line, the one with the counters, has come.
    """

    def __init__(self) -> None:
        self.whole = False
        self._last: Mapping[str, Any] = {}
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[Any] = []

    def add(self, line: Mapping[str, Any]) -> Delta | None:
        """Take in a line; the text or reasoning it brings, if any."""
        check(line, _CHAT)
        self._last, self.whole = line, bool(line.get("done"))
        message = line.get("message") or {}
        self._calls += message.get("tool_calls") or ()
        text, thought = message.get("content") or "", message.get("thinking") or ""
        self._texts.append(text)
        self._thoughts.append(thought)
        return Delta(text, thought) if text or thought else None

    def body(self) -> dict[str, Any]:
        """The answer as it would have come in one piece."""
        message = {"content": "".join(self._texts), "thinking": "".join(self._thoughts), "tool_calls": self._calls}
        return {**self._last, "message": message}


def words_of(value: object) -> str:
    """The words of an error, out of as many wrappings as the server put round it."""
    while True:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = _json.loads(value)
            except _json.JSONDecodeError:
                break
        elif isinstance(value, Mapping) and ("error" in value or "message" in value):
            value = value["error"] if "error" in value else value["message"]
        else:
            break
    text = value.strip() if isinstance(value, str) else repr(value)
    return text[:LONG_QUOTE] or "nothing more"
