"""Answers, streams and errors of Google's Gemini API; nothing here touches the network.

The table of fields is in `requests.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synalinks import _json
from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage
from synalinks.lm.core.errors import AuthenticationError, LMError, QuotaExhausted, RateLimited, SampleRefused
from synalinks.lm.providers.common.shape import Shape, check, count, counts
from synalinks.lm.providers.common.thinking import untagged
from synalinks.lm.providers.common.tool_calls import ToolCalls
from synalinks.lm.providers.common.vectors import float32_bytes
from synalinks.lm.providers.gemini.requests import ANSWER_TOOL, SIGNATURE
from synalinks.lm.providers.transport.status import error_for, parse_retry_after

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
_PART: Shape = {"text": str, "functionCall": {"name": str, "id": str}, "thoughtSignature": str}
_CANDIDATE: Shape = {"content": {"parts": [_PART]}, "finishReason": str, "finishMessage": str}
_CHAT: Shape = {"candidates": [_CANDIDATE], "promptFeedback": {"blockReason": str}, "modelVersion": str}
_EMBED: Shape = {"embeddings": [{"values": list}]}
_SECONDS = re.compile(r"([0-9.]+)s")


def chat_reply(body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
    """The reply that the body of an answer to `generateContent` holds.

    Raises:
        BadReply, SampleRefused: arguments of a tool call that are no JSON object, the second where the answer was cut.
        ShapeError: the body is not such an answer.
    """
    check(body, _CHAT)
    candidate: Mapping[str, Any] = next(iter(body.get("candidates") or ()), {})
    texts: list[str] = []
    thoughts: list[str] = []
    calls = ToolCalls(request, ANSWER_TOOL)
    signatures: list[dict[str, Any]] = []
    for part in _parts(candidate):
        if use := part.get("functionCall"):
            identity = calls.add(use.get("name") or "", use.get("args"), use.get("id"))
            if identity is not None and (signature := part.get("thoughtSignature")):
                signatures.append({"type": SIGNATURE, "id": identity, "signature": signature})
        elif part.get("thought"):
            thoughts.append(part.get("text") or "")
        else:
            texts.append(part.get("text") or "")
    extra: dict[str, Any] = {"thinking_blocks": signatures} if signatures else {}
    if words := candidate.get("finishMessage"):
        extra["finish_message"] = words
    text, reasoning = untagged("".join(texts), "".join(thoughts))
    reply = Reply(
        text=text if calls.answer is None else calls.answer,
        reasoning=reasoning or None,
        tool_calls=tuple(calls.calls),
        finish=_finish(body, candidate, bool(calls.calls)),
        usage=usage(body.get("usageMetadata")),
        model=body.get("modelVersion") or None,
        chunks=chunks,
        extra=extra or None,
    )
    return calls.checked(reply)


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
    used: list[Usage] = []
    for body in bodies:
        check(body, _EMBED)
        vectors += [float32_bytes(item.get("values") or ()) for item in body.get("embeddings") or ()]
        used.append(usage(body.get("usageMetadata")))
    # Most models don't count; of several answers, one without a count leaves the sum unknown.
    known = [each.input_fresh for each in used if each.input_fresh is not None]
    if len(used) == 1:
        total = used[0]
    else:
        total = Usage(input_fresh=sum(known)) if known and len(known) == len(used) else NO_USAGE
    return Reply(vectors=tuple(vectors), usage=total, model=model)


def usage(value: object) -> Usage:
    """Counts as buckets: cached tokens are in the prompt's count, thoughts are not in the candidates'."""
    said = counts(value)
    if not said:
        return NO_USAGE
    prompt, cached = count(said.get("promptTokenCount")), count(said.get("cachedContentTokenCount"))
    details = _details(said, "promptTokensDetails")
    heard = details.get("AUDIO")
    if heard and cached and sum(details.values()) == prompt:
        heard -= _details(said, "cacheTokensDetails").get("AUDIO", 0)  # these details hold cached ones too
    fresh = None
    if prompt is not None:
        fresh = max(0, prompt - (cached or 0) - (heard or 0)) + (count(said.get("toolUsePromptTokenCount")) or 0)
    text, spoken = count(said.get("candidatesTokenCount")), _details(said, "candidatesTokensDetails").get("AUDIO")
    return Usage(
        input_fresh=fresh,
        input_cache_read=cached,
        input_audio=heard,
        output_text=max(0, text - spoken) if text is not None and spoken else text,
        output_reasoning=count(said.get("thoughtsTokenCount")),
        output_audio=spoken,
        raw=said,
    )


def _details(said: Mapping[str, object], name: str) -> dict[str, int]:
    """Tokens by modality, of a list of details."""
    listed = said.get(name)
    found = [counts(item) for item in listed] if isinstance(listed, list) else []
    return {str(item.get("modality")): count(item.get("tokenCount")) or 0 for item in found}


def error_of(status: int, body: object, headers: Mapping[str, str], where: str) -> LMError:
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
        if any(map(_is_daily_quota, violations)):
            return QuotaExhausted(message, status=status)
        if violations or wait is not None:  # told apart by its details: its words speak of billing all the same
            if wait is None:
                wait = parse_retry_after(headers)
            return RateLimited(message, status=status, retry_after=wait)
    found = error_for(status, message, headers, said=f"{words} {kind}")
    if found.retry_after is None:
        found.retry_after = _delay(details)
    return found


def _delay(details: Iterable[Mapping[str, object]]) -> float | None:
    """Seconds of `google.rpc.RetryInfo`, or None."""
    for item in details:
        found = _SECONDS.fullmatch(str(item.get("retryDelay") or ""))
        if found:
            return float(found[1])
    return None


def _is_daily_quota(violation: Mapping[str, object]) -> bool:
    """Whether a quota is a day's, or none at all."""
    name = f"{violation.get('quotaId', '')} {violation.get('quotaMetric', '')}".lower()
    return any(word in name for word in PER_DAY) or str(violation.get("quotaValue")) == "0"


class Assembly:
    """A streamed answer, put together piece by piece.

    Attributes:
        whole: whether the answer's end has come: the model's, or that of a filtered prompt.
    """

    def __init__(self, request: Request) -> None:
        self.whole = False
        self._answer = request.schema is not None
        self._rest: dict[str, Any] = {}
        self._candidate: dict[str, Any] = {}
        self._parts: list[Mapping[str, Any]] = []

    def add(self, piece: Mapping[str, Any]) -> Delta | None:
        """Take in a piece; the text and reasoning it brings, if any."""
        check(piece, _CHAT)
        self._rest.update(piece)
        self.whole = self.whole or bool((piece.get("promptFeedback") or {}).get("blockReason"))
        text, reasoning = "", ""
        for candidate in piece.get("candidates") or ():
            if candidate.get("index", 0) != 0:
                continue
            self._candidate.update(candidate)
            self.whole = self.whole or "finishReason" in candidate
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
