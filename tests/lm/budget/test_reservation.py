"""Calls that are made to answer another call of the same budget: they never wait for it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lm.virtual import run
from synalinks._concurrency import SystemClock
from synalinks.errors import BudgetExceeded
from synalinks.lm import Client, use_budget, use_provider
from synalinks.lm.budget.layer import NOTHING, Budget, BudgetLayer, BudgetTracker, Queue
from synalinks.lm.budget.upper_bound import needs_of
from synalinks.lm.cassette.layer import CassetteLayer
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.pricing.pricing import Price

PRICE = Price(input=Decimal(1), output=Decimal(1))


def chat(text: str, **options: Any) -> Request:
    return Request("chat", "fake/m", messages=[{"role": "user", "content": text}], options=options)


def bound(request: Request) -> int:
    return needs_of(request, PRICE, []).amount(request.output_limit or 0).tokens


class Router:
    """A stand-in that answers a call by asking another, through the same budget layer."""

    def __init__(self, left: BudgetTracker, inner: Request, queue: Queue | None = None) -> None:
        self.inner = inner
        self.sent: list[str] = []
        self.handler = BudgetLayer(lambda call: [left], lambda model: PRICE, queue or Queue())(self)

    async def __call__(self, call: Call) -> Reply:
        text = call.request.messages[0]["content"]
        self.sent.append(text)
        await asyncio.sleep(1)
        if text == "outer":
            return await self.handler(Call(self.inner))
        return Reply(text=text, usage=Usage(5, output_text=5), cost=Decimal(0))


def tracker(tokens: int) -> BudgetTracker:
    return BudgetTracker(Budget(tokens=tokens), SystemClock(), "budget of the test")


def test_a_call_inside_another_is_held_to_the_same_budget_beside_it() -> None:
    outer, inner = chat("outer", max_tokens=50), chat("inner", max_tokens=50)
    left = tracker(bound(outer) + bound(inner))
    assert run(Router(left, inner).handler(Call(outer))).text == "inner"
    assert left.settled.calls == 2
    assert left.reserved == NOTHING


def test_one_that_would_wait_for_the_call_it_is_part_of_is_refused_and_told_why() -> None:
    outer, inner = chat("outer", max_tokens=50), chat("inner", max_tokens=50)
    left = tracker(bound(outer) + bound(inner) - 1)
    router = Router(left, inner)

    async def main() -> None:
        async with asyncio.timeout(1000):
            await router.handler(Call(outer))

    with pytest.raises(
        BudgetExceeded, match=r"made while another is being answered: up to .* can't end before it"
    ) as e:
        run(main())
    assert "max_tokens" in str(e.value)
    assert router.sent == ["outer"]
    assert left.reserved == NOTHING
    assert left.refused is None, "the budget goes on: others fit"


def test_a_refusal_inside_is_that_of_the_call_around_it_on_a_cassette(tmp_path: Path) -> None:
    """In a replay the stand-in is not asked, so the cassette has to say that its call came to nothing."""
    outer, inner = chat("outer", max_tokens=50), chat("inner", max_tokens=50)

    def ask(mode: str) -> str:
        left = tracker(bound(outer) + bound(inner) - 1)
        with Cassette(tmp_path / "cassette.jsonl", mode) as cassette:
            router = Router(left, inner)
            budget_layer = BudgetLayer(lambda call: [left], lambda model: PRICE, Queue())
            router.handler = CassetteLayer(lambda call: cassette, budgets=lambda call: [left.to_dict()])(
                budget_layer(router)
            )
            with pytest.raises(BudgetExceeded) as refused:
                run(router.handler(Call(outer)))
        return str(refused.value)

    assert ask("once") == ask("none")


def test_it_goes_before_calls_that_wait_for_the_one_it_is_part_of() -> None:
    """A big one came before and waits for room; the inner call would fit, and must not stand behind it."""

    async def main() -> None:
        outer, inner, big = chat("outer", max_tokens=50), chat("inner", max_tokens=50), chat("big", max_tokens=400)
        left = tracker(bound(big) + 30)
        router = Router(left, inner)
        tasks = [asyncio.create_task(_ask(router.handler, request)) for request in (outer, big)]
        async with asyncio.timeout(1000):
            assert [await task for task in tasks] == ["inner", "big"]
        assert router.sent == ["outer", "inner", "big"]

    run(main())


def test_it_waits_for_calls_that_can_end() -> None:
    async def main() -> None:
        other, outer, inner = (chat(name, max_tokens=50) for name in ("other", "outer", "inner"))
        left = tracker(bound(outer) + bound(other) + 20)
        router = Router(left, inner)
        tasks = [asyncio.create_task(_ask(router.handler, request)) for request in (outer, other)]
        async with asyncio.timeout(1000):
            assert [await task for task in tasks] == ["inner", "other"]

    run(main())


def test_two_that_wait_for_each_other_are_told_apart_one_is_refused_and_the_other_served() -> None:
    async def main() -> None:
        outer, inner = chat("outer", max_tokens=50), chat("inner", max_tokens=50)
        left = tracker(2 * bound(outer) + 20)
        router = Router(left, inner)
        tasks = [asyncio.create_task(_ask(router.handler, outer)) for _ in range(2)]
        async with asyncio.timeout(1000):
            assert sorted([await task for task in tasks]) == ["inner", "refused"]
        assert left.reserved == NOTHING

    run(main())


async def _ask(handler: Any, request: Request) -> str:
    try:
        return (await handler(Call(request))).text
    except BudgetExceeded:
        return "refused"


def test_a_stand_in_that_asks_models_itself() -> None:
    """The whole stack: `use_provider` with a handler that asks two models and takes the better answer."""
    ask = {name: Client(f"scripted/{name}") for name in ("one", "two", "both")}

    async def handler(call: Call) -> Reply:
        name = call.request.model.partition("/")[2]
        if name != "both":
            return Reply(text=f"{name} says so", usage=Usage(3, output_text=3), finish="stop")
        texts = []
        for other in ("one", "two"):
            request = Request("chat", f"scripted/{other}", messages=call.request.messages, options={"max_tokens": 20})
            texts.append((await ask[other].send(request)).text)
        return Reply(text=max(texts), usage=Usage(3, output_text=3), finish="stop")

    async def main(budget: Budget) -> str:
        messages = [{"role": "user", "content": "?"}]
        with use_provider(handler), use_budget(budget):
            return (await ask["both"].send(Request("chat", "scripted/both", messages=messages))).text

    assert asyncio.run(main(Budget(calls=3))) == "two says so"
    with pytest.raises(BudgetExceeded, match="2 calls|1 call"):
        asyncio.run(main(Budget(calls=2)))
    with pytest.raises(BudgetExceeded, match="Give the outer model max_tokens"):
        asyncio.run(main(Budget(tokens=600)))
