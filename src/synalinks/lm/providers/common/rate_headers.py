"""Headers of rate limits, in the spellings of the providers, as an `RateLimitStatus`.

    x-ratelimit-{limit,remaining,reset}-{requests,tokens}     OpenAI, Groq, xAI, Azure, vLLM behind gateways
    x-ratelimit-{limit,remaining}-{req,tokens}-minute         Mistral; without a reset
    x-ratelimit-{limit,remaining,reset}                       OpenRouter, Together AI: requests, back all at once
    anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}
    retry-after, retry-after-ms                               also with an answer

A reset is a Go duration (`6m0s`, `12ms`), seconds, seconds or milliseconds since 1970, or a moment (RFC 3339).

Sources: provider_facts sections 3 and 4; recordings of OpenAI, Groq, Mistral and Anthropic. What OpenAI and Groq call
reset is the time until the limit is whole again, not the time to wait. Groq counts requests by the day and tokens by
the minute under the same names; the period follows from how fast what was used comes back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from synalinks.lm.core.call import Call
from synalinks.lm.core.rate_limit import MINUTE, Quota, RateLimitStatus, Unit
from synalinks.lm.providers.transport.status import count_in, parse_retry_after

HOUR, DAY = 3600.0, 86400.0
#: Numbers from here on are milliseconds since 1970, and seconds since 1970; below, seconds from now.
EPOCH_MILLISECONDS, EPOCH_SECONDS = 1e11, 1e9
_GO = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|h|m|s))+")
_PART = re.compile(r"([\d.]+)(ns|us|µs|ms|h|m|s)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": HOUR}


class _Family(NamedTuple):
    """The names of one limit's headers; `steady` where it is counted by the minute whatever the reset says."""

    unit: Unit
    limit: str
    remaining: str
    reset: str
    steady: bool = False
    at_once: bool = False


def _anthropic(unit: Unit, name: str) -> _Family:
    name = f"anthropic-ratelimit-{name}"
    return _Family(unit, f"{name}-limit", f"{name}-remaining", f"{name}-reset", steady=True)


_FAMILIES = (
    _Family("requests", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    _Family("tokens", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    _Family("requests", "x-ratelimit-limit-req-minute", "x-ratelimit-remaining-req-minute", "", steady=True),
    _Family("tokens", "x-ratelimit-limit-tokens-minute", "x-ratelimit-remaining-tokens-minute", "", steady=True),
    _Family("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", at_once=True),
    _anthropic("requests", "requests"),
    _anthropic("tokens", "tokens"),
    _anthropic("input_tokens", "input-tokens"),
    _anthropic("output_tokens", "output-tokens"),
)


def rate_limit_status(headers: Mapping[str, str], now: float | None = None) -> RateLimitStatus | None:
    """What a response's headers say of limits; None if nothing.

    Args:
        headers: of the response; names in any case.
        now: seconds since 1970, for moments; the response's own `date` where None, else this machine's.
    """
    told = _of_limits(headers)
    if not told:
        return None
    now = _now(told) if now is None else now
    wait = parse_retry_after(told, now)
    quotas = tuple(_quotas(told, now))
    return RateLimitStatus(wait, quotas) if wait is not None or quotas else None


def note(call: Call, headers: Mapping[str, str], slots: int | None = None) -> None:
    """Keep what a response says of limits with the call, for the layer above.

    Args:
        slots: calls that the server answers at once, where it says so elsewhere.
    """
    status = rate_limit_status(headers)
    if slots is not None:
        status = replace(status or RateLimitStatus(), slots=slots)
    call.trace.rate_limit_status = status


def _of_limits(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that matter here, in lower case; empty if none is of limits."""
    raw: Iterable[tuple[Any, Any]] = getattr(headers, "raw", None) or headers.items()  # httpx is slow at its own keys
    told = {}
    found = False
    for name, value in raw:
        key = (name.decode("ascii", "replace") if isinstance(name, bytes) else name).lower()
        if (limits := "ratelimit" in key or key.startswith("retry-after")) or key == "date":
            found = found or limits
            told[key] = value.decode("latin-1") if isinstance(value, bytes) else value
    return told if found else {}


def _now(told: Mapping[str, str]) -> float:
    try:
        return parsedate_to_datetime(told["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return time.time()


def _quotas(told: Mapping[str, str], now: float) -> Iterable[Quota]:
    for unit, limit_name, remaining_name, reset_name, steady, at_once in _FAMILIES:
        limit, remaining = count_in(told.get(limit_name)), count_in(told.get(remaining_name))
        if limit is None or remaining is None or not limit > 0:
            continue
        remaining = min(remaining, limit)
        reset = seconds_until(told.get(reset_name, ""), now)
        if at_once:
            yield Quota(unit, limit, remaining, MINUTE if reset is None else max(reset, 1.0), reset, True)
            continue
        slow = reset is not None and limit > remaining and reset * limit / (limit - remaining) > HOUR
        yield Quota(unit, limit, remaining, DAY if slow and not steady else MINUTE, reset)


def seconds_until(text: str, now: float) -> float | None:
    """Seconds until a reset, or None if the text has none.

    Args:
        text: in any of the module's forms; what follows a comma is ignored.
        now: seconds since 1970.
    """
    text = text.partition(",")[0].strip()
    if not text:
        return None
    if _GO.fullmatch(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    number = count_in(text)
    if number is not None:
        if number >= EPOCH_MILLISECONDS:
            return max(0.0, number / 1000 - now)
        return max(0.0, number - now) if number >= EPOCH_SECONDS else number
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    except ValueError:
        return None
    return None if moment.tzinfo is None else max(0.0, moment.timestamp() - now)
