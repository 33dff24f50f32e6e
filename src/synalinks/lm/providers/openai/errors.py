"""Error bodies of OpenAI's chat completions API, and of APIs like it, as errors of this library.

Sources: the providers' error references and recorded bodies; provider_facts of the retry table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synalinks import _json
from synalinks.lm.core.amount import AttemptCosts
from synalinks.lm.core.call import Reply
from synalinks.lm.core.errors import BadReply, LMError, ModelNotFound, QuotaExhausted, RateLimited, SampleRefused
from synalinks.lm.providers.transport.status import error_for

#: Characters of a provider's own words that a message quotes.
LONG_QUOTE = 1000
#: Codes by which Groq says that what the model wrote was no call of a tool, or no JSON: the fault is the answer's.
BAD_GENERATION = ("tool_use_failed", "json_validate_failed", "output_parse_failed")
#: Words of status 400 for a reasoning model whose thinking took all tokens of the answer.
CUT = "max_tokens or model output limit was reached"
#: Words of status 400 for a model that does not exist (DeepSeek; Mistral; OpenRouter; OpenAI).
NO_SUCH_MODEL = ("model not exist", "invalid model", "invalid_model", "not a valid model id", "model_not_found")
#: Words by which a moderation says no with status 403 (OpenRouter; xAI).
MODERATED = ("flagged", "requires moderation", "violates usage guidelines", "safety_check")
#: Words of the error for an account without money, which has a status of its own (xAI; Together AI).
BROKE = ("used all available credits", "monthly spending limit", "credit limit exceeded", "insufficient balance")
#: Waiting times as they stand in messages, e.g. "Please try again in 1m26.4s" (OpenAI, Groq).
TRY_AGAIN = re.compile(r"(?:try again|retry) (?:in|after) ((?:[\d.]+\s*(?:ms|h|m|seconds?|s)\s*)+)", re.IGNORECASE)
UNIT = re.compile(r"([\d.]+)\s*(ms|h|m|s)", re.IGNORECASE)
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What a provider says went wrong.

    Attributes:
        words: its message, for people.
        everything: all of the body in lower case, codes included, for decisions.
        status: the status that the body itself names, or None.
        has_error: whether there was an error object at all, not just a page of a web server.
        resets_at: the moment its limit is lifted, in seconds since 1970, or None.
    """

    words: str
    everything: str
    status: int | None = None
    has_error: bool = False
    resets_at: float | None = None


def parse_error_body(value: Any) -> ErrorBody:
    """What an error body says: text, or what was parsed from it."""
    if isinstance(value, str):
        try:
            value = _json.loads(value)
        except _json.JSONDecodeError:
            text = value.strip()
            return ErrorBody(text[:LONG_QUOTE] or "nothing more", text.lower())
    error = value.get("error", value) if isinstance(value, Mapping) else value
    everything = _json.dumps(value).lower()
    if not isinstance(error, Mapping):
        return ErrorBody(_words(error), everything, has_error=bool(error))
    words = _words(next((error[name] for name in ("message", "detail", "error", "type") if error.get(name)), error))
    metadata = error.get("metadata")
    resets_at = None
    if isinstance(metadata, Mapping):  # OpenRouter names here the provider upstream and its message
        upstream = [_words(metadata[name]) for name in ("provider_name", "raw") if metadata.get(name)]
        words = ": ".join([words, *upstream])
        resets_at = _reset(metadata.get("headers"))
    code = next((error[name] for name in ("code", "status_code") if isinstance(error.get(name), int)), None)
    status = code if code is not None and 400 <= code < 600 else None
    return ErrorBody(words[:LONG_QUOTE], everything, status, has_error=True, resets_at=resets_at)


def _words(value: object) -> str:
    return value.strip() if isinstance(value, str) else _json.dumps(value)


def _reset(headers: object) -> float | None:
    """The moment in OpenRouter's `X-RateLimit-Reset`, which is in milliseconds."""
    text = headers.get("X-RateLimit-Reset") if isinstance(headers, Mapping) else None
    try:
        return None if text is None else float(text) / 1000
    except (TypeError, ValueError):
        return None


def error_of(
    status: int,
    message: str,
    said: ErrorBody,
    headers: Mapping[str, str] | None = None,
    *,
    now: float,
    partial: Reply | None = None,
) -> LMError:
    """The error that a refusal means.

    Args:
        status: of the response, or as told in a body or stream that had begun with 200.
        message: what to tell the user.
        said: the provider's complaint.
        headers: of the response.
        now: seconds since 1970.
        partial: what had come of the answer before, with its usage where that was said.
    """
    error = _class_of(status, message, said, headers, partial)
    if isinstance(error, RateLimited) and error.retry_after is None:
        error.retry_after = _wait(said, now)
    if partial is not None and (partial.usage.total_tokens is not None or partial.cost is not None):
        error.reply = partial
    elif isinstance(error, BadReply) or (partial is not None and (status >= 500 or partial.text or partial.reasoning)):
        error.uncertain = True
        error.failed = AttemptCosts(uncertain=1)
    return error


def _class_of(
    status: int, message: str, said: ErrorBody, headers: Mapping[str, str] | None, partial: Reply | None
) -> LMError:
    text = said.everything
    if status == 400 and any(code in text for code in BAD_GENERATION):
        return BadReply(message, status=status)
    if partial is not None and partial.finish == "length" and status == 400:
        return SampleRefused(f"{message}; raise max_tokens or ask for less", kind="length", status=status)
    if status == 400 and CUT in text:
        return SampleRefused(
            f"{message}; raise max_tokens or ask for less", kind="length", status=status, uncertain=True
        )
    if status in (400, 422) and any(words in text for words in NO_SUCH_MODEL):
        return ModelNotFound(message, status=status)
    if status == 403 and any(words in text for words in MODERATED):
        return SampleRefused(message, kind="content_filter", status=status)
    if status in (402, 403, 429) and any(words in text for words in BROKE):
        return QuotaExhausted(message, status=status)
    return error_for(status, message, headers, said=text)


def _wait(said: ErrorBody, now: float) -> float | None:
    """Seconds to wait that the complaint names in words, or None."""
    if said.resets_at is not None:
        return max(0.0, said.resets_at - now)
    found = TRY_AGAIN.search(said.everything)
    if found is None:
        return None
    try:
        return sum(float(number) * SECONDS[unit.lower()] for number, unit in UNIT.findall(found[1])) or None
    except ValueError:
        return None
