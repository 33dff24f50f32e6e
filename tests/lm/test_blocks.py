"""`use_*` blocks of tasks and threads: each holds the calls made inside it, and no others."""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import BudgetExceeded, CassetteInUse, ConfigurationError
from synalinks.lm import Budget, Client, Ledger, Request, use_budget, use_cassette, use_ledger, use_provider
from synalinks.lm.blocks import isolated, offline, use_runtime
from synalinks.lm.budget.layer import BudgetTracker
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Reply
from synalinks.lm.runtime import OUTSIDE, current

MODEL = "ollama/m"


class Named:
    """A provider whose answers are its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[Call] = []

    async def __call__(self, call: Call, /) -> Reply:
        self.calls.append(call)
        await asyncio.sleep(0)
        return Reply(text=self.name, finish="stop")


async def ask(text: str = "hi", client: Client | None = None) -> str:
    request = Request("chat", MODEL, messages=[{"role": "user", "content": text}])
    return (await (client or Client(MODEL)).send(request)).text


def on_thread(work: Callable[[], Any]) -> Any:
    """What `work` gives on a new thread, which has no context."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def side_by_side(*works: Callable[[], None]) -> None:
    """Run functions on threads of their own, started at the same time."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors, errors


async def all_of(*jobs: Coroutine[Any, Any, Any]) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    return [task.result() for task in tasks]


# --- the four sights of the issue ----------------------------------------------------------------------------


def test_two_tasks_in_their_own_use_provider_get_their_own_answers() -> None:
    async def one(name: str, pauses: int) -> list[str]:
        with use_provider(Named(name)):
            answers = []
            for number in range(5):
                await asyncio.sleep(0.001 * pauses)
                answers.append(await ask(f"{number}"))
            return answers

    async def main() -> list[Any]:
        return await all_of(one("a", 1), one("b", 3))

    assert asyncio.run(main()) == [["a"] * 5, ["b"] * 5]
    assert current() is OUTSIDE


def test_two_threads_in_their_own_use_cassette_record_on_their_own(tmp_path: Path) -> None:
    together = threading.Barrier(2)

    def one(name: str) -> None:
        with use_provider(Named(name)):
            together.wait(10)
            with use_cassette(tmp_path / f"{name}.jsonl") as cassette:
                together.wait(10)
                for number in range(20):
                    assert asyncio.run(ask(f"{name} {number}")) == name
                together.wait(10)
                assert cassette.recorded == 20

    side_by_side(lambda: one("a"), lambda: one("b"))
    for name in "ab":
        with use_cassette(tmp_path / f"{name}.jsonl", "none") as cassette:
            assert [asyncio.run(ask(f"{name} {number}")) for number in range(20)] == [name] * 20
            assert not cassette.unplayed()


def test_other_tasks_and_threads_go_on_during_an_isolated_run() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def main() -> list[Any]:
        async def beside() -> str:
            with isolated(Named("invented")) as ledger:
                begun.set()
                assert await ask() == "invented"
                await asyncio.to_thread(ended.wait, 10)
                assert len(ledger) == 1
            return "done"

        async def other() -> str:
            await asyncio.to_thread(begun.wait, 10)
            return await ask()

        return await all_of(beside(), other(), asyncio.to_thread(thread))

    def thread() -> Any:
        begun.wait(10)
        found = on_thread(lambda: asyncio.run(ask()))
        ended.set()
        return found

    client = Client(MODEL)
    with use_provider(Named("real")), use_ledger() as ledger:
        assert asyncio.run(main()) == ["done", "real", "real"]
        assert asyncio.run(ask(client=client)) == "real"
    assert len(ledger) == 3
    assert len(client.ledger) == 1


@pytest.mark.parametrize("own_block", [False, True])
@pytest.mark.parametrize("in_a_task", [False, True])
def test_a_budget_around_a_thread_pool_holds_its_calls(own_block: bool, in_a_task: bool) -> None:
    provider = Named("yes")

    def work(number: int) -> str:
        with ExitStack() as stack:
            if own_block:  # as `fit` opens
                stack.enter_context(use_ledger())
            try:
                return asyncio.run(ask(f"{number}"))
            except BudgetExceeded:
                return "refused"

    def run() -> tuple[list[str], int]:
        with use_budget(Budget(calls=5)) as tracker, ThreadPoolExecutor(4) as pool:
            return sorted(pool.map(work, range(20))), tracker.settled.calls

    async def main() -> tuple[list[str], int]:
        return run()

    with use_provider(provider):
        assert (asyncio.run(main()) if in_a_task else run()) == (["refused"] * 15 + ["yes"] * 5, 5)
    assert len(provider.calls) == 5


# --- contexts and threads ------------------------------------------------------------------------------------


def test_threads_that_ran_before_are_in_the_outermost_block_as_its_opener_has_it_now() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: None).result()
        with use_provider(Named("a")), use_ledger() as outer, use_ledger() as inner:
            assert pool.submit(lambda: asyncio.run(ask())).result() == "a"
        assert pool.submit(current).result() is OUTSIDE
    assert (len(outer), len(inner)) == (1, 1)


def test_of_two_outermost_blocks_the_one_opened_first_is_the_default_until_it_is_closed() -> None:
    first, second = use_provider(Named("first")), use_provider(Named("second"))
    one, two = contextvars.copy_context(), contextvars.copy_context()
    one.run(first.__enter__)
    two.run(second.__enter__)
    names = [on_thread(lambda: asyncio.run(ask()))]
    one.run(first.__exit__, None, None, None)
    names.append(on_thread(lambda: asyncio.run(ask())))
    two.run(second.__exit__, None, None, None)
    assert names == ["first", "second"]
    assert on_thread(current) is OUTSIDE


def test_a_thread_of_its_own_is_not_in_the_block_of_another_thread() -> None:
    opened, done = threading.Event(), threading.Event()

    def one() -> None:
        with use_budget(Budget(calls=1)) as tracker:
            opened.set()
            assert done.wait(10)
            assert tracker.settled.calls == 0

    def other() -> None:
        try:
            assert opened.wait(10)
            with use_provider(Named("b")), use_ledger() as ledger:
                assert current().trackers == ()
                asyncio.run(ask("1"))
                asyncio.run(ask("2"))
                assert len(ledger) == 2
        finally:
            done.set()

    side_by_side(one, other)


def test_callbacks_of_another_thread_run_in_the_block_they_were_scheduled_in() -> None:
    async def main() -> Any:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Any] = loop.create_future()

        def schedule() -> None:
            with use_provider(Named("of the thread")):
                loop.call_soon_threadsafe(lambda: found.set_result(current().provider))

        thread = threading.Thread(target=schedule)
        thread.start()
        thread.join()
        return await found

    assert asyncio.run(main()).name == "of the thread"
    assert current() is OUTSIDE


def test_a_task_that_outlives_its_block_stays_in_it() -> None:
    async def main() -> str:
        go = asyncio.Event()

        async def late() -> str:
            await go.wait()
            return await ask()

        with use_provider(Named("a")):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        with use_provider(Named("b")):
            go.set()
            return await task

    assert asyncio.run(main()) == "a"


# --- the end of blocks ---------------------------------------------------------------------------------------


def test_a_block_that_a_generator_leaves_in_another_context_ends_for_all() -> None:
    async def fixture() -> AsyncIterator[Ledger]:
        with use_ledger() as ledger:
            yield ledger

    async def main() -> None:
        made = fixture()
        enter, leave = contextvars.copy_context(), contextvars.copy_context()
        loop = asyncio.get_running_loop()
        await loop.create_task(made.__anext__(), context=enter)  # type: ignore[arg-type]
        assert len(enter.run(current).ledgers) == 1
        with pytest.raises(StopAsyncIteration):
            await loop.create_task(made.__anext__(), context=leave)  # type: ignore[arg-type]
        assert leave.run(current).ledgers == ()

    asyncio.run(main())
    assert current() is OUTSIDE
    assert on_thread(current) is OUTSIDE


def test_a_fixture_opened_outside_a_task_holds_the_task_and_is_closed_after_it() -> None:
    @contextmanager
    def fixture() -> Iterator[BudgetTracker]:
        with use_provider(Named("a")), use_budget(Budget(calls=2)) as tracker:
            yield tracker

    with fixture() as tracker:
        asyncio.run(ask("1"))
        asyncio.run(ask("2"))
        assert tracker.settled.calls == 2
    assert current() is OUTSIDE


def test_a_block_closed_before_one_inside_it_takes_its_own_change_with_it() -> None:
    outer, inner = use_provider(Named("outer")), use_ledger()
    outer.__enter__()
    ledger = inner.__enter__()
    outer.__exit__(None, None, None)
    assert (current().provider, current().ledgers) == (None, (ledger,))
    inner.__exit__(None, None, None)
    assert current() is OUTSIDE
    assert on_thread(current) is OUTSIDE


# --- cassettes -----------------------------------------------------------------------------------------------


def test_a_task_may_open_a_cassette_where_the_one_that_started_it_has_another(tmp_path: Path) -> None:
    async def inner() -> None:
        with use_cassette(tmp_path / "inner.jsonl") as cassette:
            await ask("inner")
            assert cassette.recorded == 1

    async def main() -> None:
        with use_cassette(tmp_path / "outer.jsonl") as cassette:
            await ask("outer")
            await asyncio.create_task(inner())
            with pytest.raises(ConfigurationError, match="a cassette is open already"), use_ledger():
                await inner()
            assert cassette.recorded == 1

    with use_provider(Named("a")):
        asyncio.run(main())


def test_two_recordings_to_one_file_are_refused(tmp_path: Path) -> None:
    def record() -> None:
        with use_cassette(tmp_path / "c.jsonl", "new_episodes"):
            pass

    with use_cassette(tmp_path / "c.jsonl"), pytest.raises(CassetteInUse):
        on_thread(record)


# --- all kinds, in any order ---------------------------------------------------------------------------------


@dataclass
class Opened:
    """A block that is open, and how many calls it should have seen."""

    block: AbstractContextManager[Any]
    value: Any
    calls: int = 0


@dataclass
class Worker:
    """Opens and closes blocks, and makes calls, in an order of its own; closes any block, not only the innermost."""

    name: str
    rng: random.Random
    folder: Path
    opened: list[Opened] = field(default_factory=list)
    closed: list[Opened] = field(default_factory=list)
    calls: int = 0

    async def run(self, steps: int) -> None:
        self.open(use_provider(Named(f"{self.name} base")))
        client = Client(MODEL)
        for step in range(steps):
            await asyncio.sleep(self.rng.choice([0, 0, 0.001]))
            choice = self.rng.random()
            if choice < 0.25:
                self.open_some(step)
            elif choice < 0.45 and len(self.opened) > 1:
                self.close(self.rng.randrange(1, len(self.opened)))
            else:
                await self.call(client, step)
        while self.opened:
            self.close(self.rng.randrange(len(self.opened)))

    def open_some(self, step: int) -> None:
        kinds: list[Callable[[], AbstractContextManager[Any]]] = [
            use_ledger,
            offline,
            lambda: use_budget(Budget(calls=1000)),
            lambda: use_provider(Named(f"{self.name} {step}")),
        ]
        if not any(isinstance(one.value, Cassette) for one in self.opened):
            kinds.append(lambda: use_cassette(self.folder / f"{self.name}-{step}.jsonl"))
        self.open(self.rng.choice(kinds)())

    def open(self, block: AbstractContextManager[Any]) -> None:
        self.opened.append(Opened(block, block.__enter__()))

    def close(self, index: int) -> None:
        one = self.opened.pop(index)
        one.block.__exit__(None, None, None)
        self.closed.append(one)

    async def call(self, client: Client, step: int) -> None:
        provider = [one for one in self.opened if isinstance(one.value, Named)][-1]
        assert await ask(f"{self.name} {step}", client) == provider.value.name
        self.calls += 1
        for one in self.opened:
            if not isinstance(one.value, Named) or one is provider:
                one.calls += 1

    def check(self) -> Counter[str]:
        """Every block has seen the calls that were made inside it, and no others."""
        kinds: Counter[str] = Counter()
        for one in self.closed:
            value = one.value
            kinds[type(value).__name__] += 1
            if isinstance(value, Ledger):
                assert len(value) == one.calls
            elif isinstance(value, BudgetTracker):
                assert value.settled.calls == one.calls
            elif isinstance(value, Named):
                assert len(value.calls) == one.calls
            elif isinstance(value, Cassette):
                assert value.recorded == one.calls
                lines = value.path.read_text().splitlines()[1:]
                assert len(lines) == one.calls
                assert all(f'"{self.name} ' in line for line in lines)
        return kinds


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_blocks_of_32_tasks_and_8_threads_in_any_order(tmp_path: Path, seed: int, around: bool) -> None:
    rng = random.Random(seed)
    on_tasks, on_threads = (
        [Worker(f"{kind}{number}", random.Random(rng.random()), tmp_path) for number in range(count)]
        for kind, count in (("task", 32), ("thread", 8))
    )
    errors: list[BaseException] = []

    def thread(worker: Worker) -> None:
        try:
            asyncio.run(worker.run(40))
        except BaseException as error:
            errors.append(error)

    async def tasks() -> None:
        await all_of(*(worker.run(40) for worker in on_tasks))

    whole, tracker = Ledger(), None
    with ExitStack() as stack:
        if around:
            stack.enter_context(use_provider(Named("outer")))
            stack.enter_context(use_ledger(whole))
            tracker = stack.enter_context(use_budget(Budget(calls=100_000)))
        threads = [threading.Thread(target=thread, args=(worker,)) for worker in on_threads]
        for one in threads:
            one.start()
        asyncio.run(tasks())
        for one in threads:
            one.join(60)
    assert not errors, errors
    kinds = sum((worker.check() for worker in (*on_tasks, *on_threads)), Counter[str]())
    assert {"Ledger", "BudgetTracker", "Named", "Cassette", "NoneType"} == set(kinds)
    if tracker is not None:
        made = sum(worker.calls for worker in (*on_tasks, *on_threads))
        assert len(whole) == tracker.settled.calls == made
    assert current() is OUTSIDE
    assert on_thread(current) is OUTSIDE


def test_a_change_that_fails_opens_no_block() -> None:
    with pytest.raises(ZeroDivisionError), use_runtime(lambda outer: 1 / 0):  # type: ignore[arg-type, return-value]
        pass
    assert current() is OUTSIDE
    assert on_thread(current) is OUTSIDE


def test_everywhere_is_no_argument_any_more() -> None:
    with pytest.raises(TypeError), use_budget(1, everywhere=True):  # type: ignore[call-arg]
        pass
    assert synalinks.use_budget is use_budget


def test_a_context_whose_blocks_were_closed_out_of_order_follows_the_process_again() -> None:
    """As a context that unittest copies before the plugin opens a cassette."""
    first, second = synalinks.offline(), synalinks.use_ledger()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    copied = contextvars.copy_context()
    with synalinks.offline():
        assert copied.run(lambda: current().offline)
