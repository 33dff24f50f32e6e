"""Budgets of mode `expected`: what they reserve, by how much they may be exceeded, and how they replay."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lm.virtual import LoopClock, run
from synalinks import _json
from synalinks._concurrency import SystemClock
from synalinks.errors import BudgetExceeded, CallTimeout, CassetteMiss, ConfigurationError
from synalinks.lm.budget.expected import ENOUGH, UsageStatistics
from synalinks.lm.budget.layer import NOTHING, Amount, Budget, BudgetLayer, BudgetTracker, Queue
from synalinks.lm.budget.upper_bound import needs_of
from synalinks.lm.cassette.layer import CassetteLayer
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Handler, Reply, Request, Usage, stack
from synalinks.lm.ledger.ledger import Ledger, LedgerLayer
from synalinks.lm.pricing.pricing import Price
from synalinks.scope import Scope

PRICE = Price(input=Decimal(1), output=Decimal(2))
LIMIT = 1000
REQUEST = Request(
    "chat", "fake/m", messages=[{"role": "user", "content": "how are you?"}], options={"max_tokens": LIMIT}
)
BOUND = needs_of(REQUEST, PRICE, []).amount(LIMIT)


class FakeProvider:
    """A budget layer with its ledger, over a provider whose answers have the tokens told."""

    def __init__(self, *trackers: BudgetTracker, cassette: Any = lambda call: None) -> None:
        self.ledger = Ledger()
        self.sizes: list[int | Exception] = []
        self.out = self.most = self.sent = 0
        clock = LoopClock()
        layers = [LedgerLayer("fake", lambda call: (self.ledger,), clock)]
        budget_layer = BudgetLayer(
            lambda call: trackers, lambda model: PRICE, Queue(), statistics=UsageStatistics(self.ledger)
        )
        recorder = CassetteLayer(cassette, budgets=lambda call: [tracker.to_dict() for tracker in trackers])
        self.handler: Handler = stack(self.answer, *layers, recorder, budget_layer)

    async def answer(self, call: Call) -> Reply:
        self.sent += 1
        self.out += 1
        self.most = max(self.most, self.out)
        size = self.sizes.pop(0) if self.sizes else 10
        await asyncio.sleep(1)
        self.out -= 1
        if isinstance(size, Exception):
            raise size
        usage = Usage(20, output_text=size)
        return Reply(text="{}", usage=usage, cost=PRICE.cost(usage, None), finish="stop")

    async def ask(self, count: int, first: int = 0) -> list[str]:
        tasks = [asyncio.create_task(self._one(first + i)) for i in range(count)]
        return [await task for task in tasks]

    async def _one(self, sample: int) -> str:
        try:
            await self.handler(Call(REQUEST, Scope(sample=sample)))
        except (BudgetExceeded, CassetteMiss, CallTimeout) as error:
            return type(error).__name__
        return "ok"


def tracker(**caps: Any) -> BudgetTracker:
    return BudgetTracker(Budget(mode="expected", **caps), SystemClock(), "budget of the test")


def test_a_mode_is_hard_or_expected() -> None:
    assert Budget(calls=1).mode == "hard"
    with pytest.raises(ConfigurationError, match="mode='soft'.*'hard' or 'expected'"):
        Budget(calls=1, mode="soft")  # type: ignore[arg-type]
    assert "mode" not in BudgetTracker(Budget(calls=1), SystemClock()).to_dict(), "cassettes from before hold no mode"
    assert tracker(calls=1).to_dict()["mode"] == "expected"


def test_bounds_are_reserved_until_enough_calls_are_known_and_then_what_they_took() -> None:
    async def main() -> None:
        left = tracker(tokens=3 * BOUND.tokens + 200)
        provider = FakeProvider(left)
        await provider.ask(ENOUGH)
        assert provider.most == 3
        assert left.worst_overshoot == NOTHING
        provider.most = 0
        assert set(await provider.ask(40, 100)) == {"ok"}
        assert provider.most == 40, "30 tokens each instead of a thousand"
        assert left.overshoot == left.overshoot_bound == left.at_risk == NOTHING

    run(main())


def test_what_the_calls_that_are_out_may_take_over_the_cap_can_be_read_at_any_time() -> None:
    async def main() -> None:
        left = tracker(usd=10 * BOUND.usd)
        provider = FakeProvider(left)
        await provider.ask(ENOUGH)
        before = left.settled
        task = asyncio.create_task(provider.ask(20, 100))
        await asyncio.sleep(0.5)
        usual = PRICE.bound(20, 10)
        assert left.reserved.usd == 20 * usual, "prompts too: 20 tokens of a bound of hundreds"
        assert left.at_risk.usd == 20 * (BOUND.usd - usual)
        assert left.overshoot_bound.usd == before.usd + 20 * BOUND.usd - 10 * BOUND.usd > 0
        assert left.worst_overshoot == left.overshoot_bound
        said = f"over by at most {left.overshoot_bound}, at worst {left.worst_overshoot}>"
        assert repr(left).endswith(said)
        await task
        assert left.overshoot_bound == left.overshoot == NOTHING
        assert left.worst_overshoot.usd > 0, "what could have been stays to be read"

    run(main())


def test_it_goes_over_its_cap_by_no_more_than_it_said_and_then_ends() -> None:
    async def main() -> tuple[BudgetTracker, list[str]]:
        left = tracker(tokens=2 * BOUND.tokens)
        provider = FakeProvider(left)
        await provider.ask(ENOUGH)
        provider.sizes = [LIMIT] * 90
        outcomes = await provider.ask(90, 100)
        return left, outcomes

    left, outcomes = run(main())
    assert 2 < outcomes.count("ok") < 90, "more than would have fitted at their bounds"
    assert outcomes == ["ok"] * outcomes.count("ok") + ["BudgetExceeded"] * outcomes.count("BudgetExceeded")
    assert 0 < left.overshoot.tokens <= left.worst_overshoot.tokens
    assert left.refused is not None


def test_a_hard_budget_around_an_expected_one_is_not_exceeded() -> None:
    async def main() -> None:
        outer = BudgetTracker(Budget(tokens=2 * BOUND.tokens), SystemClock())
        left = tracker(tokens=2 * BOUND.tokens)
        provider = FakeProvider(outer, left)
        await provider.ask(ENOUGH)
        provider.most = 0
        provider.sizes = [LIMIT] * 30
        await provider.ask(30, 100)
        assert provider.most <= 2
        assert outer.overshoot == outer.worst_overshoot == outer.at_risk == NOTHING

    run(main())


def test_a_call_of_unknown_cost_counts_as_its_bound() -> None:
    async def main() -> None:
        left = tracker(tokens=10 * BOUND.tokens)
        provider = FakeProvider(left)
        await provider.ask(ENOUGH)
        before = left.settled
        provider.sizes = [CallTimeout("lost", uncertain=True)]
        assert await provider.ask(1, 100) == ["CallTimeout"]
        assert left.settled - before == BOUND == left.uncertain

    run(main())


def test_without_a_learner_it_reserves_bounds() -> None:
    async def main() -> None:
        left = tracker(tokens=2 * BOUND.tokens)
        provider = FakeProvider(left)
        budget_layer = BudgetLayer(lambda call: [left], lambda model: PRICE, Queue())
        provider.handler = stack(
            provider.answer, LedgerLayer("fake", lambda call: (provider.ledger,), LoopClock()), budget_layer
        )
        await provider.ask(ENOUGH)
        provider.most = 0
        await provider.ask(10, 100)
        assert provider.most == 1

    run(main())


# --- replays -------------------------------------------------------------------------------------------------


def play(path: Path, mode: str, late: list[int], count: int, cap: int, budget_mode: Any = "expected") -> Any:
    """A run of calls, the last `count` at once, under a budget of so many tokens."""
    with Cassette(path, mode) as cassette:
        left = BudgetTracker(Budget(tokens=cap, mode=budget_mode), SystemClock(), "budget of the test")

        async def main() -> tuple[list[str], Amount, int]:
            provider = FakeProvider(left, cassette=lambda call: cassette)
            outcomes = await provider.ask(ENOUGH)
            provider.sizes = list(late)
            outcomes += await provider.ask(count, 100)
            return outcomes, left.settled, provider.sent

        return run(main())


def test_a_replay_stops_where_the_recording_stopped_and_only_there(tmp_path: Path) -> None:
    path, cap = tmp_path / "cassette.jsonl", 2 * BOUND.tokens
    outcomes, settled, sent = play(path, "once", [LIMIT] * 90, 90, cap)
    assert settled.tokens > cap
    assert "BudgetExceeded" in outcomes
    assert sent < len(outcomes)
    for _ in range(2):
        assert play(path, "none", [], 90, cap) == (outcomes, settled, 0)


def test_a_recording_that_went_over_its_cap_with_its_last_calls_replays_whole(tmp_path: Path) -> None:
    """Nothing was refused, so the cassette has to say by itself that this budget let more pass than its cap."""
    path, cap = tmp_path / "cassette.jsonl", 2 * BOUND.tokens
    outcomes, settled, _ = play(path, "once", [LIMIT] * 6, 6, cap)
    assert set(outcomes) == {"ok"}
    assert settled.tokens > cap
    rows = [_json.loads(line) for line in path.read_bytes().splitlines()[1:]]
    assert [row["event"]["name"] for row in rows if "event" in row] == ["budget/exceeded"]
    assert play(path, "none", [], 6, cap) == (outcomes, settled, 0)


def test_a_smaller_budget_ends_the_replay_earlier(tmp_path: Path) -> None:
    path, cap = tmp_path / "cassette.jsonl", 9 * BOUND.tokens
    outcomes, settled, _ = play(path, "once", [], 20, cap)
    assert set(outcomes) == {"ok"}
    smaller, less, _ = play(path, "none", [], 20, settled.tokens - 40)
    assert smaller.count("BudgetExceeded") == 2
    assert less.tokens <= settled.tokens - 40
    assert play(path, "none", [], 20, settled.tokens - 40, "hard")[0] == smaller
