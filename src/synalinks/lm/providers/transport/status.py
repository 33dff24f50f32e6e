"""HTTP statuses as errors of this library, and the waiting time that headers name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from synalinks.lm.core.errors import (
    AuthenticationError,
    LMError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    RequestError,
    SampleRefused,
    ServerError,
)

#: Statuses below 500 that may go away by themselves (429 apart): request timeout, lock, too early, connection closed.
TRANSIENT = frozenset({408, 409, 425, 460, 499})
#: Statuses by which a gateway gives up on the server, which may go on and bill: request timeout, connection closed
#: (nginx; load balancers of AWS), bad gateway, gateway timeout, an answer that can't be read and timeout (Cloudflare),
#: read timeout (proxies).
UNCERTAIN = frozenset({408, 460, 499, 502, 504, 520, 524, 598})
#: Statuses from 500 on that say "never": not implemented, version, no such network.
PERMANENT_5XX = frozenset({501, 505})
#: Words by which providers say that the money, not the rate, is used up.
MONEY_WORDS = (
    "insufficient_quota",
    "credit_balance_exhausted",
    "enforced_spend_limit_reached",
    "billing_hard_limit_reached",
    "billing_error",
    "exceeded your current quota",
    "credit balance is too low",
    "insufficient credits",
)
#: Words by which providers say that the prompt is too long for the model.
CONTEXT_WORDS = (
    "context_length_exceeded",
    "exceed_context_size",
    "exceeds the available context size",
    "maximum context length",
    "context length",
    "context window",
    "prompt is too long",
    "input is too long",
    "too many tokens",
)
#: Words by which providers say that their filter stopped the prompt.
FILTER_WORDS = ("content_filter", "content management policy", "responsibleaipolicyviolation")


def error_for(
    status: int, message: str, headers: Mapping[str, str] | None = None, *, said: str | None = None
) -> LMError:
    """The error that a response of this status means.

    Args:
        status: the HTTP status.
        message: what to tell the user.
        headers: of the response, for `Retry-After`; looked up in lower case.
        said: the provider's own words and codes, which decide between errors of one status; `message`
            where not given.
    """
    said = (message if said is None else said).lower()
    if status == 402 or any(word in said for word in MONEY_WORDS):
        return QuotaExhausted(message, status=status)
    wait = parse_retry_after(headers) if headers else None
    if status == 429:
        return RateLimited(message, status=status, retry_after=wait)
    if status in TRANSIENT or (status >= 500 and status not in PERMANENT_5XX):
        return ServerError(message, status=status, retry_after=wait, uncertain=status in UNCERTAIN)
    if status in (401, 403):
        return AuthenticationError(message, status=status)
    if status == 404:
        return ModelNotFound(message, status=status) if "model" in said else RequestError(message, status=404)
    if status == 400:
        if any(word in said for word in CONTEXT_WORDS):
            return SampleRefused(message, kind="context_length", status=status)
        if any(word in said for word in FILTER_WORDS):
            return SampleRefused(message, kind="content_filter", status=status)
    return RequestError(message, status=status)


def parse_retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that the headers ask to wait, or None.

    Reads `retry-after-ms`, then `retry-after` as seconds or as an HTTP date (RFC 9110, 10.2.3). Azure says 0
    milliseconds beside 1 second, and means the second.

    Args:
        headers: with names in lower case, or a mapping that ignores case.
        now: seconds since 1970, for dates.
    """
    milliseconds = count_in(headers.get("retry-after-ms"))
    if milliseconds:
        return milliseconds / 1000
    text = headers.get("retry-after")
    if text is None:
        return milliseconds
    if (seconds := count_in(text)) is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def count_in(text: str | None) -> float | None:
    """A finite number that is not negative, or None; Azure says -1 for what it does not tell."""
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
