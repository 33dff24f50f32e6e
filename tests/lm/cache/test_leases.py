"""Leases in virtual time: who is sent, who waits, and who takes over from a process that died, stalled or failed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.virtual import run_still
from synalinks.errors import ServerError
from synalinks.lm.cache import leases
from synalinks.lm.cache.disk_store import DiskStore
from synalinks.lm.cache.layer import CacheLayer, Mode
from synalinks.lm.cache.leases import LATEST, LEASE, Leases, at_once, new_owner
from synalinks.lm.cache.per_text import PerTextLayer
from synalinks.lm.cache.store import MemoryStore, Store, StoreBusy
from synalinks.lm.core.call import Call, Reply, Request, stack
from synalinks.lm.core.draws import Draws
from synalinks.scope import Scope

ENDPOINT = "http://host"


class Wire(Store):
    """What a process reaches the shared store by; a process that is dead reaches nothing, one that stands still renews
    nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.dead = self.still = False

    def get(self, key: str, *, wait: bool = True) -> bytes | None:
        return self.store.get(key)

    def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
        return self.store.add(key, value, replace=replace)

    def claim(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> list[str]:
        return self.store.claim(keys, owner, seconds)

    def extend(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> None:
        if not self.dead and not (self.still and seconds):
            self.store.extend(keys, owner, seconds)


@dataclass
class Provider:
    """What all processes ask: answers are numbered, and take as long as the caller says."""

    sent: list[str] = field(default_factory=list)
    open: Counter[str] = field(default_factory=Counter)
    most_open: int = 0


class Process:
    """A process: a cache layer with draws of its own over the shared store."""

    def __init__(
        self,
        store: Store,
        provider: Provider,
        seconds: float = 1.0,
        *,
        fails: bool = False,
        finish: str = "stop",
        mode: Mode = "use",
        shares: Callable[[Call], bool] = lambda call: True,
    ) -> None:
        self.wire = Wire(store)
        self.draws = Draws()

        async def answer(call: Call) -> Reply:
            texts = call.request.texts or (call.request.messages[0]["content"],)
            provider.sent.extend(texts)
            if not self.wire.still:
                provider.open.update(texts)
                provider.most_open = max(provider.most_open, *provider.open.values())
            try:
                await asyncio.sleep(seconds)
            finally:
                if not self.wire.still:
                    provider.open.subtract(texts)
            if fails:
                raise ServerError("it failed")
            number = len(provider.sent)
            return Reply(f"answer {number}", vectors=tuple(text.encode() for text in call.request.texts), finish=finish)

        layer = CacheLayer(lambda: self.wire, ENDPOINT, lambda call: self.draws, mode, shares)
        self.handler = stack(answer, PerTextLayer(lambda call: True), layer)

    async def ask(self, text: str = "hello", temperature: float = 0, epoch: int = 0, after: float = 0.0) -> Reply:
        await asyncio.sleep(after)
        request = Request(
            "chat", "m", messages=[{"role": "user", "content": text}], options={"temperature": temperature}
        )
        place = Scope(epoch=epoch)
        return await self.handler(Call(request, place, self.draws.ordinal(place, request.digest)))

    async def embed(self, *texts: str, after: float = 0.0) -> Reply:
        await asyncio.sleep(after)
        return await self.handler(Call(Request("embed", "m", texts=texts)))


def shared() -> Store:
    return MemoryStore(lambda: asyncio.get_running_loop().time())


async def side_by_side(*jobs: Coroutine[Any, Any, Reply]) -> list[Reply]:
    return list(await asyncio.gather(*jobs))


@pytest.mark.parametrize("seconds", [0.5, 5.0, 10 * LEASE])
def test_the_second_process_gets_the_answer_of_the_first(seconds: float) -> None:
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        first, second = Process(store, provider, seconds), Process(store, provider)
        return await side_by_side(first.ask(), second.ask(after=0.1))

    mine, other = run_still(main())
    assert provider.sent == ["hello"]
    assert (mine.text, mine.source) == ("answer 1", "live") and (other.text, other.source) == ("answer 1", "cache")


def test_a_waiter_comes_soon_after_the_answer() -> None:
    async def main() -> float:
        store, provider = shared(), Provider()
        await side_by_side(Process(store, provider, 4.0).ask(), Process(store, provider).ask(after=0.001))
        return asyncio.get_running_loop().time()

    begun = run_still(_now())
    assert 4.0 <= run_still(main()) - begun < 4.0 * 1.2


async def _now() -> float:
    return asyncio.get_running_loop().time()


def test_each_draw_is_fetched_once_and_goes_to_its_own_place() -> None:
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        first, second = Process(store, provider), Process(store, provider, 0.3)
        # the answers come in another order than they were asked for, and the second process looks at odd times
        jobs = [process.ask(temperature=1, epoch=epoch) for process in (first, second) for epoch in range(3)]
        return await side_by_side(*jobs)

    replies = run_still(main())
    assert len(provider.sent) == 3
    assert [reply.text for reply in replies[:3]] == [reply.text for reply in replies[3:]]


def test_an_answer_for_another_place_is_left_to_it_while_the_own_is_on_its_way() -> None:
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        early, late, other = Process(store, provider, 1.0), Process(store, provider, 5.0), Process(store, provider)
        return await side_by_side(
            early.ask(temperature=1, epoch=0),
            late.ask(temperature=1, epoch=1),
            other.ask(temperature=1, epoch=1, after=0.5),
            other.ask(temperature=1, epoch=0, after=3.0),
        )

    replies = run_still(main())
    assert len(provider.sent) == 2
    assert [reply.source for reply in replies] == ["live", "live", "cache", "cache"]
    assert replies[2].text == replies[1].text and replies[3].text == replies[0].text


def test_texts_that_another_process_embeds_are_waited_for() -> None:
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        first, second, third = (Process(store, provider) for _ in range(3))
        return await side_by_side(
            first.embed("a", "b"), second.embed("b", "c", after=0.1), third.embed("c", "a", after=0.2)
        )

    replies = run_still(main())
    assert sorted(provider.sent) == ["a", "b", "c"]
    assert [reply.vectors for reply in replies] == [(b"a", b"b"), (b"b", b"c"), (b"c", b"a")]


def test_texts_that_are_only_waited_with_are_left_to_the_next_process() -> None:
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        slow = asyncio.create_task(Process(store, provider, 1000.0).embed("a", "b"))
        waits = asyncio.create_task(Process(store, provider).embed("b", "c", after=0.1))
        goes = asyncio.create_task(Process(store, provider).embed("c", "d", after=2.0))
        replies = [await asyncio.wait_for(goes, 10.0)]
        assert not waits.done()
        return [*replies, await slow, await waits]

    assert [reply.vectors for reply in run_still(main())] == [(b"c", b"d"), (b"a", b"b"), (b"b", b"c")]
    assert sorted(provider.sent) == ["a", "b", "c", "d"]


def test_who_takes_over_takes_what_was_stored_meanwhile() -> None:
    """A draw of another place, stored while the call waited for one of its own place that never came."""
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        fails = asyncio.create_task(Process(store, provider, 20.0, fails=True).ask(temperature=1, epoch=1))
        waits = asyncio.create_task(Process(store, provider).ask(temperature=1, epoch=1, after=0.1))
        other = asyncio.create_task(Process(store, provider).ask(temperature=1, epoch=0, after=5.0))
        with pytest.raises(ServerError):
            await fails
        return [await other, await waits]

    replies = run_still(main())
    assert [reply.source for reply in replies] == ["live", "cache"]
    assert replies[0].text == replies[1].text and len(provider.sent) == 2


def test_who_holds_nothing_up_is_not_waited_for() -> None:
    """Calls that are made anew, that could not be sent, or of another request."""
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        holder = asyncio.create_task(Process(store, provider, 100.0).ask())
        await asyncio.sleep(0.1)
        replies = await asyncio.wait_for(
            side_by_side(
                Process(store, provider, mode="refresh").ask(),
                Process(store, provider, shares=lambda call: False).ask(),
                Process(store, provider).ask("another"),
            ),
            10.0,
        )
        holder.cancel()
        return replies

    assert [reply.source for reply in run_still(main())] == ["live", "live", "live"]


def test_a_waiter_that_may_not_wait_any_more_stops_waiting() -> None:
    provider, patient = Provider(), [True]

    async def main() -> Reply:
        store = shared()
        holder = asyncio.create_task(Process(store, provider, 100.0).ask())
        waiter = asyncio.create_task(Process(store, provider, shares=lambda call: patient[0]).ask(after=0.1))
        await asyncio.sleep(5.0)
        assert provider.sent == ["hello"]
        patient[0] = False  # as after Ctrl-C
        reply = await asyncio.wait_for(waiter, LATEST + 2.0)
        holder.cancel()
        return reply

    assert run_still(main()).source == "live"


def test_an_answer_that_is_not_stored_is_fetched_by_each() -> None:
    provider = Provider()

    async def main() -> list[Reply]:
        store = shared()
        return await side_by_side(*(Process(store, provider, finish="length").ask() for _ in range(3)))

    assert [reply.source for reply in run_still(main())] == ["live"] * 3
    assert provider.most_open == 1  # one after the other, since each might have been stored


@pytest.mark.parametrize("way", ["cancelled", "failed"])
def test_a_call_that_ends_without_an_answer_releases_its_lease(way: str) -> None:
    provider = Provider()

    async def main() -> float:
        store = shared()
        holder = asyncio.create_task(Process(store, provider, 3.0, fails=way == "failed").ask())
        waiter = asyncio.create_task(Process(store, provider, 1.0).ask(after=0.1))
        await asyncio.sleep(2.0)
        if way == "cancelled":
            holder.cancel()
        begun = asyncio.get_running_loop().time()
        assert (await waiter).source == "live"
        assert isinstance((await asyncio.gather(holder, return_exceptions=True))[0], BaseException)
        return asyncio.get_running_loop().time() - begun

    assert run_still(main()) < LEASE / 2
    assert provider.sent == ["hello", "hello"]


def test_a_claim_that_is_cancelled_on_its_thread_is_released() -> None:
    class Slow(MemoryStore):
        def claim(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> list[str]:
            if not wait:
                raise StoreBusy
            loop.call_soon_threadsafe(task.cancel)
            return super().claim(keys, owner, seconds)

    async def take() -> None:
        async with Leases(store) as held:
            await held.take(["k"])
            raise AssertionError("it was cancelled")

    async def main() -> None:
        nonlocal task, loop
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(take())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert MemoryStore.claim(store, ["k"], "another", 1.0) == ["k"]

    store = Slow()
    task: asyncio.Task[None]
    loop: asyncio.AbstractEventLoop
    asyncio.run(main())


def test_a_coroutine_that_is_thrown_away_waits_for_nothing() -> None:
    class Remote(MemoryStore):
        def extend(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> None:
            raise StoreBusy

    async def main() -> None:
        async with Leases(Remote()) as held:
            held._keys["k"] = None
            await asyncio.sleep(0)

    lost = main()
    lost.send(None)  # up to the sleep; there is no event loop, as where the garbage collector closes a coroutine
    lost.close()


def test_at_once_goes_to_a_thread_only_where_it_must() -> None:
    waits: list[bool] = []

    def work(*, wait: bool = True) -> int:
        waits.append(wait)
        if len(waits) == 2:
            raise StoreBusy
        return len(waits)

    async def main() -> list[int]:
        return [await at_once(work), await at_once(work)]

    assert asyncio.run(main()) == [1, 3] and waits == [False, False, True]


# --- every schedule ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What one process does: a call of a key that begins and takes so long, and what befalls the process."""

    key: str
    begins: float
    takes: float
    fate: str  # lives, fails, dies, stands still
    at: float  # seconds after it began, of dying


plans = st.builds(
    Plan,
    key=st.sampled_from("ab"),
    begins=st.floats(0, 60),
    takes=st.floats(0.01, 100),
    fate=st.sampled_from(["lives", "lives", "lives", "fails", "dies", "stands still"]),
    at=st.floats(0, 100),
)


@settings(max_examples=150)
@given(st.lists(plans, min_size=1, max_size=6))
def test_every_schedule_of_processes(schedule: list[Plan]) -> None:
    """No two calls of one key are open at once but those of processes that stand still; each of the others is
    answered; and each death, failure or standstill costs one call more at most."""
    provider = Provider()

    async def live(plan: Plan, store: Store) -> str:
        process = Process(store, provider, plan.takes, fails=plan.fate == "fails")
        process.wire.still = plan.fate == "stands still"
        await asyncio.sleep(plan.begins)
        task = asyncio.create_task(process.ask(plan.key))
        if plan.fate == "dies":
            done, _ = await asyncio.wait((task,), timeout=plan.at)
            if not done:
                process.wire.dead = True  # kill -9: nothing is released
                task.cancel()
        try:
            return (await task).source
        except ServerError:
            return "failed"
        except asyncio.CancelledError:
            return "died"

    async def main() -> tuple[list[str], float]:
        store, begun = shared(), asyncio.get_running_loop().time()
        ends = await asyncio.gather(*(live(plan, store) for plan in schedule))
        return list(ends), asyncio.get_running_loop().time() - begun

    ends, seconds = run_still(main())
    assert provider.most_open <= 1
    for plan, end in zip(schedule, ends, strict=True):
        expected = {"fails": {"failed", "cache"}, "dies": {"died", "live", "cache"}}
        assert end in expected.get(plan.fate, {"live", "cache"})
    sent = Counter(provider.sent)
    for key in {plan.key for plan in schedule}:
        mishaps = sum(plan.fate != "lives" for plan in schedule if plan.key == key)
        assert sent[key] <= 1 + mishaps
    assert seconds <= 60 + sum(plan.takes + LEASE + LATEST for plan in schedule)


def test_a_lease_is_renewed_in_time() -> None:
    assert leases.RENEWALS >= 3 and leases.SOONEST < leases.LATEST < leases.LEASE


def test_the_lease_of_a_killed_process_of_this_machine_ends_with_it(tmp_path: Path) -> None:
    here = new_owner()
    machine, _, number = here.rpartition("/")[0].rpartition("/")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        store = DiskStore(tmp_path)
        for key, owner in (
            ("killed", f"{machine}/{other.pid}/1"),
            ("alive", f"{machine}/{number}/1"),
            ("elsewhere", f"another machine/{other.pid}/1"),
            ("unnamed", "1"),
        ):
            assert store.claim([key], owner, LEASE) == [key]
        keys = ["killed", "alive", "elsewhere", "unnamed"]
        assert store.claim(keys, here, LEASE) == []
        other.kill()
        other.wait()
        assert store.claim(keys, here, LEASE) == ["killed"]
        store.close()
