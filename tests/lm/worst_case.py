"""A provider that does its worst to calls of all kinds, in virtual time, and keeps books of what it counted."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import strategies as st

from lm.virtual import LoopClock
from synalinks import scope
from synalinks.errors import (
    BudgetExceeded,
    ConnectionFailed,
    LMError,
    RateLimited,
    RequestError,
    SampleRefused,
    ServerError,
)
from synalinks.lm.blocks import use_budget, use_clock, use_ledger
from synalinks.lm.budget.layer import Budget, BudgetTracker
from synalinks.lm.cache.store import MemoryStore
from synalinks.lm.client import Client
from synalinks.lm.core.call import Call, Delta, Reply, Request, Usage, schema_of
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.pricing import pricing
from synalinks.lm.process import PROCESS
from synalinks.lm.rate_limit.account import Limits
from synalinks.lm.retry import RetryPolicy

MODELS = ("scripted/one", "scripted/two")
SCHEMA = schema_of({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
#: Dollars a million tokens, so that a dollar sum tells input from output.
INPUT, OUTPUT = 1, 1000


@dataclass
class Book:
    """What a provider has counted of one model.

    Attributes:
        requests: that came. answers: that were billed. tokens: billed, input and output.
        unseen, unseen_tokens: those of answers that never reached the one who asked.
        lost: requests that ended without any answer or status.
    """

    requests: int = 0
    answers: int = 0
    tokens: int = 0
    dollars: Decimal = field(default_factory=Decimal)
    unseen: int = 0
    unseen_tokens: int = 0
    lost: int = 0


class WorstCase:
    """A provider that keeps books and does to each request what a seeded generator says.

    Times are whole seconds, so that answers, timeouts and cancellations fall on the same moment again and again.
    """

    name = "worst case"

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self.books = {model: Book() for model in MODELS}

    async def __call__(self, call: Call, /) -> Reply:
        book = self.books[call.request.model]
        book.requests += 1
        billed: int | None = None
        try:
            await asyncio.sleep(self._rng.randrange(3))
            if (refusal := self._refusal()) is not None:
                raise refusal
            reply = self._answer(call)
            billed = reply.usage.total_tokens or 0
            book.answers += 1
            book.tokens += billed
            book.dollars += Decimal(INPUT * (reply.usage.input_tokens or 0) + OUTPUT * (reply.usage.output_tokens or 0))
            await asyncio.sleep(self._rng.choice((0, 0, 1, 8)))
            if self._rng.random() < 0.1:
                raise ConnectionFailed("the connection broke over the answer", uncertain=True)
            if call.sink is not None:
                call.sink(Delta(reply.text))
            if self._rng.random() < 0.1:
                raise SampleRefused("cut short", kind="length", reply=reply)
            return reply
        except (asyncio.CancelledError, ConnectionFailed) as end:
            if isinstance(end, ConnectionFailed) and not end.uncertain:
                raise
            book.lost += 1
            if billed is not None:
                book.unseen += 1
                book.unseen_tokens += billed
            raise

    def _refusal(self) -> LMError | None:
        return self._rng.choice([
            None, None, None, None, RateLimited("slow down", retry_after=1), RateLimited("slow down"),
            ServerError("busy"), ConnectionFailed("broke", uncertain=True), ConnectionFailed("refused"),
            RequestError("no such option") if self._rng.random() < 0.3 else None,
        ])  # fmt: skip

    def _answer(self, call: Call) -> Reply:
        tokens = self._rng.randrange(1, 100)
        if call.request.kind == "embed":
            vectors = tuple(text.encode("utf-8").ljust(8, b"\0")[:8] for text in call.request.texts)
            return Reply(vectors=vectors, usage=Usage(tokens, output_text=0))
        text = self._rng.choice(['{"n": 1}', '{"n": 1}', '{"n": 1}', "Sure! Here", '{"n": "one"}'])
        return Reply(text=text, finish="stop", usage=Usage(tokens, output_text=self._rng.randrange(1, 100)))


@dataclass(frozen=True)
class Job:
    """One asking: of which model, for what, when, and when it is given up (None: never)."""

    model: str
    texts: tuple[int, ...]
    embed: bool
    single: bool
    begins: int
    given_up: int | None
    streamed: bool

    @property
    def request(self) -> Request:
        if self.embed:
            return Request("embed", self.model, texts=tuple(f"text {n}" for n in self.texts))
        messages = [{"role": "user", "content": f"number {self.texts[0]}"}]
        return Request(
            "chat", self.model, messages=messages, schema=SCHEMA, options={"temperature": 0 if self.single else 1}
        )


JOBS = st.builds(
    Job,
    model=st.sampled_from(MODELS),
    texts=st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple),
    embed=st.booleans(),
    single=st.booleans(),
    begins=st.integers(0, 12),
    given_up=st.none() | st.integers(0, 12),
    streamed=st.booleans(),
)


async def _do(job: Job, number: int, client: Client) -> None:
    await asyncio.sleep(job.begins)
    with scope.enter(sample=number), contextlib.suppress(LMError, BudgetExceeded, TimeoutError):
        async with asyncio.timeout(job.given_up):
            await client.send(job.request, (lambda _: None) if job.streamed else None)


async def ask_all(
    jobs: list[Job], provider: WorstCase, width: int | None, attempts: int, cap: int = 10**6
) -> tuple[Ledger, BudgetTracker]:
    """All jobs at once: their ledger, and a tracker of at most `cap` requests.

    Args:
        width: calls at once for each model. attempts: of each call.
    """
    policy = RetryPolicy(attempts=attempts, timeout=6, bad_reply_attempts=2)
    limits = Limits(concurrency=width)
    with (
        pytest.MonkeyPatch.context() as patch,
        use_clock(LoopClock()),
        use_ledger() as ledger,
        use_budget(Budget(calls=cap)) as tracker,
    ):
        shelf = Path("shelf")
        patch.setitem(PROCESS._stores, str(shelf), MemoryStore())
        patch.setattr("synalinks.lm.servers.make", lambda *_, **__: provider)
        patch.setattr(pricing, "_set_by_user", {})
        for model in MODELS:
            pricing.set_price(model, input=INPUT, output=OUTPUT)
        clients = {model: Client(model, retry=policy, limits=limits, cache_dir=shelf) for model in MODELS}
        async with asyncio.TaskGroup() as group:
            for number, job in enumerate(jobs):
                group.create_task(_do(job, number, clients[job.model]))
    return ledger, tracker
