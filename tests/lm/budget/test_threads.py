"""A budget around threads that inherit no context, each with its event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from synalinks.errors import BudgetExceeded
from synalinks.lm import Client, Request, use_budget, use_provider
from synalinks.lm.budget.layer import Budget
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.lm.runtime import current

MODEL = "ollama/m"


async def ask(client: Client, number: int) -> str:
    request = Request("chat", MODEL, messages=[{"role": "user", "content": f"{number}"}])
    try:
        return (await client.send(request)).text
    except BudgetExceeded:
        return "refused"


def on_threads(count: int, each: int) -> list[str]:
    """Threads of a script's own, each with its event loop, which inherit nothing."""
    client, outcomes = Client(MODEL), []

    async def main(first: int) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(client, first + i)) for i in range(each)]
        outcomes.extend(task.result() for task in tasks)

    threads = [threading.Thread(target=lambda n=n: asyncio.run(main(n * each))) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return outcomes


def test_a_budget_holds_the_threads_that_are_started_in_its_block_together() -> None:
    with use_provider(ScriptedProvider(lambda call: "yes")) as provider:
        with use_budget(Budget(calls=5)) as tracker:
            assert sorted(on_threads(4, 3)) == ["refused"] * 7 + ["yes"] * 5
            assert asyncio.run(ask(Client(MODEL), 99)) == "refused"
        assert asyncio.run(ask(Client(MODEL), 100)) == "yes"
    assert tracker.settled.calls == 5
    assert len(provider.calls) == 6
    assert current().trackers == ()


def test_it_is_the_outermost_and_counts_beside_others() -> None:
    with use_budget(Budget(calls=9)) as outer, use_budget(Budget(calls=2)) as inner:
        assert current().trackers == (outer, inner)
        with use_provider(ScriptedProvider(lambda call: "yes")):
            found = [asyncio.run(ask(Client(MODEL), number)) for number in range(3)]
        assert found == ["yes", "yes", "refused"]
        assert (outer.settled.calls, inner.settled.calls) == (2, 2)


def test_two_may_be_open_and_close_in_any_order() -> None:
    one, two = use_budget(Budget(calls=1)), use_budget(Budget(calls=2))
    first = one.__enter__()
    second = two.__enter__()
    assert current().trackers == (first, second)
    one.__exit__(None, None, None)
    assert current().trackers == (second,)
    two.__exit__(None, None, None)
    assert current().trackers == ()


def test_it_ends_with_an_error_too() -> None:
    with pytest.raises(KeyError), use_budget(Budget(calls=1)):
        raise KeyError("a bug")
    assert current().trackers == ()
