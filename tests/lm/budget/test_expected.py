"""What calls usually take: the percentile, when there is enough for it, and what it is learnt from."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from synalinks.lm.budget.expected import ENOUGH, LEVEL, WINDOW, Recent, TypicalUsage, UsageStatistics
from synalinks.lm.core.call import NO_USAGE, Call, Reply, Request, Usage
from synalinks.lm.ledger.ledger import Entry, Ledger
from synalinks.scope import Scope

CALL = Call(Request("chat", "fake/m", messages=[{"role": "user", "content": "hi"}]), Scope(module="solver"))


def entry(output: int | None, **changes: Any) -> Entry:
    found = Entry(
        scope=Scope(module="solver"),
        draw=0,
        kind="chat",
        model="fake/m",
        provider="fake",
        source="live",
        usage=Usage(10, output_text=output),
        as_if=Decimal(0),
        billed=Decimal(0),
        seconds=2.0,
        attempts=1,
        finish="stop",
        error=None,
        caller=1,
        digest="d",
    )
    return replace(found, **changes)


def test_below_nineteen_values_there_is_no_such_percentile() -> None:
    assert ENOUGH == 19
    recent = Recent()
    for value in range(ENOUGH - 1):
        recent.add(value)
        assert recent.high() is None
    recent.add(100)
    assert recent.high() == 100, "of the fewest values, the greatest"


def test_the_next_value_is_rarely_greater() -> None:
    """Of values drawn from whatever distribution, no more than one in twenty goes over what the last ones say."""
    rng = random.Random(7)
    for draw in (rng.random, lambda: rng.paretovariate(1.1), lambda: rng.choice([1, 1, 1, 50])):
        over = rounds = 0
        for _ in range(1500):
            recent = Recent()
            for _ in range(rng.randrange(ENOUGH, 60)):
                recent.add(draw())
            rounds += 1
            over += draw() > (recent.high() or 0)
        assert over / rounds <= 1 - LEVEL + 0.02


def test_only_the_latest_values_count() -> None:
    recent = Recent()
    for _ in range(WINDOW):
        recent.add(1000)
    for _ in range(WINDOW):
        recent.add(1)
    assert recent.high() == 1


def test_answers_are_learnt_by_model_and_module_from_every_source_but_sharing() -> None:
    ledger = Ledger()
    learnt = UsageStatistics(ledger)
    assert learnt.usual(CALL) == TypicalUsage()
    for number in range(ENOUGH):
        ledger.record(entry(number, source="cache" if number % 2 else "live"))
    ledger.record(entry(10_000, source="shared"))
    ledger.record(entry(10_000, error="length"))
    ledger.record(entry(None))
    ledger.record(entry(10_000, model="fake/other"))
    ledger.record(entry(10_000, scope=Scope(module="judge")))
    usual = learnt.usual(CALL)
    assert usual.output == ENOUGH - 1
    assert usual.seconds is None, "a cached answer takes no time, and says nothing about it"
    assert learnt.usual(replace(CALL, scope=Scope(module="other"))) == TypicalUsage()
    for _ in range(ENOUGH):
        ledger.record(entry(1))
    assert learnt.usual(CALL).seconds == 2.0
    assert learnt.usual(CALL).output == ENOUGH - 1, "what was read before is not read again"


def test_prompts_are_learnt_as_a_share_of_their_bound_from_live_answers() -> None:
    learnt = UsageStatistics(Ledger())
    live = Reply(usage=Usage(30, input_cache_read=20))
    for source in ("cassette", "cache"):
        for _ in range(ENOUGH):
            learnt.note_prompt(CALL, 200, replace(live, source=source))
    learnt.note_prompt(CALL, 200, Reply(usage=NO_USAGE))
    assert learnt.usual(CALL).share is None
    for _ in range(ENOUGH):
        learnt.note_prompt(CALL, 200, live)
    assert learnt.usual(CALL).share == pytest.approx(0.25)


def test_embeddings_have_no_answer_tokens() -> None:
    call = Call(Request("embed", "fake/e", texts=["a"]))
    assert UsageStatistics(Ledger()).usual(call) == TypicalUsage(output=0)
