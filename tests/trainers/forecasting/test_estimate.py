"""Estimates: the figures of a fit before it is made, and that making them leaves no trace."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import omega_under_test
import synalinks
from programs_under_test import (
    Answer,
    Fresh,
    Mixed,
    Pipeline,
    Question,
    compiled,
    data,
    fit,
    learner,
    lm,
    provider_of,
    solver,
)
from synalinks import session
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm.blocks import use_budget, use_runtime
from synalinks.lm.budget.layer import Budget
from synalinks.lm.cache.disk_store import DiskStore
from synalinks.lm.cache.entry import encode
from synalinks.lm.core.call import Reply, Usage
from synalinks.lm.forecast.forecast import Forecast
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.lm.runtime import current
from synalinks.scope import Scope
from synalinks.trainers.fit_config import FitConfig


def estimate(program: Any, x: Any = None, y: Any = None, **settings: Any) -> Forecast:
    return asyncio.run(program.estimate(x, y, **settings))  # type: ignore[no-any-return]


def outcome(program: Any, history: Any, path: Path) -> dict[str, Any]:
    """All that a fit leaves behind, but for times."""
    program.save(path)
    return {
        "history": history.history,
        "calls": history.ledger.to_dicts(timings=False),
        "program": path.read_bytes(),
        "names": dict(session._names),
        "draws": current().draws.get_state(),
    }


def few_shot() -> Any:
    return compiled(solver(), metrics=[synalinks.metrics.MeanMetricWrapper(fn=synalinks.ExactMatch())])


def evolved() -> Any:
    return omega_under_test.program(omega_under_test.omega(instructions="Improve."))


def layered() -> Any:
    program = Pipeline(lm())
    return compiled(program)


def made_in_build() -> Any:
    return compiled(Mixed(lm()))


def own_optimizer() -> Any:
    return compiled(solver(), optimizer=Fresh())


PROGRAMS = [few_shot, evolved, layered, made_in_build, own_optimizer]


@pytest.mark.parametrize("build", PROGRAMS)
def test_a_fit_after_an_estimate_is_the_fit_without_one(build: Callable[[], Any], tmp_path: Path) -> None:
    found = []
    for estimates in (0, 1):
        synalinks.clear_session(free_memory=False)
        program, made_before = build(), len(current().ledger)
        provider = omega_under_test.OmegaProvider() if build is evolved else provider_of(learner)
        for _ in range(estimates):
            estimate(program, *data(8), epochs=2, validation_data=data(5, 20))
        assert (program.history, len(current().ledger)) == (None, made_before)
        first = fit(program, provider, *data(8), epochs=2, validation_data=data(5, 20))
        for _ in range(estimates):  # of a program that is trained, with an optimizer that has a past
            estimate(program, *data(8), epochs=1, validation_data=data(5, 20))
        assert program.history is first
        second = fit(program, provider, *data(8), epochs=1, validation_data=data(5, 20))
        found.append(
            [outcome(program, first, tmp_path / "first.json"), outcome(program, second, tmp_path / "second.json")]
        )
    assert found[0] == found[1]


class Noting(synalinks.Module):
    """Passes its input on, and counts in every way there is."""

    def __init__(self) -> None:
        super().__init__(name="noting")
        self.count = 0
        self.seen: list[str] = []
        self.by_name: dict[str, int] = {}
        self.names: set[str] = set()
        self.array = np.zeros(3)
        self.numpy_rng = np.random.default_rng(7)
        self.rng = random.Random(7)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        self.count += 1
        self.seen.append(inputs.get("question"))
        self.by_name[inputs.get("question")] = self.count
        self.names.add(inputs.get("question"))
        self.array += 1
        self.numpy_rng.random()
        self.rng.random()
        return inputs

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Question)


def test_what_the_users_own_code_keeps_is_as_it_was() -> None:
    noting, seen = Noting(), []

    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        answer = await synalinks.Generator(data_model=Answer, language_model=lm(), name="g")(await noting(inputs))
        return synalinks.Program(inputs=inputs, outputs=answer, name="noted")

    async def reward(y_true: Any, y_pred: Any) -> float:
        seen.append(y_pred)
        return 1.0

    program = compiled(asyncio.run(build()), reward=reward)
    model = program.get_module("g").language_model
    estimate(program, *data(4), validation_split=0.5)
    assert (noting.count, noting.seen, noting.by_name, noting.names, seen) == (0, [], {}, set(), [])
    assert noting.array.tolist() == [0, 0, 0]
    assert noting.rng.random() == random.Random(7).random()
    assert noting.numpy_rng.random() == np.random.default_rng(7).random()
    assert (model.cumulated_calls, model.last_call_tokens) == (0, None)
    assert program.compilation.rewards[0].name == "reward"


def test_budget_cassette_and_stand_in_know_nothing_of_an_estimate(tmp_path: Path) -> None:
    program, provider = few_shot(), provider_of(learner)
    with (
        use_budget(Budget(calls=1)) as tracker,
        synalinks.use_cassette(tmp_path / "cassette.jsonl") as cassette,
        synalinks.use_provider(provider),
    ):
        forecast = estimate(program, *data(4), validation_split=0.5)
        assert (len(cassette.rows()), current().cassette, current().provider) == (0, cassette, provider)
        assert (tracker.settled.calls, tracker.refused, provider.calls) == (0, None, [])
    assert forecast.calls.expected > 1


def test_a_budget_in_dollars_does_not_ask_for_prices() -> None:
    program = compiled(solver(synalinks.LanguageModel("openai/no-price", retry=1)))
    with use_budget(1):
        assert estimate(program, *data(4)).dollars is None


def test_calls_beside_an_estimate_are_answered_by_their_own_provider() -> None:
    program, model = few_shot(), lm()

    async def both() -> Any:
        async def other() -> Any:
            await asyncio.sleep(0)
            return await model.ask([{"role": "user", "content": "hello"}])

        with synalinks.use_provider(ScriptedProvider(lambda call: "mine")):
            return await asyncio.gather(program.estimate(*data(30)), other())

    forecast, reply = asyncio.run(both())
    assert isinstance(forecast, Forecast)
    assert "mine" in str(reply)


def test_an_estimate_waits_for_no_rate() -> None:
    program = compiled(solver(lm(rpm=1, tpm=10)))
    forecast = asyncio.run(asyncio.wait_for(program.estimate(*data(20)), 30))
    assert forecast.calls.expected > 20


def test_estimates_of_one_fit_are_the_same() -> None:
    first, second = (estimate(few_shot(), *data(12), epochs=2).to_dict() for _ in range(2))
    assert first == second


# --- counts ------------------------------------------------------------------------------------------------


def calls_of(forecast: Forecast, phase: str) -> tuple[int, int, int]:
    found = forecast.by("phase")[phase].calls
    return found.low, found.expected, found.high


@pytest.mark.parametrize(
    ("settings", "train", "validation", "bound"),
    [
        ({}, 12, 6, 12 * 2 * 4),
        ({"epochs": 3}, 36, 18, 36 * 2 * 4),
        ({"epochs": 3, "validation_freq": 2}, 36, 6, 36 * 2 * 4),
        ({"epochs": 9, "validation_freq": 4}, 108, 12, 108 * 2 * 4),
        ({"epochs": 9, "initial_epoch": 7}, 24, 12, 24 * 2 * 4),
        ({"batch_size": 5}, 12, 6, 3 * 2 * 4),
        ({"batch_size": 5, "steps_per_epoch": 2}, 10, 6, 2 * 2 * 4),
        ({"minibatch_size": None}, 12, 6, 12 * 2 * 6),
        ({"validation_steps": 1, "validation_batch_size": 4}, 12, 4, 12 * 2 * 4),
    ],
)
def test_passes_are_counted_exactly_and_candidates_are_bounded(
    settings: dict[str, Any], train: int, validation: int, bound: int
) -> None:
    forecast = estimate(compiled(), *data(12), validation_data=data(6, 20), **settings)
    assert calls_of(forecast, "train") == (train, train, train)
    assert calls_of(forecast, "validation") == (validation, validation, validation)
    low, expected, high = calls_of(forecast, "candidate")
    assert low <= expected <= high == bound


def test_a_fit_without_validation_data_has_none() -> None:
    forecast = estimate(compiled(), *data(6), validation_split=0.0, validation_freq=2)
    assert "validation" not in forecast.by("phase")
    assert calls_of(forecast, "candidate")[2] == 6 * 2  # compared on the batch itself


def test_an_optimizer_that_proposes_nothing_costs_nothing() -> None:
    quiet = synalinks.RandomFewShot(nb_min_examples=0, nb_max_examples=0)
    forecast = estimate(compiled(), *data(6), optimizer=quiet, validation_split=0.5)
    assert set(forecast.by("phase")) == {"train", "validation"}


def test_a_large_fit_is_scaled_by_exact_counts() -> None:
    program = omega_under_test.program(omega_under_test.omega())
    forecast = estimate(
        program, *data(4000), validation_data=data(900, 5000), epochs=10, batch_size=32, validation_freq=3
    )
    assert calls_of(forecast, "train") == (40_000, 40_000, 40_000)
    assert calls_of(forecast, "validation") == (2700, 2700, 2700)
    assert calls_of(forecast, "candidate")[2] == 10 * 125 * 2 * 4
    proposals = forecast.by("model")[omega_under_test.PROPOSER].calls
    assert 1250 in proposals
    assert any(note.startswith("Simulated:") and "of 4,000 training" in note for note in forecast.notes)


def test_a_judge_is_asked_once_a_pass() -> None:
    judge = synalinks.rewards.LMAsJudge(language_model=synalinks.LanguageModel("ollama/judge", retry=1))
    forecast = estimate(compiled(reward=judge), *data(8), validation_data=data(4, 20), epochs=2)
    passes = forecast.by("model")["ollama/test"].calls
    judged = forecast.by("phase")["reward"].calls
    assert (judged.expected, judged.high) == (passes.expected, passes.high)


def test_modules_of_branches_are_asked_by_no_sample_or_by_all() -> None:
    class Sometimes(synalinks.Program):
        """Calls a second model for every second answer."""

        def __init__(self) -> None:
            super().__init__(name="sometimes")
            self.first = synalinks.Generator(data_model=Answer, language_model=lm(), name="first")
            self.second = synalinks.Generator(data_model=Answer, language_model=lm(), name="second")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            answer = await self.first(inputs, training=training)
            return answer if answer is None or answer.get("answer") % 2 else await self.second(inputs)

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Answer)

    forecast = estimate(compiled(Sometimes()), *data(20), validation_split=0.0)
    low, expected, high = calls_of(forecast, "train")
    assert (low, high) == (20, 40)
    assert 20 < expected < 40


def test_streams_are_counted_by_reading_them() -> None:
    def batches() -> Any:
        for start in range(0, 12, 4):
            x, y = data(4, start)
            yield np.array(x, dtype=object), np.array(y, dtype=object)

    forecast = estimate(compiled(), batches, epochs=2, validation_data=data(5, 20))
    assert calls_of(forecast, "train") == (24, 24, 24)
    assert calls_of(estimate(compiled(), batches, steps_per_epoch=2), "train") == (8, 8, 8)


# --- stored answers, measured lengths, prices ------------------------------------------------------------


def test_at_temperature_0_low_leaves_out_what_repeats() -> None:
    x, y = data(4)
    forecast = estimate(compiled(solver(lm(temperature=0))), x * 2, y * 2, epochs=3, validation_split=0.0)
    low, expected, high = calls_of(forecast, "train")
    assert (expected, high) == (24, 24)
    assert low < 12
    assert calls_of(estimate(compiled(), x * 2, y * 2, epochs=3, validation_split=0.0), "train")[0] == 24


def test_low_leaves_out_what_the_open_cassette_holds_and_not_what_a_closed_one_does(tmp_path: Path) -> None:
    program, provider = compiled(), provider_of(learner)
    with synalinks.use_cassette(tmp_path / "cassette.jsonl"):
        fit(program, provider, *data(6), validation_split=0.0)
    again = estimate(compiled(), *data(6), epochs=2, validation_split=0.0, learn_from=tmp_path / "cassette.jsonl")
    assert calls_of(again, "train") == (12, 12, 12), "it gives lengths; a run without it calls live"
    with synalinks.use_cassette(tmp_path / "cassette.jsonl", "new_episodes"):
        goes_on = estimate(compiled(), *data(6), epochs=2, validation_split=0.0)
    assert calls_of(goes_on, "train") == (6, 12, 12)


def test_a_known_length_makes_a_narrow_range(tmp_path: Path) -> None:
    def wide(forecast: Forecast) -> float:
        found = forecast.by("phase")["train"]
        return found.output_tokens.high / max(1, found.output_tokens.low)

    program = compiled(solver(synalinks.LanguageModel("ollama/never-asked", retry=1)))
    before = estimate(program, *data(8), validation_split=0.5)
    fit(program, provider_of(learner), *data(8), validation_split=0.5)
    after = estimate(program, *data(8), validation_split=0.5)
    assert wide(before) > 20 > 2 > wide(after)
    assert any(note.startswith("Guessed") for note in before.notes)
    assert any(note.startswith("Measured") for note in after.notes)


def test_the_caches_of_the_programs_own_models_teach_and_no_others(tmp_path: Path) -> None:
    name = lm().model
    program = compiled(solver(synalinks.LanguageModel(name, cache_dir=tmp_path, retry=1)))
    module = "solver_generator"
    store = DiskStore(tmp_path)
    for number in range(20):
        place = (Scope(phase="train", module=module), 0)
        store.add(f"d{number} http://here 0", encode(name, place, Reply(text="x", usage=Usage(output_text=400))))
    store.close()
    with use_runtime(lambda outer: replace(outer, ledger=Ledger())):  # the calls of other tests would teach, too
        assert any(note.startswith("Measured") for note in estimate(program, *data(8)).notes)
        assert not any(note.startswith("Measured") for note in estimate(compiled(), *data(8)).notes)


def test_dollars_are_those_of_the_table_and_an_unknown_price_is_none() -> None:
    priced = estimate(compiled(solver(synalinks.LanguageModel("openai/gpt-4o-mini"))), *data(8))
    assert priced.dollars is not None
    assert 0 < priced.dollars.low < priced.dollars.expected < priced.dollars.high
    unpriced = estimate(compiled(solver(synalinks.LanguageModel("openai/no-price"))), *data(8))
    assert unpriced.dollars is None
    assert unpriced.to_dict()["total"]["dollars"] is None
    assert "unpriced" in str(unpriced)


def test_the_price_at_another_server_is_unknown() -> None:
    model = synalinks.LanguageModel("openai/gpt-4o-mini", api_base="https://gateway.example.com/v1")
    forecast = estimate(compiled(solver(model)), *data(8))
    assert all(row.figures.unpriced for row in forecast.rows if row.figures.calls.high)
    assert any("Unpriced: openai/gpt-4o-mini" in note for note in forecast.notes)


def test_a_server_on_this_machine_is_free_whatever_its_model_is_called() -> None:
    model = synalinks.LanguageModel("openai/gpt-4o-mini", api_base="http://127.0.0.1:9/v1")
    forecast = estimate(compiled(solver(model)), *data(8))
    assert forecast.total.priced.high == 0 and not forecast.total.unpriced
    assert not any("Unpriced" in note for note in forecast.notes)


def test_a_forecast_is_json_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    forecast = estimate(compiled(), *data(8), epochs=2)
    assert json.loads(json.dumps(forecast.to_dict()))["settings"]["epochs"] == 2
    print(forecast)
    printed = capsys.readouterr().out
    assert printed.startswith("Forecast of solver.fit: 2 epochs of 7 samples\n")
    assert max(map(len, printed.splitlines())) <= 120


# --- what is refused -----------------------------------------------------------------------------------------


def test_what_can_be_read_only_once_is_refused() -> None:
    x, y = data(4)
    with pytest.raises(DataError, match="only once"):
        estimate(compiled(), ((np.array(x, dtype=object), np.array(y, dtype=object)) for _ in range(3)))


def test_a_program_without_an_optimizer_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs an optimizer"):
        estimate(solver(), *data(4))


def test_an_argument_that_fit_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="did you mean epochs"):
        estimate(compiled(), *data(4), epoch=3)
    with pytest.raises(ConfigurationError, match="batch_size=0"):
        estimate(compiled(), *data(4), batch_size=0)
    with pytest.raises(ConfigurationError, match="seed=-1"):
        estimate(compiled(), *data(4), seed=-1)


def test_arguments_that_cost_nothing_are_passed_over() -> None:
    assert estimate(compiled(), *data(4), verbose=1, budget=0.5, callbacks=[], resume=True).calls.expected


def test_settings_are_those_of_fit() -> None:
    import inspect

    ours = {name: parameter.default for name, parameter in inspect.signature(FitConfig).parameters.items()}
    del ours["first_step"], ours["hooks"]  # not of `fit`: `train_on_batch` sets it
    theirs = {
        name: parameter.default for name, parameter in inspect.signature(synalinks.Program.fit).parameters.items()
    }
    assert {name: theirs[name] for name in ours} == ours


def test_errors_of_the_users_code_say_that_answers_were_invented() -> None:
    class Picky(synalinks.Module):
        """Can't stand any answer."""

        async def call(self, inputs: Any, training: bool = False) -> Any:
            raise ZeroDivisionError("nonsense")

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Answer)

    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        answer = await synalinks.Generator(data_model=Answer, language_model=lm(), name="g")(inputs)
        return synalinks.Program(inputs=inputs, outputs=await Picky(name="picky")(answer), name="picky_program")

    program, provider = compiled(asyncio.run(build())), current().provider
    with pytest.raises(ZeroDivisionError) as met:
        estimate(program, *data(4))
    assert "invented answers" in met.value.__notes__[0]
    assert (current().provider, program.history) == (provider, None)
