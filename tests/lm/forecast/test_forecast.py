"""Forecasts: figures with a range, their table, and how they are made of synthetic calls."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from lm.pupil import MODEL, entry
from synalinks.lm import AttemptCosts
from synalinks.lm.core.call import Usage
from synalinks.lm.forecast.figures import (
    DRIFT,
    GROWTH,
    GUESS,
    PROMPT_HIGH,
    PROMPT_LOW,
    figures_of,
    notes_of,
    rows_of,
)
from synalinks.lm.forecast.forecast import Forecast
from synalinks.lm.forecast.priors import Priors
from synalinks.lm.forecast.ranges import Figures, Range, Row
from synalinks.lm.forecast.workload import CallStatistics, Group, Workload, WorkloadRange, workloads_of_run
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.pricing.pricing import _set_by_user
from synalinks.scope import Scope


def figures(low: int, expected: int, high: int, dollars: str | None = "0.01") -> Figures:
    counts = Range(low, expected, high)
    if dollars is None:
        return Figures(counts, counts, counts, unpriced=True)
    return Figures(counts, counts, counts, Range(*(Decimal(dollars) * n for n in (low, expected, high))))


def synthetic(tokens_in: int, tokens_out: int, answer: str = "guessed", prompt: str = "guessed", **changes: Any) -> Any:
    raw = {"synthetic": True, "prompt": prompt, "answer": answer, "schema": 0, "single": changes.pop("single", False)}
    return entry(0, usage=Usage(input_fresh=tokens_in, output_text=tokens_out, raw=raw), **changes)


FORECAST = Forecast(
    (
        Row("train", "openai/gpt-4o-mini", figures(10, 12, 14)),
        Row("train", "ollama/free", figures(1, 2, 3, "0")),
        Row("validation", "openai/gpt-4o-mini", figures(1000, 2000, 30000)),
    ),
    "Forecast of it",
    ("Measured in a cassette.",),
)


def test_a_forecast_is_a_table_that_reads_well() -> None:
    lines = str(FORECAST).splitlines()
    words = "train openai/gpt-4o-mini 10 - 14 10 - 14 10 - 14 $0.1000 - $0.1400 $0.1200"
    assert lines[4].split() == words.split()
    assert lines[5].startswith("            ollama/free")
    assert len({len(line) for line in lines[2:10] if not line.startswith("total")}) == 1


def test_figures_add_up_low_with_low() -> None:
    total = FORECAST.total
    assert (total.calls.low, total.calls.expected, total.calls.high) == (1011, 2014, 30017)
    assert total.dollars == Range(Decimal("10.10"), Decimal("20.12"), Decimal("300.14"))
    assert FORECAST.by("phase")["train"].calls == Range(11, 14, 17)
    assert FORECAST.by("model")["ollama/free"].calls == Range(1, 2, 3)
    assert 12 in Range(10, 12, 14)
    assert 9 not in Range(10, 12, 14)
    assert None not in Range(10, 12, 14)


def test_an_unknown_price_is_none_and_shown_beside_what_is_known() -> None:
    mixed = Forecast((*FORECAST.rows, Row("reward", "openai/who", figures(1, 1, 1, None))))
    assert mixed.dollars is None
    assert mixed.to_dict()["total"]["dollars"] is None
    assert "unpriced" in str(mixed)
    assert "$300.14 + ?" in str(mixed)
    assert "at least $10.10" in str(mixed)


def test_a_forecast_of_nothing_says_so() -> None:
    assert "no calls to models" in str(Forecast(()))


def test_a_forecast_is_json() -> None:
    value = json.loads(json.dumps(FORECAST.to_dict()))
    assert value["rows"][0]["dollars"] == {"low": "0.10", "expected": "0.12", "high": "0.14"}
    assert value["notes"] == ["Measured in a cassette."]


def test_guessed_lengths_have_a_wide_range() -> None:
    (group, workload), *_ = workloads_of_run([synthetic(100, 50) for _ in range(10)]).items()
    found = figures_of(group, workload, Priors())
    assert found.calls == Range(10, 10, 10)
    assert found.input_tokens.low == int(1000 * PROMPT_LOW)
    assert found.input_tokens.high >= 1000 * PROMPT_HIGH
    assert (found.output_tokens.low, found.output_tokens.expected) == (100, 500)
    assert found.output_tokens.high >= 500 * GUESS
    assert any(note.startswith("Guessed") for note in notes_of([(group, workload)], Priors()))


def test_measured_lengths_have_a_narrow_range_and_few_calls_may_all_be_the_longest() -> None:
    priors = Priors.of(Ledger([entry(n) for n in (*[40] * 5, *[50] * 90, *[60] * 4, 400)]))
    for calls, longest in ((5, 400), (1000, 60)):
        (group, workload), *_ = workloads_of_run([synthetic(100, 50, "learnt") for _ in range(calls)]).items()
        found = figures_of(group, workload, priors).output_tokens
        assert found.low == calls * min(50, 50 * (1 - DRIFT))
        assert calls * longest <= found.high <= 1.06 * calls * longest


def test_proposals_may_grow() -> None:
    priors = Priors.of(Ledger([entry(50, "propose") for _ in range(30)]))
    place = Scope(phase="optimizer", module="propose")
    (group, workload), *_ = workloads_of_run([synthetic(100, 50, "learnt", scope=place) for _ in range(30)]).items()
    assert figures_of(group, workload, priors).output_tokens.high >= 30 * 50 * GROWTH * (1 + DRIFT)


def test_low_leaves_out_repeats_and_stored_answers() -> None:
    calls = [synthetic(100, 50, single=True, digest=f"d{n % 4}") for n in range(10)]
    (group, workload), *_ = workloads_of_run(calls).items()
    assert figures_of(group, workload, Priors()).calls == Range(4, 10, 10)
    priors = Priors()
    priors.stored[MODEL, "train", "solve"] = 3
    assert figures_of(group, workload, priors).calls == Range(1, 10, 10)
    said = "Stored: cache or cassette may answer 3 of these calls"
    assert any(note.startswith(said) for note in notes_of({group: workload}.items(), priors))
    assert not any("Stored" in note for note in notes_of({group: workload}.items(), Priors()))
    priors.stored[MODEL, "train", "solve"] = 30
    found = figures_of(group, workload, priors)
    assert (found.calls.low, found.input_tokens.low, found.output_tokens.low, found.priced.low) == (0, 0, 0, 0)


def test_failed_attempts_raise_the_high_figure() -> None:
    (group, workload), *_ = workloads_of_run([synthetic(100, 50) for _ in range(10)]).items()
    calm = figures_of(group, workload, Priors.of(Ledger([entry(5, "other")])))
    stormy = figures_of(group, workload, Priors.of(Ledger([entry(5, "other", failed=AttemptCosts(tokens=105))])))
    assert stormy.output_tokens.high > 2 * calm.output_tokens.high
    assert stormy.calls == calm.calls


def test_an_embedding_has_no_answer() -> None:
    usage = Usage(input_fresh=30, raw={"synthetic": True, "prompt": "guessed", "answer": "stated", "single": True})
    (group, workload), *_ = workloads_of_run([entry(0, kind="embed", usage=usage)]).items()
    assert figures_of(group, workload, Priors()).output_tokens == Range(0, 0, 0)


@pytest.fixture
def hourly() -> Any:
    synalinks.set_price("ollama/rented", per_hour=3600)
    yield "ollama/rented"
    del _set_by_user["ollama/rented"]


def test_a_price_by_the_hour_needs_measured_times(hourly: str) -> None:
    (group, workload), *_ = workloads_of_run([synthetic(100, 50, model=hourly) for _ in range(10)]).items()
    assert figures_of(group, workload, Priors()).dollars is None
    known = figures_of(group, workload, Priors.of(Ledger([entry(5, model=hourly, seconds=2.0)]))).dollars
    assert known is not None
    assert known.expected == 20


def test_long_prompts_may_come_from_the_providers_own_cache() -> None:
    def workload(tokens: int) -> Any:
        found = WorkloadRange()
        for one in (found.low, found.expected, found.high):
            one.add(10, CallStatistics([tokens], [100]))
        return found

    group = Group("train", "openai/gpt-4o-mini", "solve", "chat")
    priors = Priors.of(Ledger([entry(100, model=group.model) for _ in range(3)]))
    short, long = (figures_of(group, workload(tokens), priors).dollars for tokens in (500, 50_000))
    assert short is not None
    assert long is not None
    assert long.low < long.expected / 2 < short.expected / 2 * 100
    assert short.low > short.expected / 2


def test_rows_stand_in_the_order_of_a_run() -> None:
    phases = [None, "predict", "validation", "candidate", "train", "own", "optimizer", "reward"]
    workloads = [(Group(phase, MODEL, "m", "chat"), WorkloadRange(expected=Workload(1, 1, 0, 1))) for phase in phases]
    found = [row.phase for row in rows_of(workloads, Priors())]
    assert found == [None, "train", "reward", "optimizer", "candidate", "validation", "predict", "own"]
