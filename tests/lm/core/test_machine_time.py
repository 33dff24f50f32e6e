"""Working time is shared by calls in flight together; hours and prices by the hour are of machines, not of calls."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

import synalinks
from synalinks.cli import bill
from synalinks.lm import Client, Ledger, Limits, Request, RetryPolicy, use_cassette, use_ledger, use_provider
from synalinks.lm.blocks import use_clock
from synalinks.lm.core.call import Call, Reply, Usage
from synalinks.lm.core.errors import ServerError
from synalinks.lm.core.machine_time import MachineTime
from synalinks.lm.pricing import pricing

HOUR = 3600.0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1, max_size=20))
def test_the_shares_are_the_time_in_which_there_was_any_call(calls: list[tuple[float, float]]) -> None:
    machine, marks, shares = MachineTime(), {}, []
    events = [(at, 0, i) for i, (at, _) in enumerate(calls)] + [(a + s, 1, i) for i, (a, s) in enumerate(calls)]
    for at, kind, i in sorted(events):
        if kind == 0:
            marks[i] = machine.begin(at)
        else:
            shares.append(machine.end(marks[i], at))
    busy, until = 0.0, float("-inf")
    for at, seconds in sorted(calls):
        busy += max(0.0, at + seconds - max(until, at))
        until = max(until, at + seconds)
    assert sum(shares) == pytest.approx(busy, abs=1e-6) and min(shares) >= -1e-9


async def slow(call: Call, /) -> Reply:
    await asyncio.sleep(HOUR)
    if call.request.messages[-1]["content"] == "fail":
        raise ServerError("gone", status=400, uncertain=True)
    return Reply("x", usage=Usage(input_fresh=10, output_text=360_000))


def ask(model: str, *texts: str, path: Path | None = None, mode: str = "once") -> Ledger:
    """Calls that are in flight together, of an hour each, on a virtual clock."""

    async def main() -> None:
        client = Client(model, cache="off", limits=Limits(concurrency=99), retry=RetryPolicy(timeout=None))
        async with asyncio.TaskGroup() as group:
            for text in texts:
                request = Request("chat", model, messages=[{"role": "user", "content": text}])
                group.create_task(client.send(request))

    with use_ledger() as ledger, use_clock(LoopClock()):
        if mode == "none":
            with use_cassette(path, "none"):
                run(main())
        elif path is not None:
            with use_provider(slow), use_cassette(path):
                run(main())
        else:
            with use_provider(slow):
                run(main())
    return ledger


def test_four_calls_in_one_hour_cost_one_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    synalinks.set_price("ollama/rented", per_hour="0.40")
    ledger = ask("ollama/rented", "a", "b", "c", "d", path=tmp_path / "c.jsonl")
    total = ledger.total
    assert total.billed.exact == pytest.approx(Decimal("0.40"), abs=Decimal("0.0001"))
    assert (total.latency, total.machine_seconds) == (pytest.approx(4 * HOUR, abs=1), pytest.approx(HOUR, abs=1))
    text = bill.render("train.py", ledger, HOUR)
    assert "models  local; 1.00 h, 400 tokens/s" in text and "spent   $0.4000" in text
    again = ask("ollama/rented", "a", "b", "c", "d", path=tmp_path / "c.jsonl", mode="none").total
    assert (again.machine_seconds, again.as_if) == (total.machine_seconds, total.as_if)


def test_a_free_model_has_hours_and_speed_of_its_machine() -> None:
    ledger = ask("ollama/free", "a", "b")
    assert "local models: 1.00 h, 200 tokens/s" in str(ledger)
    assert "models  local; 1.00 h, 200 tokens/s" in bill.render("train.py", ledger, HOUR)
    assert ask("ollama/free", "a").total.machine_seconds == pytest.approx(HOUR, abs=1)


def test_a_model_with_a_price_by_tokens_has_no_hours() -> None:
    ledger = ask("openai/gpt-4o-mini", "a", "b")
    assert ledger.total.machine_seconds == 0 and "local" not in bill.render("train.py", ledger, HOUR)


def test_a_call_that_fails_takes_its_share_and_leaves() -> None:
    machine = MachineTime()

    async def main() -> None:
        layer = pricing.PriceLayer(pricing.price_of, LoopClock(), [machine])(slow)
        request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "fail"}])
        with pytest.raises(ServerError):
            await layer(Call(request))
        task = asyncio.create_task(layer(Call(request)))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])

    run(main())
    assert not machine._out
