"""An account: the stated rates, what the provider says of its own, and pauses. In virtual time."""

from __future__ import annotations

import asyncio
import time
from collections import deque

import pytest
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.lm.blocks import use_clock, use_provider
from synalinks.lm.client import Client
from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.core.rate_limit import Quota, RateLimitStatus
from synalinks.lm.rate_limit.account import Account, Limits


def request(text: str = "x", model: str = "openai/m", **options) -> Request:
    return Request("chat", model, messages=[{"role": "user", "content": text}], options=options)


async def admitted(account: Account, requests: list[Request]) -> list[float]:
    """When each was let through, from now, all waiting at once."""
    clock = LoopClock()
    began, at = clock.now(), [0.0] * len(requests)

    async def one(place: int) -> None:
        await account.admit(requests[place])
        at[place] = clock.now() - began

    async with asyncio.TaskGroup() as group:
        for place in range(len(requests)):
            group.create_task(one(place))
    return at


def most_in_any_minute(at: list[float]) -> int:
    recent: deque[float] = deque()
    most = 0
    for now in sorted(at):
        recent.append(now)
        while recent[0] < now - 60.0:
            recent.popleft()
        most = max(most, len(recent))
    return most


@pytest.mark.parametrize("name", ["rpm", "tpm", "concurrency"])
@pytest.mark.parametrize("wrong", [True, "60", 0, -1, float("nan"), float("inf")])
def test_a_limit_that_is_no_number_is_refused_by_name(name: str, wrong: object) -> None:
    for make in (lambda: Limits(**{name: wrong}), lambda: synalinks.LanguageModel("ollama/m", **{name: wrong})):
        with pytest.raises(ConfigurationError, match=f"{name} must be a positive number, or None .* got {wrong!r}"):
            make()


@pytest.mark.parametrize("rpm", [1, 3, 20, 60, 500])
def test_rpm_is_the_most_in_any_sixty_seconds_from_the_first_on(rpm: int) -> None:
    at = run(admitted(Account(Limits(rpm=rpm), LoopClock()), [request()] * (3 * rpm)))
    assert most_in_any_minute(at) <= rpm
    assert at == sorted(at)
    at_once = sum(moment < 0.01 for moment in at)
    assert at_once == max(1, rpm // 10), "a tenth of a minute's allowance goes at once"
    assert at[rpm - 1] < 61.0, "and all of it within the first minute"
    assert at[-1] <= 3 * 61.0


def test_a_pause_lets_no_queue_loose() -> None:
    async def main() -> list[float]:
        account = Account(Limits(rpm=60), LoopClock())
        async with asyncio.TaskGroup() as group:
            task = group.create_task(admitted(account, [request()] * 150))
            await asyncio.sleep(10)
            account.slow_down(60)
        return task.result()

    at = run(main())
    assert not any(10.5 < moment < 70 for moment in at)
    assert most_in_any_minute(at) <= 60


def test_a_rate_outlives_its_event_loop() -> None:
    class Frozen:
        def __init__(self) -> None:
            self.waits: list[float] = []
            self.time = 0.0

        def now(self) -> float:
            return self.time

        async def sleep(self, seconds: float) -> None:
            self.waits.append(seconds)
            self.time += seconds

    clock = Frozen()
    account = Account(Limits(rpm=1), clock)
    asyncio.run(account.admit(request()))
    asyncio.run(account.admit(request()))
    assert sum(clock.waits) == pytest.approx(61.0)


def test_a_limit_that_is_nearly_used_up_slows_the_calls_of_its_model_and_no_other() -> None:
    async def main() -> None:
        account = Account(Limits(), LoopClock())
        account.update(
            "openai/m", RateLimitStatus(quotas=(Quota("requests", 120, 2, 60.0, 59.0),)), account.mark("openai/m")
        )
        at = await admitted(account, [request()] * 5 + [request(model="openai/other")])
        assert at == pytest.approx([0, 0, 0.5, 1.0, 1.5, 0], abs=0.05)

    run(main())


def test_where_nothing_is_stated_the_providers_limit_is_the_rate_up_and_down() -> None:
    async def main() -> None:
        account = Account(Limits(), LoopClock())
        mark = account.mark("openai/m")
        account.update("openai/m", RateLimitStatus(quotas=(Quota("requests", 60, 60),)), mark)
        at = await admitted(account, [request()] * 90)
        assert at[59] == pytest.approx(0, abs=0.05)
        assert at[89] == pytest.approx(30, abs=0.5)
        account.update("openai/m", RateLimitStatus(quotas=(Quota("requests", 600, 600),)), account.mark("openai/m"))
        assert max(await admitted(account, [request()] * 600)) == pytest.approx(0, abs=0.1)

    run(main())


def test_a_stated_rate_is_not_raised_by_the_provider() -> None:
    async def main() -> None:
        account = Account(Limits(rpm=10), LoopClock())
        account.update(
            "openai/m", RateLimitStatus(quotas=(Quota("requests", 30_000, 29_999),)), account.mark("openai/m")
        )
        at = await admitted(account, [request()] * 30)
        assert most_in_any_minute(at) <= 10

    run(main())


def test_tokens_are_followed_too_each_unit_by_what_it_counts() -> None:
    async def main() -> None:
        account = Account(Limits(), LoopClock())
        big = request("x" * 4000, max_tokens=50)  # 1,000 tokens of prompt, 50 of answer
        tokens = RateLimitStatus(quotas=(Quota("tokens", 60_000, 1050),))
        account.update("openai/m", tokens, account.mark("openai/m"))
        assert (await admitted(account, [big, big])) == pytest.approx([0, 1.05], abs=0.05)
        output = RateLimitStatus(quotas=(Quota("output_tokens", 6000, 50), Quota("input_tokens", 10**9, 10**9)))
        account.update("openai/m", output, account.mark("openai/m"))
        assert (await admitted(account, [big, big])) == pytest.approx([0, 0.5], abs=0.05)

    run(main())


def test_news_that_comes_while_calls_wait_counts_at_once() -> None:
    async def main() -> None:
        clock = LoopClock()
        account = Account(Limits(), clock)
        mark = account.mark("openai/m")
        account.update("openai/m", RateLimitStatus(quotas=(Quota("requests", 2, 0, 60.0, 60.0),)), mark)
        began = clock.now()
        waiting = asyncio.create_task(account.admit(request()))
        await asyncio.sleep(10)
        account.update("openai/m", RateLimitStatus(quotas=(Quota("requests", 2, 2),)), mark)
        await waiting
        assert clock.now() - began <= 30.1

    run(main())


def test_an_answer_that_asks_to_wait_is_obeyed_unless_it_asks_for_hours() -> None:
    async def main() -> None:
        account = Account(Limits(), LoopClock())
        account.update("openai/m", RateLimitStatus(wait=7.0), account.mark("openai/m"))
        assert (await admitted(account, [request(model="openai/other")])) == pytest.approx([7.0], abs=0.05)
        account.update("openai/m", RateLimitStatus(wait=7200.0), account.mark("openai/m"))
        assert (await admitted(account, [request()])) == pytest.approx([0.0], abs=0.05)

    run(main())


def test_after_a_refusal_calls_come_one_by_one_and_closer_with_each_answer() -> None:
    async def main() -> None:
        account = Account(Limits(), LoopClock())
        account.slow_down(5.0)
        account.slow_down(5.0)  # of the same burst
        at = await admitted(account, [request()] * 4)
        assert at == pytest.approx([5.0, 5.1, 5.2, 5.3], abs=0.02)
        account.slow_down(5.0)
        at = await admitted(account, [request()] * 3)
        assert at == pytest.approx([5.0, 5.2, 5.4], abs=0.02), "doubled by another refusal"
        for _ in range(300):
            account.ease()
        assert (await admitted(account, [request()] * 100))[-1] == pytest.approx(0.0, abs=0.02), "forgotten"

    run(main())


def test_a_thousand_callers_are_admitted_quickly() -> None:
    account = Account(Limits(rpm=1_000_000, tpm=10**9), LoopClock())
    begun = time.perf_counter()
    run(admitted(account, [request()] * 1000))
    assert time.perf_counter() - begun < 20.0, "about 0.05 s on an idle machine"


@pytest.mark.parametrize("where", ["rate", "told", "pause"])
def test_a_waiter_that_is_cancelled_leaves_at_once_and_holds_up_nobody(where: str) -> None:
    async def main() -> None:
        clock = LoopClock()
        account = Account(Limits(rpm=2) if where == "rate" else Limits(), clock)
        if where == "rate":
            await account.admit(request())
        elif where == "told":
            quota = Quota("requests", 2, 0, 60.0, 60.0)
            account.update("openai/m", RateLimitStatus(quotas=(quota,)), account.mark("openai/m"))
        else:
            account.slow_down(30.0)
        began = clock.now()
        first, second = (asyncio.create_task(account.admit(request())) for _ in range(2))
        await asyncio.sleep(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert clock.now() - began == pytest.approx(1.0, abs=0.05)
        await second
        assert clock.now() - began <= 61.5

    run(main())


def test_what_a_provider_says_slows_the_next_call_of_a_model_through_the_whole_stack() -> None:
    async def main() -> None:
        clock = LoopClock()
        at: list[float] = []

        async def provider(call: Call, /) -> Reply:
            assert call.trace is not None
            at.append(clock.now())
            call.trace.rate_limit_status = RateLimitStatus(quotas=(Quota("requests", 30, 0, 60.0, 60.0),))
            return Reply(text="ok")

        with use_clock(clock), use_provider(provider):
            client = Client("openai/m")
            replies = [await client.send(request(text)) for text in "abc"]
        assert at[1] - at[0] == pytest.approx(2.0, abs=0.01)
        assert at[2] - at[1] == pytest.approx(2.0, abs=0.01)
        assert "allowance" not in repr(replies[0].to_dict()), "of this run, and not of the answer"

    run(main())
