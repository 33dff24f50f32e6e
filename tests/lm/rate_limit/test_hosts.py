"""Several servers of one model: which one an attempt goes to, and what happens when one fails. In virtual time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks import errors
from synalinks._concurrency import Slots, first_free
from synalinks.lm.attempt import AttemptLayer
from synalinks.lm.core.call import Call, Handler, Reply, Request, stack
from synalinks.lm.core.rate_limit import Quota, RateLimitStatus
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.hosts import Hosts
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy

NAMES = ("http://a", "http://b", "http://c")
Outcome = Callable[[int, float], Exception | None]


def call(text: str = "x") -> Call:
    return Call(Request("chat", "ollama/m", messages=[{"role": "user", "content": text}]))


def refused() -> errors.ConnectionFailed:
    error = errors.ConnectionFailed("nothing listens")
    error.unreachable = error.refused = True
    return error


class Servers:
    """Stand-ins that answer after some seconds each, or fail as `outcome` says of a server at a time."""

    def __init__(self, seconds: Sequence[float], outcome: Outcome = lambda host, now: None) -> None:
        self.seconds, self.outcome = seconds, outcome
        self.sent: list[tuple[float, int]] = []
        self.out: Counter[int] = Counter()
        self.most: Counter[int] = Counter()

    @property
    def counts(self) -> list[int]:
        return [sum(host == one for _, one in self.sent) for host in range(len(self.seconds))]

    async def __call__(self, asked: Call, /) -> Reply:
        assert asked.admission is not None
        host, now = asked.admission.host, LoopClock().now()
        self.sent.append((now, host))
        self.out[host] += 1
        self.most[host] = max(self.most[host], self.out[host])
        try:
            if (error := self.outcome(host, now)) is not None:
                raise error
            await asyncio.sleep(self.seconds[host])
        finally:
            self.out[host] -= 1
        return Reply(text="ok", seconds=self.seconds[host])


def handler_of(servers: Servers, limits: Limits, policy: RetryPolicy = RetryPolicy()) -> Handler:  # noqa: B008
    return handler_at([Account(limits, LoopClock()) for _ in servers.seconds], servers, policy)


def handler_at(accounts: list[Account], servers: Servers, policy: RetryPolicy = RetryPolicy()) -> Handler:  # noqa: B008
    hosts = Hosts(accounts, NAMES[: len(accounts)])
    layers = [RateLimitLayer(hosts), RetryLayer(policy, hosts, LoopClock(), random.Random(0))]
    return stack(servers, *layers, AttemptLayer(policy.timeout, hosts))


async def send(handler: Handler, count: int) -> list[Reply | BaseException]:
    return await asyncio.gather(*(handler(call(str(i))) for i in range(count)), return_exceptions=True)


def all_answered(found: Sequence[Reply | BaseException]) -> bool:
    return all(isinstance(one, Reply) for one in found)


def test_a_server_gets_calls_as_fast_as_it_answers_them_and_no_more_at_once_than_its_limit() -> None:
    async def main() -> None:
        servers = Servers([1.0, 2.0, 4.0])
        begun = LoopClock().now()
        assert all_answered(await send(handler_of(servers, Limits(concurrency=2)), 70))
        assert servers.counts == [40, 20, 10]
        assert LoopClock().now() - begun == pytest.approx(20, abs=0.01)
        assert dict(servers.most) == {0: 2, 1: 2, 2: 2}

    run(main())


def test_without_slots_the_one_with_the_fewest_calls_is_next_and_equals_take_turns() -> None:
    async def main() -> None:
        servers = Servers([1.0, 1.0, 1.0])
        handler = handler_of(servers, Limits())
        assert all_answered(await send(handler, 7))
        assert sorted(servers.counts) == [2, 2, 3]
        for _ in range(3):
            await handler(call())
        assert [host for _, host in servers.sent[-3:]] in ([0, 1, 2], [1, 2, 0], [2, 0, 1])

    run(main())


def test_rates_are_those_of_each_server() -> None:
    async def main() -> None:
        servers = Servers([0.0, 0.0])
        begun = LoopClock().now()
        await send(handler_of(servers, Limits(rpm=60)), 120 + 2 * 6)
        assert servers.counts == [66, 66]
        assert LoopClock().now() - begun == pytest.approx(60, rel=0.1)

    run(main())


@pytest.mark.parametrize("concurrency", [None, 1000])
def test_a_call_that_waits_for_a_rate_goes_to_a_server_that_has_room(concurrency: int | None) -> None:
    """The slow one gets what its rate lets out, though it has as few calls as the other when they come."""

    async def main() -> None:
        servers = Servers([0.0, 0.0])
        accounts = [Account(Limits(rpm=rpm, concurrency=concurrency), LoopClock()) for rpm in (60, 600)]
        begun = LoopClock().now()
        assert all_answered(await send(handler_at(accounts, servers), 66 + 660))
        assert servers.counts == pytest.approx([66, 660], abs=2)
        assert LoopClock().now() - begun == pytest.approx(60, rel=0.1)

    run(main())


def test_a_call_that_waits_for_a_rate_that_its_server_reported_goes_to_another() -> None:
    async def main() -> None:
        servers = Servers([0.0, 0.0])
        accounts = [Account(Limits(), LoopClock()) for _ in range(2)]
        told = RateLimitStatus(quotas=(Quota("requests", limit=60, remaining=0, reset=50.0, at_once=True),))
        accounts[0].update("ollama/m", told, accounts[0].mark("ollama/m"))
        begun = LoopClock().now()
        assert all_answered(await send(handler_at(accounts, servers), 30))
        assert servers.counts == [0, 30] and LoopClock().now() - begun < 1

    run(main())


def test_a_call_that_failed_at_one_server_waits_for_the_pause_of_the_other() -> None:
    """It neither goes back to where it failed, nor looks for another again and again."""

    async def main() -> None:
        servers = Servers([0.0, 0.0], lambda host, now: errors.ServerError("broken", status=503) if host == 0 else None)
        accounts = [Account(Limits(rpm=60), LoopClock()) for _ in range(2)]
        handler, begun = handler_at(accounts, servers), LoopClock().now()
        for _ in range(6):
            accounts[1].assign(1)  # so that the first is chosen
            assert await accounts[1].admit(call().request)
        sent = asyncio.create_task(handler(call()))  # fails there, and waits for the rate of the other
        await asyncio.sleep(0.5)
        accounts[1].slow_down(7.0)
        await sent
        assert servers.counts == [1, 1] and LoopClock().now() - begun == pytest.approx(7.5, abs=0.1)

    run(main())


def test_a_pause_that_a_server_demands_is_its_own_and_its_calls_go_to_the_others_at_once() -> None:
    async def main() -> None:
        begun = LoopClock().now()

        def outcome(host: int, now: float) -> Exception | None:
            return errors.RateLimited("later", status=429, retry_after=30.0) if host == 0 and now < begun + 5 else None

        servers = Servers([0.5, 0.5, 0.5], outcome)
        found = await send(handler_of(servers, Limits(concurrency=4)), 80)
        assert all_answered(found) and [one.attempts for one in found].count(2) == 1  # type: ignore[union-attr]
        assert LoopClock().now() - begun < 6
        assert servers.counts[0] == 1

    run(main())


def test_calls_that_wait_in_the_queue_of_a_server_leave_it_when_it_pauses() -> None:
    async def main() -> None:
        begun = LoopClock().now()
        servers = Servers(
            [0.1, 0.1],
            lambda host, now: errors.RateLimited("later", status=429, retry_after=500.0) if host == 0 else None,
        )
        assert all_answered(await send(handler_of(servers, Limits(rpm=600, concurrency=500)), 300))
        assert LoopClock().now() - begun < 60

    run(main())


def test_a_demand_too_long_to_wait_for_is_no_end_where_there_is_another_server() -> None:
    async def main() -> None:
        servers = Servers(
            [0.1, 0.1],
            lambda host, now: errors.RateLimited("later", status=429, retry_after=3600.0) if host == 0 else None,
        )
        assert all_answered(await send(handler_of(servers, Limits()), 9))

    run(main())


def test_a_server_that_is_not_there_is_left_out_and_tried_again_by_one_call_at_a_time() -> None:
    async def main() -> None:
        begun = LoopClock().now()
        servers = Servers([1.0, 1.0], lambda host, now: refused() if host == 0 and now < begun + 10 else None)
        handler = handler_of(servers, Limits(concurrency=2), RetryPolicy(attempts=1))
        assert all_answered(await send(handler, 60))
        tried = [round(now - begun) for now, host in servers.sent if host == 0 and now < begun + 10]
        assert tried == [0, 1, 3, 7], "after 1, 2 and 4 seconds"
        assert servers.counts[0] > 10 and servers.most[0] == 2, "and once it is there, it has its share"

    run(main())


def test_a_connection_that_could_not_be_made_is_no_attempt_where_another_server_is() -> None:
    async def main() -> None:
        servers = Servers([1.0, 1.0, 1.0], lambda host, now: refused() if host < 2 else None)
        begun = LoopClock().now()
        assert all_answered(await send(handler_of(servers, Limits(), RetryPolicy(attempts=1)), 5))
        assert LoopClock().now() - begun == pytest.approx(1, abs=0.01), "nothing was waited for"

    run(main())


def test_where_no_server_ever_answered_the_error_comes_at_once_and_names_all() -> None:
    async def main() -> None:
        servers = Servers([1.0, 1.0, 1.0], lambda host, now: errors_of(host))

        def errors_of(host: int) -> errors.ConnectionFailed:
            error = refused()
            error.args = (f"nobody at {NAMES[host]}",)
            return error

        begun = LoopClock().now()
        (failed,) = await send(handler_of(servers, Limits(concurrency=1)), 1)
        assert isinstance(failed, errors.ConnectionFailed)
        assert all(f"nobody at {name}" in str(failed) for name in NAMES), failed
        assert servers.counts == [1, 1, 1] and LoopClock().now() == pytest.approx(begun, abs=0.01)

    run(main())


def test_failures_of_all_servers_are_waited_for_as_those_of_one() -> None:
    async def main() -> None:
        servers = Servers([1.0, 1.0], lambda host, now: errors.ServerError(f"{NAMES[host]} is full", status=503))
        begun = LoopClock().now()
        (failed,) = await send(handler_of(servers, Limits(), RetryPolicy(attempts=5)), 1)
        assert isinstance(failed, errors.ServerError) and failed.attempts == 5
        assert servers.counts in ([3, 2], [2, 3])
        assert LoopClock().now() - begun > 0.5
        assert all(f"{name} is full" in str(failed) for name in NAMES[:2])

    run(main())


def test_a_wrong_request_goes_to_no_other_server() -> None:
    async def main() -> None:
        servers = Servers([1.0, 1.0], lambda host, now: errors.ModelNotFound("no such model", status=404))
        (failed,) = await send(handler_of(servers, Limits()), 1)
        assert isinstance(failed, errors.ModelNotFound) and sum(servers.counts) == 1

    run(main())


def test_calls_made_while_another_is_answered_do_not_wait_for_its_slot() -> None:
    async def main() -> None:
        servers = Servers([0.1, 0.1])
        hosts = Hosts([Account(Limits(concurrency=1), LoopClock()) for _ in range(2)], NAMES[:2])
        inner = RateLimitLayer(hosts)(servers)

        async def asks_further(asked: Call, /) -> Reply:
            await inner(call("further"))
            return await servers(asked)

        outer = RateLimitLayer(hosts)(asks_further)
        await asyncio.wait_for(send(outer, 8), 1000)
        assert len(servers.sent) == 16
        assert [slots.free for slots in hosts.slots or ()] == [1, 1]

    run(main())


def test_calls_that_are_cancelled_while_they_wait_or_run_leave_no_slot_taken() -> None:
    async def main() -> None:
        servers = Servers([1.0, 1.5, 0.7])
        accounts = [Account(Limits(concurrency=2), LoopClock()) for _ in range(3)]
        handler = RateLimitLayer(Hosts(accounts, NAMES))(servers)
        rng = random.Random(1)
        tasks = [asyncio.create_task(handler(call(str(i)))) for i in range(60)]
        for task in rng.sample(tasks, 40):
            await asyncio.sleep(rng.random() / 5)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [account.slots.free for account in accounts if account.slots] == [2, 2, 2]
        assert [account.assigned for account in accounts] == [0, 0, 0]
        assert all_answered(await send(handler, 6))

    run(main())


def test_who_waits_for_one_server_and_who_waits_for_any_are_served_in_turn() -> None:
    async def main() -> None:
        one, other = Slots(1), Slots(1)
        await one.acquire()
        await other.acquire()
        order: list[str] = []

        async def any_of() -> None:
            taken = await first_free((one, other))
            order.append("any of one" if taken is one else "any of other")

        async def only() -> None:
            await one.acquire()
            order.append("one")

        tasks = [asyncio.create_task(any_of()), asyncio.create_task(only()), asyncio.create_task(any_of())]
        await asyncio.sleep(0)
        one.release()
        await asyncio.sleep(0.1)
        one.release()
        await asyncio.sleep(0.1)
        assert order == ["any of one", "one"]
        other.release()
        await asyncio.gather(*tasks)
        assert order[-1] == "any of other" and one.free == other.free == 0
        one.release()
        assert one.free == 1, "nobody is left in its queue"

    run(main())
