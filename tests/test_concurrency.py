"""Tests of tasks that fail together and of objects bound to a loop."""

from __future__ import annotations

import asyncio
import gc

import pytest

from synalinks._concurrency import LoopLocal, SystemClock, first_of, run_all, run_sync
from synalinks.errors import BudgetExceeded
from synalinks.scope import current, enter


def test_results_come_in_the_order_given() -> None:
    async def main() -> list[int]:
        events = [asyncio.Event() for _ in range(3)]

        async def job(i: int) -> int:
            if i < 2:
                await events[i + 1].wait()
            events[i].set()
            return i

        return await run_all(job(i) for i in range(3))

    assert asyncio.run(main()) == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 3])
def test_a_bug_cancels_its_siblings_and_is_raised_itself(count: int) -> None:
    cancelled: list[int] = []

    async def main() -> None:
        async def bug() -> None:
            await asyncio.sleep(0)
            raise KeyError("bug")

        async def sibling(i: int) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(i)
                raise

        await run_all([bug(), *(sibling(i) for i in range(count - 1))])

    with pytest.raises(KeyError):
        asyncio.run(main())
    assert sorted(cancelled) == list(range(count - 1))


def test_an_orderly_stop_lets_the_siblings_come_home() -> None:
    home: list[int] = []

    async def main() -> None:
        async def stop(i: int) -> None:
            raise BudgetExceeded(f"stop {i}")

        async def sibling() -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            home.append(1)

        await run_all([sibling(), stop(1), stop(2), sibling()])

    with pytest.raises(BudgetExceeded, match="stop 1"):
        asyncio.run(main())
    assert home == [1, 1]


def test_first_of_looks_into_groups() -> None:
    inner = KeyError("x")
    assert first_of(ExceptionGroup("a", [ExceptionGroup("b", [inner]), ValueError()])) is inner


def test_run_sync_works_with_and_without_a_running_loop_and_keeps_the_place() -> None:
    async def job() -> int | None:
        await asyncio.sleep(0)
        return current().epoch

    async def outer() -> int | None:
        return run_sync(job())

    with enter(epoch=4):
        assert run_sync(job()) == 4
        assert asyncio.run(outer()) == 4


def test_run_sync_hands_on_errors() -> None:
    async def bug() -> None:
        raise KeyError("bug")

    async def outer() -> None:
        run_sync(bug())

    with pytest.raises(KeyError):
        asyncio.run(outer())


def test_loop_local_objects_belong_to_a_loop() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    local = LoopLocal(make)

    async def twice() -> bool:
        return local.get() is local.get()

    assert asyncio.run(twice())
    gc.collect()
    assert asyncio.run(twice())
    assert len(made) == 2


def test_the_system_clock_goes_forward() -> None:
    async def main() -> float:
        clock = SystemClock()
        begun = clock.now()
        await clock.sleep(0.001)
        return clock.now() - begun

    assert asyncio.run(main()) >= 0.001
