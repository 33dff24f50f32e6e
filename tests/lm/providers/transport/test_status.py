"""Statuses as errors, and waiting times in headers."""

from __future__ import annotations

import pytest

from synalinks import errors
from synalinks.lm.providers.transport.status import error_for, parse_retry_after


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        *[(status, "later", errors.ServerError) for status in (408, 409, 425, 500, 502, 503, 504, 520, 524, 529)],
        (429, "rate limit reached", errors.RateLimited),
        (429, "insufficient_quota", errors.QuotaExhausted),
        (429, "enforced_spend_limit_reached", errors.QuotaExhausted),
        (402, "pay", errors.QuotaExhausted),
        (400, "nonsense", errors.RequestError),
        (400, "maximum context length is 8192 tokens", errors.SampleRefused),
        (400, "content_filter", errors.SampleRefused),
        (401, "who", errors.AuthenticationError),
        (403, "no", errors.AuthenticationError),
        (404, "model 'x' not found", errors.ModelNotFound),
        (404, "page not found", errors.RequestError),
        (413, "large", errors.RequestError),
        (422, "wrong", errors.RequestError),
        (501, "not implemented", errors.RequestError),
    ],
)
def test_what_a_status_means(status: int, said: str, kind: type) -> None:
    error = error_for(status, f"told: {said}")
    assert type(error) is kind
    assert error.status == status
    assert error.retryable is (kind in (errors.ServerError, errors.RateLimited))


@pytest.mark.parametrize("status", [408, 409, 425, 460, 499, 500, 502, 503, 504, 520, 521, 522, 524, 529, 598])
def test_a_gateway_that_gave_up_may_have_been_billed_for(status: int) -> None:
    error = error_for(status, "gone")
    assert isinstance(error, errors.ServerError) and error.retryable
    assert error.uncertain == (status in (408, 460, 499, 502, 504, 520, 524, 598))


def test_the_providers_words_decide_not_ours() -> None:
    assert type(error_for(404, "no page for the model ollama/x", said="page not found")) is errors.RequestError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "0", "retry-after": "1"}, 1.0),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers, now=1795172400.0) == seconds


def test_a_wait_comes_with_the_error() -> None:
    assert error_for(503, "busy", {"retry-after": "3"}).retry_after == 3.0
    assert error_for(429, "busy", {"retry-after": "3"}).retry_after == 3.0
