"""The share layer: one answer for identical calls in flight, paid for once, whoever leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

import pytest

from synalinks.errors import BudgetExceeded, RateLimited
from synalinks.lm import AttemptCosts
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Request
from synalinks.lm.single_flight import SingleFlightLayer

COST = Decimal("0.01")
where: ContextVar[str] = ContextVar("where", default="nowhere")


def chat(text: str = "hello", temperature: float = 0) -> Request:
    return Request(
        "chat", "ollama/m", messages=[{"role": "user", "content": text}], options={"temperature": temperature}
    )


class Model:
    """Answers when told to; counts calls, cancellations and where it was called from."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.places: list[str] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, call: Call) -> Reply:
        self.calls += 1
        self.places.append(where.get())
        number = self.calls
        if call.sink is not None:
            call.sink(Delta("an"))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # letting go of what it held takes a moment
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        if call.sink is not None:
            call.sink(Delta("swer"))
        return Reply(
            f"answer {number}", cost=COST, billed=COST, attempts=2, failed=AttemptCosts(COST, 9),
            chunks=(Delta("an"), Delta("swer")),
        )  # fmt: skip


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def start(handler: Handler, count: int, call: Call | None = None) -> list[asyncio.Task[Reply]]:
    async def ask() -> Reply:
        return await handler(call or Call(chat()))

    return [asyncio.create_task(ask()) for _ in range(count)]


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main`; an error that nobody heard of fails the test, and no task may be left behind."""
    unheard: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
        await main()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(watched())
    assert unheard == []


def test_identical_calls_in_flight_go_out_once_and_are_paid_once() -> None:
    async def main() -> None:
        model = Model()
        tasks = start(SingleFlightLayer()(model), 5)
        await settle()
        model.go.set()
        replies = [await task for task in tasks]
        assert model.calls == 1
        assert [reply.text for reply in replies] == ["answer 1"] * 5
        assert [reply.source for reply in replies] == ["live"] + ["shared"] * 4
        assert [reply.billed for reply in replies] == [COST] + [0] * 4
        assert [reply.failed.cost for reply in replies] == [COST] + [0] * 4
        assert [reply.cost for reply in replies] == [COST] * 5

    run(main)


def test_later_calls_are_not_shared() -> None:
    async def main() -> None:
        model = Model()
        model.go.set()
        handler = SingleFlightLayer()(model)
        assert [(await handler(Call(chat()))).text for _ in range(2)] == ["answer 1", "answer 2"]

    run(main)


def test_draws_and_different_requests_are_not_shared() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer()(model)
        tasks = start(handler, 3, Call(chat(temperature=0.5))) + start(handler, 1, Call(chat("other")))
        await settle()
        model.go.set()
        assert {(await task).text for task in tasks} == {f"answer {number}" for number in range(1, 5)}

    run(main)


def test_embeddings_are_shared() -> None:
    async def main() -> None:
        model = Model()
        tasks = start(SingleFlightLayer()(model), 2, Call(Request("embed", "ollama/e", texts=["a"])))
        await settle()
        model.go.set()
        assert [(await task).source for task in tasks] == ["live", "shared"]

    run(main)


def test_calls_under_different_cassettes_or_budgets_are_not_shared() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer(lambda call: where.get())(model)
        tasks = start(handler, 1)
        where.set("elsewhere")
        tasks += start(handler, 2)
        await settle()
        model.go.set()
        assert [(await task).source for task in tasks] == ["live", "live", "shared"]

    run(main)


def test_two_stacks_do_not_share() -> None:
    async def main() -> None:
        one, other, layer = Model(), Model(), SingleFlightLayer()
        tasks = start(layer(one), 1) + start(layer(other), 1)
        await settle()
        one.go.set()
        other.go.set()
        assert [(await task).source for task in tasks] == ["live", "live"]

    run(main)


def test_the_call_runs_in_the_context_of_the_first_asker() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer()(model)
        where.set("first")
        tasks = start(handler, 1)
        where.set("second")
        tasks += start(handler, 1)
        await settle()
        model.go.set()
        await asyncio.wait(tasks)
        assert model.places == ["first"]

    run(main)


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_whoever_is_cancelled_leaves_the_others_waiting(leaver: int) -> None:
    async def main() -> None:
        model = Model()
        tasks = start(SingleFlightLayer()(model), 3)
        await settle()
        tasks[leaver].cancel()
        await settle()
        assert tasks[leaver].cancelled()
        assert model.cancelled == 0
        model.go.set()
        stayed = [await task for task in tasks if task is not tasks[leaver]]
        # The bill goes to the first who is still there.
        assert [reply.source for reply in stayed] == ["live", "shared"]
        assert [reply.billed for reply in stayed] == [COST, 0]
        assert model.calls == 1

    run(main)


def test_the_bill_is_passed_on_even_in_the_last_moment() -> None:
    async def main() -> None:
        model = Model()
        tasks = start(SingleFlightLayer()(model), 2)
        await settle()
        model.go.set()
        while tasks[0]._fut_waiter is not None and not tasks[0]._fut_waiter.done():  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        tasks[0].cancel()
        reply = await tasks[1]
        assert tasks[0].cancelled()
        assert (reply.source, reply.billed) == ("live", COST)

    run(main)


def test_when_the_last_one_goes_the_call_is_cancelled_and_seen_out() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer()(model)
        tasks = start(handler, 2)
        await settle()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert model.cancelled == 1
        # Nobody joins a call that was given up.
        again = start(handler, 1)
        await settle()
        model.go.set()
        assert (await again[0]).text == "answer 2"

    run(main)


def test_nobody_joins_a_call_that_is_being_given_up() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer()(model)
        (task,) = start(handler, 1)
        await settle()
        task.cancel()
        await asyncio.sleep(0)  # the cancellation has reached the layer, and the call is letting go
        (late,) = start(handler, 1)
        await settle()
        model.go.set()
        assert (await late).source == "live"
        assert model.calls == 2

    run(main)


def test_a_timeout_around_a_call_works() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer()(model)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await handler(Call(chat()))
        assert model.cancelled == 1

    run(main)


def test_an_error_reaches_everybody_and_its_cost_only_the_first() -> None:
    async def main() -> None:
        model = Model()
        error = model.error = RateLimited("slow down", retry_after=3, reply=Reply("paid for"), uncertain=True)
        error.attempts, error.failed = 3, AttemptCosts(COST, 9)
        tasks = start(SingleFlightLayer()(model), 3)
        await settle()
        model.go.set()
        await asyncio.wait(tasks)
        first, *others = (task.exception() for task in tasks)
        assert first is error
        for other in others:
            assert type(other) is RateLimited
            assert str(other) == "slow down"
            assert (other.retry_after, other.kind, other.source) == (3, "rate_limited", "shared")
            assert (other.attempts, other.failed.cost, other.failed.tokens) == (0, 0, 0)
            assert (other.reply, other.uncertain) == (None, False)
        assert (error.attempts, error.failed.cost, error.source) == (3, COST, "live")

    run(main)


@pytest.mark.parametrize("error", [BudgetExceeded("no"), ZeroDivisionError("a bug")])
def test_other_errors_reach_everybody_as_they_are(error: Exception) -> None:
    async def main() -> None:
        model = Model()
        model.error = error
        tasks = start(SingleFlightLayer()(model), 2)
        await settle()
        model.go.set()
        await asyncio.wait(tasks)
        assert [task.exception() for task in tasks] == [error, error]

    run(main)


def test_an_error_nobody_waits_for_is_not_reported() -> None:
    async def main() -> None:
        async def stubborn(call: Call) -> Reply:
            try:
                return await asyncio.Event().wait() or Reply()
            except asyncio.CancelledError:
                raise ZeroDivisionError from None

        (task,) = start(SingleFlightLayer()(stubborn), 1)
        await settle()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run(main)


def test_the_first_hears_the_stream_and_followers_hear_it_at_the_end() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer()(model)
        heard: list[list[str]] = [[], []]
        tasks = [
            *start(handler, 1, Call(chat(), sink=lambda delta: heard[0].append(delta.text))),
            *start(handler, 1, Call(chat(), sink=lambda delta: heard[1].append(delta.text))),
        ]
        await settle()
        assert heard == [["an"], []]
        model.go.set()
        await asyncio.wait(tasks)
        assert heard == [["an", "swer"], ["an", "swer"]]

    run(main)


def test_one_who_left_hears_nothing_more() -> None:
    async def main() -> None:
        model = Model()
        handler = SingleFlightLayer()(model)
        heard: list[str] = []
        tasks = start(handler, 1, Call(chat(), sink=lambda delta: heard.append(delta.text)))
        tasks += start(handler, 1)
        await settle()
        tasks[0].cancel()
        await settle()
        model.go.set()
        await asyncio.wait(tasks)
        assert heard == ["an"]

    run(main)


def test_a_layer_outlives_its_loop() -> None:
    handlers: list[Callable[[Call], Awaitable[Reply]]] = []
    layer = SingleFlightLayer()

    async def below(call: Call) -> Reply:
        await asyncio.sleep(0)
        return Reply("fine")

    handlers.append(layer(below))

    async def abandoned() -> None:
        start(handlers[0], 1)  # still in flight when its loop ends
        await asyncio.sleep(0)

    async def main() -> None:
        assert (await handlers[0](Call(chat()))).source == "live"

    asyncio.run(abandoned())
    run(main)
