"""Calls at once follow what a local server can do. Servers are simulated, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks.lm.attempt import AttemptLayer
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.core.errors import CallTimeout, LMError, ServerError
from synalinks.lm.core.rate_limit import RateLimitStatus
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.adaptive import FIRST, MOST
from synalinks.lm.rate_limit.layer import RateLimitLayer

#: Parts of an answer between which a server looks again how many it works on.
PARTS = 10


class Server:
    """Answers so many calls at once and queues the rest; calls that run together slow each other down.

    Args:
        slots: calls that it answers at once.
        drag: seconds that each further call at once adds to a call's time, as a share of it.
        noise: how much the lengths of answers differ, as a share.
        loading: seconds from the first call on until the model is loaded.
    """

    def __init__(self, slots: int, drag: float = 0.0, noise: float = 0.3, loading: float = 0.0) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._drag, self._noise, self._rng = drag, noise, random.Random(5)
        self._loading, self._ready = loading, None
        self._busy = self.out = self.most = self.calls = 0

    async def __call__(self, call: Call, /) -> Reply:
        begun, tokens = LoopClock().now(), round(100 * (1 + self._noise * (self._rng.random() - 0.5)))
        self.calls += 1
        self.out += 1
        self.most = max(self.most, self.out)
        try:
            self._ready = begun + self._loading if self._ready is None else self._ready
            waited = max(0.0, self._ready - begun)
            await asyncio.sleep(waited)
            async with self._slots:
                self._busy += 1
                parts = PARTS if self._drag else 1
                for _ in range(parts):
                    await asyncio.sleep(tokens / 100 / parts * (1 + self._drag * (self._busy - 1)))
                self._busy -= 1
        finally:
            self.out -= 1
        usage = Usage(input_fresh=50, output_text=tokens)
        return Reply("ok", usage=usage, seconds=LoopClock().now() - begun, loading=waited or None)


def stack(account: Account, server: Callable, timeout: float | None = None) -> Callable:
    return RateLimitLayer(account)(AttemptLayer(timeout, account)(server))


def call(model: str = "ollama/m", text: str = "x") -> Call:
    return Call(Request("chat", model, messages=[{"role": "user", "content": text}]))


async def ask(handler: Callable, count: int, model: str = "ollama/m") -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(handler(call(model)))


async def settled(server: Server, count: int = 600) -> tuple[Account, float]:
    """The account after so many calls at a time, and calls a second of twice as many more."""
    account = Account(Limits(), LoopClock(), adaptive=True)
    handler = stack(account, server)
    await ask(handler, count)
    begun = LoopClock().now()
    await ask(handler, 2 * count)
    return account, 2 * count / (LoopClock().now() - begun)


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 6, 8, 16])
def test_it_finds_the_slots_of_a_server_that_does_not_tell(slots: int) -> None:
    async def main() -> None:
        account, rate = await settled(Server(slots))
        assert account.adaptive is not None
        assert slots * 0.75 <= account.adaptive.number <= max(1.5 * slots, slots + 1)
        assert rate >= 0.85 * slots

    run(main())


def test_a_server_that_queues_everything_gets_one_call_at_a_time() -> None:
    async def main() -> None:
        server = Server(1)
        account, _ = await settled(server)
        assert account.adaptive is not None and account.adaptive.number <= 2
        assert server.most <= 4, "no more than one trial above it"

    run(main())


def test_a_server_that_batches_gets_as_many_as_still_help() -> None:
    """Each further call at once costs the others a tenth of their time alone: 32 gain 27 % over 16, 64 12 % over 32."""

    async def main() -> None:
        account, _ = await settled(Server(1000, drag=0.1))
        assert account.adaptive is not None and 8 <= account.adaptive.number <= 48
        account, _ = await settled(Server(1000, drag=1.0))  # no gain at all
        assert account.adaptive is not None and account.adaptive.number <= 2
        account, _ = await settled(Server(1000), 2000)
        assert account.adaptive is not None and account.adaptive.number == MOST

    run(main())


def test_what_a_server_tells_counts_at_once_and_is_kept_to() -> None:
    async def main() -> None:
        account, server = Account(Limits(), LoopClock(), adaptive=True), Server(1)

        async def telling(asked: Call) -> Reply:
            asked.trace.rate_limit_status = RateLimitStatus(slots=5)
            return await server(asked)

        await ask(stack(account, telling), 100)
        assert server.most == 5 and account.slots is not None and (account.slots.count, account.slots.free) == (5, 5)

    run(main())


def test_a_number_that_was_stated_is_kept_whatever_is_told() -> None:
    async def main() -> None:
        account, server = Account(Limits(concurrency=3), LoopClock()), Server(16)

        async def telling(asked: Call) -> Reply:
            asked.trace.rate_limit_status = RateLimitStatus(slots=5)
            return await server(asked)

        await ask(stack(account, telling), 200)
        assert server.most == 3 and account.adaptive is None

    run(main())


def test_loading_is_not_taken_for_slowness() -> None:
    """A model that takes 100 s to load: the first call is no slower than the others, and 2 at once no faster than 1."""

    async def main() -> None:
        loaded, _ = await settled(Server(4))
        loading, _ = await settled(Server(4, loading=100.0))
        assert loaded.adaptive is not None and loading.adaptive is not None
        assert loading.adaptive.number == loaded.adaptive.number

    run(main())


def test_another_mixture_of_models_is_not_taken_for_another_speed() -> None:
    async def main() -> None:
        server, account = Server(4), Account(Limits(), LoopClock(), adaptive=True)
        slow, handler = Server(4), stack(account, server)

        async def longer(asked: Call) -> Reply:
            reply = await slow(asked)
            await asyncio.sleep(9 * (reply.seconds or 0))
            return Reply("ok", usage=reply.usage, seconds=10 * (reply.seconds or 0))

        long = stack(account, longer)
        async with asyncio.TaskGroup() as group:
            for place in range(900):
                ask_long = place % 300 < 100
                group.create_task((long if ask_long else handler)(call("ollama/a" if ask_long else "ollama/b")))
        assert account.adaptive is not None and account.adaptive.number >= 3

    run(main())


def test_it_follows_a_server_that_has_less_room_than_before() -> None:
    async def main() -> None:
        account, servers = Account(Limits(), LoopClock(), adaptive=True), [Server(8)]
        handler = stack(account, lambda asked: servers[-1](asked))
        await ask(handler, 800)
        assert account.adaptive is not None
        before = account.adaptive.number
        servers.append(Server(2))
        await ask(handler, 1500)
        assert account.adaptive.number <= before / 2

    run(main())


@pytest.mark.parametrize("timeout", [None, 3.0])
def test_a_full_queue_or_a_timeout_halves_it_once(timeout: float | None) -> None:
    async def main() -> None:
        account, server = Account(Limits(), LoopClock(), adaptive=True), Server(16, noise=0.0)
        handler = stack(account, server)
        await ask(handler, 400)
        assert account.adaptive is not None
        before = account.adaptive.number

        async def busy(asked: Call) -> Reply:
            await asyncio.sleep(1 if timeout is None else 9)
            raise ServerError("server busy", status=503)

        async def failing() -> None:
            with pytest.raises(ServerError if timeout is None else CallTimeout):
                await stack(account, busy, timeout)(call())

        async with asyncio.TaskGroup() as group:
            for _ in range(before):
                group.create_task(failing())
        assert account.adaptive.number == before // 2
        assert account.slots is not None and account.slots.free == account.slots.count == before // 2

    run(main())


def test_other_failures_and_single_calls_change_nothing() -> None:
    async def main() -> None:
        account, server = Account(Limits(), LoopClock(), adaptive=True), Server(8)
        for _ in range(50):
            await stack(account, server)(call())

        async def broken(asked: Call) -> Reply:
            raise ServerError("a bug", status=500)

        for _ in range(9):
            with pytest.raises(LMError):
                await stack(account, broken)(call())
        assert account.adaptive is not None and account.adaptive.number == FIRST

    run(main())
