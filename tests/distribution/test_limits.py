"""Limits that the workers of a batch prediction share: never more than the account has, all of it where one idles."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tests.distribution.test_pauses import REQUEST, Actor, OneServer
from tests.lm.rate_limit.test_hosts import Servers, all_answered, handler_at, send
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks.distribution.batch_worker import HEARTBEAT, SOON, Coordinator
from synalinks.distribution.limits import EXPECTED, LeasedLimits
from synalinks.distribution.pauses import Name
from synalinks.lm import Limits
from synalinks.lm.core.rate_limit import Quota, RateLimitStatus
from synalinks.lm.rate_limit.account import Account


@dataclass
class Server:
    """Counts what arrives, and how many are out."""

    times: list[float] = field(default_factory=list)
    out: int = 0
    most: int = 0

    async def answer(self, seconds: float) -> None:
        self.times.append(LoopClock().now())
        self.out += 1
        self.most = max(self.most, self.out)
        await asyncio.sleep(seconds)
        self.out -= 1


class Worker:
    """What `RowWorker` does with limits."""

    def __init__(self, coordinator: Coordinator, name: str, server: Server, limits: Limits, workers: int) -> None:
        self.account = Account(limits, LoopClock())
        self.server, self.name, self.coordinator = server, name, coordinator
        self.limits = LeasedLimits([OneServer(self.account)], Actor(coordinator), workers)  # type: ignore[list-item]

    async def batch(self, calls: int, seconds: float = 0.0) -> None:
        async def call() -> None:
            if self.account.slots is not None:
                await self.account.slots.acquire()
            await self.account.admit(REQUEST)
            await self.server.answer(seconds)
            if self.account.slots is not None:
                self.account.slots.release()

        async def signs() -> None:
            while True:
                self.limits.keep((await self.coordinator.alive(self.name, self.limits.held()))[1])
                await asyncio.sleep(SOON if self.limits.lacks_slots else HEARTBEAT)

        alive = asyncio.create_task(signs())
        await asyncio.gather(*(call() for _ in range(calls)))
        alive.cancel()
        self.limits.release()
        self.coordinator._limits.release(self.name)


def workers_of(limits: Limits, count: int) -> tuple[Server, list[Worker]]:
    server, coordinator = Server(), Coordinator(None, count, LoopClock())
    return server, [Worker(coordinator, f"worker {n}", server, limits, count) for n in range(count)]


def test_one_worker_has_the_whole_rate_where_the_others_idle() -> None:
    async def main() -> None:
        _, (one, *_) = workers_of(Limits(rpm=60), 4)
        begun = LoopClock().now()
        await one.batch(66)
        assert LoopClock().now() - begun == pytest.approx(60, abs=2)

    run(main())


def test_all_workers_together_keep_a_rate_and_use_it_up() -> None:
    async def main() -> None:
        server, workers = workers_of(Limits(rpm=60), 3)
        begun = LoopClock().now()
        await asyncio.gather(*(worker.batch(calls) for worker, calls in zip(workers, (100, 5, 30), strict=True)))
        assert LoopClock().now() - begun == pytest.approx(129, abs=4)
        times = server.times
        assert max(sum(at <= other < at + 60 for other in times) for at in times) <= 60
        assert workers[1].account.limits.rpm == 60

    run(main())


def test_the_turns_of_requests_that_come_together_are_one_message() -> None:
    asked: list[int] = []

    class Counting(Coordinator):
        async def turns(self, name: Name, limits: Limits, tokens: Sequence[int], waits: bool) -> tuple[int, float]:
            asked.append(len(tokens))
            return await super().turns(name, limits, tokens, waits)

    async def main() -> None:
        worker = Worker(Counting(None, 2, LoopClock()), "a", Server(), Limits(rpm=6000), 2)
        await worker.batch(64)
        assert asked == [64]

    run(main())


@dataclass
class SeveralServers:
    """What leased limits read of a client."""

    servers: list[Account]
    origin: str = "client"

    def accounts(self) -> list[Account]:
        return self.servers


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("rates", [(60, 600), (600, 60), (30, 30, 300)])
@pytest.mark.parametrize("concurrency", [None, 1000])
def test_a_call_that_waits_for_a_leased_turn_goes_to_a_server_that_has_room(
    workers: int, rates: tuple[int, ...], concurrency: int | None
) -> None:
    """Each server gets what its rate lets out in a minute, whichever workers the calls are of; and no more."""

    async def main() -> None:
        servers, coordinator = Servers([0.0] * len(rates)), Coordinator(None, workers, LoopClock())

        async def worker(name: str, calls: int) -> None:
            accounts = [Account(Limits(rpm=rpm, concurrency=concurrency), LoopClock()) for rpm in rates]
            limits = LeasedLimits([SeveralServers(accounts)], Actor(coordinator), workers)  # type: ignore[list-item]
            limits.keep((await coordinator.alive(name, limits.held()))[1])
            assert all_answered(await send(handler_at(accounts, servers), calls))

        begun, share = LoopClock().now(), round(1.1 * sum(rates)) // workers
        await asyncio.gather(*(worker(f"worker {number}", share) for number in range(workers)))
        assert servers.counts == pytest.approx([1.1 * rate for rate in rates], abs=3 * workers)
        assert LoopClock().now() - begun == pytest.approx(60, rel=0.1)
        for host, rate in enumerate(rates):
            times = [at for at, to in servers.sent if to == host]
            assert max(sum(at <= other < at + 60 for other in times) for at in times) <= rate

    run(main())


def test_turns_that_a_pause_overtakes_are_asked_for_anew() -> None:
    async def main() -> None:
        server, (one, other) = workers_of(Limits(rpm=60), 2)
        begun = LoopClock().now()
        waiting = asyncio.create_task(one.batch(20))
        await asyncio.sleep(8.5)
        one.account.slow_down(100.0)
        await other.batch(66)
        await waiting
        times = [at - begun for at in server.times]
        assert not [at for at in times[15:-20] if at < 8.5] and len(times) == 86
        assert max(sum(at <= other < at + 60 for other in times) for at in times) <= 60

    run(main())


@pytest.mark.parametrize(("concurrency", "workers"), [(1, 3), (2, 4), (3, 2), (4, 3), (8, 2), (7, 3), (100, 7)])
def test_all_slots_are_shared_out_and_evenly(concurrency: int, workers: int) -> None:
    async def main() -> None:
        server, made = workers_of(Limits(concurrency=concurrency), workers)
        busy = [asyncio.create_task(worker.batch(5 * concurrency, 100.0)) for worker in made]
        await asyncio.sleep(1.0)
        assert server.out == concurrency
        counts = [worker.account.slots.count for worker in made if worker.account.slots]
        assert max(counts) - min(counts) <= 1
        await asyncio.gather(*busy)

    run(main())


@pytest.mark.parametrize(("concurrency", "workers"), [(1, 3), (2, 4), (3, 2), (8, 2), (7, 3)])
@pytest.mark.parametrize("seed", range(4))
def test_calls_at_once_are_never_more_than_the_account_has(concurrency: int, workers: int, seed: int) -> None:
    async def main() -> None:
        rng = random.Random(seed)
        server, made = workers_of(Limits(concurrency=concurrency), workers)

        async def batches(worker: Worker) -> None:
            for _ in range(rng.randrange(1, 5)):
                await asyncio.sleep(rng.random() * 30)
                await worker.batch(rng.randrange(1, 20), rng.random() * 3)

        await asyncio.gather(*map(batches, made))
        assert 0 < server.most <= concurrency
        assert all(worker.account.slots and worker.account.slots.count == 0 for worker in made)

    run(main())


def test_one_worker_gets_the_slots_of_those_that_idle_and_gives_them_back() -> None:
    async def main() -> None:
        server, (one, other) = workers_of(Limits(concurrency=8), 2)
        await one.batch(20, 1.0)
        assert server.most == 4, "the other has not begun yet"
        await asyncio.sleep(EXPECTED)
        long = asyncio.create_task(one.batch(400, 1.0))
        await asyncio.sleep(2.5)
        assert server.out == 8
        await other.batch(8, 1.0)
        assert not long.done() and server.most == 8
        await long

    run(main())


def test_the_slots_of_a_lost_worker_come_back() -> None:
    async def main() -> None:
        server, (one, other) = workers_of(Limits(concurrency=1), 2)
        lost = asyncio.create_task(one.batch(1, 1e6))
        await asyncio.sleep(1.0)
        lost.cancel()
        await asyncio.wait([lost])
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await other.batch(1, 1.0)
        assert len(server.times) == 2

    run(main())


def test_what_a_provider_reports_to_be_left_is_divided() -> None:
    async def main() -> None:
        _, workers = workers_of(Limits(), 4)
        told = RateLimitStatus(quotas=(Quota("requests", limit=100, remaining=8, reset=30.0, at_once=True),))
        begun = LoopClock().now()
        for worker in workers:
            worker.account.update("ollama/m", told, worker.account.mark("ollama/m"))
        waits = []
        for worker in workers:
            for _ in range(3):
                await worker.account.admit(REQUEST)
                waits.append(LoopClock().now() - begun)
        assert sum(wait < 1 for wait in waits) == 2, "of the first, its part; then the time is that of the reset"
        assert waits[2] == pytest.approx(30, abs=0.1)

    run(main())
