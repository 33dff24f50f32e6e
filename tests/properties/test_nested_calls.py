"""Calls made while another is being answered: nobody waits for itself, and no budget is exceeded."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lm.virtual import LoopClock, run
from synalinks.errors import BudgetExceeded
from synalinks.lm.budget.layer import NOTHING, Budget, BudgetLayer, BudgetTracker, Queue
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.pricing.pricing import Price

PRICE = Price(input=Decimal(1), output=Decimal(1))


@given(
    seed=st.integers(0, 2**32),
    tokens=st.integers(200, 6000),
    inner_tokens=st.one_of(st.none(), st.integers(200, 3000)),
    count=st.integers(1, 24),
    depth=st.integers(1, 3),
    max_tokens=st.sampled_from([None, 1, 100, 400]),
)
@settings(max_examples=80, deadline=None)
def test_nobody_waits_for_itself(
    seed: int, tokens: int, inner_tokens: int | None, count: int, depth: int, max_tokens: int | None
) -> None:
    async def main() -> None:
        rng, queue, clock = random.Random(seed), Queue(), LoopClock()
        outer = BudgetTracker(Budget(tokens=tokens), clock, "outer")
        both = [outer] if inner_tokens is None else [outer, BudgetTracker(Budget(tokens=inner_tokens), clock, "inner")]
        options = {} if max_tokens is None else {"max_tokens": max_tokens}
        open_to: dict[int, list[BudgetTracker]] = {}

        async def provider(call: Call) -> Reply:
            for tracker in both:
                assert (tracker.settled + tracker.reserved).tokens <= (tracker.budget.tokens or 0)
            await asyncio.sleep(rng.random())
            level = call.draw
            if level < depth and rng.random() < 0.7:
                for _ in range(rng.randrange(1, 3)):
                    await handler(Call(call.request, draw=level + 1))
            limit = call.output_limit or 0
            size = len(call.request.canonical)
            return Reply(usage=Usage(rng.randrange(size), output_text=rng.randrange(limit + 1)), cost=Decimal(0))

        handler = BudgetLayer(lambda call: open_to[id(asyncio.current_task())], lambda model: PRICE, queue)(provider)

        async def ask(number: int) -> str:
            open_to[id(asyncio.current_task())] = both if number % 2 else both[:1]
            request = Request("chat", "fake/m", messages=[{"role": "user", "content": f"{number}"}], options=options)
            try:
                await handler(Call(request))
            except BudgetExceeded:
                return "budget"
            return "ok"

        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(ask(number)) for number in range(count)]
        for task in tasks:
            if rng.random() < 0.1:
                asyncio.get_running_loop().call_later(rng.random() * 3, task.cancel)
        done, waiting = await asyncio.wait(tasks, timeout=100_000)
        assert not waiting, f"{len(waiting)} wait for ever"
        assert all(task.cancelled() or task.result() in ("ok", "budget") for task in done)
        assert len(queue) == 0
        assert all(tracker.reserved == NOTHING for tracker in both)

    run(main())
