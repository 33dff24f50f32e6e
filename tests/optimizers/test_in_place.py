"""Tests of optimizers that write new candidates into the variables themselves, and of the methods that serve them."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import (
    Answer,
    Fresh,
    Persona,
    compiled,
    data,
    fit,
    learner,
    lm,
    number_of,
    provider_of,
    right,
    solver,
)
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.optimizers import EvolutionaryOptimizer, GreedyOptimizer, Optimizer, RandomFewShot, Step
from synalinks.optimizers.in_place import values_of


class Count(synalinks.DataModel):
    steps: int = 0


class Shout(Optimizer):
    """Written as programs write optimizers: with hooks of all kinds, and a variable of its own."""

    def __init__(self, population_size: int = 10, name: str | None = None, description: str | None = None) -> None:
        super().__init__(population_size=population_size, name=name, description=description)
        self.seen = self.add_variable(data_model=Count, name="seen")
        self.log: list[Any] = []

    async def build(self, trainable_variables: Any) -> None:
        self.log.append(("build", [variable.name for variable in trainable_variables]))
        self.built = True

    async def on_batch_begin(self, step: int, epoch: int, trainable_variables: Any) -> None:
        await super().on_batch_begin(step, epoch, trainable_variables)
        self.log.append(("begin", step, epoch))

    async def on_batch_end(self, step: int, epoch: int, trainable_variables: Any) -> None:
        await super().on_batch_end(step, epoch, trainable_variables)
        self.log.append(("end", step, epoch))

    async def propose_new_candidates(
        self,
        step: int,
        trainable_variables: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        training: bool = False,
    ) -> None:
        self.seen.update({"steps": self.seen.get("steps") + 1})
        self.log.append(("propose", step, len(x), len(y), len(y_pred), training))
        name = await self.select_variable_name_to_update(trainable_variables)
        for variable in trainable_variables:
            if variable.name == name:
                instructions = variable.get("instructions") + "!"
                await self.assign_candidate(variable, new_candidate={"instructions": instructions, "reward": 1.0})


def loud(number: int, call: Any) -> dict[str, int]:
    """Right where the instructions end in an exclamation mark."""
    return {"answer": number if "!" in call.request.messages[0]["content"].partition("</instructions>")[0] else -1}


def test_hooks_and_proposals_in_the_other_form_run() -> None:
    optimizer = Shout()
    program = compiled(optimizer=optimizer)
    history = fit(program, provider_of(loud), *data(6), epochs=2, batch_size=2, validation_split=0.34)
    assert (
        optimizer.log[0] == ("build", ["state_solver_generator"]) and optimizer.built and optimizer.program is program
    )
    step = [("begin", 0, 0), ("propose", 0, 2, 2, 2, True), ("end", 0, 0), ("begin", 1, 0)]
    assert optimizer.log[1:5] == step
    assert (optimizer.iterations, optimizer.epochs, optimizer.seen.get("steps")) == (4, 2, 4)
    assert history.history["val_reward"] == [1.0, 1.0]
    assert program.trainable_variables[0].get("instructions").endswith("!")
    fit(program, provider_of(loud), *data(6))
    assert [entry[0] for entry in optimizer.log].count("build") == 1


def test_a_variable_of_its_own_is_saved_and_restored(tmp_path: Any) -> None:
    program = compiled(optimizer=Shout(name="shout"))
    fit(program, provider_of(loud), *data(4), batch_size=2, validation_split=0.0)
    program.save_variables(tmp_path / "shout.variables.json")
    other = compiled(optimizer=Shout(name="shout"))
    other.load_variables(tmp_path / "shout.variables.json")
    assert [v.name for v in other.optimizer.variables] == ["iterations", "seen"]
    assert other.optimizer.seen.get("steps") == 2 and other.optimizer.iterations == 2
    with pytest.raises(ConfigurationError, match="has a variable 'seen' already"):
        other.optimizer.add_variable(data_model=Count, name="seen")


def test_a_proposal_may_change_several_variables_at_once() -> None:
    class Both(Optimizer):
        async def propose_new_candidates(self, step: int, trainable_variables: Any, **rest: Any) -> None:
            assert sorted(rest) == ["rewards", "training", "x", "y", "y_pred"]
            for variable in trainable_variables:
                await self.assign_candidate(variable, examples=[{"inputs": {"q": step}, "outputs": {"a": 1}}])

    one, two = (Variable({"persona": "calm"}, data_model=Persona, name=name) for name in ("one", "two"))
    optimizer = Both()
    found = asyncio.run(optimizer.proposals([one, two], lambda variable: Step(0, 0, [], "", optimizer.rng)))
    assert [proposal.variable.name for proposal in found] == ["one", "two"]
    assert all(proposal.parent.fields["examples"] == [] for proposal in found)
    assert all(len(proposal.child.fields["examples"]) == 1 for proposal in found)


def test_hooks_may_leave_out_super_and_async() -> None:
    class Bare(Optimizer):
        async def on_train_begin(self, trainable_variables: Any) -> None:
            """Without super."""

        def on_epoch_begin(self, epoch: int, trainable_variables: Any) -> None:  # type: ignore[override]
            """Not async."""

        def on_batch_begin(self, step: int, epoch: int, trainable_variables: Any) -> None:  # type: ignore[override]
            """Leaves the variables as they are."""

        def select_variable_name_to_update(self, trainable_variables: Any) -> str:  # type: ignore[override]
            return str(trainable_variables[-1].name)

        async def propose(self, variable: Variable, step: Any) -> Any:
            return {"instructions": "Loud!"}

    program = compiled(optimizer=Bare())
    history = fit(program, provider_of(loud), *data(6), epochs=2, validation_split=0.34)
    assert history.history["val_reward"][-1] == 1.0


def test_each_batch_is_shown_before_candidates_are_proposed() -> None:
    class Observes(RandomFewShot):
        def observe_training_batch(self, x: Any = None, y: Any = None, y_pred: Any = None, rewards: Any = None) -> None:
            self.log = [*getattr(self, "log", []), [one.get("answer") for one in y_pred], rewards]

    program = compiled(optimizer=Observes())
    fit(program, provider_of(right), *data(2), batch_size=2, validation_split=0.0, shuffle=False)
    assert program.optimizer.log == [[0, 1], [1.0, 1.0]]


def test_a_greedy_optimizer_of_ones_own_samples_predictions_and_assigns_them() -> None:
    class Sampled(GreedyOptimizer):
        async def propose_new_candidates(
            self, step: int, trainable_variables: Any, x: Any = None, y: Any = None, y_pred: Any = None, **_: Any
        ) -> None:
            for variable in trainable_variables:
                examples = await self.sample_best_predictions(variable)
                await self.assign_candidate(variable, examples=examples)

    program = compiled(optimizer=Sampled(nb_min_examples=1, nb_max_examples=1, sampling="best"))
    history = fit(program, provider_of(learner), *data(8), epochs=2, validation_split=0.5)
    assert len(program.trainable_variables[0].get("examples")) == 1
    assert history.history["val_reward"][-1] == 1.0


def test_super_proposes_what_the_base_proposes() -> None:
    class Further(RandomFewShot):
        async def propose_new_candidates(self, step: int, trainable_variables: Any, **rest: Any) -> None:
            await super().propose_new_candidates(step, trainable_variables, **rest)
            self.after = [len(variable.get("examples")) for variable in trainable_variables]

    ours, theirs = (compiled(optimizer=kind(nb_max_examples=2)) for kind in (RandomFewShot, Further))
    results = []
    for program in (ours, theirs):
        fit(program, provider_of(learner), *data(8), epochs=2, seed=1)
        results.append(program.trainable_variables[0].get_json())
    assert results[0] == results[1] and theirs.optimizer.after


class Evolves(EvolutionaryOptimizer):
    async def mutate_candidate(
        self,
        step: int,
        trainable_variable: Any,
        selected_candidate: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        training: bool = False,
    ) -> Any:
        self.mutations = [*getattr(self, "mutations", []), copy.deepcopy(dict(selected_candidate))]
        return {**selected_candidate, "instructions": selected_candidate["instructions"] + "!"}

    async def merge_candidate(
        self, step: int, trainable_variable: Any, current_candidate: Any, other_candidate: Any, **_: Any
    ) -> Any:
        self.merged = [current_candidate["instructions"], other_candidate["instructions"]]
        return None


def test_evolution_by_mutate_candidate_and_merge_candidate() -> None:
    program = compiled(optimizer=Evolves(language_model=lm(), merging_rate=1.0))
    history = fit(program, provider_of(loud), *data(6), epochs=3, batch_size=2, validation_split=0.34)
    optimizer = program.optimizer
    assert set(optimizer.mutations[0]) >= {"instructions", "examples"}
    assert history.history["val_reward"][-1] == 1.0
    assert len(set(optimizer.merged)) == 2


def test_a_mutation_of_omega_may_be_wrapped() -> None:
    class Wrapped(synalinks.OMEGA):
        async def mutate_candidate(self, *args: Any, **kwargs: Any) -> Any:
            found = await super().mutate_candidate(*args, **kwargs)
            return None if found is None else {**found, "instructions": found["instructions"].upper()}

    def answer(call: Any) -> Any:
        if call.scope.phase == "optimizer":
            return {"thinking": "", "instructions": "shout"}
        return {"answer": number_of(call) if "SHOUT" in prompt_of(call.request) else -1}

    program = compiled(optimizer=Wrapped(language_model=lm(), algorithm="ga"))
    fit(program, ScriptedProvider(answer), *data(6), epochs=1, batch_size=2, validation_split=0.34)
    assert program.trainable_variables[0].get("instructions") == "SHOUT"


def test_measurements_of_ones_own_are_added() -> None:
    optimizer, program = Shout(), solver()
    variable = program.trainable_variables[0]
    asyncio.run(optimizer.begin(program, [variable], optimizer.rng))
    asyncio.run(optimizer.maybe_add_candidate(0, variable, {"instructions": "Other."}, reward=0.5, weight=4))
    asyncio.run(optimizer.maybe_add_candidate(0, variable, examples=[], reward=None))
    (added,) = optimizer.populations[variable.path].newcomers
    assert (added.scores.reward, added.scores.count, added.fields["instructions"]) == (0.5, 4, "Other.")
    assert asyncio.run(optimizer.select_candidate_to_merge(0, variable)) is None
    asyncio.run(optimizer.on_epoch_end(0, [variable]))
    merged = asyncio.run(optimizer.select_candidate_to_merge(0, variable))
    assert merged is not None and merged["instructions"] == "Other."


def test_values_of_candidates_in_any_form() -> None:
    fields = {"instructions": "x", "reward": 1.0, "reward_count": 2, "nb_visit": 3, "examples": []}
    assert values_of(fields) == {"instructions": "x", "examples": []}
    assert values_of(Answer(answer=1)) == {"answer": 1} and values_of(None) is None
    assert values_of(Answer(answer=1).to_json_data_model()) == {"answer": 1}


def test_what_would_never_be_called_or_would_fail_is_refused_by_compile() -> None:
    class Whole(Fresh):
        async def optimize(self, step: int, trainable_variables: Any, **_: Any) -> None:
            """Drives the step."""

    class Odd(Fresh):
        async def on_epoch_end(self, trainable_variables: Any) -> None:  # type: ignore[override]
            """Lacks the epoch."""

    with pytest.raises(ConfigurationError, match="Whole.optimize would never be called; write propose_new_candidates"):
        compiled(optimizer=Whole())
    with pytest.raises(ConfigurationError, match=r"Odd.on_epoch_end is called with 2.*\(self, epoch, trainable_var"):
        compiled(optimizer=Odd())


def test_a_copy_is_in_no_training() -> None:
    program = compiled(optimizer=Shout())
    assert program.optimizer.program is program
    twin = copy.deepcopy(program.optimizer)
    assert twin.program is None and twin.seen is not program.optimizer.seen


def test_a_generator_of_random_numbers_of_its_own_serves_until_a_fit_begins() -> None:
    class Own(synalinks.RandomFewShot):
        """Made with a generator of its own, as subclasses elsewhere are."""

        def __init__(self) -> None:
            super().__init__()
            self.rng = np.random.default_rng(7)

    assert Own().rng.integers(1000) == np.random.default_rng(7).integers(1000)
