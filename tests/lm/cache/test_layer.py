"""The cache layer: nothing is asked twice, every draw is kept apart, and odd entries do no harm."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import struct
import threading
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synalinks.errors import BadReply, ServerError
from synalinks.lm import AttemptCosts, Client
from synalinks.lm.cache import layer as module
from synalinks.lm.cache.disk_store import DATABASE, DiskStore
from synalinks.lm.cache.entry import ENTRY_FORMAT, SMALL, decode, encode
from synalinks.lm.cache.layer import CacheLayer, Mode
from synalinks.lm.cache.per_text import PerTextLayer
from synalinks.lm.cache.store import MANY, MemoryStore, Store, StoreBusy
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Request, Usage, schema_of, stack
from synalinks.lm.core.draws import Draws
from synalinks.lm.core.shares import apportion
from synalinks.lm.pricing import pricing
from synalinks.scope import NOWHERE, Scope
from synalinks.testing import OllamaServer

ENDPOINT = "http://localhost:11434"
HERE, THERE = Scope(epoch=0, sample=1), Scope(epoch=0, sample=2)


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_warned", set())


class Model:
    """A provider whose answers are numbered, and which keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answer = Reply(finish="stop", cost=Decimal("0.01"), billed=Decimal("0.01"), seconds=0.5)
        self.pause = asyncio.Event()
        self.pause.set()

    async def __call__(self, call: Call) -> Reply:
        self.asked.append(call.request)
        number = len(self.asked)
        await self.pause.wait()
        await asyncio.sleep(0)
        if call.request.kind == "embed":
            vectors = tuple(vector(text) for text in call.request.texts)
            return replace(self.answer, vectors=vectors, usage=Usage(input_fresh=10), model="embedder")
        return replace(self.answer, text=f"answer {number}", usage=Usage(7, output_text=3, raw={"n": number}))


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.writes: list[str] = []

    def get(self, key: str, *, wait: bool = True) -> bytes | None:
        self.reads.append(key)
        return super().get(key, wait=wait)

    def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
        self.writes.append(key)
        return super().add(key, value, replace=replace, wait=wait)


def vector(text: str) -> bytes:
    numbers = [len(text) / 3, math.pi, -0.0, 1e-45, float("inf")]
    return struct.pack("<5f", *numbers) + text.encode()[:4].ljust(4)


def chat(text: str = "hello", **options: object) -> Request:
    return Request("chat", "ollama/m", messages=[{"role": "user", "content": text}], options=options)


def embed(*texts: str) -> Request:
    return Request("embed", "ollama/e", texts=texts)


class Run:
    """One run of a script over a store: calls get their ordinals as the runtime gives them."""

    def __init__(
        self,
        store: Store | None,
        model: Handler,
        mode: Mode = "use",
        endpoint: str = ENDPOINT,
    ) -> None:
        self.draws = Draws()
        layer = CacheLayer(lambda: store, endpoint, lambda call: self.draws, mode)
        self.handler = stack(model, PerTextLayer(lambda call: store is not None), layer)

    async def ask(self, request: Request, scope: Scope = NOWHERE) -> Reply:
        return await self.handler(Call(request, scope, self.draws.ordinal(scope, request.digest)))

    def texts(self, *asks: tuple[Request, Scope]) -> list[str]:
        async def main() -> list[str]:
            return [(await self.ask(request, scope)).text for request, scope in asks]

        return asyncio.run(main())

    def one(self, request: Request, scope: Scope = NOWHERE) -> Reply:
        return asyncio.run(self.ask(request, scope))


def test_a_second_run_pays_nothing_and_gets_the_same(tmp_path: Path) -> None:
    model = Model()
    model.answer = Reply(
        reasoning="hm", tool_calls=({"id": "1", "name": "f", "arguments": {"x": 1}},), finish="tool_calls",
        cost=Decimal("0.010"), billed=Decimal("0.012"), seconds=0.25, model="m-2", attempts=2,
        failed=AttemptCosts(Decimal("0.002"), 5), extra={"id": 7},
    )  # fmt: skip
    first = Run(DiskStore(tmp_path), model).one(chat())
    second = Run(DiskStore(tmp_path), model).one(chat())
    assert len(model.asked) == 1
    assert first.source == "live"
    assert second == replace(first, source="cache", billed=Decimal(0))


def test_each_asking_is_a_draw_and_a_second_run_gets_the_same_draws() -> None:
    store, model = MemoryStore(), Model()
    asks = [(chat(temperature=0.7), HERE)] * 3
    first = Run(store, model).texts(*asks)
    assert first == ["answer 1", "answer 2", "answer 3"]
    assert Run(store, model).texts(*asks) == first
    assert len(model.asked) == 3


def test_place_comes_before_order() -> None:
    store, model, request = MemoryStore(), Model(), chat()
    first = Run(store, model).texts((request, HERE), (request, THERE))
    assert Run(store, model).texts((request, THERE), (request, HERE)) == first[::-1]


def test_another_place_takes_the_first_answer_nobody_took() -> None:
    store, model, request = MemoryStore(), Model(), chat()
    Run(store, model).texts((request, HERE), (request, THERE))
    elsewhere = Scope(epoch=5)
    run = Run(store, model)
    assert run.texts((request, HERE), (request, elsewhere), (request, elsewhere)) == [
        "answer 1",
        "answer 2",
        "answer 3",
    ]


def test_a_warm_call_with_more_to_do_pays_only_for_what_is_new() -> None:
    store, model = MemoryStore(), Model()
    short = [(chat(str(sample), temperature=1), Scope(epoch=0, sample=sample)) for sample in range(5)]
    more = [(chat(str(sample), temperature=1), Scope(epoch=1, sample=sample)) for sample in range(5)]
    first = Run(store, model).texts(*short)
    longer = Run(store, model).texts(*short, *more)
    assert longer[:5] == first
    assert len(model.asked) == 10
    assert Run(store, model).texts(*short, *more) == longer
    assert len(model.asked) == 10


def test_calls_at_once_get_different_draws_and_the_same_ones_again() -> None:
    store, model, request = MemoryStore(), Model(), chat(temperature=1)

    async def main() -> dict[int, str]:
        run = Run(store, model)
        async with asyncio.TaskGroup() as group:
            scopes = [Scope(sample=sample) for sample in range(20)]
            tasks = [group.create_task(run.ask(request, scope)) for scope in scopes]
        return {number: task.result().text for number, task in enumerate(tasks)}

    first = asyncio.run(main())
    assert len(set(first.values())) == 20
    assert asyncio.run(main()) == first
    assert len(model.asked) == 20


def test_a_run_again_reads_one_entry_a_call() -> None:
    store, model = CountingStore(), Model()
    asks = [(chat(temperature=1), Scope(epoch=epoch)) for epoch in range(10)]
    Run(store, model).texts(*asks)
    store.reads.clear()
    Run(store, model).texts(*asks)
    assert len(store.reads) == 10


def test_a_single_answer_serves_every_place_and_takes_nothing() -> None:
    store, model, request = MemoryStore(), Model(), chat(temperature=0)
    run = Run(store, model)
    assert run.texts((request, HERE), (request, THERE), (request, HERE)) == ["answer 1"] * 3
    assert run.draws.taken(request.digest + f" {ENDPOINT} ") == frozenset()


def test_two_servers_are_two_models() -> None:
    store, model = MemoryStore(), Model()
    Run(store, model).one(chat())
    assert Run(store, model, endpoint="http://other:11434").one(chat()).text == "answer 2"
    both = Run(store, model)
    other = Run(store, model, endpoint="http://other:11434")
    other.draws = both.draws
    assert (both.one(chat()).text, other.one(chat()).text) == ("answer 1", "answer 2")


def test_refresh_asks_anew_and_replaces() -> None:
    store, model = MemoryStore(), Model()
    asks = [(chat(), HERE), (chat(), HERE), (chat(temperature=0), HERE), (chat(temperature=0), THERE)]
    assert Run(store, model).texts(*asks) == ["answer 1", "answer 2", "answer 3", "answer 3"]
    renewed = Run(store, model, mode="refresh").texts(*asks)
    assert renewed == ["answer 4", "answer 5", "answer 6", "answer 6"]
    assert Run(store, model).texts(*asks) == renewed
    assert len(store) == 3


@pytest.mark.parametrize("request_", [chat(temperature=0), embed("a")])
def test_refresh_reads_no_old_answer_while_the_new_one_is_on_its_way_to_disk(request_: Request) -> None:
    taken: list[bool] = []

    class Watched(MemoryStore):
        def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
            taken.append(bool(run.draws.taken(key[:-1])))
            return super().add(key, value, replace=replace)

    store, model = Watched(), Model()
    run = Run(store, model, mode="refresh")
    run.texts((request_, HERE), (request_, HERE))
    assert taken == [False]  # until it is stored, another call asks the model, not the disk


def test_refresh_of_fewer_answers_leaves_the_new_ones_first() -> None:
    store, model = MemoryStore(), Model()
    Run(store, model).texts((chat(), THERE), (chat(), HERE))
    Run(store, model, mode="refresh").one(chat(), HERE)
    assert Run(store, model).one(chat(), HERE).text == "answer 3"


def test_an_entry_keeps_the_cost_it_was_stored_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A price that is set later is for later calls: a hit, alone or shared, costs as if live what it cost then."""
    monkeypatch.setenv("SYNALINKS_CACHE", "on")
    monkeypatch.setattr(pricing, "_set_by_user", {})
    request = chat(temperature=0)

    async def ask(number: int) -> list[Reply]:
        client = Client("ollama/m", cache_dir=tmp_path)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.send(request)) for _ in range(number)]
        return [task.result() for task in tasks]

    with OllamaServer(env=True) as server:
        pricing.set_price("ollama/m", input=1000)
        (live,) = asyncio.run(ask(1))
        assert live.cost is not None and live.cost > 0
        pricing.set_price("ollama/m", input=5000)
        hits = asyncio.run(ask(2))
        assert [hit.source for hit in hits] == ["cache", "shared"]
        assert [hit.as_if for hit in hits] == [live.cost] * 2
        assert server.requests.number == 1


def test_failures_are_not_kept() -> None:
    store = MemoryStore()

    async def broken(call: Call) -> Reply:
        raise ServerError("busy")

    for request in (chat(), chat(temperature=0), embed("a")):
        with pytest.raises(ServerError):
            Run(store, broken).one(request)
    assert len(store) == 0


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize(
    ("finish", "options", "kept"),
    [
        ("stop", {}, True),
        (None, {}, True),
        ("length", {}, False),
        ("length", {"max_tokens": 5}, True),
    ],
)
def test_a_cut_answer_is_kept_only_for_the_request_that_cut_it(
    temperature: int,
    finish: str | None,
    options: dict[str, object],
    kept: bool,
) -> None:
    store, model = MemoryStore(), Model()
    model.answer = Reply(finish=finish, cost=Decimal(0))
    request = chat(temperature=temperature, **options)
    assert Run(store, model).one(request).text == "answer 1"
    assert Run(store, model).one(request).text == ("answer 1" if kept else "answer 2")


@pytest.mark.parametrize("temperature", [0, 1])
def test_a_hit_feeds_the_sink_as_the_answer_came(temperature: int) -> None:
    store, model = MemoryStore(), Model()
    model.answer = Reply(chunks=(Delta("an"), Delta("swer 1", "why")), cost=Decimal(0))
    request = chat(temperature=temperature)
    Run(store, model).one(request)
    heard: list[Delta] = []
    asyncio.run(Run(store, model).handler(Call(request, sink=heard.append)))
    assert heard == [Delta("an"), Delta("swer 1", "why")]


def test_without_a_store_every_call_goes_below() -> None:
    model = Model()
    run = Run(None, model)
    assert run.texts((chat(temperature=0), HERE), (chat(temperature=0), HERE)) == ["answer 1", "answer 2"]


def test_an_unwritable_directory_stops_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = Run(DiskStore(tmp_path / "file" / "cache"), Model())
    with pytest.warns(RuntimeWarning, match="can't be used") as caught:
        assert run.texts((chat(), HERE), (chat(), HERE)) == ["answer 1", "answer 2"]
        assert len(run.one(embed("a", "b")).vectors) == 2
    assert len(caught) == 1


def rows(directory: Path, statement: str) -> None:
    with closing(sqlite3.connect(directory / DATABASE)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE Cache SET value = x'00'",
        "UPDATE Cache SET value = x''",
        "UPDATE Cache SET value = substr(value, 1, length(value) - 1)",
        "UPDATE Cache SET value = CAST(x'53594C32' || substr(value, 5) AS BLOB)",
        "UPDATE Cache SET value = CAST(value AS TEXT)",
        "UPDATE Cache SET mode = 4",
        "UPDATE Cache SET value = 'text'",
    ],
)
@pytest.mark.parametrize("request_", [chat(), chat(temperature=0), embed("a")])
def test_an_unreadable_entry_is_a_miss_said_once_and_mended(damage: str, request_: Request, tmp_path: Path) -> None:
    model = Model()
    Run(DiskStore(tmp_path), model).texts((request_, HERE), (chat("other"), HERE))
    rows(tmp_path, damage)
    with pytest.warns(RuntimeWarning, match="can't be read") as caught:
        run = Run(DiskStore(tmp_path), model)
        again = run.texts((request_, HERE), (chat("other"), HERE))
    assert len(caught) == 1
    assert len(model.asked) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module._warned.clear()
        assert Run(DiskStore(tmp_path), model).texts((request_, HERE), (chat("other"), HERE)) == again
    assert len(model.asked) == 4


def test_calls_at_once_do_not_mend_the_same_entry() -> None:
    store, model = MemoryStore(), Model()
    key = f"{chat().digest} {ENDPOINT} 0"
    store.add(key, b"")

    async def main(run: Run) -> set[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run.ask(chat(), Scope(sample=n))) for n in range(3)]
        return {task.result().text for task in tasks}

    with pytest.warns(RuntimeWarning, match="can't be read"):
        first = asyncio.run(main(Run(store, model)))
    assert asyncio.run(main(Run(store, model))) == first
    assert len(model.asked) == 3


@pytest.mark.parametrize(
    "head",
    [
        b"[]",
        b"{}",
        b'{"draw":0,"scope":[],"reply":{},"vector":0}',
        b'{"draw":0,"scope":{"nowhere":1},"reply":{},"vector":0}',
        b'{"draw":0,"scope":{},"reply":[],"vector":0}',
        b'{"draw":0,"scope":{},"reply":{"cost":"dear"},"vector":0}',
        b'{"draw":0,"scope":{},"reply":{"chunks":5},"vector":0}',
        b"\xff",
    ],
)
def test_json_of_another_shape_is_unreadable(head: bytes) -> None:
    packed = zlib.compress(head)
    assert decode(struct.pack("<4sI", ENTRY_FORMAT, len(packed)) + packed) is None


@pytest.mark.parametrize("length", [4, 2 * SMALL])
def test_an_entry_comes_back_whole(length: int) -> None:
    reply = Reply(
        "text".ljust(length),
        cost=None,
        failed=AttemptCosts(priced=False),
        attempts=2,
        seconds=0.125,
        chunks=(Delta("te"), Delta("xt")),
    )
    place = (Scope(epoch=1, step=2, phase="train", sample=3, module="a/b"), 4)
    stored = encode("m", place, reply, b"\0\1")
    assert (b'"model":"m"' in stored) == (length < SMALL) and len(
        stored
    ) < 2 * SMALL  # compressed only where it is long
    entry = decode(stored)
    assert entry is not None
    assert entry.place == place
    assert entry.vector == b"\0\1"
    assert entry.reply == replace(reply, source="cache", billed=Decimal(0))


def test_no_credentials_reach_the_store(tmp_path: Path) -> None:
    # By construction: the layer is given a URL without them and sees no header. What it does keep is here.
    store = CountingStore()
    request = Request("chat", "ollama/m", messages=[{"role": "user"}], schema=schema_of({"type": "object"}))
    Run(store, Model()).one(request)
    assert store.writes == [f"{request.digest} {ENDPOINT} 0"]


def test_a_locked_database_does_not_hold_the_loop(tmp_path: Path) -> None:
    store, model = DiskStore(tmp_path), Model()
    store.add("opened", b"x")

    async def main(request: Request) -> Reply:
        run = Run(store, model)
        other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
        with closing(other):
            other.execute("BEGIN IMMEDIATE")
            task = asyncio.create_task(run.ask(request))
            for _ in range(10):
                await asyncio.sleep(0)
            assert len(model.asked) == 1  # the call is past the provider, and this task runs all the same
            assert not task.done()
            other.execute("COMMIT")
            return await task

    for request in (chat(), chat(temperature=0), embed("a")):
        model.asked.clear()
        asyncio.run(main(request))
        assert Run(DiskStore(tmp_path), model).one(request).source == "cache"


def test_an_answer_waiting_for_the_disk_is_not_given_to_another_call() -> None:
    release = threading.Event()

    class Slow(MemoryStore):
        def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
            if not wait:
                raise StoreBusy
            stored = super().add(key, value, replace=replace)
            release.wait(10)
            return stored

    store, model = Slow(), Model()
    run = Run(store, model)

    async def main() -> list[str]:
        first = asyncio.create_task(run.ask(chat(), HERE))
        while not len(store):  # stored, but the call does not know it yet
            await asyncio.sleep(0.001)
        second = asyncio.create_task(run.ask(chat(), THERE))
        while len(model.asked) < 2 and not second.done():
            await asyncio.sleep(0.001)
        release.set()
        return [(await first).text, (await second).text]

    assert asyncio.run(main()) == ["answer 1", "answer 2"]


def test_each_distinct_text_is_asked_once_and_only_if_missing(tmp_path: Path) -> None:
    model = Model()
    run = Run(DiskStore(tmp_path), model)
    first = run.one(embed("a", "bb", "a"))
    assert first.vectors == (vector("a"), vector("bb"), vector("a"))
    assert first.source == "live"
    second = Run(DiskStore(tmp_path), model).one(embed("ccc", "bb", "ccc", "a"))
    assert [request.texts for request in model.asked] == [("a", "bb"), ("ccc",)]
    assert second.vectors == (vector("ccc"), vector("bb"), vector("ccc"), vector("a"))
    assert (second.source, second.billed) == ("live", Decimal("0.01"))
    third = Run(DiskStore(tmp_path), model).one(embed("a", "ccc"))
    assert len(model.asked) == 2
    assert third.vectors == (vector("a"), vector("ccc"))
    assert (third.source, third.billed, third.model) == ("cache", Decimal(0), "embedder")


def test_a_batch_is_divided_among_its_texts_without_remainder() -> None:
    store, model = MemoryStore(), Model()
    texts = ["a", "bb", "é", "", "a longer text"]
    Run(store, model).one(embed(*texts))
    singles = [Run(store, model).one(embed(text)) for text in texts]
    assert sum(single.usage.input_fresh or 0 for single in singles) == 10
    assert singles[1].usage == singles[2].usage  # two bytes each
    assert singles[0].usage.output_text is None
    assert sum((single.cost or Decimal(0) for single in singles), Decimal(0)) == Decimal("0.01")
    whole = Run(store, model).one(embed(*texts))
    assert (whole.cost, whole.usage.input_tokens, whole.billed) == (Decimal("0.01"), 10, Decimal(0))
    assert len(model.asked) == 1


def test_an_unknown_price_stays_unknown() -> None:
    store, model = MemoryStore(), Model()
    model.answer = Reply(cost=None, billed=None)
    Run(store, model).one(embed("a", "b"))
    model.answer = Reply(cost=Decimal(1), billed=Decimal(1))
    mixed = Run(store, model).one(embed("a", "c"))
    assert (mixed.cost, mixed.billed) == (None, Decimal(1))
    assert Run(store, model).one(embed("a")).cost is None
    assert Run(store, model).one(embed("c")).cost == Decimal(1)


def test_many_texts_are_stored_on_a_thread_all_the_same(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(3 * MANY)]
    model = Model()
    Run(DiskStore(tmp_path), model).one(embed(*texts))
    assert Run(DiskStore(tmp_path), model).one(embed(*texts[::-1])).source == "cache"
    assert len(model.asked) == 1


def test_refresh_asks_for_each_text_once_more() -> None:
    store, model = MemoryStore(), Model()
    Run(store, model).one(embed("a", "b"))
    run = Run(store, model, mode="refresh")
    run.texts((embed("a", "b"), HERE), (embed("b", "c"), HERE), (embed("a", "b", "c"), HERE))
    assert [request.texts for request in model.asked] == [("a", "b"), ("a", "b"), ("c",)]


def test_vectors_that_do_not_match_the_texts_are_a_bad_reply() -> None:
    store = MemoryStore()

    async def short(call: Call) -> Reply:
        return Reply(vectors=(b"0000",))

    with pytest.raises(BadReply, match="for 2 embeddings and got 1"):
        Run(store, short).one(embed("a", "b"))
    assert len(store) == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_shares_sum_to_the_whole_and_are_fair(total: int, weights: Sequence[int]) -> None:
    shares = apportion(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) <= 1 + total * 1e-12


@settings(max_examples=100, deadline=None)
@given(
    st.decimals(0, 1000, allow_nan=False, places=12),
    st.lists(st.text(max_size=20), min_size=1, max_size=20, unique=True),
)
def test_costs_sum_to_the_cent_and_below(cost: Decimal, texts: list[str]) -> None:
    store, model = MemoryStore(), Model()
    model.answer = Reply(cost=cost, billed=cost)
    Run(store, model).one(embed(*texts))
    assert Run(store, model).one(embed(*texts)).cost == cost


def test_answers_race_between_processes_without_loss(tmp_path: Path) -> None:
    """Two runs that don't know of each other: each keeps its own answers, none overwrites another's."""
    one, other = Model(), Model()
    first, second = Run(DiskStore(tmp_path), one), Run(DiskStore(tmp_path), other)

    async def main() -> list[str]:
        one.pause.clear()
        waiting = asyncio.create_task(first.ask(chat(), HERE))
        while not one.asked:
            await asyncio.sleep(0.001)
        texts = [(await second.ask(chat(), THERE)).text]
        one.pause.set()
        return [*texts, (await waiting).text]

    other.asked.append(chat("so that its first answer is number 2"))
    assert asyncio.run(main()) == ["answer 2", "answer 1"]
    rerun = Run(DiskStore(tmp_path), one)
    assert Counter(rerun.texts((chat(), HERE), (chat(), THERE))) == Counter(["answer 1", "answer 2"])
    assert len(one.asked) == 1
