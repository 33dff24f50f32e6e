"""Tests of the optimizers' base: pools, what a step starts from, which variable is updated."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Persona, compiled, data, fit, learner, provider_of, right
from synalinks import optimizers
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.optimizers import Candidate, Optimizer, Step


class Write(Optimizer):
    """Proposes what it is told to."""

    values: Mapping[str, Any] | None = None

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
        self.asked = [*getattr(self, "asked", []), variable.name]
        return self.values


def persona(name: str = "v", visits: int = 0, reward: float = 0.0, **fields: Any) -> Variable:
    variable = Variable({"nb_visit": visits, "cumulative_reward": reward, **fields}, data_model=Persona, name=name)
    variable.path = f"m/{name}"
    return variable


def view(variable: Variable) -> Step:
    return Step(0, 0, [], "", np.random.default_rng(0))


def select(optimizer: Optimizer, variables: list[Variable], times: int = 300) -> Counter[str]:
    return Counter(asyncio.run(optimizer.select_variable_name_to_update(variables)) for _ in range(times))


def test_unvisited_variables_come_first() -> None:
    variables = [persona("used", 2, 2.0), persona("new"), persona("poor", 2, 0.0)]
    assert select(Write(), variables) == {"new": 300}


def test_the_worse_a_visited_variable_does_the_likelier_it_is_updated() -> None:
    found = select(Write(), [persona("good", 4, 4.0), persona("poor", 2, 0.0)], 1000)
    assert 0.94 < found["poor"] / 1000 < 0.99  # exp(1 / 0.3) to 1 is 0.966
    greedy = Write(sampling_temperature=0)
    assert select(greedy, [persona("good", 4, 4.0), persona("poor", 2, 0.0)]) == {"poor": 300}


def test_an_unvisited_variable_without_a_proposal_does_not_block_the_others() -> None:
    class Some(Write):
        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            await super().propose(variable, step)
            return {"persona": "stern"} if variable.name == "used" else None

    optimizer = Some()
    (found,) = asyncio.run(optimizer.proposals([persona("dead"), persona("used", 1, 1.0)], view))
    assert optimizer.asked == ["dead", "used"]
    assert found.variable.name == "used" and found.child.fields["persona"] == "stern"


def test_a_proposal_that_changes_nothing_is_none() -> None:
    optimizer = Write()
    for values in (None, {}, {"persona": "friendly"}):
        optimizer.values = values
        assert asyncio.run(optimizer.proposals([persona(visits=1)], view)) == []


def test_the_value_of_a_variable_becomes_its_seed_where_none_is_given() -> None:
    alone, given = persona(), persona(seed_candidates=[{"persona": "stern"}, {"persona": "calm"}])
    asyncio.run(Write().on_train_begin([alone, given]))
    assert [seed["persona"] for seed in alone.get("seed_candidates")] == ["friendly"]
    assert [seed["persona"] for seed in given.get("seed_candidates")] == ["stern", "calm"]
    assert all(seed["examples"] == [] for seed in given.get("seed_candidates"))


def test_a_step_starts_from_the_best_or_from_a_seed() -> None:
    optimizer, variable = Write(), persona(seed_candidates=[{"persona": "stern", "examples": []}])
    asyncio.run(optimizer.on_batch_begin(0, 0, [variable]))
    assert variable.get("persona") == "stern"
    variable.update({"best_candidates": [{"persona": "best", "examples": [], "reward": 1.0, "reward_count": 4}]})
    asyncio.run(optimizer.on_batch_begin(1, 0, [variable]))
    assert variable.get("persona") == "best"


def scored(optimizer: Optimizer, variable: Variable, text: str, rewards: list[float]) -> None:
    candidate = Candidate({"persona": text, "examples": []})
    candidate.write_to(variable)
    optimizer.add_scored(variable, Candidate.of(variable), rewards)


def test_by_default_the_pool_changes_at_the_end_of_the_epoch_only() -> None:
    optimizer, variable = Write(), persona()
    asyncio.run(optimizer.on_train_begin([variable]))
    scored(optimizer, variable, "good", [1.0, 1.0])
    scored(optimizer, variable, "poor", [0.0])
    asyncio.run(optimizer.on_batch_end(0, 0, [variable]))
    assert variable.get("best_candidates") == []
    assert variable.get("persona") == "good"  # the best known candidate is left in the fields
    asyncio.run(optimizer.on_epoch_end(0, [variable]))
    assert [c["persona"] for c in variable.get("best_candidates")] == ["good", "poor"]
    assert variable.get("candidates") == []
    assert [c["persona"] for c in variable.get("history")] == ["good"]
    assert (optimizer.epochs, optimizer.progress.get("iterations")) == (1, 1)


def test_with_batch_updates_the_pool_changes_at_every_step() -> None:
    optimizer, variable = Write(update_freq="batch"), persona()
    asyncio.run(optimizer.on_train_begin([variable]))
    scored(optimizer, variable, "good", [1.0, 1.0])
    asyncio.run(optimizer.on_batch_end(0, 0, [variable]))
    assert [c["persona"] for c in variable.get("best_candidates")] == ["good"]


def test_history_holds_the_best_of_each_epoch_without_repeating_it() -> None:
    optimizer, variable = Write(), persona()
    asyncio.run(optimizer.on_train_begin([variable]))
    for epoch, text in enumerate(("one", "one", "two")):
        scored(optimizer, variable, text, [1.0] * (epoch + 1) * 5)
        asyncio.run(optimizer.on_epoch_end(epoch, [variable]))
        scored(optimizer, variable, "one", [0.0] * epoch)
    assert [c["persona"] for c in variable.get("history")] == ["one", "two"]
    assert all("reward" not in c for c in variable.get("history"))


def test_scoring_again_adds_scores_and_no_candidate() -> None:
    optimizer, variable = Write(), persona()
    asyncio.run(optimizer.on_train_begin([variable]))
    scored(optimizer, variable, "x", [1.0])
    scored(optimizer, variable, "x", [0.0, 0.0, 0.0])
    scored(optimizer, variable, "unscored", [])
    assert [(c["persona"], c["reward"], c["reward_count"]) for c in variable.get("candidates")] == [("x", 0.25, 4)]


def test_the_pool_holds_as_many_as_the_population_may() -> None:
    optimizer, variable = Write(population_size=2), persona()
    asyncio.run(optimizer.on_train_begin([variable]))
    for n in range(5):
        scored(optimizer, variable, f"p{n}", [n / 10])
    asyncio.run(optimizer.on_epoch_end(0, [variable]))
    assert [c["persona"] for c in variable.get("best_candidates")] == ["p4", "p3"]


def test_at_the_end_of_training_the_best_stays_and_no_step_is_left_over() -> None:
    optimizer, variable = Write(), persona(current_predictions=[{"inputs": {}, "outputs": {}, "reward": None}])
    asyncio.run(optimizer.on_train_begin([variable]))
    scored(optimizer, variable, "best", [1.0])
    Candidate({"persona": "other", "examples": []}).write_to(variable)
    asyncio.run(optimizer.on_train_end([variable]))
    assert (variable.get("persona"), variable.get("current_predictions")) == ("best", [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population_size": 0}, "population_size=0"),
        ({"sampling_temperature": -1}, "sampling_temperature=-1"),
        ({"reward_uncertainty": -0.1}, "reward_uncertainty=-0.1"),
        ({"population_size": 2.5}, "population_size=2.5: a whole number is needed, 1 or above"),
        ({"reward_uncertainty": float("nan")}, "reward_uncertainty=nan"),
        ({"update_freq": "step"}, "'epoch' or 'batch'"),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Write(**options)


def test_a_subclass_without_propose_says_so() -> None:
    with pytest.raises(ConfigurationError, match="async def propose"):
        asyncio.run(Optimizer().propose(persona(), view(persona())))


def test_identifiers() -> None:
    assert isinstance(optimizers.get("random_few_shot"), synalinks.RandomFewShot)
    assert isinstance(optimizers.get("RandomFewShot"), synalinks.RandomFewShot)
    made = synalinks.RandomFewShot(nb_max_examples=7, update_freq="batch")
    assert optimizers.get(made) is made and optimizers.get(None) is None
    again = optimizers.get(optimizers.serialize(made))
    assert again.get_config() == made.get_config()
    for bad in ("adam", 3):
        with pytest.raises(ConfigurationError):
            optimizers.get(bad)


@pytest.mark.parametrize("validation_freq", [1, 2])
@pytest.mark.parametrize("update_freq", ["epoch", "batch"])
def test_a_pool_of_one_goes_on_from_what_is_better(update_freq: Any, validation_freq: int) -> None:
    """What a validation measured keeps the only place no longer than to the next step or epoch without one."""

    class Longer(Optimizer):
        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            return {"instructions": "more " * (1 + variable.get("instructions").count("more"))}

    def law(number: int, call: Call) -> Any:
        return {"answer": number if number % 12 < call.request.messages[0]["content"].count("more") else -1}

    made = compiled(optimizer=Longer(population_size=1, update_freq=update_freq))
    options: dict[str, Any] = {"validation_data": data(12), "minibatch_size": None, "batch_size": 6}
    fit(made, provider_of(law), *data(12), epochs=4, validation_freq=validation_freq, **options)
    [variable] = made.trainable_variables
    assert variable.get("instructions").count("more") == (4 if update_freq == "epoch" else 8)
    assert len(variable.get("best_candidates")) == 1


def test_seeds_that_a_fit_did_not_come_to_are_started_from_in_the_next() -> None:
    seeds = [{"instructions": f"seed {n}"} for n in range(6)]
    made = compiled(optimizer=Write(population_size=20))
    made.optimizer.values = {"instructions": "other"}
    made.trainable_variables[0].update({"instructions": "seed 0", "seed_candidates": seeds})
    fit(made, provider_of(right), *data(4), batch_size=2, validation_split=0.0)
    assert len(pooled(made)) == 2
    fit(made, provider_of(right), *data(4), epochs=2, batch_size=2, validation_split=0.0)
    assert pooled(made) == {seed["instructions"] for seed in seeds}


def pooled(program: Any) -> set[str]:
    [variable] = program.trainable_variables
    return {candidate["instructions"] for candidate in variable.get("best_candidates")} - {"other"}


@pytest.mark.parametrize("name", ["reward", "reward_count", "validated"])
def test_a_trainable_field_named_as_a_score_is_refused_before_any_call(name: str) -> None:
    kind = type("Odd", (synalinks.Trainable,), {"__annotations__": {name: str}, name: "sweets", "__doc__": "Odd."})
    variable = Variable({}, data_model=kind, name="odd")
    variable.path = "m/odd"
    with pytest.raises(
        ConfigurationError, match=f"m/odd has a trainable field '{name}'; candidates are saved with their scores"
    ):
        asyncio.run(Write().on_train_begin([variable]))


def test_a_program_saved_before_there_was_such_state_is_loaded_and_trained(tmp_path: Path) -> None:
    def older(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: older(value) for key, value in part.items() if key not in ("seeds_left", "validated")}
        return [older(value) for value in part] if isinstance(part, list) else part

    path = tmp_path / "program.json"
    made = compiled(optimizer=synalinks.RandomFewShot())
    fit(made, provider_of(learner), *data(12), epochs=2, validation_split=0.25)
    made.save(path)
    now = json.loads(path.read_text(encoding="utf-8"))
    assert older(now) != now
    path.write_text(json.dumps(older(now)), encoding="utf-8")
    loaded = synalinks.Program.load(path)
    assert fit(loaded, provider_of(learner), *data(12), epochs=2, validation_split=0.25).epoch == [0, 1]
    assert loaded.optimizer.epochs == 4
