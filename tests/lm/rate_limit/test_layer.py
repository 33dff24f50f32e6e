"""Limits of an account: calls at once, requests and tokens a minute. In virtual time."""

from __future__ import annotations

import asyncio

import pytest
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks import errors
from synalinks.lm.core.call import Call, Reply, Request, Schema
from synalinks.lm.rate_limit.account import Account, Limits, estimate_tokens
from synalinks.lm.rate_limit.layer import RateLimitLayer


def call(text: str = "x", **options) -> Call:
    return Call(Request("chat", "ollama/m", messages=[{"role": "user", "content": text}], options=options))


class FakeProvider:
    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self.out = self.most = 0
        self.order: list[str] = []
        self.at: list[float] = []

    async def __call__(self, asked: Call, /) -> Reply:
        self.out += 1
        self.most = max(self.most, self.out)
        self.at.append(LoopClock().now())
        self.order.append(asked.request.messages[0]["content"])
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.out -= 1
        return Reply(text="ok")


async def send(handler, calls: list[Call]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in calls:
            group.create_task(handler(one))


def test_no_more_calls_at_once_than_allowed_and_in_order() -> None:
    async def main() -> None:
        provider = FakeProvider()
        handler = RateLimitLayer(Account(Limits(concurrency=3), LoopClock()))(provider)
        await send(handler, [call(str(i)) for i in range(20)])
        assert provider.most == 3
        assert provider.order == [str(i) for i in range(20)]

    run(main())


def test_slots_are_shared_by_all_models_of_the_account() -> None:
    async def main() -> None:
        provider, account = FakeProvider(), Account(Limits(concurrency=2), LoopClock())
        one, other = RateLimitLayer(account)(provider), RateLimitLayer(account)(provider)
        async with asyncio.TaskGroup() as group:
            for handler in (one, other, one, other):
                group.create_task(handler(call()))
        assert provider.most == 2

    run(main())


def test_requests_a_minute() -> None:
    async def main() -> None:
        provider = FakeProvider(0.0)
        handler = RateLimitLayer(Account(Limits(rpm=10), LoopClock()))(provider)
        await send(handler, [call(str(i)) for i in range(30)])
        assert provider.order == [str(i) for i in range(30)]
        # A tenth of ten at once, then one every 6 s; the eleventh when a minute and a second are over.
        assert provider.at[10] - provider.at[0] == pytest.approx(61, abs=1)
        assert provider.at[29] - provider.at[0] == pytest.approx(2 * 61 + 9 * 6, abs=2)

    run(main())


def test_less_than_one_request_a_minute() -> None:
    async def main() -> None:
        provider = FakeProvider(0.0)
        await send(RateLimitLayer(Account(Limits(rpm=0.5), LoopClock()))(provider), [call(), call()])
        assert provider.at[1] - provider.at[0] == pytest.approx(122, abs=2)

    run(main())


def test_tokens_a_minute_and_large_requests_are_not_starved() -> None:
    async def main() -> None:
        provider = FakeProvider(0.0)
        handler = RateLimitLayer(Account(Limits(tpm=100), LoopClock()))(provider)
        texts = ["small"] * 3 + ["L" * 380] + ["later"] * 30
        await send(handler, [call(text) for text in texts])
        assert provider.order == texts

    run(main())


def test_a_request_above_the_whole_allowance_still_goes_out() -> None:
    async def main() -> None:
        provider = FakeProvider(0.0)
        await send(RateLimitLayer(Account(Limits(tpm=10), LoopClock()))(provider), [call("x" * 4000)])
        assert len(provider.at) == 1

    run(main())


def test_a_pause_reaches_calls_that_wait_for_a_slot() -> None:
    async def main() -> None:
        provider, account = FakeProvider(), Account(Limits(concurrency=1), LoopClock())
        handler = RateLimitLayer(account)(provider)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(handler(call()))
            await asyncio.sleep(0.5)
            account.slow_down(60)
        assert provider.at[1] - provider.at[0] == pytest.approx(60.5, abs=0.1)

    run(main())


def test_cancelled_waiters_leak_nothing() -> None:
    async def main() -> None:
        provider, account = FakeProvider(10.0), Account(Limits(concurrency=1, rpm=5), LoopClock())
        handler = RateLimitLayer(account)(provider)
        running = asyncio.create_task(handler(call("first")))
        waiting = [asyncio.create_task(handler(call())) for _ in range(5)]
        await asyncio.sleep(1)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        await running
        await asyncio.wait_for(handler(call("last")), 100)
        assert provider.order == ["first", "last"]
        assert account.slots is not None and account.slots.free

    run(main())


def test_an_account_outlives_its_event_loops() -> None:
    provider = FakeProvider(0.0)
    handler = RateLimitLayer(Account(Limits(rpm=100, tpm=1000, concurrency=2)))(provider)
    for _ in range(3):
        asyncio.run(send(handler, [call() for _ in range(4)]))
    assert len(provider.at) == 12


def test_the_estimate_counts_bytes_and_the_asked_for_answer() -> None:
    assert estimate_tokens(call("x" * 400).request) == 100
    assert estimate_tokens(call("x" * 400, max_tokens=50).request) == 150
    assert estimate_tokens(call("x" * 400, num_predict=50).request) == 150
    assert estimate_tokens(call("é" * 200).request) == 100
    assert estimate_tokens(Request("embed", "ollama/m", texts=["x" * 40, "y" * 40])) == 20
    plain = call("x").request
    schema = Schema({"type": "object", "properties": {"answer": {"type": "string"}}})
    assert estimate_tokens(Request("chat", plain.model, messages=plain.messages, schema=schema)) > 10


@pytest.mark.parametrize("wrong", [{"rpm": 0}, {"tpm": -1}, {"concurrency": 0}, {"concurrency": 1.5}])
def test_limits_that_cannot_be_meant(wrong: dict) -> None:
    with pytest.raises(errors.ConfigurationError):
        Limits(**wrong)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_calls_within_calls_never_wait_for_their_own_slot(concurrency: int) -> None:
    """Needs the slot of the outer call: with one slot, its inner call would wait for it for ever."""

    async def main() -> None:
        provider, account = FakeProvider(), Account(Limits(concurrency=concurrency), LoopClock())
        inner = RateLimitLayer(account)(provider)

        async def asks_twice(asked: Call) -> Reply:
            await send(inner, [call("first"), call("second")])
            return await inner(call("third"))

        middle = RateLimitLayer(account)(asks_twice)

        async def asks_further(asked: Call) -> Reply:
            return await middle(asked)

        await asyncio.wait_for(send(RateLimitLayer(account)(asks_further), [call(str(i)) for i in range(6)]), 1000)
        assert len(provider.order) == 18
        assert provider.most == concurrency
        assert account.slots is not None and account.slots.free == concurrency

    run(main())


def test_accounts_that_ask_each_other_don_t_wait_for_each_other() -> None:
    """Needs the slot back before another one is waited for."""

    async def main() -> None:
        provider = FakeProvider()
        left, right = (RateLimitLayer(Account(Limits(concurrency=1), LoopClock())) for _ in range(2))
        begun = asyncio.Barrier(2)

        async def asks_right(asked: Call) -> Reply:
            await begun.wait()
            return await right(provider)(asked)

        async def asks_left(asked: Call) -> Reply:
            await begun.wait()
            return await left(provider)(asked)

        async with asyncio.timeout(1000), asyncio.TaskGroup() as group:
            group.create_task(left(asks_right)(call("a")))
            group.create_task(right(asks_left)(call("b")))
        assert sorted(provider.order) == ["a", "b"]

    run(main())
