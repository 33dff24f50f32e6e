"""The tuning table and the pitfalls of the text on optimizers: each remedy does what it is to do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import synalinks
from omega_under_test import (
    HINT,
    OmegaProvider,
    inputs_of,
    is_crossover,
    omega,
    one_hint_more,
    program,
    proposer,
    vector_of,
)
from programs_under_test import Answer, Question, data, fit, make
from semantics.scenes import attempts, compiled, server, train
from synalinks.errors import SampleRefused
from synalinks.modules import LMWarning

SIZES: dict[str, Any] = {"batch_size": 5, "validation_split": 0.5, "minibatch_size": None}


def state(made: Any) -> Any:
    return made.trainable_variables[0].get_json()


# --- the tuning table ------------------------------------------------------------------------------------------------


def always_new(call: Any) -> dict[str, Any]:
    """One hint more, in words that no other step has: a proposal that was made before is refused."""
    found = one_hint_more(call)
    return {**found, "instructions": f"{found['instructions']} epoch{call.scope.epoch}"}


def population(optimizer: Any, epochs: int = 4, vector: Any = None) -> list[str]:
    """Who is in the pool after a training in which every step proposes something new."""
    w = OmegaProvider(always_new) if vector is None else OmegaProvider(always_new, vector)
    made = program(optimizer)
    fit(made, w, *data(40), epochs=epochs, batch_size=4, validation_split=0.5)
    return [candidate["instructions"] for candidate in state(made)["best_candidates"]]


def test_stuck_a_larger_population_keeps_more_and_a_higher_temperature_reaches_the_proposer() -> None:
    assert len(population(omega(algorithm="ga", population_size=3))) == 3
    assert len(population(omega(algorithm="ga", population_size=30))) > 10
    w = OmegaProvider()
    fit(program(omega(mutation_temperature=0.8)), w, *data(10), batch_size=5)
    assert {call.request.options["temperature"] for call in w.proposals} == {0.8}


def near(text: str) -> list[float]:
    """Everything lies in one narrow cone, in a direction of its own."""
    return [20.0, *vector_of(text)]


def test_collapsed_a_larger_k_keeps_more_and_without_competition_nobody_is_driven_out() -> None:
    one, many = (len(population(omega(k_nearest_fitter=k, population_size=50), vector=near)) for k in (1, 50))
    free = len(population(omega(algorithm="ga", population_size=50), vector=near))
    assert one < many <= free


def test_collapsed_a_higher_selection_temperature_starts_from_more_parents() -> None:
    def starts(heat: float) -> int:
        w = OmegaProvider(always_new)
        made = program(omega(algorithm="ga", selection_temperature=heat, population_size=50))
        fit(made, w, *data(40), epochs=5, batch_size=2, validation_split=0.5)
        return len({json.dumps(inputs_of(call)["current_variable"]) for call in w.proposals})

    assert starts(5.0) > 1.5 * starts(0.0)


def test_too_slow_the_proposer_is_asked_once_a_step_whatever_the_population() -> None:
    """And it may be a cheaper model than the program's: the bill says which cost what."""
    synalinks.set_price("ollama/cheap", input=1, output=1)
    try:
        for size in (2, 500):
            with server(attempts) as running:
                optimizer = synalinks.OMEGA("", "ollama/cheap", "ollama/e", population_size=size)
                history = train(compiled(optimizer), *data(20), epochs=3, **SIZES)
                assert running.requests.models["cheap"].calls == 3 * 2
            assert history.ledger.filter(model="ollama/cheap").total.as_if.known > 0
            assert history.ledger.filter(model="ollama/stand-in").total.as_if.known == 0
    finally:
        synalinks.set_price("ollama/cheap")


def test_embedding_token_limits_a_text_too_long_is_a_warning_and_not_the_end() -> None:
    def limited(text: str) -> Any:
        raise SampleRefused("the input is too long", kind="context_length")

    made = program(omega())
    with pytest.warns(LMWarning, match="too long|more call"):
        history = fit(made, OmegaProvider(vector=limited), *data(20), epochs=2, **SIZES)
    assert len(history.history["val_reward"]) == 2 and len(state(made)["best_candidates"]) > 1


def test_embedding_token_limits_a_large_field_can_be_masked_out_of_a_variable() -> None:
    class Plan(synalinks.Trainable):
        """A plan and the law books it goes by."""

        plan: str = synalinks.Field(default="none", description="What to do")
        books: str = synalinks.Field(default="§" * 9999, description="Long")

    class Planner(synalinks.Module):
        def __init__(self) -> None:
            super().__init__(name="planner")
            self.state = self.add_variable(data_model=Plan.out_mask(mask=["books"]), initializer={}, name="plan")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            answer = Answer(answer=len(self.state.get("plan")))
            if training:
                record = {"inputs": inputs.get_json(), "outputs": answer.get_json(), "reward": None}
                self.state.get("current_predictions").append(record)
            return answer

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Answer)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Planner()(inputs), name="p")

    w = OmegaProvider(lambda call: {"thinking": "", "plan": f"plan {call.scope.step}"})
    made = make(build)
    made.compile(optimizer=omega(), reward="exact_match")
    assert len(made.trainable_variables) == 1
    fit(made, w, *data(8), epochs=2, batch_size=2, validation_split=0.25)
    assert w.embedded and all("§" not in text for text in w.embedded)
    assert {json.dumps(inputs_of(call)["current_variable"].keys().__len__()) for call in w.proposals} == {"1"}


def test_just_examples_omega_writes_none_and_random_few_shot_nothing_else() -> None:
    w = OmegaProvider()
    made = program(omega(), examples=[({"question": "number 1"}, {"answer": 1})])
    fit(made, w, *data(20), epochs=2, **SIZES)
    pooled = state(made)["best_candidates"]
    assert {len(candidate["examples"]) for candidate in pooled} == {1} and len({c["instructions"] for c in pooled}) > 1
    schema = w.proposals[0].request.schema
    assert schema is not None and "examples" not in schema.value["properties"]


# --- the pitfalls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"algorithm": "ga"}, {"distance_function": lambda a, b, embedding_model=None: 1.0}]
)
def test_a_missing_embedding_model_is_no_matter_where_none_is_needed(options: dict[str, Any]) -> None:
    w = OmegaProvider()
    made = program(synalinks.OMEGA(language_model=proposer(), **options))
    fit(made, w, *data(20), epochs=2, **SIZES)
    assert w.embeds == [] and len(HINT.findall(state(made)["instructions"])) == 2


async def slow_distance(first: Any, second: Any, embedding_model: Any = None, **kwargs: Any) -> float:
    """Every two are near, found out later."""
    await asyncio.sleep(0)
    return 0.0


def quick_distance(first: Any, second: Any, embedding_model: Any = None, **kwargs: Any) -> float:
    """Every two are near."""
    return 0.0


def test_a_distance_function_need_not_be_async() -> None:
    outcomes = []
    for distance in (slow_distance, quick_distance):
        made = program(omega(distance_function=distance, name="omega"))
        fit(made, OmegaProvider(), *data(20), epochs=3, **SIZES)
        outcomes.append(state(made)["best_candidates"])
    free = program(omega(algorithm="ga"))
    fit(free, OmegaProvider(), *data(20), epochs=3, **SIZES)
    assert outcomes[0] == outcomes[1] and len(outcomes[0]) < len(state(free)["best_candidates"])


def test_the_chance_of_crossover_grows_with_the_epochs() -> None:
    """At 0.05 it is none in the first epoch and certain from the twenty-first on."""
    w = OmegaProvider()
    made = program(omega(merging_rate=0.05))
    fit(made, w, *data(8), epochs=24, batch_size=2, validation_split=0.5)
    by_epoch = [[is_crossover(call) for call in w.proposals if call.scope.epoch == epoch] for epoch in range(24)]
    assert not any(by_epoch[0]) and all(all(epoch) for epoch in by_epoch[20:])
    halves = [sum(map(sum, by_epoch[start : start + 8])) for start in (0, 8, 16)]
    assert halves[0] < halves[1] < halves[2]


def test_a_population_of_hundreds_embeds_each_text_once() -> None:
    w = OmegaProvider()
    made = program(omega(population_size=500, update_freq="batch", merging_rate=0.3))
    fit(made, w, *data(400), epochs=2, batch_size=1, validation_split=0.5, minibatch_size=1)
    assert len(w.embedded) == len(set(w.embedded)) <= len(w.proposals) + 1
    assert len(w.embedded) > 100 and len(w.embeds) == 2, "one request an epoch"
    assert len(state(made)["best_candidates"]) > 50
