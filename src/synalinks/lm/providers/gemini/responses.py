"""How Google's Gemini API says replies, streams and errors; nothing here touches the network.

The table of fields is in `gemini_dialect.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synalinks import _json
from synalinks.errors import AuthenticationError, LMError, QuotaExhausted, RateLimited, SampleRefused
from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage
from synalinks.lm.providers.gemini.requests import ANSWER_TOOL, SIGNATURE
from synalinks.lm.providers.ollama.requests import float32_bytes
from synalinks.lm.providers.transport.http import error_for, parse_retry_after

#: Reasons to stop that are filters' (API reference, FinishReason).
FILTERED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"}
    | {"IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}
)
FINISH = {"STOP": "stop", "MAX_TOKENS": "length", **dict.fromkeys(FILTERED, "content_filter")}
#: A prompt that is too long, told with status 400.
LONG_WORDS = "exceeds the maximum number of tokens"
#: A key that is wrong, told with status 400.
KEY_WORDS = ("API_KEY_INVALID", "API_KEY_EXPIRED", "API key not valid", "API key expired")
#: How a quota that waiting a minute won't fill names itself, in `quotaId` and `quotaMetric`.
PER_DAY = ("perday", "per_day")
_SECONDS = re.compile(r"([0-9.]+)s")


def chat_reply(body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
    """The reply that the body of an answer to `generateContent` holds."""
    candidate: Mapping[str, Any] = next(iter(body.get("candidates") or ()), {})
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    signatures: list[dict[str, Any]] = []
    for part in _parts(candidate):
        if use := part.get("functionCall"):
            given = use.get("args") or {}
            if use.get("name") == ANSWER_TOOL and request.schema is not None:
                texts.append(_json.dumps(given))
                continue
            identity = use.get("id") or f"call_{len(request.messages)}_{len(calls)}"
            calls.append({"id": identity, "name": use.get("name", ""), "arguments": given})
            if signature := part.get("thoughtSignature"):
                signatures.append({"type": SIGNATURE, "id": identity, "signature": signature})
        elif part.get("thought"):
            thoughts.append(part.get("text") or "")
        else:
            texts.append(part.get("text") or "")
    extra: dict[str, Any] = {"thinking_blocks": signatures} if signatures else {}
    if words := candidate.get("finishMessage"):
        extra["finish_message"] = words
    return Reply(
        text="".join(texts),
        reasoning="".join(thoughts) or None,
        tool_calls=tuple(calls),
        finish=_finish(body, candidate, bool(calls)),
        usage=usage(body.get("usageMetadata")),
        model=body.get("modelVersion"),
        chunks=chunks,
        extra=extra or None,
    )


def _parts(candidate: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (candidate.get("content") or {}).get("parts") or ()


def _finish(body: Mapping[str, Any], candidate: Mapping[str, Any], calls: bool) -> str | None:
    reason = candidate.get("finishReason")
    if reason is None:
        return "content_filter" if (body.get("promptFeedback") or {}).get("blockReason") else None
    finish = FINISH.get(reason, reason.lower())
    return "tool_calls" if calls and finish == "stop" else finish


def embed_reply(bodies: Iterable[Mapping[str, Any]], model: str) -> Reply:
    """The reply that the answers to `batchEmbedContents` hold, in order."""
    vectors: list[bytes] = []
    counts: list[Usage] = []
    for body in bodies:
        vectors += [float32_bytes(item.get("values") or ()) for item in body.get("embeddings") or ()]
        counts.append(usage(body.get("usageMetadata")))
    # Most models don't count; of several answers, one without a count leaves the sum unknown.
    known = [count.input_fresh for count in counts if count.input_fresh is not None]
    if len(counts) == 1:
        total = counts[0]
    else:
        total = Usage(input_fresh=sum(known)) if known and len(known) == len(counts) else NO_USAGE
    return Reply(vectors=tuple(vectors), usage=total, model=model)


def usage(said: Mapping[str, Any] | None) -> Usage:
    """Counts as buckets: cached tokens are in the prompt's count, thoughts are not in the candidates'."""
    if not said:
        return NO_USAGE
    prompt, cached = said.get("promptTokenCount"), said.get("cachedContentTokenCount")
    details = said.get("promptTokensDetails") or ()
    heard = _audio(details)
    if heard and cached and sum(item.get("tokenCount") or 0 for item in details) == prompt:
        heard -= _audio(said.get("cacheTokensDetails") or ()) or 0  # these details hold cached ones too
    fresh = None
    if prompt is not None:
        fresh = max(0, prompt - (cached or 0) - (heard or 0)) + (said.get("toolUsePromptTokenCount") or 0)
    text, spoken = said.get("candidatesTokenCount"), _audio(said.get("candidatesTokensDetails") or ())
    return Usage(
        input_fresh=fresh,
        input_cache_read=cached,
        input_audio=heard,
        output_text=text - spoken if text is not None and spoken else text,
        output_reasoning=said.get("thoughtsTokenCount"),
        output_audio=spoken,
        raw=said,
    )


def _audio(details: Iterable[Mapping[str, Any]]) -> int | None:
    return next((item.get("tokenCount") for item in details if item.get("modality") == "AUDIO"), None)


def error_of(status: int, body: Any, headers: Mapping[str, str], where: str) -> LMError:
    """The error that an error body means; `where` begins its message."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return error_for(status, f"{where}: {body or 'nothing more'}", headers, said=str(body))
    words, kind = str(error.get("message") or "nothing more"), str(error.get("status") or "")
    message = f"{where}: {words}" + (f" ({kind})" if kind else "")
    details = [item for item in error.get("details") or () if isinstance(item, Mapping)]
    if status == 400:
        reasons = [str(item.get("reason")) for item in details]
        if any(said in words or said in reasons for said in KEY_WORDS):
            return AuthenticationError(message, status=status)
        if LONG_WORDS in words:
            return SampleRefused(message, kind="context_length", status=status)
    if status == 429:
        violations = [violation for item in details for violation in item.get("violations") or ()]
        wait = _delay(details)
        if any(map(_hopeless, violations)):
            return QuotaExhausted(message, status=status)
        if violations or wait is not None:  # told apart by its details: its words speak of billing all the same
            if wait is None:
                wait = parse_retry_after(headers)
            return RateLimited(message, status=status, retry_after=wait)
    found = error_for(status, message, headers, said=f"{words} {kind}")
    if found.retry_after is None:
        found.retry_after = _delay(details)
    return found


def _delay(details: Iterable[Mapping[str, Any]]) -> float | None:
    """Seconds of `google.rpc.RetryInfo`, or None."""
    for item in details:
        found = _SECONDS.fullmatch(str(item.get("retryDelay") or ""))
        if found:
            return float(found[1])
    return None


def _hopeless(violation: Mapping[str, Any]) -> bool:
    """Whether a quota is a day's, or none at all."""
    name = f"{violation.get('quotaId', '')} {violation.get('quotaMetric', '')}".lower()
    return any(word in name for word in PER_DAY) or str(violation.get("quotaValue")) == "0"


class Assembly:
    """A streamed answer, put together piece by piece."""

    def __init__(self, request: Request) -> None:
        self._answer = request.schema is not None
        self._rest: dict[str, Any] = {}
        self._candidate: dict[str, Any] = {}
        self._parts: list[Mapping[str, Any]] = []

    @property
    def whole(self) -> bool:
        """Whether the answer's end came: the model's, or the filter's of the prompt."""
        return "finishReason" in self._candidate or bool((self._rest.get("promptFeedback") or {}).get("blockReason"))

    def add(self, piece: Mapping[str, Any]) -> Delta | None:
        """Take a piece; the text and reasoning it brought, if any."""
        self._rest.update(piece)
        text, reasoning = "", ""
        for candidate in piece.get("candidates") or ():
            if candidate.get("index", 0) != 0:
                continue
            self._candidate.update(candidate)
            for part in _parts(candidate):
                self._parts.append(part)
                use = part.get("functionCall")
                if use is not None:
                    if self._answer and use.get("name") == ANSWER_TOOL:
                        text += _json.dumps(use.get("args") or {})
                elif part.get("thought"):
                    reasoning += part.get("text") or ""
                else:
                    text += part.get("text") or ""
        return Delta(text, reasoning) if text or reasoning else None

    def body(self) -> dict[str, Any]:
        """The answer as it would have come in one piece."""
        candidate = {**self._candidate, "content": {"parts": self._parts}}
        return {**self._rest, "candidates": [candidate] if self._candidate else []}
