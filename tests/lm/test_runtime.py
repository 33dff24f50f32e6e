"""The runtime: cassette, provider, budgets, ledgers, offline; nested, restored, on several loops and threads."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks import scope
from synalinks._concurrency import SystemClock
from synalinks.errors import (
    BudgetExceeded,
    CassetteMiss,
    ConfigurationError,
    Interrupted,
    OfflineError,
    ServerError,
    UnknownModelError,
)
from synalinks.lm.blocks import offline, use_budget, use_cassette, use_ledger, use_provider
from synalinks.lm.client import Client
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.pricing import pricing
from synalinks.lm.process import PROCESS
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.lm.rate_limit.account import Limits
from synalinks.lm.retry import RetryPolicy
from synalinks.lm.runtime import current

MODEL = "ollama/m"


@pytest.fixture(autouse=True)
def own_prices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    yield


def chat(text: str = "hi", **options: Any) -> Request:
    return Request("chat", MODEL, messages=[{"role": "user", "content": text}], options=options)


class Provider:
    """Answers and counts."""

    name = "fake"

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        await asyncio.sleep(0)
        return Reply(text=f"answer {len(self.calls)}", usage=Usage(10, output_text=5), finish="stop")


def ask(client: Client, *requests: Request) -> list[Reply]:
    async def main() -> list[Reply]:
        return [await client.send(request) for request in requests]

    return asyncio.run(main())


def test_the_stack_is_visible_as_it_is_composed() -> None:
    text = repr(Client(MODEL))
    assert (
        "Stack(ledger > single_flight > per_text > cache > cassette > rate_limit > retry > budget > attempt > "
        "validate > price > ollama)" in text
    )
    assert MODEL in text
    assert "http://" in text
    with pytest.raises(UnknownModelError):
        Client("nobody/m")


def test_a_cassette_replays_without_a_provider(tmp_path: Path) -> None:
    provider, path = Provider(), tmp_path / "cassette.jsonl"
    with use_provider(provider), use_cassette(path):
        first = ask(Client(MODEL), chat(), chat())
    with offline(), use_cassette(path, record_mode="none") as cassette, use_ledger() as ledger:
        again = ask(Client(MODEL), chat(), chat())
        assert cassette.played == 2
        with pytest.raises(CassetteMiss):
            ask(Client(MODEL), chat("other"))
    assert [reply.text for reply in again] == [reply.text for reply in first]
    assert len(provider.calls) == 2
    assert ledger.total.hits == 2
    assert current().cassette is None


def test_one_cassette_at_a_time(tmp_path: Path) -> None:
    with use_cassette(tmp_path / "a.jsonl"):
        with pytest.raises(ConfigurationError, match="a cassette is open already"), use_cassette(tmp_path / "b.jsonl"):
            pass
        assert current().cassette is not None
    assert not (tmp_path / "b.jsonl").exists()


def test_everything_is_restored_after_an_error(tmp_path: Path) -> None:
    outer, inner = Provider(), Provider()
    blocks: list[Callable[[], AbstractContextManager[Any]]] = [
        lambda: use_cassette(tmp_path / "cassette.jsonl"), offline, lambda: use_provider(inner), lambda: use_budget(1),
        use_ledger,
    ]  # fmt: skip
    with use_provider(outer):
        before = current()
        with pytest.raises(ZeroDivisionError), ExitStack() as around:
            for block in blocks:
                around.enter_context(block())
            raise ZeroDivisionError
        assert current() is before
    assert current().provider is None


def test_offline_forbids_the_network_and_nothing_else() -> None:
    with offline(), pytest.raises(OfflineError, match=r"'ollama/m'.*without --offline"):
        ask(Client(MODEL), chat())
    with offline(), use_provider(Provider()):
        assert ask(Client(MODEL), chat())[0].text == "answer 1"
    assert not current().offline


def test_budgets_nest_and_hold_for_their_block() -> None:
    client = Client(MODEL)
    with use_provider(Provider()), use_budget(synalinks.Budget(calls=3)) as outer:
        with use_budget(synalinks.Budget(calls=1), name="inner") as inner:
            ask(client, chat())
            with pytest.raises(BudgetExceeded, match="the inner is used up"):
                ask(client, chat())
        ask(client, chat())
    with use_provider(Provider()):
        ask(client, *[chat()] * 5)
    assert (outer.settled.calls, inner.settled.calls) == (2, 1)


def test_a_budget_in_dollars_meets_a_price_that_is_not_known() -> None:
    client = Client("openai/some-model")
    request = Request("chat", "openai/some-model", messages=[{"role": "user", "content": "x"}])
    provider = Provider()
    with use_provider(provider):
        with use_budget(0.5), pytest.raises(ConfigurationError, match="price is unknown"):
            ask(client, request)
        assert not provider.calls
        with use_budget(synalinks.Budget(usd=0.5, unpriced="free")):
            ask(client, request)
        pricing.set_price("openai/some-model", input=1000, output=1000)
        with use_budget(0.5) as tracker:
            ask(client, request)
        assert tracker.settled.usd == Decimal("0.015")


def test_ledgers_collect_what_their_block_asked() -> None:
    client = Client(MODEL)
    with use_provider(Provider()), use_ledger() as outer:
        ask(client, chat())
        with use_ledger() as inner, scope.enter(epoch=4):
            ask(client, chat())
    assert (len(outer), len(inner)) == (2, 1)
    assert list(inner.by("epoch")) == [4]
    assert client.ledger.total.calls == 2
    assert PROCESS.ledger.last() == client.ledger.last()


def test_blocks_of_side_by_side_tasks_do_not_mix() -> None:
    client = Client(MODEL)

    async def one(count: int) -> int:
        with use_ledger() as ledger, use_budget(synalinks.Budget(calls=count)) as tracker:
            for _ in range(count):
                await client.send(chat())
            assert tracker.settled.calls == count
        return len(ledger)

    async def main() -> list[int]:
        tasks = [asyncio.create_task(one(count)) for count in (1, 2, 3)]
        return [await task for task in tasks]

    with use_provider(Provider()):
        assert asyncio.run(main()) == [1, 2, 3]


def test_an_account_is_shared_by_models_of_one_key_and_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    here = PROCESS.account("ollama", "http://a", "", Limits(rpm=5), clock)
    assert PROCESS.account("ollama", "http://a", "", Limits(rpm=5), clock) is here
    assert PROCESS.account("ollama", "http://b", "", Limits(rpm=5), clock) is not here
    assert PROCESS.account("ollama", "http://a", "key", Limits(rpm=5), clock) is not here


def test_one_slot_is_one_slot_for_two_models() -> None:
    at_once: list[int] = []
    out = 0

    async def provider(call: Call) -> Reply:
        nonlocal out
        out += 1
        at_once.append(out)
        await asyncio.sleep(0.001)
        out -= 1
        return Reply(text="x", finish="stop")

    async def main() -> None:
        limits = Limits(concurrency=1)
        clients = [Client(name, api_base="http://one:1", limits=limits) for name in ("ollama/a", "ollama/b")]
        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(_send(clients[number % 2], chat(str(number))))

    with use_provider(provider):
        asyncio.run(main())
        asyncio.run(main())  # on another loop
    assert max(at_once) == 1


async def _send(client: Client, request: Request) -> Reply:
    return await client.send(request)


def test_the_cache_has_the_folder_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "user"))
    made: list[int] = []

    def live(monkey: pytest.MonkeyPatch) -> None:
        async def answer(call: Call) -> Reply:
            made.append(1)
            return Reply(text=f"live {len(made)}", finish="stop")

        monkey.setattr("synalinks.lm.servers.make", lambda spec, base, **_: answer)

    live(monkeypatch)
    request = chat(temperature=0)
    assert [reply.source for reply in ask(Client(MODEL), request, request)] == ["live", "cache"]
    assert (tmp_path / "user").is_dir()
    own = Client(MODEL, cache_dir=tmp_path / "own")
    assert [reply.source for reply in ask(own, request, request)] == ["live", "cache"]
    assert (tmp_path / "own").is_dir()
    assert ask(Client(MODEL, cache="off"), request)[0].source == "live"
    refreshed = Client(MODEL, cache="refresh")
    assert ask(refreshed, request)[0].text == "live 4"
    assert ask(Client(MODEL), request)[0].text == "live 4"
    with use_cassette(tmp_path / "cassette.jsonl"):
        assert ask(Client(MODEL), request)[0].source == "live", "a cassette is the whole story of a run"
    with use_provider(Provider()):
        assert ask(Client(MODEL), request)[0].text == "answer 1", "a stand-in's answers are not the model's"
    with offline():
        assert ask(Client(MODEL), request)[0].source == "cache"


def test_three_samples_are_the_same_three_in_the_next_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setattr("synalinks.lm.servers.make", lambda spec, base, **_: provider)
    runs = []
    for _ in range(2):
        client = Client(MODEL, cache_dir=tmp_path)
        runs.append([reply.text for reply in ask(client, *[chat(temperature=1)] * 3)])
        synalinks.clear_session(free_memory=False)
    assert runs[0] == runs[1] == ["answer 1", "answer 2", "answer 3"]


def test_a_cut_answer_under_a_budget_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNALINKS_CACHE")
    asked: list[int | None] = []

    async def answer(call: Call) -> Reply:
        asked.append(call.output_limit)
        cut = call.output_limit is not None
        return Reply(text="once" if cut else "once upon a time", usage=Usage(1), finish="length" if cut else "stop")

    monkeypatch.setattr("synalinks.lm.servers.make", lambda spec, base, **_: answer)
    client = Client(MODEL, cache_dir=tmp_path)
    with use_budget(synalinks.Budget(tokens=300)):
        assert ask(client, chat(temperature=0))[0].text == "once"
    assert ask(client, chat(temperature=0))[0].text == "once upon a time"
    assert asked[0] is not None
    assert asked[1:] == [None]


def test_threads_each_with_its_loop_share_the_process() -> None:
    client, provider = Client(MODEL), Provider()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with use_ledger() as ledger:
                ask(client, *[chat()] * 20)
                assert len(ledger) == 20
        except BaseException as error:
            errors.append(error)

    before = len(PROCESS.ledger)
    with use_provider(provider):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors
    assert len(PROCESS.ledger) - before == len(provider.calls) == 80


@pytest.mark.parametrize("width", [1, 64])
def test_single_answers_replay_to_one_ledger_at_any_concurrency(tmp_path: Path, width: int) -> None:
    """Live, those who ask at the same time share; a replay has no such time, so nobody shares in it."""
    path, provider = tmp_path / "cassette.jsonl", Provider()

    async def main() -> None:
        client, slots = Client(MODEL), asyncio.Semaphore(width)

        async def one(number: int) -> None:
            async with slots:
                with scope.enter(sample=number):
                    await client.send(chat(str(number % 3), temperature=0))

        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(one(number))

    bills, trackers = [], []
    for mode in ("once", "none", "none"):
        with (
            use_provider(provider),
            use_cassette(path, record_mode=mode),
            use_ledger() as ledger,
            use_budget(synalinks.Budget(calls=100)) as tracker,
        ):
            asyncio.run(main())
        bills.append(ledger)
        trackers.append(tracker.settled)
    assert len(provider.calls) == 3
    assert bills[1].to_dicts(timings=False) == bills[2].to_dicts(timings=False)
    assert {entry.source for entry in bills[1]} == {"cassette"}
    assert [bill.total.attempts for bill in bills] == [3, 3, 3]
    assert [bill.total.tokens for bill in bills] == [180, 180, 180]
    assert trackers[0] == trackers[1] == trackers[2]
    assert trackers[0].calls == 3


def test_after_ctrl_c_no_call_is_begun_and_those_sent_come_home(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()

    async def slow(call: Call) -> Reply:
        await asyncio.sleep(0.01)
        return await provider(call)

    async def main() -> tuple[list[Any], list[str]]:
        client = Client(MODEL, limits=Limits(concurrency=2), api_base="http://slow:1")
        tasks = [asyncio.create_task(_send(client, chat(str(number)))) for number in range(5)]
        await asyncio.sleep(0.002)
        monkeypatch.setattr(PROCESS, "stopping", True)
        with pytest.raises(Interrupted, match="interrupted"):
            await client.send(chat("new"))
        await asyncio.wait(tasks)
        outcomes = ["none sent" if isinstance(task.exception(), Interrupted) else "home" for task in tasks]
        return [client.ledger.total], outcomes

    with use_provider(slow):
        (total,), outcomes = asyncio.run(main())
    assert outcomes == ["home"] * 2 + ["none sent"] * 3
    assert total.calls == total.attempts == 2, "the bill is of what was sent"


def test_the_ledger_agrees_with_the_provider_to_the_last_attempt() -> None:
    """Retries, failures, cancellations and sharing: calls and tokens of the ledger are the provider's own counts."""
    rng = random.Random(5)
    sent = tokens = 0

    async def provider(call: Call) -> Reply:
        nonlocal sent, tokens
        sent += 1
        await asyncio.sleep(rng.random() * 0.003)
        if rng.random() < 0.3:
            raise ServerError("busy")
        text = rng.choice(["", "fine", "fine", "fine"])
        tokens += 12
        return Reply(text=text, usage=Usage(7, output_text=5), finish="stop")

    async def main(client: Client) -> None:
        calls = [chat(str(number % 20), temperature=number % 2) for number in range(80)]
        tasks = [asyncio.create_task(_send(client, call)) for call in calls]
        await asyncio.sleep(0.002)
        for task in tasks[::9]:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()

    with use_provider(provider):
        client = Client(
            MODEL, retry=RetryPolicy(attempts=3, first_wait=0.0), limits=Limits(concurrency=16), api_base="http://c:1"
        )
        asyncio.run(main(client))
    total = client.ledger.total
    assert total.calls == 80
    assert total.attempts == sent
    assert total.tokens + total.failed_tokens == tokens + 12 * _shared(client)


def _shared(client: Client) -> int:
    """Answers that were handed to a second asker carry the tokens a second time, as if live."""
    return sum(entry.source == "shared" and entry.error is None for entry in client.ledger)


def test_a_limit_that_is_stated_leaves_the_provider_its_other_defaults() -> None:
    default = Client("ollama/m", api_base="http://one:1").limits
    assert default.concurrency is not None
    stated = Client("ollama/m", api_base="http://one:1", limits=Limits(rpm=30)).limits
    assert stated == Limits(rpm=30, concurrency=default.concurrency)
    assert Client("ollama/m", api_base="http://one:1", limits=Limits(concurrency=1)).limits.concurrency == 1


@pytest.mark.parametrize("handler", [None, "hello", 3, ScriptedProvider])
def test_what_is_no_handler_is_refused_before_a_call_goes_to_the_models_provider(handler: Any) -> None:
    with pytest.raises(ConfigurationError, match="a handler is awaited with a Call"), use_provider(handler):
        pass
