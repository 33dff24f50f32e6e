"""Tests of optimizers that drive the search: what they get, what it costs, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, fit, lm, phases, provider_of, right, solver
from synalinks.errors import ConfigurationError, DataError, SearchEnded
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import prompt_of
from synalinks.optimizers import Optimizer, Problem


@synalinks.saving.register_synalinks_serializable("Tests")
class Climb(Optimizer):
    """Tries higher numbers in the instructions, and keeps what does at least as well on four cases."""

    async def search(self, problem: Problem) -> None:
        best = problem.starts[0]
        path = problem.variables[0].path
        proposer = synalinks.Generator(data_model=Answer, language_model=lm(), name="proposer")
        while True:
            (found,) = await problem.ask(proposer, [Question(question=f"propose {int(problem.rng.integers(9))}")])
            assert found is not None
            child = best.with_fields(path, {"instructions": f"Level {found.get('answer')}."})
            cases = [problem.cases[int(i)] for i in problem.rng.permutation(len(problem.cases))[:4]]
            before, after = await problem.evaluate([best, child], cases)
            if sum(answer.reward for answer in after) >= sum(answer.reward for answer in before):
                problem.note(child, "kept", [best])
                problem.keep(child)
                best = child


class Once(Climb):
    """A search given as a function."""

    def __init__(self, steps: Callable[[Problem], Any]) -> None:
        super().__init__()
        self.steps = steps

    async def search(self, problem: Problem) -> None:
        await self.steps(problem)


def levels(number: int, call: Call) -> Any:
    """Right about numbers below the level that the instructions name; a proposal goes up by the number given."""
    prompt = prompt_of(call.request)
    if '"propose' in prompt:
        return {"answer": number}
    level = int(prompt.partition("Level ")[2].partition(".")[0] or 2)
    return {"answer": number if number % 10 < level else -1}


def searching(steps: Callable[[Problem], Any]) -> Any:
    return compiled(optimizer=Once(steps))


def test_a_search_gets_cases_starts_places_and_what_is_left() -> None:
    seen: dict[str, Any] = {}

    async def look(problem: Problem) -> None:
        seen.update(vars(problem), left=problem.calls_left)

    program = compiled(solver(instructions="Answer.", seed_instructions=["Think."]), optimizer=Once(look))
    fit(program, provider_of(right), *data(10), validation_split=0.2)
    assert [case.index for case in seen["cases"]] == list(range(8))
    assert (seen["cases"][3].inputs, seen["cases"][3].target) == ({"question": "number 3"}, {"answer": 3})
    assert [case.target["answer"] for case in seen["validation"]] == [8, 9]
    path = program.trainable_variables[0].path
    assert [start.fields(path)["instructions"] for start in seen["starts"]] == ["Answer.", "Think."]
    place = seen["places"][path]
    assert (place.module, place.stage, place.stages, place.last) == ("solver_generator", 1, 1, True)
    assert list(place.inputs["properties"]) == ["question"] and list(place.outputs["properties"]) == ["answer"]
    assert seen["left"] == 8  # a pass over ten samples, less the validation


def test_answers_have_rewards_outputs_and_what_each_module_recorded() -> None:
    found: list[Any] = []

    async def one(problem: Problem) -> None:
        found.extend((await problem.evaluate(problem.starts, problem.cases[2:4]))[0])

    program = searching(one)
    fit(program, provider_of(lambda n, _: {"answer": 2}), *data(6), validation_split=0.0)
    assert [(answer.case, answer.reward, answer.outputs) for answer in found] == [
        (2, 1.0, {"answer": 2}),
        (3, 0.0, {"answer": 2}),
    ]
    path = program.trainable_variables[0].path
    assert found[1].records[path] == [{"inputs": {"question": "number 3"}, "outputs": {"answer": 2}}]


def test_what_was_answered_once_is_free_and_states_are_told_apart() -> None:
    left: list[int] = []

    async def thrice(problem: Problem) -> None:
        start = problem.starts[0]
        other = start.with_fields(problem.variables[0].path, {"instructions": "Level 9."})
        for states, cases in (([start], [0, 1]), ([start, other, start], [0, 1, 2, 2]), ([other, start], [2])):
            await problem.evaluate(states, [problem.cases[i] for i in cases])
            left.append(problem.calls_left)

    provider = provider_of(levels)
    fit(searching(thrice), provider, *data(10), validation_split=0.0)
    assert left == [8, 4, 4] and phases(provider) == {"candidate": 6}


@pytest.mark.parametrize("calls", [25, 40, 77])
def test_no_more_calls_than_given_validation_and_proposals_included(calls: int) -> None:
    provider = provider_of(levels)
    history = fit(compiled(optimizer=Climb()), provider, *data(20), validation_split=0.2, calls=calls)
    assert calls - 13 <= len(provider.calls) <= calls  # a step takes nine
    assert phases(provider)["validation"] == 4
    assert history.stopped_by is None and "val_reward" in history.history


def test_a_search_that_looks_for_more_than_is_left_ends_and_makes_no_call() -> None:
    async def greedy(problem: Problem) -> None:
        with pytest.raises(SearchEnded):
            await problem.evaluate(problem.starts, problem.cases)
        problem.keep(problem.starts[0].with_fields(problem.variables[0].path, {"instructions": "kept"}))

    program, provider = searching(greedy), provider_of(levels)
    fit(program, provider, *data(20), validation_split=0.0, calls=19)
    assert provider.calls == [] and program.trainable_variables[0].get("instructions") == "kept"


def test_the_kept_state_is_left_in_the_program_and_the_pool() -> None:
    program = compiled(optimizer=Climb())
    history = fit(program, provider_of(levels), *data(30), validation_split=0.2, calls=200)
    variable = program.trainable_variables[0]
    level = int(variable.get("instructions").split()[1].rstrip("."))
    assert level > 2 and history.history["val_reward"][-1] == len([n for n in range(4, 10) if n < level]) / 6
    (best,) = variable.get("best_candidates")
    assert best["instructions"] == variable.get("instructions") and best["reward_count"] >= 4
    assert history.candidates[-1]["outcome"] == "kept"
    assert history.candidates[-1]["parents"] == [history.candidates[-2]["candidate"]]


def test_epochs_are_a_pass_each_or_the_calls_divided() -> None:
    history = fit(compiled(optimizer=Climb()), provider_of(levels), *data(20), validation_split=0.2, epochs=3)
    assert history.epoch == [0, 1, 2] and len(history.history["reward"]) == 3
    assert [row["epoch"] for row in history.costs if row["phase"] == "candidate"] == [0, 1, 2]
    many = fit(compiled(optimizer=Climb()), provider_of(levels), *data(20), validation_split=0.2, calls=100)
    assert many.epoch == [0, 1, 2, 3, 4]
    two = fit(compiled(optimizer=Climb()), provider_of(levels), *data(20), validation_split=0.2, calls=100, epochs=2)
    assert two.epoch == [0, 1]
    fixed = fit(compiled(optimizer=Climb()), provider_of(levels), *data(20), batch_size=9, steps_per_epoch=2, epochs=2)
    assert fixed.epoch == [0, 1] and len(fixed.ledger) <= 36


def test_metrics_and_reward_are_of_the_kept_state_on_training_samples() -> None:
    metric = synalinks.metrics.MeanMetricWrapper(fn=synalinks.rewards.exact_match, name="match")
    program = compiled(optimizer=Climb(), metrics=[metric])
    history = fit(program, provider_of(levels), *data(20), validation_split=0.2, epochs=2)
    assert list(history.history) == ["match", "reward", "val_match", "val_reward"]
    assert history.history["match"] == history.history["reward"]


def test_a_callback_ends_it() -> None:
    class Stop(synalinks.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.program.stop_training = batch == 3

    provider = provider_of(levels)
    history = fit(compiled(optimizer=Climb()), provider, *data(20), callbacks=[Stop()], calls=200)
    assert history.stopped_by == "callback" and history.epoch == [0] and len(provider.calls) < 30


@pytest.mark.parametrize("calls", [30, 61])
def test_a_budget_is_a_natural_end_that_the_search_can_plan_with(calls: int) -> None:
    left: list[int] = []

    async def plan(problem: Problem) -> None:
        start, path = problem.starts[0], problem.variables[0].path
        while (now := problem.calls_left) >= 5:
            left.append(now)
            start = start.with_fields(path, {"instructions": f"Level {now}."})
            await problem.evaluate([start], problem.cases[:5])
            problem.keep(start)

    provider = provider_of(levels)
    program = searching(plan)
    history = fit(
        program, provider, *data(20), validation_split=0.2, epochs=9, budget=synalinks.Budget(calls=calls), verbose=0
    )
    assert history.stopped_by is None and calls - 5 < len(provider.calls) <= calls
    assert left[0] == calls and left[-1] < 10 and history.history["val_reward"]


def test_an_epochs_own_budget_ends_the_epoch_alone() -> None:
    provider = provider_of(levels)
    budget = synalinks.Budget(per_epoch=synalinks.Budget(calls=20))
    history = fit(compiled(optimizer=Climb()), provider, *data(20), epochs=3, validation_split=0.0, budget=budget)
    assert [row["calls"] for row in history.costs if row["phase"] == "candidate"] and max(
        sum(row["calls"] for row in history.costs if row["epoch"] == epoch) for epoch in history.epoch
    ) <= 20


class CrashError(Exception):
    """Something went wrong."""


def outcome(program: Any, history: Any) -> tuple[str, Any, Any]:
    values = [variable.get_json() for variable in program.trainable_variables]
    return json.dumps(values), history.history, history.candidates


@pytest.mark.parametrize("crash", [1, 23, 24, 41, 47, 66, 84])
def test_cut_off_anywhere_it_ends_with_the_same_program_and_asks_nothing_twice_of_epochs_done(
    tmp_path: Path, crash: int
) -> None:
    def run(limit: int | None, folder: Path | None) -> tuple[Any, Any, int]:
        synalinks.clear_session()
        made = 0

        def rule(number: int, call: Call) -> Any:
            nonlocal made
            made += 1
            if limit is not None and made > limit:
                raise CrashError
            return levels(number, call)

        program = compiled(optimizer=Climb())
        settings: dict[str, Any] = {} if folder is None else {"resume": folder}
        return program, fit(program, provider_of(rule), *data(20), validation_split=0.2, calls=90, **settings), made

    program, history, calls = run(None, None)
    with pytest.raises(CrashError):
        run(crash, tmp_path / "state")
    again, more, rest = run(None, tmp_path / "state")
    assert outcome(again, more) == outcome(program, history)
    assert calls - crash <= rest <= calls - crash + 28  # the epoch that was cut off begins anew
    assert not list((tmp_path / "state").glob("*.json")) if (tmp_path / "state").exists() else True


def test_replayed_byte_for_byte(tmp_path: Path) -> None:
    def run(**options: Any) -> Any:
        synalinks.clear_session()
        program = compiled(optimizer=Climb())
        with synalinks.use_cassette(tmp_path / "search.jsonl", **options):
            history = fit(program, provider_of(levels), *data(20), validation_split=0.2, calls=90)
        return (*outcome(program, history), history.costs[0]["calls"])

    recorded = run()
    with synalinks.offline():
        assert run(record_mode="none", strict=True) == recorded


def test_generators_have_no_samples_to_choose() -> None:
    x, y = data(4)
    with pytest.raises(DataError, match="pass x and y as arrays or lists"):
        fit(compiled(optimizer=Climb()), provider_of(right), lambda: iter([(x, y)]))


def test_an_optimizer_without_either_says_so() -> None:
    with pytest.raises(ConfigurationError, match="does not define `async def propose"):
        fit(compiled(optimizer=Optimizer()), provider_of(right), *data(4))


def test_a_validation_that_would_take_most_calls_is_left_out_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="more than half: there is none"):
        history = fit(compiled(optimizer=Climb()), provider_of(right), *data(20), validation_split=0.5, calls=15)
    assert "val_reward" not in history.history


def test_several_variables_are_one_state() -> None:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        first = await synalinks.Generator(data_model=Question, language_model=lm(), name="first")(inputs)
        last = await synalinks.Generator(data_model=Answer, language_model=lm(), name="last")(first)
        return synalinks.Program(inputs=inputs, outputs=last, name="two")

    seen: list[Any] = []

    async def both(problem: Problem) -> None:
        one, two = (variable.path for variable in problem.variables)
        seen.extend(problem.places[path] for path in (one, two))
        state = problem.starts[0].with_fields(one, {"instructions": "A."}).with_fields(two, {"instructions": "B."})
        ((answer,),) = await problem.evaluate([state], problem.cases[:1])
        seen.append(sorted(answer.records) == sorted((one, two)))
        problem.keep(state)

    program = compiled(asyncio.run(build()), optimizer=Once(both))
    rule = provider_of(lambda n, call: {"answer": n} if "A." not in prompt_of(call.request) else {"question": "n 0"})
    fit(program, rule, *data(4), validation_split=0.0)
    assert [(place.stage, place.stages, place.last) for place in seen[:2]] == [(1, 2, False), (2, 2, True)]
    assert seen[2] and [v.get("instructions") for v in program.trainable_variables] == ["A.", "B."]


@pytest.mark.parametrize("optimizer", ["random_few_shot", "omega"])
def test_other_optimizers_end_by_calls_too(optimizer: str) -> None:
    provider = provider_of(levels)
    made: Any = {"random_few_shot": synalinks.RandomFewShot(), "omega": synalinks.OMEGA(lm(), algorithm="ga")}
    if optimizer == "omega":
        made["omega"] = synalinks.OMEGA(language_model=lm(), algorithm="ga", use_chain_of_thought=False)
        provider = synalinks.testing.ScriptedProvider(
            lambda call: (
                {"instructions": f"Level {len(provider.calls) % 9}."}
                if "current_variable" in prompt_of(call.request)
                else levels(int(prompt_of(call.request).rpartition("number ")[2].partition('"')[0]), call)
            )
        )
    history = fit(compiled(optimizer=made[optimizer]), provider, *data(20), validation_split=0.2, epochs=9, calls=60)
    assert 40 < len(provider.calls) <= 60 and history.stopped_by is None
    assert history.history["val_reward"] and history.epoch[-1] < 8


def test_an_estimate_is_of_the_calls_that_were_given() -> None:
    program = compiled(optimizer=synalinks.optimizers.PromptRacing(lm()))
    forecast = asyncio.run(program.estimate(*data(60), calls=300, validation_split=0.2))
    calls = [row.figures.calls for row in forecast.rows]
    assert max(sum(one.high for one in calls), sum(one.expected for one in calls)) <= 300
    assert sum(one.expected for one in calls) > 280


def test_a_search_that_ends_early_says_where_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    async def once(problem: Problem) -> None:
        await problem.evaluate(problem.starts, problem.cases[:2])

    history = fit(searching(once), provider_of(right), *data(10), epochs=3, validation_split=0.2, verbose=2)
    assert history.stopped_by is None and "has nothing more to try, after " in history.stop_reason
    assert f"\nEnded in epoch 1 of 3: {history.stop_reason}\n" in capsys.readouterr().out
