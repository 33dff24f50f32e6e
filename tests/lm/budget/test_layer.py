"""The budget layer: what is reserved, what waits, what is refused, what is capped, and what a replay counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lm.virtual import LoopClock, run
from synalinks import _json
from synalinks._concurrency import SystemClock
from synalinks.errors import (
    BadReply,
    BudgetExceeded,
    CallTimeout,
    CassetteMiss,
    ConfigurationError,
    SampleRefused,
    SynalinksError,
)
from synalinks.lm import AttemptCosts
from synalinks.lm.budget.answer_cap import FIRST_CAP
from synalinks.lm.budget.layer import NOTHING, Amount, Budget, BudgetLayer, BudgetTracker, Queue
from synalinks.lm.budget.media_tokens import ANY_IMAGE
from synalinks.lm.budget.upper_bound import MESSAGE_ALLOWANCE, TOOLS_ALLOWANCE, needs_of
from synalinks.lm.cache.per_text import PerTextLayer
from synalinks.lm.cassette.layer import CassetteLayer
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Handler, Reply, Request, Usage, stack
from synalinks.lm.pricing.pricing import FREE, Price
from synalinks.lm.providers.ollama.requests import chat_payload
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy
from synalinks.scope import Scope

DEAR = Price(input=Decimal(1), output=Decimal(2))


def chat(text: str = "hi", temperature: float | None = None, **options: Any) -> Request:
    if temperature is not None:
        options["temperature"] = temperature
    return Request("chat", "fake/m", messages=[{"role": "user", "content": text}], options=options)


def prompt_bound(request: Request) -> int:
    return len(request.canonical) + MESSAGE_ALLOWANCE * (len(request.messages) + 1)


def tracker(clock: Any = None, **caps: Any) -> BudgetTracker:
    return BudgetTracker(Budget(**caps), clock or SystemClock())


def budget_layer(
    *trackers: BudgetTracker, price: Price | None = DEAR, queue: Queue | None = None, **more: Any
) -> BudgetLayer:
    return BudgetLayer(lambda call: trackers, lambda model: price, Queue() if queue is None else queue, **more)


def recorder(cassette: Cassette | None, *trackers: BudgetTracker) -> CassetteLayer:
    return CassetteLayer(lambda call: cassette, budgets=lambda call: [tracker.to_dict() for tracker in trackers])


def on_cassette(provider: Handler, cassette: Cassette | None, *trackers: BudgetTracker) -> Handler:
    """The layers between which a recorded call passes, as the stack has them."""
    return stack(
        provider,
        PerTextLayer(lambda call: cassette is not None),
        recorder(cassette, *trackers),
        budget_layer(*trackers),
    )


class Provider:
    """Answers with 10 + 5 tokens when let go."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.calls: list[Call] = []
        self.reply = reply or Reply(text="{}", usage=Usage(10, output_text=5), cost=Decimal("0.00002"), finish="stop")
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        await self.go.wait()
        return self.reply


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def start(handler: Handler, *calls: Call) -> list[asyncio.Task[Reply]]:
    async def ask(call: Call) -> Reply:
        return await handler(call)

    return [asyncio.create_task(ask(call)) for call in calls]


def now(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


# --- budgets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "caps nothing"),
        ({"usd": -1}, "not negative"),
        ({"usd": "a lot"}, "not an amount of money"),
        ({"usd": float("nan")}, "finite"),
        ({"calls": -1}, "0 or more"),
        ({"calls": 1.5}, "whole number"),
        ({"tokens": True}, "whole number"),
        ({"seconds": -0.1}, "0 or more"),
        *(({"seconds": wrong}, "number of seconds") for wrong in (True, "60", float("nan"), float("inf"))),
        *(({name: wrong}, "whole number") for name in ("tokens", "calls") for wrong in (False, "5", float("inf"))),
        ({"usd": True}, "not an amount of money"),
        ({"usd": 1, "unpriced": "ignore"}, "'raise' or 'free'"),
        ({"per_epoch": 0.5}, "Budget"),
        ({"per_epoch": Budget(calls=1, per_epoch=Budget(calls=1))}, "can't have one itself"),
        ({"usd": 1, "per_epoch": Budget(usd=2)}, "more than the run"),
    ],
)
def test_a_budget_that_cant_be_right_says_so(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Budget(**arguments)


def test_an_amount_is_a_budget_in_exact_dollars() -> None:
    assert Budget.of(0.1).usd == Decimal("0.1")
    assert Budget.of("0.50") == Budget(usd="0.50")
    assert Budget.of(Budget(calls=3)) == Budget(calls=3)
    assert Budget(per_epoch=Budget(calls=3)).caps == {}


# --- bounds -----------------------------------------------------------------------------------------------


def test_a_prompt_is_bounded_by_its_bytes_and_allowances() -> None:
    text = "äöü" * 10
    plain = needs_of(chat(text, max_tokens=7), DEAR, [])
    assert plain.prompt == prompt_bound(chat(text, max_tokens=7)) >= len(text.encode())
    assert plain.amount(7) == Amount((plain.prompt + 2 * 7) / Decimal(1_000_000), plain.prompt + 7, 1)
    tools = Request("chat", "fake/m", messages=[{"role": "user", "content": "x"}], tools=[{"name": "f"}])
    assert needs_of(tools, DEAR, []).prompt == prompt_bound(tools) + TOOLS_ALLOWANCE
    parts = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    image = Request("chat", "fake/m", messages=[{"role": "user", "content": parts}])
    assert needs_of(image, DEAR, []).prompt == prompt_bound(image) + ANY_IMAGE


@pytest.mark.parametrize("price", [DEAR, Price(input=Decimal(1)), Price(), None])
@pytest.mark.parametrize("caps", [{"calls": 1}, {"usd": 1}, {"tokens": 99}, {"usd": 1, "tokens": 99}, {"seconds": 9}])
def test_an_answer_is_limited_where_there_is_room_for_so_many_tokens_only(
    price: Price | None, caps: dict[str, float]
) -> None:
    open_ones = [tracker(**caps, unpriced="free")]
    needs = needs_of(chat(), price, open_ones)
    assert needs.limits_answer(open_ones) == (needs.room(open_ones) is not None)


def test_every_name_of_a_limit_counts_and_the_least_wins() -> None:
    assert chat(max_tokens=50, num_predict=20).output_limit == 20
    assert chat(max_completion_tokens=9).output_limit == 9
    assert chat(num_predict=-1).output_limit is None
    assert chat(max_tokens=None).output_limit is None


def test_without_a_limit_the_answer_is_capped_at_what_is_left() -> None:
    request = chat()
    provider = Provider()
    left = tracker(tokens=prompt_bound(request) + 30)
    asyncio.run(budget_layer(left)(provider)(Call(request)))
    assert provider.calls[0].output_cap == 30
    assert provider.calls[0].output_limit == 30
    in_dollars = tracker(usd=(prompt_bound(request) + 2 * 25) / Decimal(1_000_000) + Decimal("1e-12"))
    asyncio.run(budget_layer(in_dollars)(provider)(Call(request)))
    assert provider.calls[1].output_cap == 25
    asyncio.run(budget_layer(tracker(tokens=10**9))(provider)(Call(request)))
    assert provider.calls[2].output_cap == FIRST_CAP
    asyncio.run(budget_layer(tracker(calls=5))(provider)(Call(request)))
    assert provider.calls[3].output_cap is None, "nothing that is capped depends on the answer's length"


def test_the_callers_own_limit_is_reserved_and_not_changed() -> None:
    provider = Provider()
    request = chat(max_tokens=30)
    left = tracker(tokens=prompt_bound(request) + 30)
    asyncio.run(budget_layer(left)(provider)(Call(request)))
    assert provider.calls[0].output_cap is None
    assert provider.calls[0].output_limit == 30
    with pytest.raises(BudgetExceeded, match="up to .* tokens needed"):
        asyncio.run(budget_layer(tracker(tokens=prompt_bound(request) + 29))(provider)(Call(request)))


def test_the_cap_is_what_is_left_when_the_call_is_served_not_when_it_came() -> None:
    """Or a second call would be refused for wanting all that was left before the first settled."""

    async def main() -> None:
        provider, left = Provider(), tracker(tokens=1000)
        calls = start(budget_layer(left)(provider), Call(chat(), draw=0), Call(chat(), draw=1))
        for call in calls:
            await call
        assert [call.output_cap for call in provider.calls] == [
            1000 - prompt_bound(chat()),
            1000 - 15 - prompt_bound(chat()),
        ]

    now(main)


def test_an_input_price_alone_is_reserved_too() -> None:
    provider, price = Provider(), Price(input=Decimal(1))
    with pytest.raises(BudgetExceeded, match=r"up to \$"):
        asyncio.run(budget_layer(tracker(usd="0.000001"), price=price)(provider)(Call(chat())))
    assert not provider.calls


def test_time_that_is_paid_by_the_hour_is_bounded_by_the_time_out() -> None:
    price = Price(per_hour=Decimal(36))
    needs = needs_of(chat(max_tokens=5), price, [tracker(usd=1)], timeout=9.0)
    assert needs.amount(5).usd == Decimal("0.1"), "10 s at a cent a second: the time-out and a second of slack"
    with pytest.raises(ConfigurationError, match="give the model a timeout"):
        needs_of(chat(), price, [tracker(usd=1)], timeout=None)


def test_an_unknown_price_raises_before_the_first_call() -> None:
    provider = Provider()
    with pytest.raises(ConfigurationError, match=r"price is unknown.*set_price\('fake/m'"):
        asyncio.run(budget_layer(tracker(usd=1), price=None)(provider)(Call(chat())))
    assert not provider.calls
    asyncio.run(budget_layer(tracker(usd=1, unpriced="free"), price=None)(provider)(Call(chat())))
    asyncio.run(budget_layer(tracker(calls=1), price=None)(provider)(Call(chat())))
    assert len(provider.calls) == 2


# --- waiting and refusing -----------------------------------------------------------------------------------


def test_a_call_that_does_not_fit_waits_for_those_that_are_out() -> None:
    async def main() -> None:
        provider, request = Provider(), chat(max_tokens=100)
        provider.go.clear()
        left = tracker(tokens=prompt_bound(request) + 120)
        tasks = start(budget_layer(left)(provider), Call(request), Call(request, draw=1))
        await settle()
        assert len(provider.calls) == 1
        provider.go.set()
        for task in tasks:
            await task
        assert left.settled == Amount(Decimal("0.00004"), 30, 2)
        assert left.reserved == NOTHING

    now(main)


def test_what_can_never_fit_is_refused_at_once_and_by_name() -> None:
    async def main() -> None:
        provider, request = Provider(), chat(max_tokens=100)
        provider.go.clear()
        left = BudgetTracker(Budget(tokens=prompt_bound(request) + 100), SystemClock(), "budget of demo.fit")
        first, second = start(budget_layer(left)(provider), Call(request), Call(chat(max_tokens=700)))
        await settle()
        assert second.done(), "nothing that is out could make room"
        with pytest.raises(BudgetExceeded, match=r"^the budget of demo.fit is used up: up to 848 tokens needed"):
            await second
        provider.go.set()
        await first

    now(main)


def test_a_refusal_ends_the_budget_until_it_is_reopened() -> None:
    provider, left = Provider(), tracker(calls=1)
    handler = budget_layer(left)(provider)
    asyncio.run(handler(Call(chat())))
    errors = []
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="1 call needed, 0 of 1 left") as caught:
            asyncio.run(handler(Call(chat())))
        errors.append(caught.value)
    assert errors[0] is not errors[1], "each caller gets an error of its own to raise"
    assert left.refused is not None
    left.settled = NOTHING
    left.reopen()
    asyncio.run(handler(Call(chat())))


def test_a_budget_remembers_where_it_ended_something_first() -> None:
    outer, inner = tracker(calls=5), tracker(calls=1)
    handler = budget_layer(outer, inner)(Provider())
    asyncio.run(handler(Call(chat(), Scope(sample=1))))
    assert inner.ended is None
    for sample in (2, 3):
        with pytest.raises(BudgetExceeded):
            asyncio.run(handler(Call(chat(), Scope(sample=sample))))
        inner.reopen()
    assert (outer.ended, inner.ended) == (None, "at sample=2")


def test_an_answer_that_a_budget_cut_short_ended_it_there() -> None:
    async def provider(call: Call) -> Reply:
        raise SampleRefused("cut", kind="length", reply=CUT)

    wide, tight = tracker(tokens=10**6), cut_budget()
    with pytest.raises(BudgetExceeded):
        asyncio.run(budget_layer(wide, tight)(provider)(Call(chat(), Scope(sample=4))))
    assert (wide.ended, tight.ended) == (None, "at sample=4")


def test_what_is_set_aside_is_not_given_to_ordinary_calls() -> None:
    left = tracker(calls=5)
    left.aside = Amount(calls=5)
    with pytest.raises(BudgetExceeded, match="5 calls of the rest is kept for later"):
        asyncio.run(budget_layer(left)(Provider())(Call(chat())))
    left.aside = NOTHING
    left.reopen()
    asyncio.run(budget_layer(left)(Provider())(Call(chat())))


def test_first_come_first_served_also_for_small_calls() -> None:
    async def main() -> None:
        provider, big, small = Provider(), chat(max_tokens=500), chat("small", max_tokens=1)
        provider.go.clear()
        left = tracker(tokens=prompt_bound(big) + 500 + prompt_bound(small))
        tasks = start(budget_layer(left)(provider), Call(big), Call(big, draw=1), Call(small, draw=2))
        await settle()
        assert [call.draw for call in provider.calls] == [0], "the small call does not overtake the big one"
        provider.go.set()
        for task in tasks:
            await task
        assert [call.draw for call in provider.calls] == [0, 1, 2]

    now(main)


def test_a_call_waits_only_behind_those_that_share_a_budget_with_it() -> None:
    async def main() -> None:
        mine, yours, queue, provider = tracker(calls=1), tracker(calls=5), Queue(), Provider()
        provider.go.clear()
        tasks = start(budget_layer(mine, queue=queue)(provider), Call(chat()), Call(chat(), draw=1))
        await settle()
        tasks += start(budget_layer(yours, queue=queue)(provider), Call(chat(), draw=2))
        await settle()
        assert [call.draw for call in provider.calls] == [0, 2]
        provider.go.set()
        assert isinstance((await asyncio.wait(tasks))[0], set)
        assert isinstance(tasks[1].exception(), BudgetExceeded)

    now(main)


def test_nested_budgets_hold_both() -> None:
    async def main() -> None:
        outer, inner, provider = tracker(calls=3), tracker(calls=2), Provider()
        handler = budget_layer(outer, inner)(provider)
        await handler(Call(chat()))
        await handler(Call(chat()))
        with pytest.raises(BudgetExceeded):
            await handler(Call(chat()))
        assert (outer.settled.calls, inner.settled.calls) == (2, 2)
        assert inner.refused is not None
        assert outer.refused is None
        await budget_layer(outer)(provider)(Call(chat()))

    now(main)


def test_who_waits_for_two_budgets_is_not_overtaken_by_who_waits_for_one_of_them() -> None:
    async def main() -> None:
        events: dict[int, asyncio.Event] = {number: asyncio.Event() for number in range(4)}
        order: list[int] = []

        async def provider(call: Call) -> Reply:
            order.append(call.draw)
            await events[call.draw].wait()
            return Provider().reply

        small, big = chat(max_tokens=10), chat(max_tokens=500)
        little, much = (
            needs_of(request, DEAR, []).amount(limit).tokens for request, limit in ((small, 10), (big, 500))
        )
        outer, inner, queue = tracker(tokens=much + little + 15), tracker(calls=9), Queue()
        both, one = budget_layer(outer, inner, queue=queue)(provider), budget_layer(outer, queue=queue)(provider)
        tasks = start(one, Call(small), Call(big, draw=1))
        await settle()
        tasks += start(both, Call(big, draw=2))
        await settle()
        tasks += start(one, Call(small, draw=3))
        events[0].set()  # now the small call would fit, and the big one before it would not
        await settle()
        assert order == [0, 1]
        for event in events.values():
            event.set()
        await asyncio.wait(tasks)
        assert order[:3] == [0, 1, 2]

    now(main)


def test_the_time_cap() -> None:
    async def main() -> None:
        clock = LoopClock()
        left, provider = tracker(clock, seconds=10), Provider()
        await budget_layer(left)(provider)(Call(chat()))
        await clock.sleep(11)
        with pytest.raises(BudgetExceeded, match="the time cap of 10 s has passed"):
            await budget_layer(left)(provider)(Call(chat()))
        assert len(provider.calls) == 1

    run(main())


def test_one_that_waits_and_is_cancelled_lets_the_next_pass() -> None:
    async def main() -> None:
        provider, queue, request = Provider(), Queue(), chat(max_tokens=100)
        provider.go.clear()
        left = tracker(tokens=prompt_bound(request) + 120)
        tasks = start(budget_layer(left, queue=queue)(provider), *(Call(request, draw=i) for i in range(3)))
        await settle()
        tasks[1].cancel()
        await settle()
        assert len(queue) == 1
        provider.go.set()
        await tasks[2]
        assert tasks[1].cancelled()
        assert (left.reserved, left.settled.calls, len(queue)) == (NOTHING, 2, 0)

    now(main)


def test_one_cancelled_at_the_moment_it_is_served_gives_back_what_it_got() -> None:
    async def main() -> None:
        provider, left = Provider(), tracker(calls=1)
        provider.go.clear()
        first, second = start(budget_layer(left)(provider), Call(chat()), Call(chat(), draw=1))
        await settle()
        left.budget = Budget(calls=5)  # so that the next to settle makes room for the second
        second_served = asyncio.get_running_loop().create_future()
        provider.go.set()
        first.add_done_callback(lambda _: (second.cancel(), second_served.set_result(None)))
        await first
        await second_served
        await asyncio.wait([second])
        assert left.reserved == NOTHING

    now(main)


def test_budgets_are_shared_by_threads() -> None:
    """Each thread has its event loop; together they keep to one budget, and whoever waits is woken."""
    left, queue, request = tracker(calls=40), Queue(), chat(max_tokens=1)
    outcomes: list[str] = []

    async def provider(call: Call) -> Reply:
        assert (left.settled + left.reserved).calls <= 40
        await asyncio.sleep(0.0005)
        return Reply(usage=Usage(1, output_text=1), cost=Decimal(0))

    async def ask(handler: Handler) -> None:
        try:
            await handler(Call(request))
            outcomes.append("ok")
        except BudgetExceeded:
            outcomes.append("budget")

    async def main() -> None:
        handler = budget_layer(left, queue=queue)(provider)
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(ask(handler))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "somebody waits for ever"
    assert sorted(outcomes) == ["budget"] * 40 + ["ok"] * 40
    assert left.reserved == NOTHING


# --- settling -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "settled", "uncertain"),
    [
        (CallTimeout("lost", uncertain=True), None, True),
        (
            SampleRefused("no", reply=Reply(usage=Usage(3, output_text=4), cost=Decimal("0.5"))),
            (Decimal("0.5"), 7),
            False,
        ),
        (ConfigurationError("nothing was sent"), (Decimal(0), 0), False),
        (asyncio.CancelledError(), None, True),
        (ValueError("a bug"), None, True),
    ],
)
def test_what_a_failure_settles_at(error: BaseException, settled: Any, uncertain: bool) -> None:
    async def provider(call: Call) -> Reply:
        raise error

    request, left = chat(max_tokens=50), tracker(tokens=10_000)
    with pytest.raises(type(error)):
        asyncio.run(budget_layer(left)(provider)(Call(request)))
    bound = needs_of(request, DEAR, []).amount(50)
    if settled is None:
        assert left.settled == bound
    else:
        assert (left.settled.usd, left.settled.tokens) == settled
    assert (left.uncertain == bound) is uncertain
    assert left.reserved == NOTHING


def test_an_answer_without_a_count_settles_at_its_bound_where_that_is_capped() -> None:
    reply = Reply(text="{}", cost=Decimal("0.01"))
    strict, loose = tracker(tokens=10_000), tracker(calls=10)
    asyncio.run(budget_layer(strict)(Provider(reply))(Call(chat(max_tokens=50))))
    asyncio.run(budget_layer(loose)(Provider(reply))(Call(chat(max_tokens=50))))
    assert strict.uncertain == strict.settled != NOTHING
    assert loose.uncertain == NOTHING


def retrying(provider: Handler, *trackers: BudgetTracker, slots: int | None = None) -> Handler:
    clock = LoopClock()
    account = Account(Limits(concurrency=slots), clock)
    return stack(
        provider,
        RateLimitLayer(account),
        RetryLayer(RetryPolicy(attempts=4, bad_reply_attempts=4), account, clock),
        budget_layer(*trackers),
    )


def test_every_attempt_is_reserved_and_settled() -> None:
    bad = Reply(text="torn", usage=Usage(10, output_text=5), cost=Decimal("0.3"))
    script: list[Any] = [BadReply("torn", reply=bad), CallTimeout("lost", uncertain=True), Provider().reply]

    async def provider(call: Call) -> Reply:
        outcome = script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    async def main() -> None:
        left, request = tracker(calls=10), chat(max_tokens=50)
        reply = await retrying(provider, left)(Call(request))
        bound = needs_of(request, DEAR, []).amount(50)
        assert left.settled == Amount(Decimal("0.30002"), 30, 2) + bound
        assert (left.uncertain, left.reserved) == (bound, NOTHING)
        assert (reply.attempts, reply.failed.uncertain, reply.failed.cost) == (3, 1, None)

    run(main())


def test_an_attempt_that_does_not_fit_is_refused_with_what_was_spent_before_it() -> None:
    async def provider(call: Call) -> Reply:
        raise CallTimeout("lost", uncertain=True)

    async def main() -> None:
        left = tracker(calls=2)
        with pytest.raises(BudgetExceeded) as caught:
            await retrying(provider, left)(Call(chat(max_tokens=5)))
        cause = caught.value.__cause__
        assert isinstance(cause, CallTimeout)
        assert cause.attempts == 2
        assert left.settled.calls == 2

    run(main())


def test_a_call_that_waits_for_room_keeps_no_slot_from_those_who_make_it() -> None:
    """One slot; the big call waits for the outer one to settle, whose inner call needs the slot."""

    async def main() -> None:
        left, sent = tracker(tokens=900), []

        async def provider(call: Call) -> Reply:
            sent.append(text := call.request.messages[0]["content"])
            await asyncio.sleep(1)
            return await handler(Call(chat("inner", max_tokens=20))) if text == "outer" else Provider().reply

        handler = retrying(provider, left, slots=1)
        tasks = start(handler, Call(chat("outer", max_tokens=200)), Call(chat("big", max_tokens=500)))
        async with asyncio.timeout(1000):
            for task in tasks:
                await task
        assert sent == ["outer", "inner", "big"]
        assert left.reserved == NOTHING

    run(main())


def test_what_waited_for_room_is_admitted_anew_by_the_rates() -> None:
    """Needs a turn of its own after the wait: those of before it would let all go out at one moment."""

    async def main() -> None:
        at: list[float] = []
        clock, left = LoopClock(), tracker(tokens=50_000)

        async def provider(call: Call) -> Reply:
            at.append(clock.now())
            await asyncio.sleep(100 if len(at) == 1 else 0)
            return Provider().reply

        account = Account(Limits(rpm=60), clock)
        handler = stack(provider, RateLimitLayer(account), budget_layer(left))
        calls = [Call(chat("big", max_tokens=49_000)), *(Call(chat(f"{i}", max_tokens=1500)) for i in range(20))]
        for task in start(handler, *calls):
            await task
        assert at[-1] - at[1] > 10, "a tenth of a minute's at once, then one a second"

    run(main())


def test_a_back_off_holds_no_room_and_a_retry_keeps_its_place_in_line() -> None:
    async def main() -> None:
        order: list[int] = []

        async def provider(call: Call) -> Reply:
            order.append(call.draw)
            await asyncio.sleep(10)
            if len(order) == 1:
                raise CallTimeout("lost")  # certain: nothing was billed
            return Provider().reply

        left = tracker(tokens=needs_of(chat(max_tokens=50), DEAR, []).amount(50).tokens + 60)
        tasks = start(retrying(provider, left), *(Call(chat(max_tokens=50), draw=i) for i in range(4)))
        for task in tasks:
            await task
        assert order == [0, 1, 0, 2, 3]

    run(main())


# --- an answer that the cap cut short -------------------------------------------------------------------------

CUT = Reply(text="once upon", usage=Usage(10, output_text=30), cost=Decimal(0), finish="length")


def cut_budget() -> BudgetTracker:
    return tracker(tokens=prompt_bound(chat()) + 30)


def test_a_failure_that_the_cap_made_is_the_budgets_end_and_not_a_bad_score() -> None:
    async def provider(call: Call) -> Reply:
        raise SampleRefused("cut", kind="length", reply=CUT)

    with pytest.raises(BudgetExceeded, match="30 answer tokens left") as caught:
        asyncio.run(budget_layer(cut_budget())(provider)(Call(chat())))
    assert isinstance(caught.value.__cause__, SampleRefused)
    with pytest.raises(SampleRefused):
        asyncio.run(budget_layer(tracker(tokens=10_000))(provider)(Call(chat(max_tokens=30))))
    with pytest.raises(SampleRefused):
        asyncio.run(budget_layer(tracker(tokens=10**9))(provider)(Call(chat())))


def test_a_cut_answer_on_a_cassette_answers_only_its_own_place_under_a_budget(tmp_path: Path) -> None:
    here, there = Call(chat(), Scope(sample=1)), Call(chat(), Scope(sample=2))
    path = tmp_path / "cassette.jsonl"
    with Cassette(path, "once") as cassette:
        asyncio.run(on_cassette(Provider(CUT), cassette, cut_budget())(here))
    row = _json.loads(path.read_bytes().splitlines()[1])
    assert row["capped"] == 30

    def play(call: Call, *trackers: BudgetTracker) -> Reply:
        with Cassette(path, "none") as cassette:
            return asyncio.run(on_cassette(Provider(), cassette, *trackers)(call))

    assert play(here, cut_budget()).text == CUT.text
    for call, trackers in ((there, [cut_budget()]), (here, []), (there, [])):
        with pytest.raises(CassetteMiss):
            play(call, *trackers)
    whole = Reply(text="the whole story", finish="stop")
    with Cassette(path, "new_episodes") as cassette:
        assert asyncio.run(CassetteLayer(lambda call: cassette)(Provider(whole))(here)).text == whole.text
    assert play(here).text == play(here, tracker(tokens=10_000)).text == whole.text
    assert len(path.read_bytes().splitlines()) == 3


# --- replays ----------------------------------------------------------------------------------------------


def test_a_replay_counts_as_if_and_attempts(tmp_path: Path) -> None:
    bill = Reply(
        text="{}",
        usage=Usage(10, output_text=5),
        cost=Decimal("0.5"),
        attempts=3,
        failed=AttemptCosts(Decimal("0.25"), 7),
    )
    path = tmp_path / "cassette.jsonl"
    with Cassette(path, "once") as cassette:
        asyncio.run(CassetteLayer(lambda call: cassette)(Provider(bill))(Call(chat())))
    for cap, settled in ((3, Amount(Decimal("0.75"), 22, 3)), (2, NOTHING)):
        left = tracker(calls=cap)
        with Cassette(path, "none") as cassette:
            handler = on_cassette(Provider(), cassette, left)
            if settled == NOTHING:
                with pytest.raises(BudgetExceeded, match="3 calls needed, 2 of 2 left"):
                    asyncio.run(handler(Call(chat())))
            else:
                asyncio.run(handler(Call(chat())))
        assert (left.settled, left.reserved) == (settled, NOTHING)


@pytest.mark.parametrize("kind", ["chat", "embed"])
def test_a_single_answer_counts_once_in_recording_and_replay(tmp_path: Path, kind: str) -> None:
    if kind == "chat":
        requests = [chat(temperature=0)] * 3
    else:
        requests = [Request("embed", "fake/e", texts=texts) for texts in (("a", "bb"), ("bb", "ccc"), ("ccc", "a"))]

    async def provider(call: Call) -> Reply:
        texts = call.request.texts
        size = sum(map(len, texts)) if texts else 9
        vectors = tuple(bytes(4 * len(text)) for text in texts)
        return Reply(text="{}", vectors=vectors, usage=Usage(size), cost=Decimal(size) / 100)

    path, trackers = tmp_path / "cassette.jsonl", []
    for mode in ("once", "none", "none"):
        left = tracker(usd=10)
        with Cassette(path, mode) as cassette:
            handler = on_cassette(provider, cassette, left)
            order = requests if len(trackers) < 2 else requests[::-1]
            for number, request in enumerate(order):
                asyncio.run(handler(Call(request, Scope(sample=number))))
        trackers.append(left.settled)
    assert trackers[0].usd == (Decimal("0.09") if kind == "chat" else Decimal("0.06"))
    assert trackers[0].calls == (1 if kind == "chat" else 2)
    assert trackers[1] == trackers[2] == trackers[0]


def test_calls_that_were_refused_are_refused_again_in_any_order(tmp_path: Path) -> None:
    calls = [Call(chat(f"{number}"), Scope(sample=number)) for number in range(6)]

    async def provider(call: Call) -> Reply:
        return Reply(text="{}", usage=Usage(1, output_text=1), cost=Decimal(0))

    def play(mode: str, order: list[Call], caps: int) -> tuple[dict[int | None, str], BudgetTracker]:
        left, outcomes = tracker(calls=caps), {}
        with Cassette(tmp_path / "cassette.jsonl", mode) as cassette:
            handler = on_cassette(provider, cassette, left)
            for call in order:
                try:
                    asyncio.run(handler(call))
                    outcomes[call.scope.sample] = "ok"
                except SynalinksError as error:
                    outcomes[call.scope.sample] = type(error).__name__
        return outcomes, left

    recorded, bill = play("once", calls, 4)
    assert list(recorded.values()) == ["ok"] * 4 + ["BudgetExceeded"] * 2
    replayed, again = play("none", calls[::-1], 4)
    assert replayed == recorded
    assert again.settled == bill.settled
    assert again.refused is not None
    assert (bill.ended, again.ended) == ("at sample=4", "at sample=5")
    larger, _ = play("none", calls[::-1], 5)
    assert larger[5] == larger[4] == "CassetteMiss", "another budget was not refused: the call is missing"
    smaller, less = play("none", calls, 2)
    assert list(smaller.values()) == ["ok"] * 2 + ["BudgetExceeded"] * 4
    assert less.ended == "at sample=2"
    assert list(play("new_episodes", calls, 9)[0].values()) == ["ok"] * 6
    assert list(play("none", calls, 4)[0].values()) == ["ok"] * 4 + ["BudgetExceeded"] * 2


def test_two_that_embed_the_same_text_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """The second waits for the first's text without keeping the room that the first's retry needs."""

    async def main() -> None:
        sent: list[tuple[str, ...]] = []

        async def provider(call: Call) -> Reply:
            sent.append(call.request.texts)
            await asyncio.sleep(0.01)
            if len(sent) == 1:
                raise CallTimeout("lost", uncertain=True)
            return Reply(vectors=tuple(b"1234" for _ in call.request.texts), usage=Usage(1), cost=Decimal(0))

        one, two = (Request("embed", "fake/e", texts=texts) for texts in (("a",), ("a", "b")))
        bounds = [needs_of(request, DEAR, []).amount(0).tokens for request in (one, two)]
        left, clock = tracker(tokens=sum(bounds) + bounds[0] - 1), LoopClock()
        account = Account(Limits(), clock)
        with Cassette(tmp_path / "cassette.jsonl", "once") as cassette:
            handler = stack(
                provider,
                PerTextLayer(lambda call: True),
                recorder(cassette, left),
                RetryLayer(RetryPolicy(), account, clock),
                budget_layer(left),
            )
            async with asyncio.timeout(1000):
                for task in start(handler, Call(one, Scope(sample=1)), Call(two, Scope(sample=2))):
                    await task
        assert sent == [("a",), ("a",), ("b",)]

    run(main())


def test_without_a_budget_the_layer_is_not_there() -> None:
    provider = Provider()
    call = Call(chat())
    asyncio.run(BudgetLayer(lambda call: (), lambda model: None)(provider)(call))
    assert provider.calls[0] is call
    assert needs_of(chat(), FREE, []).amount(7).usd == 0


@pytest.mark.parametrize(("options", "sent"), [({}, 30), ({"max_tokens": 9}, 9), ({"num_predict": -1}, 30)])
def test_the_cap_is_what_ollama_is_told(options: dict[str, Any], sent: int) -> None:
    request = chat(**options)
    call = Call(request, output_cap=30)
    assert chat_payload(request, False, call.output_limit)["options"]["num_predict"] == sent
    assert "options" not in chat_payload(chat(), False, None)


def test_a_provider_that_reports_more_than_the_request_allows_is_told_of_and_counted() -> None:
    lie = Reply(text="{}", usage=Usage(10, output_text=9_000), cost=Decimal(0), finish="stop")
    left = tracker(tokens=5_000)
    handler = budget_layer(left)(Provider(lie))
    with pytest.warns(
        RuntimeWarning, match="exceeded, by .* 4,010 tokens.*'fake/m' reported .* 9,010 tokens.*at sample=3"
    ):
        asyncio.run(handler(Call(chat(max_tokens=50), Scope(sample=3))))
    assert left.settled.tokens == 9_010
    with pytest.raises(BudgetExceeded):
        asyncio.run(handler(Call(chat(max_tokens=50))))
