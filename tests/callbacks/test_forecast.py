"""The forecast in the history, beside what was taken."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import synalinks
from programs_under_test import compiled, data, fit, learner, provider_of, solver
from synalinks.callbacks import History
from synalinks.callbacks.forecast import ForecastVsActual
from synalinks.lm.forecast.forecast import Forecast
from synalinks.lm.forecast.ranges import Figures, Range, Row
from synalinks.lm.ledger.ledger import Ledger
from synalinks.testing import SyntheticModel


def estimated(program: Any, **settings: Any) -> Forecast:
    return asyncio.run(program.estimate(*data(6), **settings))  # type: ignore[no-any-return]


def test_a_history_has_the_last_forecast_of_its_program() -> None:
    program = compiled()
    assert fit(program, provider_of(learner), *data(6)).forecast is None
    assert History().forecast_vs_actual is None
    estimated(program, epochs=5)
    forecast = estimated(program, epochs=2)
    history = fit(program, provider_of(learner), *data(6), epochs=2)
    assert history.forecast is forecast
    assert fit(compiled(), provider_of(learner), *data(6)).forecast is None, "that of another program is not its own"


def test_forecast_and_actual_are_compared_by_phase() -> None:
    program = compiled(solver(synalinks.LanguageModel("openai/gpt-4o-mini", retry=1)))
    estimated(program, epochs=2)
    history = fit(program, SyntheticModel(), *data(6), epochs=2)
    compared = history.forecast_vs_actual
    assert compared is not None
    assert compared.within
    value = json.loads(json.dumps(compared.to_dict()))
    assert {row["phase"] for row in value["rows"]} >= {"train", "candidate", "validation"}
    assert value["total"]["actual"]["calls"] == len(history.ledger)
    printed = str(compared)
    assert printed.startswith("Forecast of solver.fit: 2 epochs of 5 samples\n")
    assert "billed" in printed.splitlines()[-1]
    assert max(map(len, printed.splitlines())) <= 120


def test_what_lies_outside_is_named() -> None:
    history = fit(compiled(), provider_of(learner), *data(6), validation_split=0.0)
    figures = Figures(Range(7, 8, 9), Range(0, 1, 10**6), Range(0, 1, 2), Range(Decimal(0), Decimal(0), Decimal(1)))
    forecast = Forecast((Row("train", "ollama/test", figures), Row("reward", "ollama/judge", figures)))
    compared = ForecastVsActual(forecast, history.ledger, epochs=1)
    rows = {phase: (foreseen, actual) for phase, foreseen, actual in compared.rows}
    assert rows["train"][1].calls == 6
    assert rows["reward"][1].calls == 0
    assert not compared.within
    assert "calls below, tokens out above" in str(compared)
    assert repr(compared) == "<ForecastVsActual not within the forecast>"


def test_a_phase_nobody_foresaw_is_a_row_too() -> None:
    history = fit(compiled(), provider_of(learner), *data(6))
    rows = ForecastVsActual(Forecast(()), history.ledger).rows
    assert {phase for phase, *_ in rows} >= {"train", "validation"}


def test_an_unknown_price_decides_nothing() -> None:
    program = compiled(solver(synalinks.LanguageModel("openai/nobody-knows", retry=1)))
    estimated(program)
    compared = fit(program, SyntheticModel(), *data(6)).forecast_vs_actual
    assert compared.within
    assert "unpriced" in str(compared)
    assert compared.to_dict()["total"]["actual"]["dollars"] is None


def test_a_forecast_for_other_epochs_says_so() -> None:
    program = compiled()
    estimated(program, epochs=3)
    history = fit(program, provider_of(learner), *data(6), epochs=1)
    assert "made for 3 epochs, and 1 were run" in str(history.forecast_vs_actual)


def test_an_empty_ledger_is_compared_too() -> None:
    assert ForecastVsActual(Forecast(()), Ledger()).within
