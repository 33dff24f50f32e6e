"""Answers of Cohere's API, version 2, whole and streamed; nothing here touches the network.

Tokens are those that are billed (`billed_units`), which leave out what Cohere adds to a prompt; `raw` has both counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage
from synalinks.lm.core.errors import ServerError
from synalinks.lm.core.shares import sum_usage
from synalinks.lm.providers.cohere.requests import ANSWER_TOOL, model_name
from synalinks.lm.providers.common.shape import Shape, check, count, counts
from synalinks.lm.providers.common.tool_calls import ToolCalls
from synalinks.lm.providers.common.vectors import float32_bytes

#: Reasons to finish, in our words.
FINISHES = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
#: Reasons that mean the server broke down.
BREAKDOWNS = frozenset({"ERROR", "TIMEOUT", "ERROR_LIMIT"})
_PART: Shape = {"type": str, "text": str, "thinking": str}
_CALL: Shape = {"id": str, "function": {"name": str, "arguments": (str, dict)}}
_CHAT: Shape = {"message": {"content": [_PART], "tool_calls": [_CALL], "tool_plan": str}, "finish_reason": str}
_EMBED: Shape = {"embeddings": {"float": [list]}}


def chat_reply(body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
    """The reply that the body of an answer holds.

    Raises:
        BadReply, SampleRefused: arguments of a tool call that are no JSON object, the second where the answer was cut.
        ServerError: the server broke down in the middle, by its own account.
        ShapeError: the body is not such an answer.
    """
    check(body, _CHAT)
    message = body.get("message") or {}
    parts = message.get("content") or ()
    calls = ToolCalls(request, ANSWER_TOOL)
    calls.add_functions(message.get("tool_calls") or ())
    text = "".join(part.get("text") or "" for part in parts)
    thoughts = [message.get("tool_plan") or "", *(part.get("thinking") or "" for part in parts)]
    said = body.get("finish_reason") or None
    finish = FINISHES.get(said or "", said)
    if calls.answer is not None:
        text, finish = calls.answer, "stop" if finish == "tool_calls" and not calls.calls else finish
    reply = Reply(
        text=text,
        reasoning="\n\n".join(filter(None, thoughts)) or None,
        tool_calls=tuple(calls.calls),
        finish=finish,
        usage=usage(counts(body.get("usage"))),
        model=model_name(request),
        chunks=chunks,
        extra={"citations": message["citations"]} if message.get("citations") else None,
    )
    if said in BREAKDOWNS:
        raise ServerError(f"{request.model}: the provider broke off its answer ({said})", reply=reply)
    return calls.checked(reply)


def usage(said: Mapping[str, object]) -> Usage:
    """Tokens as disjoint buckets: those that are billed, or all where that is not said."""
    billed = counts(said.get("billed_units")) or counts(said.get("tokens"))
    read, written = count(billed.get("input_tokens")), count(billed.get("output_tokens"))
    if read is None and written is None:
        return NO_USAGE
    cached = count(said.get("cached_tokens"))
    if cached is not None and read is not None:
        cached = min(cached, read)
        read -= cached
    return Usage(input_fresh=read, input_cache_read=cached or None, output_text=written, raw=said)


def embed_reply(bodies: Sequence[Mapping[str, object]], model: str) -> Reply:
    """The reply that the bodies of answers to `/v2/embed` hold together."""
    vectors: list[bytes] = []
    spent: list[Usage] = []
    for body in bodies:
        check(body, _EMBED)
        vectors += [float32_bytes(vector) for vector in counts(body.get("embeddings")).get("float") or ()]  # type: ignore[attr-defined]
        spent.append(usage(counts(body.get("meta"))))
    known = all(each.input_tokens is not None for each in spent)
    return Reply(vectors=tuple(vectors), usage=sum_usage(spent) if known else NO_USAGE, model=model)


class Assembly:
    """One streamed answer as far as it has come.

    Attributes:
        whole: whether its end has come.
    """

    def __init__(self, request: Request) -> None:
        self.whole = False
        self._structured = request.schema is not None
        self._parts: list[dict[str, str]] = []
        self._plan: list[str] = []
        self._calls: dict[object, dict[str, Any]] = {}
        self._end: Mapping[str, Any] = {}

    def add(self, record: Mapping[str, Any]) -> Delta | None:
        """Take in a record; the text or reasoning it brings, if any."""
        kind, delta = record.get("type"), counts(record.get("delta"))
        if kind == "message-end":
            self.whole, self._end = True, delta
            return None
        message = counts(delta.get("message"))
        check({"message": {"content": [message.get("content") or {}], "tool_plan": message.get("tool_plan")}}, _CHAT)
        if kind in ("content-start", "content-delta"):
            piece = counts(message.get("content"))
            text, thought = str(piece.get("text") or ""), str(piece.get("thinking") or "")
            self._parts.append({"text": text, "thinking": thought})
            return Delta(text, thought) if text or thought else None
        if kind == "tool-plan-delta":
            self._plan.append(str(message.get("tool_plan") or ""))
            return Delta(reasoning=self._plan[-1])
        if kind in ("tool-call-start", "tool-call-delta"):
            return self._add_call(record.get("index"), counts(message.get("tool_calls")))
        return None

    def _add_call(self, index: object, said: Mapping[str, object]) -> Delta | None:
        call = self._calls.setdefault(index, {"id": None, "function": {"name": "", "arguments": ""}})
        function = counts(said.get("function"))
        call["id"] = said.get("id") or call["id"]
        call["function"]["name"] = function.get("name") or call["function"]["name"]
        piece = str(function.get("arguments") or "")
        call["function"]["arguments"] += piece
        is_answer = self._structured and call["function"]["name"] == ANSWER_TOOL
        return Delta(piece) if piece and is_answer else None

    def body(self) -> dict[str, Any]:
        """The body that the same answer would have had in one piece."""
        text = "".join(part["text"] for part in self._parts)
        thought = "".join(part["thinking"] for part in self._parts)
        parts = [{"type": "thinking", "thinking": thought}] if thought else []
        parts += [{"type": "text", "text": text}] if text else []
        message = {"content": parts, "tool_plan": "".join(self._plan), "tool_calls": list(self._calls.values())}
        return {**self._end, "message": message}
