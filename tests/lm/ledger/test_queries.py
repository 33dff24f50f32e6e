"""The ledger as a whole: any combination of fields adds up, and money reads the same wherever it is shown."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synalinks
from lm.virtual import LoopClock, run
from lm.worst_case import JOBS, Job, WorstCase, ask_all
from synalinks.lm.blocks import use_clock, use_ledger, use_provider
from synalinks.lm.client import Client
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.ledger.ledger import Ledger, Money
from synalinks.lm.pricing import pricing
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.lm.rate_limit.account import Limits
from synalinks.testing import OllamaServer
from synalinks.trainers.budgeting.spending import money_spent

QUESTION = {"role": "user", "content": "What is 2 + 3?"}
FIELDS = ("epoch", "step", "phase", "sample", "module", "model", "source")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(JOBS, max_size=8),
    st.integers(0, 2**32),
    st.lists(st.sampled_from(FIELDS), min_size=1, unique=True).map(tuple),
)
def test_any_combination_of_fields_divides_the_whole_ledger(jobs: list[Job], seed: int, names: tuple[str, ...]) -> None:
    """Each entry is in one group, `filter` gives the same groups, and their sums are those of the whole."""
    whole, _ = run(ask_all(jobs, WorstCase(seed), None, 2))
    entries = [
        replace(
            entry,
            scope=entry.scope.replace({"epoch": i % 2 or None, "step": i % 3, "phase": "tv"[i % 2], "module": None}),
        )
        for i, entry in enumerate(whole)
    ]
    ledger = Ledger(entries)
    groups = ledger.by(*names)
    for key, totals in groups.items():
        values = dict(zip(names, key if len(names) > 1 else (key,), strict=True))
        assert ledger.filter(**values).total == totals
    for column in ("calls", "hits", "failed", "attempts", "answers", "tokens", "billed_tokens", "failed_tokens"):
        assert sum(getattr(totals, column) for totals in groups.values()) == getattr(ledger.total, column)
    for column in ("billed", "as_if", "failed_cost"):
        assert sum((getattr(totals, column) for totals in groups.values()), Money()) == getattr(ledger.total, column)
    assert len(ledger.table(*names).splitlines()) == len(groups) + 7 if entries else str(ledger) == "no calls"


def test_unknown_prices_and_the_two_columns_read_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    pricing.set_price("ollama/sums", input=1000)
    seen: list[str] = []
    spent: list[str] = []
    with OllamaServer(env=True), use_ledger() as ledger:
        for model in ("ollama/sums", "openrouter/nobody/knows"):
            with contextlib.ExitStack() as around:
                if "nobody" in model:
                    around.enter_context(synalinks.use_provider(ScriptedProvider(lambda call: "5")))
                asyncio.run(Client(model).send(Request("chat", model, messages=[QUESTION])))
            seen += [repr(ledger), str(ledger).splitlines()[-1]]
            spent.append(str(money_spent(ledger)))
    known = ledger.filter(model="ollama/sums").total.billed
    assert all(f"{known} billed, {known} as if" in text for text in seen[:2]), seen
    words = f"at least {known}, 1 call unpriced"
    assert all(f"billed {words}; as if" in text and text.count(words) == 2 for text in seen[2:]), seen
    assert spent == [str(known), words], "one amount, for nothing was saved"


def test_own_hardware_is_priced_by_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty cents an hour is a cent a minute: of the provider's time, not of the time in a queue."""
    monkeypatch.setattr(pricing, "_set_by_user", {})
    pricing.set_price("ollama/mine", per_hour="0.60")

    async def minute(call: Call) -> Reply:
        await asyncio.sleep(60)
        return Reply(text="ready", finish="stop", usage=Usage(1, output_text=1))

    async def main() -> Ledger:
        client = Client("ollama/mine", limits=Limits(concurrency=1))
        with use_clock(LoopClock()), use_provider(minute), use_ledger() as ledger:
            async with asyncio.TaskGroup() as group:
                for _ in range(2):  # the second waits for the first
                    group.create_task(client.send(Request("chat", "ollama/mine", messages=[QUESTION])))  # type: ignore[arg-type]
        return ledger

    ledger = run(main())
    assert sorted(round(entry.seconds) for entry in ledger) == [60, 120]
    assert [round(entry.billed or 0, 4) for entry in ledger] == [Decimal("0.01")] * 2
