"""Leases of one budget: whatever workers do, and whichever is lost, leases and what is settled are within the caps."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.virtual import LoopClock, run
from synalinks.distribution.leases import Grant, LeasedTracker, Leases
from synalinks.errors import BudgetExceeded, ConfigurationError
from synalinks.lm import NOTHING, Amount, Budget, Client, Reply, Request, use_provider
from synalinks.lm.blocks import use_clock, use_tracker
from synalinks.lm.core.reply import Usage

HOLDERS = ("a", "b", "c")
AMOUNTS = st.builds(
    lambda millis, tokens, calls: Amount(Decimal(millis) / 1000, tokens, calls),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(0, 4),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["lease", "settle", "back", "lost"]), st.sampled_from(HOLDERS), AMOUNTS), max_size=60
)
BUDGETS = st.builds(
    lambda usd, tokens, calls: Budget(usd=usd, tokens=tokens, calls=calls),
    st.one_of(st.none(), st.integers(0, 2)),
    st.integers(0, 2000),
    st.one_of(st.none(), st.integers(0, 30)),
)


def within(leases: Leases) -> bool:
    """Whether the caps hold."""
    used, budget = leases.settled + leases.leased, leases.budget
    return (
        (budget.usd is None or used.usd <= Decimal(budget.usd))
        and (budget.tokens is None or used.tokens <= budget.tokens)
        and (budget.calls is None or used.calls <= budget.calls)
    )


@given(BUDGETS, STEPS)
@settings(max_examples=300)
def test_leases_and_what_is_settled_are_within_the_caps(budget: Budget, steps: list[tuple[str, str, Amount]]) -> None:
    leases, held = Leases(budget, len(HOLDERS)), dict.fromkeys(HOLDERS, NOTHING)
    for what, holder, amount in steps:
        if what == "lease":
            grant = leases.lease(holder, amount)
            held[holder] = held[holder] + grant.amount
        elif what == "lost":
            leases.lost(holder)  # it may report all the same, late
        else:
            part = amount.at_most(held[holder])
            held[holder] -= part
            (leases.settle if what == "settle" else leases.give_back)(holder, part)
        assert within(leases)
        assert leases.uncertain.at_least(NOTHING) == leases.uncertain


def test_a_lease_is_a_share_and_small_calls_need_few() -> None:
    leases, requests, one = Leases(Budget(calls=10_000), holders=4), 0, Amount(calls=1)
    while leases.left.calls:
        assert not leases.lease("a", one).final
        requests += 1
    assert requests < 150


def test_what_a_lost_holder_had_is_spent_and_uncertain_until_it_reports() -> None:
    leases = Leases(Budget(calls=10), holders=1)
    had = leases.lease("a", Amount(calls=4)).amount
    leases.lost("a")
    assert leases.settled == leases.uncertain == had
    leases.settle("a", Amount(calls=1))
    leases.give_back("a", Amount(calls=3))
    assert (leases.settled.calls, leases.uncertain, leases.left.calls) == (1, NOTHING, 9)


def test_the_last_lease_is_what_is_left_once_nobody_holds_anything() -> None:
    leases = Leases(Budget(tokens=100), holders=1)
    leases.lease("a", Amount(tokens=90))
    assert leases.lease("b", Amount(tokens=50)) == Grant(NOTHING)
    leases.give_back("a", Amount(tokens=60))
    leases.settle("a", Amount(tokens=30))
    assert leases.lease("b", Amount(tokens=80)) == Grant(Amount(tokens=70), final=True)


@pytest.mark.parametrize("budget", [Budget(calls=1, seconds=3), Budget(calls=2, mode="expected")])
def test_a_budget_that_cant_be_leased_is_refused(budget: Budget) -> None:
    with pytest.raises(ConfigurationError, match="workers can spend a budget in dollars, tokens and calls"):
        Leases(budget)


# --- workers that spend ------------------------------------------------------------------------------------------


class Office:
    """The way to a book, with a delay; checks the caps at each message."""

    def __init__(self, leases: Leases, rng: random.Random) -> None:
        self.leases, self.rng, self.messages = leases, rng, 0

    async def lease(self, holder: str, spent: Amount, uncertain: Amount, returned: Amount, need: Amount) -> Grant:
        self.messages += 1
        await asyncio.sleep(self.rng.random() / 10)
        self.leases.settle(holder, spent, uncertain)
        self.leases.give_back(holder, returned)
        grant = Grant(NOTHING) if need == NOTHING else self.leases.lease(holder, need)
        assert within(self.leases)
        await asyncio.sleep(self.rng.random() / 10)
        return grant


async def spend(budget: Budget, calls: int, seed: int, dies: bool) -> tuple[Office, int, int]:
    """Three workers that make calls side by side; gives the office, the calls answered and those refused."""
    rng = random.Random(seed)
    office, sent, refused = Office(Leases(budget, 3), rng), 0, 0

    async def provider(call: object) -> Reply:
        nonlocal sent
        sent += 1
        await asyncio.sleep(rng.random())
        return Reply(
            "yes", usage=Usage(input_fresh=rng.randrange(1, 9), output_text=rng.randrange(1, 9)), finish="stop"
        )

    async def worker(name: str) -> None:
        nonlocal refused
        client = Client("ollama/any", cache="off")
        tracker = LeasedTracker(budget, LoopClock(), office, name)

        async def one(number: int) -> None:
            nonlocal refused
            message = {"role": "user", "content": f"{name} {number}"}
            try:
                await client.send(Request("chat", client.model, messages=[message], options={"max_tokens": 9}))
            except BudgetExceeded:
                refused += 1

        with use_tracker(tracker):
            async with asyncio.TaskGroup() as group:
                for number in range(calls):
                    group.create_task(one(number))
        await tracker.report()

    with use_clock(LoopClock()), use_provider(provider):
        workers = [asyncio.create_task(worker(name)) for name in HOLDERS]
        if dies:
            await asyncio.sleep(0.3)
            workers[0].cancel()
            office.leases.lost(HOLDERS[0])
        await asyncio.wait(workers)
    for one in workers[dies:]:
        one.result()
    return office, sent, refused


@given(st.integers(0, 10**6), st.integers(1, 40), st.booleans())
@settings(max_examples=25)
def test_workers_spend_a_budget_of_calls_to_its_end_and_no_further(seed: int, cap: int, dies: bool) -> None:
    office, sent, refused = run(spend(Budget(calls=cap), 12, seed, dies))
    assert sent <= cap
    assert office.leases.settled.calls <= cap
    if not dies:
        assert sent == min(cap, 36) and refused == 36 - sent
        assert office.leases.settled.calls == sent and office.leases.leased == NOTHING


@given(st.integers(0, 10**6), st.integers(60, 900))
@settings(max_examples=15)
def test_a_budget_of_tokens_is_never_exceeded(seed: int, cap: int) -> None:
    office, _, _ = run(spend(Budget(tokens=cap), 8, seed, dies=False))
    assert office.leases.settled.tokens <= cap and office.leases.leased == NOTHING


def test_many_small_calls_need_few_messages() -> None:
    office, sent, _ = run(spend(Budget(calls=6000), 300, 1, dies=False))
    assert sent == 900 and office.messages < 60
