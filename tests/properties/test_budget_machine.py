"""No budget is ever exceeded, nobody waits for ever, and nothing stays reserved, whatever a provider does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lm.virtual import LoopClock, run
from synalinks.errors import BadReply, BudgetExceeded, CallTimeout, LMError, SampleRefused, ServerError
from synalinks.lm.attempt import AttemptLayer
from synalinks.lm.budget.expected import ENOUGH, UsageStatistics
from synalinks.lm.budget.layer import NOTHING, Amount, Budget, BudgetLayer, BudgetTracker, Queue
from synalinks.lm.budget.upper_bound import needs_of
from synalinks.lm.core.call import Call, Reply, Request, Trace, Usage, stack
from synalinks.lm.ledger.ledger import Ledger, LedgerLayer
from synalinks.lm.pricing.pricing import Price, PriceLayer
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy
from synalinks.scope import Scope

PRICE = Price(
    input=Decimal("3"),
    output=Decimal("15"),
    cache_read=Decimal("0.3"),
    cache_write=Decimal("3.75"),
    per_request=Decimal("0.001"),
)
#: Seconds of virtual time after which somebody waits for ever.
FOR_EVER = 100_000.0


class Watched(BudgetTracker):
    """A tracker that holds its law at every change."""

    name = "watched"

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "settled" and hasattr(
            self, "_opened"
        ):  # the reservation is taken back first: now both are up to date
            self.check()

    def check(self) -> None:
        """Never over a hard cap; over an expected one by no more than was said when a call was let out."""
        used, caps, over = self.settled + self.reserved + self.at_risk, self.budget, self.worst_overshoot
        if caps.mode == "hard":
            assert self.at_risk == over == self.overshoot == NOTHING
        for name in ("usd", "tokens", "calls"):
            cap = getattr(caps, name)
            assert cap is None or getattr(used, name) <= cap + getattr(over, name), f"{name}: {used} of {caps}"


@dataclass
class Plan:
    """What the provider does to one attempt."""

    outcome: str
    seconds: float
    prompt_share: float
    answer_share: float
    prompt_bucket: str
    answer_bucket: str


class Adversary:
    """A provider that uses anything up to the bound, in any order, and fails in every way there is."""

    def __init__(self, plans: Iterator[Plan], trackers: list[Watched]) -> None:
        self.plans = plans
        self.trackers = trackers
        self.sent = 0
        self.tokens = 0

    async def __call__(self, call: Call) -> Reply:
        self.sent += 1
        plan = next(self.plans)
        for tracker in self.trackers:
            tracker.check()
        await asyncio.sleep(plan.seconds)
        if plan.outcome == "server":
            raise ServerError("busy")
        if plan.outcome == "uncertain":
            raise CallTimeout("lost", uncertain=True)
        if plan.outcome == "hang":
            await asyncio.sleep(10_000)
        limit = call.output_limit
        output = 500 if limit is None else int(limit * plan.answer_share)
        output *= call.request.kind == "chat"
        needs = needs_of(call.request, PRICE, [])
        prompt, output = int(needs.prompt * plan.prompt_share), output * needs.answers
        buckets = {"input_fresh": 0, plan.prompt_bucket: prompt, plan.answer_bucket: output}
        usage = Usage(**buckets)
        if plan.outcome == "unpriced":
            usage = Usage()
        self.tokens += usage.total_tokens or 0
        reply = Reply(text="{}", usage=usage, finish="stop")
        if plan.outcome == "bad":
            raise BadReply("torn", reply=reply)
        if plan.outcome == "refused":
            raise SampleRefused("no", reply=reply)
        return reply


OUTCOMES = ["ok", "ok", "ok", "server", "uncertain", "hang", "bad", "refused", "unpriced"]


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    caps = st.one_of(st.none(), st.integers(0, 60))
    tokens, millis = st.one_of(st.none(), st.integers(0, 40_000)), st.one_of(st.none(), st.integers(0, 900))
    outer = (draw(caps), draw(tokens), draw(millis))
    inner = (draw(caps), draw(tokens), None)
    return {
        "caps": [outer, inner],
        "count": draw(st.integers(1, 64)),
        "slots": draw(st.sampled_from([None, 1, 2, 8])),
        "max_tokens": draw(st.sampled_from([None, 0, 50, 400])),
        "seed": draw(st.integers(0, 2**32)),
        "cancel": draw(st.floats(0, 0.5)),
        "modes": draw(st.tuples(*[st.sampled_from(["hard", "hard", "expected"])] * 2)),
    }


def plans(rng: random.Random) -> Iterator[Plan]:
    while True:
        outcome = rng.choice(OUTCOMES)
        yield Plan(
            outcome,
            seconds=rng.random() * rng.choice([0, 0.01, 5]),
            prompt_share=rng.choice([rng.random(), 1.0]),
            answer_share=rng.choice([rng.random(), 1.0]),
            prompt_bucket=rng.choice(["input_fresh", "input_cache_read", "input_cache_write_5m"]),
            answer_bucket=rng.choice(["output_text", "output_reasoning"]),
        )


def request_of(number: int, options: dict[str, Any]) -> Request:
    """Text, an image, tools, several answers at once, or texts to embed."""
    text, kind = "x" * (number * 7 % 200), number % 5
    if kind == 0:
        return Request("embed", "fake/m", texts=(text, "y"))
    content: Any = text
    if kind == 1:
        content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}] if kind == 2 else []
    several = {"n": 3} if kind == 3 else {}
    messages = [{"role": "user", "content": content}]
    return Request("chat", "fake/m", messages=messages, tools=tools, options=options | several)


def trackers_of(case: dict[str, Any]) -> list[Watched]:
    found = []
    for (calls, tokens, millis), mode in zip(case["caps"], case["modes"], strict=True):
        if (calls, tokens, millis) != (None, None, None):
            usd = None if millis is None else Decimal(millis) / 1000
            found.append(Watched(Budget(usd=usd, tokens=tokens, calls=calls, mode=mode), LoopClock()))
    return found


@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_no_budget_is_ever_exceeded(case: dict[str, Any]) -> None:
    async def main() -> None:
        rng = random.Random(case["seed"])
        outer = trackers_of(case)
        clock, queue, ledger = LoopClock(), Queue(), Ledger()
        account = Account(Limits(concurrency=case["slots"]), clock)
        adversary = Adversary(plans(rng), outer)
        current: dict[int, list[Watched]] = {}
        handler = stack(
            adversary,
            LedgerLayer("fake", lambda call: (ledger,), clock),
            RateLimitLayer(account),
            RetryLayer(RetryPolicy(attempts=4, timeout=30.0), account, clock, rng),
            BudgetLayer(
                lambda call: current[id(asyncio.current_task())],
                lambda model: PRICE,
                queue,
                timeout=30.0,
                statistics=UsageStatistics(ledger),
            ),
            AttemptLayer(30.0, account),
            PriceLayer(lambda model: PRICE, clock),
        )
        options = {} if case["max_tokens"] is None else {"max_tokens": case["max_tokens"]}

        async def ask(number: int) -> str:
            current[id(asyncio.current_task())] = outer if number % 3 else outer[:1]
            request, sink = request_of(number, options), (lambda delta: None) if number % 2 else None
            try:
                await handler(Call(request, Scope(sample=number), sink=sink, trace=Trace()))
            except BudgetExceeded:
                return "budget"
            except LMError as error:
                return error.kind
            return "ok"

        tasks = [asyncio.create_task(ask(number)) for number in range(case["count"])]
        for task in tasks:
            if rng.random() < case["cancel"]:
                asyncio.get_running_loop().call_later(rng.random() * 20, task.cancel)
        done, waiting = await asyncio.wait(tasks, timeout=FOR_EVER)
        assert not waiting, f"{len(waiting)} calls wait for ever"
        for task in done:
            if not task.cancelled():
                assert isinstance(task.result(), str)
        assert len(queue) == 0
        for tracker in outer:
            assert tracker.reserved == tracker.at_risk == NOTHING
            tracker.check()
            assert tracker.overshoot == tracker.overshoot_bound
        total = ledger.total
        assert total.attempts == adversary.sent, "the ledger knows of every attempt"
        assert total.tokens + total.failed_tokens == adversary.tokens, "and of every token that came back"
        if outer and len(outer) == 1 and outer[0].uncertain == NOTHING:
            assert outer[0].settled.calls == adversary.sent

    run(main())


@given(seed=st.integers(0, 2**32), tokens=st.integers(400, 3000))
@settings(max_examples=60, deadline=None)
def test_calls_are_refused_only_when_nothing_outstanding_could_make_room(seed: int, tokens: int) -> None:
    """With answers far below their bounds, every call that the actual use leaves room for is served."""

    async def main() -> None:
        rng = random.Random(seed)
        tracker, queue = Watched(Budget(tokens=tokens), LoopClock()), Queue()
        order: list[int] = []

        async def provider(call: Call) -> Reply:
            order.append(call.draw)
            await asyncio.sleep(rng.random())
            return Reply(usage=Usage(input_fresh=5, output_text=5), cost=Decimal(0))

        handler = BudgetLayer(lambda call: [tracker], lambda model: PRICE, queue)(provider)
        request = Request("chat", "fake/m", messages=[{"role": "user", "content": "hi"}], options={"max_tokens": 100})
        calls = [asyncio.create_task(_outcome(handler, Call(request, draw=i))) for i in range(64)]
        outcomes = [await call for call in calls]
        bound = 100 + len(request.canonical) + 32
        served = outcomes.count("ok")
        assert served == min(64, max(0, (tokens - bound) // 10 + 1))
        assert outcomes == ["ok"] * served + ["budget"] * (64 - served), "first come, first served"
        assert order == sorted(order)
        assert tracker.settled == Amount(Decimal(0), 10 * served, served)

    run(main())


async def _outcome(handler: Any, call: Call) -> str:
    try:
        await handler(call)
    except BudgetExceeded:
        return "budget"
    return "ok"


@given(seed=st.integers(0, 2**32), spread=st.integers(1, 60), cap=st.integers(8_000, 60_000))
@settings(max_examples=40, deadline=None)
def test_an_expected_budget_lets_more_out_at_once_and_says_by_how_much_it_may_go_over(
    seed: int, spread: int, cap: int
) -> None:
    """Answers far below their limit, but for one in forty that takes all of it."""

    async def outcome(mode: Any) -> tuple[int, Watched, Amount]:
        rng = random.Random(seed)
        ledger, clock, queue = Ledger(), LoopClock(), Queue()
        tracker = Watched(Budget(tokens=cap, mode=mode), clock)
        out = most = 0
        bounds = NOTHING

        async def provider(call: Call) -> Reply:
            nonlocal out, most, bounds
            out, most = out + 1, max(most, out + 1)
            bounds = bounds.at_least(tracker.overshoot_bound)
            await asyncio.sleep(rng.random())
            out -= 1
            output = 2000 if rng.random() < 0.025 else rng.randrange(1, spread + 1)
            return Reply(usage=Usage(input_fresh=20, output_text=output), cost=Decimal(0), billed=Decimal(0))

        budget_layer = BudgetLayer(
            lambda call: [tracker], lambda model: PRICE, queue, statistics=UsageStatistics(ledger)
        )
        handler = stack(provider, LedgerLayer("fake", lambda call: (ledger,), clock), budget_layer)
        request = Request("chat", "fake/m", messages=[{"role": "user", "content": "hi"}], options={"max_tokens": 2000})
        for turn in range(3):
            calls = [asyncio.create_task(_outcome(handler, Call(request, draw=100 * turn + i))) for i in range(40)]
            for call in calls:
                await call
        tracker.check()
        assert tracker.worst_overshoot.at_least(bounds) == tracker.worst_overshoot, "the worst that anybody could read"
        assert tracker.overshoot.at_most(tracker.worst_overshoot) == tracker.overshoot
        return most, tracker, bounds

    hard, expected = run(outcome("hard")), run(outcome("expected"))
    assert hard[1].overshoot == hard[1].worst_overshoot == NOTHING
    assert expected[0] >= hard[0]
    if expected[0] > hard[0]:
        assert expected[1].settled.calls >= ENOUGH, "until enough is known it is as a hard one"
