"""Reconciliation: the ledger's calls and tokens, model by model, are the provider's own.

The relation, which every test here states through `reconcile`:

    requests   = attempts                                   of entries that were answered live
    answers    = answers + those nobody saw                 at most `uncertain` of them
    tokens     = billed_tokens + tokens of those            in each case the provider's figure on the left

An answer that nobody saw is one to a call that was cancelled, timed out or lost its connection after the provider had
answered. The ledger can't know it; it says how many there may be.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synalinks
from lm.virtual import run
from lm.worst_case import JOBS, Book, Job, WorstCase, ask_all
from proofs.sums import Result, Sum, sums
from synalinks.lm.blocks import use_clock, use_ledger
from synalinks.lm.client import Client
from synalinks.lm.core.call import Request
from synalinks.lm.ledger.ledger import Ledger, Money
from synalinks.testing import ChatRequest, Fault, OllamaServer
from synalinks.testing.fake_server.log import ModelCounts, RecordedRequest


def reconcile(ledger: Ledger, model: str, book: Book) -> None:
    """The ledger's figures of a model are the provider's (see the head of this file)."""
    live = ledger.filter(source="live", model=model).total
    assert live.attempts == book.requests
    assert live.answers + book.unseen == book.answers
    assert live.billed_tokens + book.unseen_tokens == book.tokens
    assert live.uncertain == book.lost >= book.unseen
    others = ledger.filter(model=model).total
    assert (others.answers, others.billed_tokens) == (live.answers, live.billed_tokens), "a hit is nobody's answer"
    entries = list(ledger.filter(model=model))
    assert others.billed.unknown == sum(entry.failed.uncertain > 0 for entry in entries), "and its price isn't, either"
    if not live.uncertain:
        assert live.billed == Money(book.dollars / 1_000_000)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(JOBS, max_size=12),
    st.integers(0, 2**32),
    st.sampled_from((None, 1, 3)),
    st.integers(1, 4),
    st.sampled_from((10**6, 9, 3)),
)
def test_any_calls_that_end_in_any_way_reconcile(
    jobs: list[Job], seed: int, width: int | None, attempts: int, cap: int
) -> None:
    """Retries, refusals, broken answers, timeouts, cancellations on either side of the answer, sharing, cache hits,
    embeddings known in part, a budget that ends half-way: two models, many at once, in virtual time."""
    provider = WorstCase(seed)
    ledger, tracker = run(ask_all(jobs, provider, width, attempts, cap))
    for model, book in provider.books.items():
        reconcile(ledger, model, book)
    assert cap >= tracker.settled.calls == ledger.filter(source="live").total.attempts, (
        "a budget counts the same attempts"
    )


# --- a real server ---------------------------------------------------------------------------------------------


class NoWaiting:
    """A clock that tells the time but does not wait."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self._ahead

    async def sleep(self, seconds: float) -> None:
        self._ahead += seconds
        await asyncio.sleep(0)


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Back-off without waiting, for models made in the test."""
    with use_clock(NoWaiting()):
        yield


def counted(server: OllamaServer) -> list[RecordedRequest]:
    """The requests to models, once the server has dealt with all that was sent to it, cancelled calls included."""
    import httpx

    for _ in range(1000):
        httpx.get(f"{server.url}/api/version", trust_env=False).raise_for_status()
        if sum(server.requests.statuses.values()) == server.requests.total:
            return [request for request in server.requests if request.number]
    raise AssertionError("the server still has open requests")


def reconcile_all(ledger: Ledger, server: OllamaServer) -> None:
    """Calls and tokens of every model are the server's, where no call was given up."""
    requests = counted(server)
    asked = Counter(str(request.body["model"]) for request in requests)
    assert asked
    for name in {*asked, *(model.partition("/")[2] for model in ledger.by("model"))}:
        live = ledger.filter(source="live", model=f"ollama/{name}").total
        counts = server.requests.models.get(name, ModelCounts())
        assert live.attempts == asked[name], name
        assert (live.answers, live.billed_tokens) == (counts.calls, counts.prompt_tokens + counts.completion_tokens)
        if live.answers == live.calls - live.failed:  # every answer was of use: input and output by themselves, too
            assert (live.input_tokens, live.output_tokens) == (counts.prompt_tokens, counts.completion_tokens), name


class Answer(synalinks.DataModel):
    """A number."""

    answer: int = synalinks.Field(description="The number")


FAULTS = (
    Fault(probability=0.08, status=429, retry_after=1, seed=1),
    Fault(probability=0.08, status=500, seed=2),
    Fault(probability=0.08, broken_json=True, seed=3, path="/api/chat"),
    Fault(probability=0.05, truncate=True, seed=4, path="/api/chat"),
    Fault(probability=0.05, drop=True, seed=5),
    Fault(probability=0.05, drop=True, midway=True, seed=6, path="/api/chat"),
    Fault(probability=0.05, broken_body=True, seed=7),
    Fault(probability=0.04, delay=30.0, seed=8),
)
N_CALLS = 60
QUESTION = {"role": "user", "content": "What is 2 + 3?"}


def random_calls(seed: int, folder: Path) -> list[Callable[[], Awaitable[Any]]]:
    """Chat and embedding calls of two models each, one with a fallback, streamed and not; few different questions, so
    that calls share, and find what the cache has."""
    rng = random.Random(seed)
    settings: dict[str, Any] = {"retry": 2, "timeout": 0.3, "concurrency": 16, "cache_dir": folder}
    spare = synalinks.LanguageModel("ollama/spare", **settings)
    chats = [
        synalinks.LanguageModel("ollama/one", fallback=spare, **settings),
        synalinks.LanguageModel("ollama/two", temperature=0, **settings),
    ]
    embedder = synalinks.EmbeddingModel("ollama/vectors", **settings)

    def call() -> Callable[[], Awaitable[Any]]:
        if rng.random() < 0.3:
            texts = [f"text {rng.randrange(9)}" for _ in range(rng.randrange(1, 4))]
            return lambda: embedder.embed(texts)
        content = f"What is {rng.randrange(5)} + {rng.randrange(2)}?"
        messages = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content=content)])
        sink = (lambda _: None) if rng.random() < 0.4 else None
        chat = rng.choice(chats)
        return lambda: chat(messages, schema=Answer.get_schema(), sink=sink)

    def at_a_time() -> Callable[[], Awaitable[Any]]:
        ask, begins = call(), rng.random() * 0.1
        patience = rng.random() * 0.05 if rng.random() < 0.3 else None

        async def job() -> None:
            await asyncio.sleep(begins)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await ask()

        return job

    return [at_a_time() for _ in range(N_CALLS)]


async def all_of(calls: list[Callable[[], Awaitable[Any]]], ledger: Ledger) -> None:
    with use_ledger(ledger):
        async with asyncio.TaskGroup() as group:
            for job in calls:
                group.create_task(job())  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
@pytest.mark.parametrize("seed", range(2))
def test_a_server_that_fails_in_every_way_and_clients_that_leave(
    seed: int, tmp_path: Path, no_waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE", "on")
    faults = [replace(fault, seed=fault.seed + 100 * seed) for fault in FAULTS]
    rng = random.Random(seed)
    with OllamaServer(faults=faults, env=True, latency=lambda _: rng.choice((0.0, 0.0, 0.02, 0.05))) as server:
        ledger = Ledger()
        for half in (0, 1):  # on an event loop each; the second finds answers in the cache
            asyncio.run(all_of(random_calls(2 * seed + half, tmp_path), ledger))
        requests = counted(server)
    sources = set(ledger.by("source"))
    assert sources == {"live", "shared", "cache"}, "or this shows less than it says"
    assert {None, "cancelled"} < set(ledger.by("error"))
    for model, found in ledger.filter(source="live").by("model").items():
        mine = [request for request in requests if f"ollama/{request.body['model']}" == model]
        counts = server.requests.models[model.partition("/")[2]]
        unseen = counts.calls - found.answers
        # A call that is cancelled just as it is sent may never reach the server: it is one of the uncertain ones.
        assert 0 <= found.attempts - len(mine) <= found.uncertain
        assert 0 <= unseen <= found.uncertain
        tokens = sorted(r.prompt_tokens + r.completion_tokens for r in mine if r.answered)
        missing = counts.prompt_tokens + counts.completion_tokens - found.billed_tokens
        assert sum(tokens[:unseen]) <= missing <= sum(tokens[len(tokens) - unseen :])


@pytest.mark.parametrize("answered", [True, False], ids=["answered all the same", "never answered"])
def test_what_became_of_a_call_in_flight_can_not_be_known_and_is_said(answered: bool) -> None:
    """Cancelled while the server works: it may notice in time and bill nothing, or answer nobody. The ledger's figures
    are the same, because to the client it is the same."""
    asked, left = threading.Event(), threading.Event()

    def rule(request: ChatRequest) -> str:
        asked.set()
        left.wait(10)
        return '{"answer": 1}'

    async def main() -> None:
        task = asyncio.create_task(client.send(Request("chat", "ollama/slow", messages=[QUESTION])))
        while not (asked.is_set() if answered else server.requests.number):
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait((task,))
        left.set()

    with OllamaServer(model=rule, latency=0.0 if answered else 60.0) as server, use_ledger() as ledger:
        client = Client("ollama/slow", api_base=server.url)
        asyncio.run(main())
        counted(server)
    assert server.requests.answered.calls == int(answered)
    (entry,) = ledger
    assert (entry.error, entry.attempts, entry.answers, entry.billed_tokens) == ("cancelled", 1, 0, 0)
    assert entry.failed.uncertain == 1
    assert "1 answer perhaps given unseen" in str(ledger)


@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
@pytest.mark.parametrize("optimizer", ["RandomFewShot", "OMEGA"])
def test_a_whole_fit_through_failures_reconciles(optimizer: str, no_waiting: None) -> None:
    """Solver with a fallback, judge, proposer and embedder: every attempt and every token of five models."""
    faults = [fault for fault in FAULTS if not fault.delay]

    async def main() -> synalinks.callbacks.History:
        spare = synalinks.LanguageModel("ollama/spare", temperature=0)
        inputs = synalinks.Input(data_model=Sum)
        outputs = await synalinks.Generator(
            data_model=Result, language_model=synalinks.LanguageModel("ollama/solver", retry=2, fallback=spare)
        )(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
        omega = synalinks.OMEGA(language_model="ollama/proposer", embedding_model="ollama/embedder", merging_rate=0.5)
        program.compile(
            optimizer=omega if optimizer == "OMEGA" else synalinks.RandomFewShot(),
            reward=synalinks.rewards.LMAsJudge(language_model="ollama/judge"),
        )
        return await program.fit(*sums(24), epochs=3, batch_size=6, validation_split=0.25, verbose=0, seed=7)

    with OllamaServer(faults=faults, env=True) as server:
        history = asyncio.run(main())
        reconcile_all(history.ledger, server)
    models = {"solver", "spare", "judge"} | ({"proposer", "embedder"} if optimizer == "OMEGA" else set())
    assert set(server.requests.models) == models, "or this shows less than it says"
    struck = {request.fault.seed for request in server.requests if request.fault}
    assert struck == {fault.seed for fault in faults}
    assert 0 < history.failed_calls < len(history.ledger)
