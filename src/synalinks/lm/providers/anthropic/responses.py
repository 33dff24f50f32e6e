"""Answers, streams and errors of Anthropic's Messages API; nothing here touches the network.

The table of fields is in `requests.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks import _json
from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage
from synalinks.lm.core.errors import LMError, QuotaExhausted, SampleRefused
from synalinks.lm.providers.anthropic.requests import ANSWER_TOOL
from synalinks.lm.providers.common.shape import Shape, check, count, counts
from synalinks.lm.providers.common.thinking import untagged
from synalinks.lm.providers.common.tool_calls import ToolCalls
from synalinks.lm.providers.transport.status import error_for

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
#: Statuses of errors told inside a stream, which has status 200 (Errors, "HTTP errors").
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
#: Words of the error for a limit on spending that the user set; status 400.
SPEND_WORDS = ("reached your specified api usage limits", "reached your specified workspace api usage limits")
#: Words of the error for a prompt that leaves no room for `max_tokens`; status 400.
ROOM_WORDS = "exceed context limit"
_BLOCK: Shape = {"type": str, "text": str, "thinking": str, "name": str, "id": str}
_CHAT: Shape = {
    "content": [_BLOCK],
    "stop_reason": str,
    "stop_details": {"explanation": str},
    "model": str,
}
_DELTA: Shape = {"type": str, "text": str, "thinking": str, "signature": str, "partial_json": str}
_EVENT: Shape = {"type": str, "index": int, "delta": _DELTA, "content_block": _BLOCK, "message": _CHAT, "usage": dict}


def chat_reply(body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
    """The reply that the body of an answer to `/v1/messages` holds.

    Raises:
        BadReply, SampleRefused: arguments of a tool call that are no JSON object, the second where the answer was cut.
        ShapeError: the body is not such an answer.
    """
    check(body, _CHAT)
    texts: list[str] = []
    thoughts: list[str] = []
    signed: list[Mapping[str, Any]] = []
    calls = ToolCalls(request, ANSWER_TOOL)
    for block in body.get("content") or ():
        kind = block.get("type")
        if kind == "text":
            texts.append(block.get("text") or "")
        elif kind in ("thinking", "redacted_thinking"):
            thoughts.append(block.get("thinking") or "")
            signed.append(block)
        elif kind == "tool_use":
            calls.add(block.get("name") or "", block.get("input"), block.get("id"))
    text, reasoning = untagged("".join(texts), "".join(thoughts))
    reply = Reply(
        text=text if calls.answer is None else calls.answer,
        reasoning=reasoning or None,
        tool_calls=tuple(calls.calls),
        finish=_finish(body.get("stop_reason"), bool(calls.calls)),
        refusal=_refusal(body, "".join(texts)),
        usage=usage(body.get("usage")),
        model=body.get("model") or None,
        chunks=chunks,
        extra={"thinking_blocks": signed} if signed else None,
    )
    return calls.checked(reply)


def _finish(reason: str | None, calls: bool) -> str | None:
    if reason == "tool_use" and not calls:
        return "stop"  # the answer's own tool
    return FINISH.get(reason, reason) if reason else None


def _refusal(body: Mapping[str, Any], text: str) -> str | None:
    if body.get("stop_reason") != "refusal":
        return None
    return (body.get("stop_details") or {}).get("explanation") or text or "the model gave no reason"


def usage(value: object) -> Usage:
    """Counts as buckets. Where writes to the cache are not split by lifetime, they have the default one (5 min)."""
    said = counts(value)
    if not said:
        return NO_USAGE
    split = counts(said.get("cache_creation")) or {"ephemeral_5m_input_tokens": said.get("cache_creation_input_tokens")}
    output = count(said.get("output_tokens"))
    thought = count(counts(said.get("output_tokens_details")).get("thinking_tokens"))
    return Usage(
        input_fresh=count(said.get("input_tokens")),
        input_cache_read=count(said.get("cache_read_input_tokens")),
        input_cache_write_5m=count(split.get("ephemeral_5m_input_tokens")),
        input_cache_write_1h=count(split.get("ephemeral_1h_input_tokens")),
        output_text=max(0, output - thought) if output is not None and thought else output,
        output_reasoning=thought,
        raw=said,
    )


def error_of(status: int, body: object, headers: Mapping[str, str], where: str) -> LMError:
    """The error that an error body means; `where` begins its message."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return error_for(status, f"{where}: {body or 'nothing more'}", headers, said=str(body))
    words, kind = str(error.get("message") or "nothing more"), str(error.get("type") or "")
    code = (error.get("details") or {}).get("error_code") or ""
    message = f"{where}: {words}" + (f" ({code or kind})" if code or kind else "")
    low = words.lower()
    if any(said in low for said in SPEND_WORDS):
        return QuotaExhausted(message, status=status)
    if status == 400 and ROOM_WORDS in low:
        return SampleRefused(message, kind="context_length", status=status)
    return error_for(status, message, headers, said=f"{words} {kind} {code}")


class Assembly:
    """A streamed message, put together event by event.

    Attributes:
        message: the message so far, without its content.
        whole: whether its last event has come.
    """

    def __init__(self, request: Request) -> None:
        self.message: dict[str, Any] = {}
        self.whole = False
        self._answer = request.schema is not None
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, list[str]] = {}

    def add(self, event: Mapping[str, Any]) -> Delta | None:
        """Take in an event; the text or reasoning it brings, if any."""
        check(event, _EVENT)
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._grow(event["index"], event.get("delta") or {})
        if kind == "content_block_start":
            self._blocks[event["index"]] = dict(event.get("content_block") or {})
        elif kind == "message_start":
            self.message.update(event.get("message") or {})
        elif kind == "message_delta":
            self.message.update(event.get("delta") or {})
            counts = {name: count for name, count in (event.get("usage") or {}).items() if count is not None}
            self.message["usage"] = {**(self.message.get("usage") or {}), **counts}
        elif kind == "message_stop":
            self.whole = True
        return None

    def _grow(self, index: int, delta: Mapping[str, Any]) -> Delta | None:
        block = self._blocks.setdefault(index, {})
        kind = delta.get("type")
        if kind == "text_delta":
            block["text"] = block.get("text", "") + delta["text"]
            return Delta(text=delta["text"]) if delta["text"] else None
        if kind == "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta["thinking"]
            return Delta(reasoning=delta["thinking"]) if delta["thinking"] else None
        if kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "input_json_delta":
            piece = delta["partial_json"]
            self._inputs.setdefault(index, []).append(piece)
            if piece and self._answer and block.get("name") == ANSWER_TOOL:
                return Delta(text=piece)
        return None

    def body(self) -> dict[str, Any]:
        """The message as an answer without streaming would have held it."""
        for index, pieces in self._inputs.items():
            block, text = self._blocks[index], "".join(pieces)
            if self._answer and block.get("name") == ANSWER_TOOL:
                block["input"] = text
            elif text:
                try:
                    block["input"] = _json.loads(text)
                except _json.JSONDecodeError:
                    block["input"] = text
        return {**self.message, "content": [self._blocks[index] for index in sorted(self._blocks)]}
