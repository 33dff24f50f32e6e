"""Random schedules of calls under budgets against a server that does its worst, and what must hold of every one.

A schedule is made from its seed alone: budgets (dollars, tokens, calls, seconds; nested), calls of all sizes, when they
begin and are given up, and what the server does to each request. It runs in virtual time.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from lm.virtual import LoopClock, run_still
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
from synalinks.lm import Budget, Client, Limits, Request, RetryPolicy, Usage
from synalinks.lm.blocks import use_budget, use_cassette, use_clock, use_ledger, use_provider
from synalinks.lm.budget.expected import UsageStatistics
from synalinks.lm.budget.layer import QUEUE, BudgetTracker
from synalinks.lm.core.amount import NOTHING
from synalinks.lm.core.call import Call, Reply, schema_of
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.pricing import pricing
from synalinks.lm.pricing.limits import LEAST, OutputLimits
from synalinks.lm.process import PROCESS

MODEL = "ollama/adversary"
#: Dollars a million tokens.
INPUT, OUTPUT = 3, 12
SCHEMA = schema_of({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
#: Tokens, at most, of the message that tells a model what was wrong with its answer.
CORRECTION = 60
#: What is promised of every schedule, in the words of the closing table.
PROMISES = (
    "no hard cap is exceeded, as the server counts",
    "what was settled is no less than the server counted",
    "nothing stays reserved, in flight or waiting",
    "the ledger has every attempt that the server saw",
    "a cap of the library makes no request fail",
    "a replay settles the same and ends the same",
)


class Violation(AssertionError):
    """A promise that a schedule broke."""


def prompt_of(request: Request) -> int:
    """Tokens of a prompt, as the server counts them."""
    return sum(len(message["content"]) for message in request.messages) // 4 + 8


@dataclass
class Server:
    """Bills as a provider does, and keeps books of what it counted."""

    rng: random.Random
    limit: int | None
    window: int | None
    states: bool
    faulty: bool
    requests: int = 0
    tokens: int = 0
    dollars: Decimal = field(default_factory=Decimal)

    async def __call__(self, call: Call, /) -> Reply:
        self.requests += 1
        request, cap = call.request, call.output_limit
        rng = random.Random(f"{request.digest} {call.scope} {call.draw} {self.rng.random()}")
        await asyncio.sleep(rng.randrange(3))
        if self.faulty and (refusal := self._refusal(rng)) is not None:
            raise refusal
        if cap is not None and self.limit is not None and cap > self.limit:
            stated = f": this model supports at most {self.limit} completion tokens" if self.states else ""
            raise RequestError(f"max_tokens is too large{stated}", status=400)
        read = prompt_of(request)
        if self.window is not None and read + (cap or 1) > self.window:
            stated = f"{read} in the messages, {cap} in the completion" if self.states else "shorten the completion"
            words = f"the maximum context length is {self.window} tokens: {stated}"
            raise SampleRefused(words, kind="context_length", status=400)
        whole = rng.choice((5, 40, 300, 3000))
        left = None if self.window is None else self.window - read
        length = min(limit for limit in (whole, cap, self.limit, left) if limit is not None)
        self.tokens += read + length
        self.dollars += (INPUT * read + OUTPUT * length) / Decimal(1_000_000)
        await asyncio.sleep(rng.choice((0, 1, 7)))
        if self.faulty and rng.random() < 0.1:
            raise ConnectionFailed("the connection broke over the answer", uncertain=True)
        usage, cut = Usage(read, output_text=length), length < whole
        text = '{"n": 1' if cut else rng.choice(('{"n": 1}', '{"n": 1}', "Sure!")) if request.schema else "word"
        reply = Reply(text, usage=usage, finish="length" if cut else "stop")
        if cut and request.schema is not None:
            raise SampleRefused("cut", kind="length", reply=reply)
        return reply

    def takes(self, request: Request) -> bool:
        """Whether a request would be taken as its caller wrote it, with a cap of any size where that has none."""
        own = request.output_limit
        if own is not None and self.limit is not None and own > self.limit:
            return False
        correction = 0 if request.schema is None else CORRECTION
        return self.window is None or prompt_of(request) + correction + (LEAST if own is None else own) <= self.window

    @staticmethod
    def _refusal(rng: random.Random) -> LMError | None:
        kinds = (
            None, None, None, None, None, RateLimited("slow down", retry_after=rng.choice((1, 40))),
            ServerError("busy", status=503), ServerError("gateway", status=502, uncertain=True),
            ConnectionFailed("refused"), ConnectionFailed("broke", uncertain=True),
        )  # fmt: skip
        return rng.choice(kinds)


@dataclass(frozen=True)
class Job:
    """One call: its request, when it begins, and when it is given up (None: never)."""

    request: Request
    begins: int
    given_up: int | None


@dataclass
class Schedule:
    """All that a seed decides."""

    seed: int

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        self.budgets = [_budget(rng) for _ in range(rng.choice((1, 1, 1, 2)))]
        self.faulty = rng.random() < 0.6
        self.limit = rng.choice((None, None, 64, 1000, 4096))
        self.window = random.Random(f"{self.seed} window").choice((None, None, 150, 600, 5000))
        self.states = rng.random() < 0.5
        self.width = rng.choice((None, 1, 3))
        self.attempts = rng.randint(1, 4)
        self.replayed = rng.random() < 0.25
        self.jobs = [_job(rng, number) for number in range(rng.randint(1, 9))]

    @property
    def is_hard(self) -> bool:
        """Whether every cap of it is hard."""
        return all(budget.mode == "hard" for budget in self.budgets)


def _budget(rng: random.Random) -> Budget:
    caps: dict[str, Any] = {}
    while not caps:
        if rng.random() < 0.5:
            caps["usd"] = f"{rng.choice((0.0005, 0.005, 0.05, 0.5)) * (0.5 + rng.random()):.6f}"
        if rng.random() < 0.4:
            caps["tokens"] = rng.choice((300, 2000, 20_000, 200_000))
        if rng.random() < 0.3:
            caps["calls"] = rng.randint(1, 12)
        if rng.random() < 0.2:
            caps["seconds"] = rng.randint(1, 20)
    return Budget(**caps, mode=rng.choice(("hard", "hard", "hard", "expected")))


def _job(rng: random.Random, number: int) -> Job:
    size = rng.choice((5, 40, 400, 400, 60_000) if rng.random() < 0.2 else (5, 40, 400))
    options: dict[str, Any] = {"temperature": rng.choice((0, 1, 1))}
    if rng.random() < 0.3:
        options["max_tokens"] = rng.choice((10, 200, 2000))
    messages = [{"role": "user", "content": f"{rng.randrange(4)} " + "x" * size}]
    schema = SCHEMA if rng.random() < 0.4 else None
    request = Request("chat", MODEL, messages=messages, options=options, schema=schema)
    return Job(request, rng.randrange(8), rng.choice((None, None, None, rng.randrange(12))))


@dataclass
class Outcome:
    """What was seen of one run of a schedule."""

    ends: list[str]
    trackers: list[BudgetTracker]
    ledger: Ledger
    errors: list[tuple[Job, BaseException]]

    @property
    def settled(self) -> list[Any]:
        """What the budgets settled and the ledger counted, which a replay does, too."""
        total = self.ledger.total
        counted = (total.attempts, total.input_tokens, total.output_tokens, total.failed_tokens, total.as_if)
        return [counted, *((tracker.settled, tracker.uncertain) for tracker in self.trackers)]


@contextmanager
def _fresh() -> Iterator[None]:
    """Nothing that earlier schedules have taught."""
    before = PROCESS.usage_statistics, PROCESS.output_limits
    PROCESS.ledger.clear()
    PROCESS.usage_statistics, PROCESS.output_limits = UsageStatistics(PROCESS.ledger), OutputLimits()
    pricing.set_price(MODEL, input=INPUT, output=OUTPUT)
    try:
        yield
    finally:
        PROCESS.usage_statistics, PROCESS.output_limits = before
        pricing._set_by_user.pop(MODEL, None)


def run(schedule: Schedule, server: Server, cassette: Path | None = None, mode: Any = "all") -> Outcome:
    """Run a schedule to its end."""

    async def main() -> Outcome:
        client = Client(
            MODEL,
            cache="off",
            limits=Limits(concurrency=schedule.width),
            retry=RetryPolicy(attempts=schedule.attempts, timeout=6, bad_reply_attempts=2),
        )
        outcome = Outcome([""] * len(schedule.jobs), [], Ledger(), [])

        async def do(job: Job, number: int) -> None:
            await asyncio.sleep(job.begins)
            try:
                with scope.enter(sample=number):
                    async with asyncio.timeout(job.given_up):
                        reply = await client.send(job.request)
                outcome.ends[number] = reply.finish or "?"
            except (LMError, BudgetExceeded, TimeoutError) as error:
                outcome.ends[number] = getattr(error, "kind", type(error).__name__)
                outcome.errors.append((job, error))

        with ExitStack() as blocks:
            blocks.enter_context(use_provider(server))
            blocks.enter_context(use_ledger(outcome.ledger))
            outcome.trackers = [blocks.enter_context(use_budget(budget)) for budget in schedule.budgets]
            if cassette is not None:
                blocks.enter_context(use_cassette(cassette, mode, strict=False))
            async with asyncio.TaskGroup() as group:
                for number, job in enumerate(schedule.jobs):
                    group.create_task(do(job, number))
        return outcome

    with _fresh(), use_clock(LoopClock()):
        return run_still(main())


def check(schedule: Schedule, server: Server, outcome: Outcome) -> Iterator[tuple[str, bool]]:
    """Each promise, and whether the run held it."""
    for tracker in outcome.trackers:
        budget = tracker.budget
        if schedule.is_hard:
            over_usd = budget.usd is not None and server.dollars > Decimal(budget.usd)
            over_tokens = budget.tokens is not None and server.tokens > budget.tokens
            over_calls = budget.calls is not None and server.requests > budget.calls
            yield PROMISES[0], not (over_usd or over_tokens or over_calls)
        settled = tracker.settled
        enough = settled.calls >= server.requests
        if budget.usd is not None:
            enough &= settled.usd >= server.dollars
        if budget.tokens is not None:
            enough &= settled.tokens >= server.tokens
        yield PROMISES[1], enough
        yield PROMISES[2], tracker.reserved == tracker.in_flight == NOTHING and not len(QUEUE)
    yield PROMISES[3], outcome.ledger.total.attempts == server.requests
    refused = (job for job, error in outcome.errors if isinstance(error, LMError) and error.status == 400)
    yield PROMISES[4], not any(server.takes(job.request) for job in refused)


def attempt(seed: int, counts: Counter[str] | None = None) -> None:
    """Run the schedule of a seed.

    Args:
        counts: takes how often each promise was looked at.

    Raises:
        Violation: it broke a promise.
    """
    schedule = Schedule(seed)
    server = Server(random.Random(seed + 1), schedule.limit, schedule.window, schedule.states, schedule.faulty)
    with tempfile.TemporaryDirectory() as name:
        cassette = Path(name) / "calls.jsonl" if schedule.replayed else None
        outcome = run(schedule, server, cassette)
        results = list(check(schedule, server, outcome))
        if cassette is not None and cassette.exists() and all(job.given_up is None for job in schedule.jobs):
            asked = server.requests
            again = run(schedule, server, cassette, "none")
            same = again.settled == outcome.settled and again.ends == outcome.ends and server.requests == asked
            results.append((PROMISES[5], same))
    for promise, held in results:
        if counts is not None:
            counts[promise] += 1
        if not held:
            books = f"{server.requests} requests, {server.tokens} tokens, ${server.dollars}"
            raise Violation(f"seed {seed}: {promise}; server: {books}; {outcome.trackers}; {outcome.ends}")
