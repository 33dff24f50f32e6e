"""Headers of rate limits in every spelling: tables, and all that were recorded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.lm.providers import recordings, wire

from synalinks.lm.core.call import Call, Request, Trace
from synalinks.lm.core.rate_limit import Quota, RateLimitStatus
from synalinks.lm.providers import make, resolve
from synalinks.lm.providers.common.rate_headers import DAY, rate_limit_status, seconds_until

NOW = 1_787_150_052.0  # 2026-08-19T14:34:12Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("1s", 1.0),
        ("20ms", 0.02),
        ("12ms", 0.012),
        ("10.593999999s", 10.593999999),
        ("1h2m3.5s", 3723.5),
        ("7m12s", 432.0),
        ("0s", 0.0),
        ("0s, req_b176c7aa266e48aa8eff647b6b309bb8", 0.0),
        ("500us", 0.0005),
        ("60", 60.0),
        ("0.25", 0.25),
        ("2026-08-19T14:34:27Z", 15.0),
        ("2026-08-19T16:34:27+02:00", 15.0),
        ("2026-08-19T14:34:00Z", 0.0),
        (str(int(NOW) + 30), 30.0),
        (str((int(NOW) + 30) * 1000), 30.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("2026-08-19T14:34:27", None),  # no zone
        ("nan", None),
        ("1x", None),
    ],
)
def test_when_a_limit_is_back(text: str, seconds: float | None) -> None:
    assert seconds_until(text, NOW) == (None if seconds is None else pytest.approx(seconds))


def headers(prefix: str, **values: str) -> dict[str, str]:
    return {prefix + name.replace("_", "-"): text for name, text in values.items()}


OPENAI = headers("x-ratelimit-", limit_requests="500", remaining_requests="499", reset_requests="120ms")
TABLE: list[tuple[dict[str, str], RateLimitStatus | None]] = [
    (OPENAI, RateLimitStatus(None, (Quota("requests", 500, 499, 60.0, 0.12),))),
    (
        headers("x-ratelimit-", limit_tokens="150000000", remaining_tokens="149998386", reset_tokens="0s"),
        RateLimitStatus(None, (Quota("tokens", 150_000_000, 149_998_386, 60.0, 0.0),)),
    ),
    (  # a limit of requests by the day, at OpenAI and at Groq
        headers("x-ratelimit-", limit_requests="200", remaining_requests="199", reset_requests="7m12s"),
        RateLimitStatus(None, (Quota("requests", 200, 199, DAY, 432.0),)),
    ),
    (
        headers("x-ratelimit-", limit_requests="14400", remaining_requests="14398", reset_requests="10.781s"),
        RateLimitStatus(None, (Quota("requests", 14400, 14398, DAY, 10.781),)),
    ),
    (
        headers("x-ratelimit-", limit_req_minute="360", remaining_req_minute="353"),
        RateLimitStatus(None, (Quota("requests", 360, 353),)),
    ),
    (
        headers("X-RateLimit-", Limit="20", Remaining="0", Reset=str((int(NOW) + 30) * 1000)),
        RateLimitStatus(None, (Quota("requests", 20, 0, 30.0, 30.0, True),)),
    ),
    (
        headers("anthropic-ratelimit-output-tokens-", limit="8000", remaining="0", reset="2026-08-19T14:34:42Z"),
        RateLimitStatus(None, (Quota("output_tokens", 8000, 0, 60.0, 30.0),)),
    ),
    ({"retry-after": "3"}, RateLimitStatus(3.0)),
    ({"retry-after-ms": "250", "retry-after": "1"}, RateLimitStatus(0.25)),
    ({"Retry-After": "Wed, 19 Aug 2026 14:34:22 GMT"}, RateLimitStatus(10.0)),
    (headers("x-ratelimit-", limit_requests="-1", remaining_requests="-1"), None),  # Azure
    (headers("x-ratelimit-", limit_requests="0", remaining_requests="0"), None),
    (headers("x-ratelimit-", remaining_requests="5"), None),
    ({"content-type": "application/json", "date": "Wed, 19 Aug 2026 14:34:12 GMT"}, None),
]


@pytest.mark.parametrize(("given", "expected"), TABLE)
def test_what_headers_say(given: dict[str, str], expected: RateLimitStatus | None) -> None:
    assert rate_limit_status(given, NOW) == expected
    assert rate_limit_status(httpx.Headers(given), NOW) == expected


def test_moments_are_counted_from_the_servers_own_clock() -> None:
    said = headers("anthropic-ratelimit-requests-", limit="50", remaining="1", reset="2020-01-01T00:01:00Z")
    (quota,) = rate_limit_status({**said, "date": "Wed, 01 Jan 2020 00:00:00 GMT"}).quotas  # type: ignore[union-attr]
    assert quota.reset == 60.0


def recorded() -> list[Any]:
    found = [
        pytest.param(folder, stem, index, id=f"{folder}-{stem[:60]}-{index}")
        for folder in ("openai", "groq", "mistral", "anthropic", "azure")
        for stem in recordings.stems(folder)
        for index, exchange in enumerate(recordings.read(folder, stem))
        if any("ratelimit" in name and "cost" not in name for name in exchange.headers)
    ]
    return found or [pytest.param("", "", 0, marks=pytest.mark.skip("no recordings beside this checkout"))]


@pytest.mark.parametrize(("folder", "stem", "index"), recorded())
def test_every_recorded_limit_is_understood(folder: str, stem: str, index: int) -> None:
    exchange = recordings.read(folder, stem)[index]
    found = rate_limit_status(exchange.headers)
    assert found is not None and found.wait is None
    limits = {name for name in exchange.headers if "ratelimit" in name and "limit" in name.rpartition("ratelimit")[2]}
    assert len(found.quotas) == len(limits)
    by_day = [quota.unit for quota in found.quotas if quota.period == DAY]
    assert by_day == (["requests"] if folder == "groq" else [])
    for quota in found.quotas:
        assert 0.99 < quota.remaining / quota.limit <= 1 or folder == "mistral"
        assert quota.reset is None if folder == "mistral" else quota.reset is not None and 0 <= quota.reset < 15


LIMITED = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "1m0s",
}
CHATS = {
    "openai/m": {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]},
    "anthropic/m": {"content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn"},
    "gemini/m": {"candidates": [{"content": {"parts": [{"text": "ok"}]}, "finishReason": "STOP"}]},
    "ollama/m": {"message": {"content": "ok"}, "done": True, "done_reason": "stop"},
}
STREAMS = {
    "openai/m": 'data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    "anthropic/m": "",
    "gemini/m": 'data: {"candidates":[{"content":{"parts":[{"text":"ok"}]},"finishReason":"STOP"}]}\n\n',
    "ollama/m": json.dumps(CHATS["ollama/m"]) + "\n",
}


@pytest.mark.parametrize("model", CHATS)
@pytest.mark.parametrize("how", ["whole", "streamed", "refused", "refused stream"])
def test_every_client_hands_on_what_is_said_of_limits(model: str, how: str) -> None:
    """With an answer, with a stream, and with a refusal; over httpx itself and over Ollama's client."""
    if how == "whole":
        transport = wire.answering(200, json.dumps(CHATS[model]), LIMITED)
    elif how == "streamed":
        transport = wire.answering(200, STREAMS[model], {**LIMITED, "content-type": "text/event-stream"})
    else:
        transport = wire.answering(429, '{"error": {"message": "slow down"}}', LIMITED)
    trace = Trace()
    request = Request("chat", model, messages=[{"role": "user", "content": "x"}])
    handler = make(resolve(model)[0], api_key="k", transport=transport)
    sink = (lambda delta: None) if "stream" in how else None

    async def main() -> None:
        try:
            await handler(Call(request, sink=sink, trace=trace))
        except Exception:
            assert "refused" in how or (model, how) == ("anthropic/m", "streamed")

    asyncio.run(main())
    assert trace.rate_limit_status == RateLimitStatus(None, (Quota("requests", 60, 0, 60.0, 60.0),))
