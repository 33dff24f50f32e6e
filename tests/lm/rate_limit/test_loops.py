"""An account's limits, across event loops and threads, and under a time cap."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

from lm.virtual import LoopClock
from lm.virtual import run_still as run
from synalinks._concurrency import DeferringLock, Slots, SystemClock, _Waiter
from synalinks.errors import BudgetExceeded, LMError, RateLimited
from synalinks.lm import Budget, Client, Limits, Request, RetryPolicy, use_budget, use_ledger
from synalinks.lm.blocks import use_clock, use_provider
from synalinks.lm.budget.layer import BudgetTracker, Queue, Reservation
from synalinks.lm.core.amount import Amount
from synalinks.lm.core.call import Call, Reply, Trace, Usage

MODEL = "ollama/loops"


def request(number: int = 0, **options: Any) -> Request:
    return Request("chat", MODEL, messages=[{"role": "user", "content": f"question {number}"}], options=options)


def in_threads(count: int, main: Any) -> None:
    threads = [threading.Thread(target=lambda number=number: asyncio.run(main(number))) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_threads_share_the_slots_of_an_account() -> None:
    out, most, lock = 0, 0, threading.Lock()

    async def provider(call: Call) -> Reply:
        nonlocal out, most
        with lock:
            out += 1
            most = max(most, out)
        await asyncio.sleep(0.005)
        with lock:
            out -= 1
        return Reply("yes", usage=Usage(1, output_text=1), finish="stop")

    client = Client(MODEL, limits=Limits(concurrency=4), cache="off")

    async def main(number: int) -> None:
        async with asyncio.TaskGroup() as group:
            for place in range(8):
                group.create_task(client.send(request(10 * number + place)))

    with use_provider(provider):
        in_threads(4, main)
    assert most == 4


def test_threads_share_the_rate_of_an_account() -> None:
    sent: list[float] = []

    async def provider(call: Call) -> Reply:
        sent.append(time.perf_counter())
        return Reply("yes", usage=Usage(1, output_text=1), finish="stop")

    client = Client(MODEL, limits=Limits(rpm=600, concurrency=1000), cache="off")

    async def main(number: int) -> None:
        async with asyncio.TaskGroup() as group:
            for place in range(17):
                group.create_task(client.send(request(100 * number + place)))

    with use_provider(provider):
        in_threads(4, main)
    assert len(sent) == 68
    assert max(sent) - min(sent) >= 0.7, "60 at once, and then 10 a second; 4 threads with 60 each would take no time"


def test_slots_are_given_back_by_what_is_cancelled_or_lost() -> None:
    async def main() -> None:
        slots = Slots(1)
        await slots.acquire()
        waiting = [asyncio.create_task(slots.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        slots.release()  # to the second, which is cancelled before it can run
        waiting[1].cancel()
        await asyncio.wait(waiting)
        assert [task.cancelled() for task in waiting] == [True, True, False]
        slots.release()
        assert slots.free == 1

    asyncio.run(main())


def test_a_slot_passes_over_a_loop_that_was_closed() -> None:
    slots = Slots(1)

    async def leave_waiting() -> None:
        await slots.acquire()
        slots.join(_Waiter())

    asyncio.run(leave_waiting())
    slots.release()
    assert slots.free == 1


def test_a_lost_call_that_is_collected_under_the_queues_lock_does_not_wait_for_it() -> None:
    queue, tracker, done = Queue(), BudgetTracker(Budget(calls=1), SystemClock()), threading.Event()

    async def main() -> None:
        out, lost = (Reservation([tracker], Amount(calls=1), queue, Trace()) for _ in range(2))
        assert out.acquire() and not lost.acquire()
        waiting = lost.granted()
        waiting.send(None)  # it waits, and nothing will ever resume it
        with queue.lock:
            del waiting
            gc.collect()
            assert len(queue) == 1
        assert len(queue) == 0, "it left at the end of the block"
        out.settle(Amount())
        done.set()

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    assert done.wait(10), "it waits for a lock that its own thread holds"
    assert tracker.reserved == Amount()


def test_deferred_work_is_done_once_and_in_order() -> None:
    lock, done = DeferringLock(), list[int]()
    with lock:
        lock.run(lambda: done.append(1))
        lock.run(lambda: lock.run(lambda: done.append(2)))
        assert done == []
    assert done == [1, 2]
    lock.run(lambda: done.append(3))
    assert done == [1, 2, 3]


@pytest.mark.parametrize("concurrency", [1, 8])
def test_no_wait_is_longer_than_a_budgets_time(concurrency: int) -> None:
    """A provider demands 30 s; 5 are left."""

    async def provider(call: Call) -> Reply:
        await asyncio.sleep(0.1)
        raise RateLimited("slow down", retry_after=30)

    async def main() -> tuple[float, list[object], Any]:
        client = Client(MODEL, limits=Limits(concurrency=concurrency), retry=RetryPolicy(max_wait=60), cache="off")
        begun = LoopClock().now()

        async def ask(number: int) -> str:
            try:
                await client.send(request(number))
            except (BudgetExceeded, LMError) as error:
                return type(error).__name__
            return "answered"

        with use_provider(provider), use_budget(Budget(seconds=5)), use_ledger() as ledger:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(ask(number)) for number in range(12)]
        return LoopClock().now() - begun, [task.result() for task in tasks], ledger.total

    with use_clock(LoopClock()):
        seconds, outcomes, total = run(main())
    assert outcomes == ["BudgetExceeded"] * 12
    assert seconds == pytest.approx(5, abs=0.1)
    assert total.attempts == concurrency, "what was sent before is in the ledger, and nothing was sent after"


def test_a_second_cancel_of_a_shared_call_leaves_its_entry() -> None:
    async def provider(call: Call) -> Reply:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)  # closing its connection takes a while
        raise AssertionError

    async def main() -> Any:
        client = Client(MODEL, cache="off")
        with use_provider(provider), use_ledger() as ledger, use_budget(Budget(calls=9)) as tracker:
            task = asyncio.create_task(client.send(request(temperature=0)))  # type: ignore[arg-type]
            await asyncio.sleep(1)
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0.1)
            await asyncio.wait((task,))
            assert task.cancelled()
        return ledger.total, tracker

    with use_clock(LoopClock()):
        total, tracker = run(main())
    assert (total.calls, total.attempts, total.uncertain) == (1, 1, 1)
    assert tracker.settled.calls == 1 and tracker.reserved == Amount()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_an_exception_of_a_sink_or_a_foreign_provider_leaves_its_entry(temperature: float) -> None:
    class Foreign(Exception):
        pass

    async def raising(call: Call) -> Reply:
        raise Foreign("no error of this library")

    async def streaming(call: Call) -> Reply:
        Reply("text").feed(call.sink)  # type: ignore[arg-type]
        return Reply("text")

    def sink(delta: object) -> None:
        raise Foreign("of the sink")

    async def main(provider: Any) -> Any:
        client = Client(MODEL, cache="off")
        blocks = use_provider(provider), use_ledger(), use_budget(Budget(calls=9))
        with blocks[0], blocks[1] as ledger, blocks[2] as tracker, pytest.raises(Foreign):
            await client.send(request(temperature=temperature), sink)
        return ledger.total, tracker

    for provider in (raising, streaming):
        total, tracker = run(main(provider))
        assert (total.calls, total.attempts, total.uncertain, total.failed) == (1, 1, 1, 1)
        assert (tracker.settled.calls, tracker.uncertain.calls) == (1, 1)


def test_slots_that_grow_let_those_who_wait_in_and_fewer_are_reached_as_they_come_back() -> None:
    async def main() -> None:
        slots, entered = Slots(2), []

        async def enter(number: int) -> None:
            await slots.acquire()
            entered.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(enter(number))
            await asyncio.sleep(0.01)
            assert entered == [0, 1]
            slots.resize(4)
            await asyncio.sleep(0.01)
            assert entered == [0, 1, 2, 3] and (slots.count, slots.free) == (4, 0)
            slots.resize(1)
            assert slots.free == -3
            for _ in range(3):
                slots.release()
            await asyncio.sleep(0.01)
            assert entered == [0, 1, 2, 3] and slots.free == 0
            for place in range(4, 8):
                slots.release()
                await asyncio.sleep(0.01)
                assert entered[-1] == place
        slots.release()
        slots.resize(3)
        assert (slots.count, slots.free) == (3, 3)

    asyncio.run(main())
