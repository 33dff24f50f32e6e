"""Rates: what goes out in any window of a minute, and a provider's own limit followed."""

from __future__ import annotations

import math
import random

import pytest

from synalinks.lm.core.rate_limit import Quota
from synalinks.lm.rate_limit.window import LONGEST_HOLD, WINDOW, ReportedLimit, Window


def sent(rate: float, amounts: list[float]) -> list[tuple[float, float]]:
    """When each amount goes out of a window that always has somebody waiting."""
    window, now, out = Window(rate), 0.0, []
    for amount in amounts:
        while (wait := window.wait(now, amount)) > 0:
            now += wait
        window.take(now, amount)
        out.append((now, min(amount, window.most)))
    return out


def most_in_any_minute(out: list[tuple[float, float]]) -> float:
    return max(sum(size for at, size in out if begin <= at <= begin + 60.0) for begin, _ in out)


@pytest.mark.parametrize("rate", [0.25, 1, 1.5, 3, 10, 60, 500])
def test_no_minute_has_more_requests_than_the_rate_whenever_it_begins(rate: float) -> None:
    out = sent(rate, [1.0] * int(3 * max(rate, 1) + 2))
    assert most_in_any_minute(out) <= math.ceil(rate), "requests are whole: 1.5 a minute are 3 in two"
    whole_windows = (len(out) - 1) // max(1, int(rate))
    assert out[-1][0] <= (whole_windows + 1) * WINDOW * max(1.0, 1 / rate) * 1.34, "and not much less goes out"


@pytest.mark.parametrize("seed", range(5))
def test_no_minute_has_more_tokens_than_the_rate_whatever_their_sizes(seed: int) -> None:
    rng = random.Random(seed)
    out = sent(1000, [rng.choice([1, 10, 90, 400, 600, 999, 5000]) for _ in range(200)])
    assert most_in_any_minute(out) <= 1000


def test_more_than_a_whole_window_holds_waits_for_an_empty_one() -> None:
    window = Window(100)
    window.take(0.0, 10)
    assert window.wait(0.0, 1_000_000) == pytest.approx(WINDOW)
    assert window.wait(WINDOW, 1_000_000) == 0.0


def test_what_left_the_window_is_forgotten() -> None:
    window = Window(1000)
    for second in range(5000):
        assert window.wait(float(second), 0.1) == 0.0
        window.take(float(second), 0.1)
    assert len(window._log) <= WINDOW + 1


def test_a_limit_that_comes_back_little_by_little() -> None:
    told = ReportedLimit(Quota("requests", 60, 2, 60.0, 58.0), now=0.0, unseen=0)
    assert told.hold(0.0, 1) == 0.0
    told.spend(1)
    assert told.hold(0.0, 1) == 0.0
    told.spend(1)
    assert told.hold(0.0, 1) == pytest.approx(1.0)
    assert told.hold(0.5, 1) == pytest.approx(0.5)
    assert told.hold(1.0, 1) == 0.0
    assert told.hold(1000.0, 60) == 0.0, "whole again"
    assert told.hold(1000.0, 61) == 0.0, "more than the whole waits for the whole, no longer"


def test_a_limit_that_comes_back_all_at_once() -> None:
    told = ReportedLimit(Quota("requests", 20, 0, 30.0, 30.0, at_once=True), now=0.0, unseen=0)
    assert told.hold(0.0, 1) == 30.0
    assert told.hold(29.0, 1) == 1.0
    assert told.hold(30.0, 20) == 0.0


def test_what_went_out_meanwhile_is_counted_off() -> None:
    told = ReportedLimit(Quota("requests", 60, 10, 60.0), now=0.0, unseen=10)
    assert told.hold(0.0, 1) == pytest.approx(1.0)
    assert ReportedLimit(Quota("requests", 60, 10, 60.0), now=0.0, unseen=500).hold(0.0, 1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "quota",
    [
        Quota("requests", 20, 0, 8 * 3600.0, 8 * 3600.0, at_once=True),
        Quota("requests", 200, 0, 86400.0, 86400.0),
    ],
)
def test_what_takes_too_long_to_wait_for_is_left_to_the_provider_to_refuse(quota: Quota) -> None:
    assert quota.reset is not None and quota.reset > LONGEST_HOLD
    assert ReportedLimit(quota, now=0.0, unseen=0).hold(0.0, 1) == 0.0
