"""Tests of OMEGA: what it proposes from, when it crosses over, what it costs, and that it is exact to replay."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import synalinks
from omega_under_test import (
    EMBEDDER,
    HINT,
    PROPOSER,
    OmegaProvider,
    inputs_of,
    is_crossover,
    omega,
    one_hint_more,
    program,
    proposer,
    speaker,
)
from programs_under_test import data, fit
from synalinks import optimizers
from synalinks.errors import ConfigurationError, ConnectionFailed
from synalinks.lm.providers.fake.scripted import prompt_of
from synalinks.modules import LMWarning

#: 20 samples make two steps; parent and child are compared on all ten validation samples.
SIZES: dict[str, Any] = {"batch_size": 5, "validation_split": 0.5, "minibatch_size": None}


def train(optimizer: Any, provider: OmegaProvider, epochs: int = 4, count: int = 20, **options: Any) -> tuple[Any, Any]:
    """A trained program and its history: 20 samples, of which 10 are for validation, in steps of 5."""
    made = program(optimizer)
    history = fit(made, provider, *data(count), epochs=epochs, **{**SIZES, **options})
    return made, history


def state(made: Any) -> Any:
    return made.trainable_variables[0].get_json()


def hints(made: Any) -> int:
    return len(set(HINT.findall(state(made)["instructions"])))


# --- it learns -----------------------------------------------------------------------------------------------


def test_each_epoch_builds_on_the_one_before() -> None:
    made, history = train(omega(selection="best"), OmegaProvider(), epochs=5)
    assert hints(made) >= 4
    rewards = history.history["val_reward"]
    assert rewards == sorted(rewards) and rewards[-1] >= 0.4
    assert len(state(made)["history"]) == 5  # a better one in each epoch
    assert made.optimizer.epochs == 5


def test_with_batch_updates_the_search_is_as_deep_as_there_are_steps() -> None:
    shallow, _ = train(omega(), OmegaProvider(), epochs=2)
    deep, _ = train(omega(update_freq="batch"), OmegaProvider(), epochs=2)
    assert hints(deep) > hints(shallow)


def test_proposals_show_examples_where_there_are_to_be_any_and_none_of_the_validation_samples() -> None:
    made, history = train(omega(nb_examples=3), OmegaProvider(), epochs=3)
    shown = [example for one in state(made)["best_candidates"] for example in one["examples"]]
    assert hints(made) >= 1 and shown
    assert {int(example["inputs"]["question"].split()[1]) for example in shown} <= set(range(10))
    changed = [set(fields) for note in history.candidates for fields in note["changed"].values() if note["parents"]]
    assert {"instructions", "examples"} in changed


def test_candidates_that_descend_from_one_parent_keep_its_examples() -> None:
    made = program(omega(), examples=[({"question": "number 3"}, {"answer": 3})])
    fit(made, OmegaProvider(), *data(20), epochs=1, **SIZES)
    assert hints(made) == 1
    assert [example["outputs"] for example in state(made)["examples"]] == [{"answer": 3}]


def test_the_same_seed_gives_the_same_result_and_another_another() -> None:
    def outcome(seed: int) -> Any:
        synalinks.clear_session(free_memory=False)
        provider = OmegaProvider()
        made, history = train(omega(merging_rate=0.5), provider, seed=seed, minibatch_size=2)
        return history.history, state(made), [prompt_of(call.request) for call in provider.proposals]

    assert outcome(3) == outcome(3)
    assert outcome(3) != outcome(4)


# --- mutation and crossover ----------------------------------------------------------------------------------


def test_crossover_takes_place_and_takes_two_different_parents() -> None:
    provider = OmegaProvider()
    train(omega(merging_rate=1.0), provider, epochs=3)
    crossings = [call for call in provider.proposals if is_crossover(call)]
    assert [call.scope.epoch for call in provider.proposals if not is_crossover(call)] == [0, 0]
    assert {call.scope.epoch for call in crossings} == {1, 2}
    for call in crossings:
        seen = inputs_of(call)
        assert seen["other_variable"] != seen["current_variable"]


def test_without_a_merging_rate_there_is_none() -> None:
    provider = OmegaProvider()
    train(omega(merging_rate=0.0), provider, epochs=4)
    assert not any(is_crossover(call) for call in provider.proposals)


def test_the_proposer_is_shown_scored_predictions_their_targets_and_the_variable() -> None:
    provider = OmegaProvider()
    made = program(omega(instructions="Mind the edge cases."), instructions="hint0")
    fit(made, provider, *data(20), epochs=2, batch_size=10, validation_split=0.5)
    seen, prompt = inputs_of(provider.proposals[0]), prompt_of(provider.proposals[0].request)
    assert seen["program_description"] == "Solves."
    assert seen["current_variable"] == {"instructions": "hint0"}
    assert [p["reward"] for p in seen["good_predictions"]] == [1.0]
    assert len(seen["bad_predictions"]) == 3
    for shown in seen["bad_predictions"]:
        assert shown["reward"] == 0.0 and shown["predicted_outputs"] == {"answer": -1}
        assert shown["ground_truth"] == {"answer": int(shown["inputs"]["question"].split()[-1])}
    assert prompt.index("Mind the edge cases.") < prompt.index("improved version")
    assert seen["hard_examples"] == []  # nothing was seen twice yet
    assert len(inputs_of(provider.proposals[1])["hard_examples"]) == 1


def test_how_much_is_shown_can_be_set() -> None:
    provider = OmegaProvider()
    train(omega(nb_best_predictions=0, nb_worst_predictions=1, nb_hard_examples=0), provider, epochs=2)
    for call in provider.proposals:
        seen = inputs_of(call)
        assert (seen["good_predictions"], len(seen["bad_predictions"]), seen["hard_examples"]) == ([], 1, [])


@pytest.mark.parametrize("thinks", [True, False])
def test_the_proposer_thinks_first_unless_told_not_to(thinks: bool) -> None:
    provider = OmegaProvider(one_hint_more if thinks else lambda call: {"instructions": "hint0"})
    made, _ = train(omega(use_chain_of_thought=thinks), provider, epochs=1)
    schema = provider.proposals[0].request.schema
    assert schema is not None
    assert list(schema.value["properties"]) == (["thinking"] if thinks else []) + ["instructions"]
    assert schema.value["properties"]["instructions"]["type"] == "string"  # not "or null": a proposal says something
    assert "$defs" not in schema.value
    assert hints(made) == 1 and "thinking" not in state(made)


def test_temperatures_and_effort_reach_the_proposer() -> None:
    provider = OmegaProvider()
    optimizer = omega(merging_rate=1.0, mutation_temperature=0.7, crossover_temperature=0.2, reasoning_effort="low")
    train(optimizer, provider, epochs=2)
    heat = {is_crossover(call): call.request.options["temperature"] for call in provider.proposals}
    assert heat == {False: 0.7, True: 0.2}
    assert {call.request.options["reasoning_effort"] for call in provider.proposals} == {"low"}


# --- the competition -----------------------------------------------------------------------------------------


def everything_is_near(first: Any, second: Any, embedding_model: Any = None, **kwargs: Any) -> float:
    return 0.0


@pytest.mark.parametrize("update_freq", ["epoch", "batch"])
def test_of_candidates_that_are_alike_two_stay_so_that_there_is_somebody_to_cross_over_with(update_freq: str) -> None:
    made, _ = train(omega(distance_function=everything_is_near, update_freq=update_freq), OmegaProvider(), epochs=3)
    found = state(made)["best_candidates"]
    assert 2 <= len(found) <= 4
    assert found[0]["instructions"] == state(made)["instructions"]

    free, _ = train(omega(algorithm="ga", update_freq=update_freq), OmegaProvider(), epochs=3)
    assert len(state(free)["best_candidates"]) > len(found)


# --- what it costs -------------------------------------------------------------------------------------------


def test_an_epoch_embeds_each_candidate_once_in_one_request() -> None:
    provider = OmegaProvider()
    train(omega(selection="best"), provider, epochs=4)
    assert len(provider.embedded) == len(set(provider.embedded)), "no text twice"
    assert [call.scope.epoch for call in provider.embeds] == [0, 1, 2, 3]
    assert {call.scope.phase for call in provider.embeds} == {"optimizer"}
    assert [len(call.request.texts) for call in provider.embeds] == [3, 2, 2, 2]  # the seed, and a proposal a step


def test_a_candidate_that_was_dropped_and_comes_back_is_not_embedded_again() -> None:
    provider = OmegaProvider(lambda call: {"thinking": "", "instructions": "hint0"})
    train(omega(population_size=1), provider, epochs=6)
    assert len(provider.embedded) == 2  # the seed and the one proposal there ever is


def test_several_fields_of_one_candidate_are_one_embedding() -> None:
    provider = OmegaProvider(lambda call: {"thinking": "", "tone": f"t{len(provider.calls)}", "rules": ["a", "b", "c"]})
    fit(speaker(omega()), provider, *data(8), epochs=3, batch_size=4, validation_split=0.5)
    assert len(provider.embedded) == 4  # the seed, and the one proposal of each epoch


def test_the_genetic_algorithm_and_a_distance_of_ones_own_embed_nothing() -> None:
    def distance(first: Any, second: Any, embedding_model: Any = None, **_: Any) -> float:
        return 1.0

    for options in ({"algorithm": "ga"}, {"distance_function": distance}):
        provider = OmegaProvider()
        made = program(synalinks.OMEGA(language_model=proposer(), **options))
        fit(made, provider, *data(20), epochs=3, **SIZES)
        assert provider.embeds == [] and hints(made) >= 2


def test_a_step_asks_the_proposer_once() -> None:
    provider = OmegaProvider()
    train(omega(), provider, epochs=3)
    assert len(provider.proposals) == 3 * 2


def test_calls_of_an_epoch_stay_within_the_bound() -> None:
    provider = OmegaProvider()
    train(omega(), provider, epochs=3, count=40, minibatch_size=4)
    for epoch in range(3):
        calls = [call for call in provider.calls if call.scope.epoch == epoch and call.request.model == "ollama/test"]
        assert len(calls) <= 20 + 2 * 4 * 4 + 20


# --- when something is missing or fails ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embedding_model": "ollama/e"}, "set_default_language_model"),
        ({"language_model": "ollama/p"}, "set_default_embedding_model"),
    ],
)
def test_a_missing_model_fails_before_the_first_call(options: dict[str, Any], message: str) -> None:
    provider = OmegaProvider()
    with pytest.raises(ConfigurationError, match=message):
        fit(program(synalinks.OMEGA(**options)), provider, *data(10), epochs=1)
    assert provider.calls == []


def test_named_by_a_string_it_takes_the_defaults_of_the_session() -> None:
    made = program("omega")
    assert isinstance(made.optimizer, synalinks.OMEGA)
    synalinks.set_default_language_model(PROPOSER)
    synalinks.set_default_embedding_model(EMBEDDER)
    provider = OmegaProvider()
    fit(made, provider, *data(20), epochs=2, **SIZES)
    assert hints(made) == 2 and len(provider.embeds) == 2


@pytest.mark.parametrize(
    "answer", [{"thinking": "no instructions"}, "no JSON", ConnectionFailed], ids=["schema", "text", "failure"]
)
def test_a_proposal_that_fails_is_a_warned_no_op(answer: Any) -> None:
    provider = OmegaProvider(lambda call: answer)
    with pytest.warns(LMWarning):
        made, history = train(omega(), provider, epochs=2)
    assert hints(made) == 0 and len(history.history["val_reward"]) == 2
    assert {entry.scope.phase for entry in history.ledger} == {"train", "optimizer", "validation"}


def test_without_embeddings_the_epoch_goes_on_without_a_competition() -> None:
    def fail(text: str) -> Any:
        raise ConnectionFailed("the embedding model is down")

    provider = OmegaProvider(vector=fail)
    with pytest.warns(LMWarning):
        made, _ = train(omega(), provider, epochs=3)
    assert hints(made) >= 2


def test_a_budget_that_ends_at_the_competition_keeps_what_was_scored() -> None:
    whole = OmegaProvider()
    train(omega(), whole, epochs=1)
    provider = OmegaProvider()
    made, history = train(omega(), provider, epochs=3, budget=synalinks.Budget(calls=len(whole.calls) - 1))
    assert history.stopped_by == "budget"
    assert hints(made) == 1 and len(provider.calls) <= len(whole.calls) - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "simulated_annealing"}, "'dns', 'ga'"),
        ({"k_nearest_fitter": 0}, "k_nearest_fitter=0"),
        ({"mutation_temperature": -0.1}, "mutation_temperature=-0.1"),
        ({"crossover_temperature": -1}, "crossover_temperature=-1"),
        ({"selection_temperature": -1}, "selection_temperature=-1"),
        ({"selection": "worst"}, "selection='worst'"),
        ({"merging_rate": 1.5}, "merging_rate=1.5"),
        ({"population_size": 0}, "population_size=0"),
        ({"nb_worst_predictions": -1}, "nb_worst_predictions"),
        ({"hard_example_min_observations": 0}, "hard_example_min_observations"),
        ({"distance_function": lambda first: 0.0}, "candidate1, candidate2, embedding_model=None"),
        ({"distance_function": "cosine"}, "function of two candidates"),
        ({"reasoning_effort": "huge"}, "reasoning_effort='huge'"),
    ],
)
def test_arguments_that_cannot_be_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        synalinks.OMEGA(**options)


@pytest.mark.parametrize("name", ["few_shot_learning", "nb_min_examples", "nb_max_examples", "sampling_temperature"])
def test_what_belongs_to_random_few_shot_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        synalinks.OMEGA(**{name: 1})


def test_a_distance_function_that_raises_loses_no_row_of_history(tmp_path: Path) -> None:
    def broken(first: Any, second: Any, embedding_model: Any = None) -> float:
        raise ValueError("a bug in it")

    made = program(omega(distance_function=broken))
    log = synalinks.callbacks.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(ValueError, match="a bug in it"):
        fit(made, OmegaProvider(), *data(12), epochs=3, validation_split=0.25, batch_size=3, callbacks=[log])
    assert made.history.epoch == [0]
    assert set(made.history.history) == {"reward", "val_reward"}
    assert len((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()) == 2


# --- saving --------------------------------------------------------------------------------------------------


@synalinks.saving.register_synalinks_serializable("Tests")
async def named_distance(first: Any, second: Any, embedding_model: Any = None, **kwargs: Any) -> float:
    return 0.5


def test_defaults_are_those_of_the_guide() -> None:
    config = synalinks.OMEGA().get_config()
    wanted = {
        "language_model": None, "embedding_model": None, "k_nearest_fitter": 5, "distance_function": None,
        "population_size": 10, "mutation_temperature": 0.3, "crossover_temperature": 0.3, "selection_temperature": 0.3,
        "reasoning_effort": None, "merging_rate": 0.02, "algorithm": "dns", "selection": "softmax",
        "instructions": None, "use_chain_of_thought": True, "reward_uncertainty": 0.25, "nb_best_predictions": 1,
        "nb_worst_predictions": 3, "nb_hard_examples": 1, "hard_example_min_observations": 2, "update_freq": "epoch",
    }  # fmt: skip
    assert {name: config[name] for name in wanted} == wanted


def test_it_is_the_same_after_saving() -> None:
    made = omega(
        instructions="Be brief.", k_nearest_fitter=7, algorithm="ga", selection="best", selection_temperature=0,
        merging_rate=0.1, population_size=500, nb_hard_examples=4, update_freq="batch", reasoning_effort="low",
        mutation_temperature=0.9, distance_function=named_distance, name="search", description="Searches.",
    )  # fmt: skip
    saved = json.loads(json.dumps(optimizers.serialize(made)))
    again = optimizers.get(saved)
    assert type(again) is synalinks.OMEGA and again.get_config() == made.get_config()
    assert again.language_model.model == PROPOSER and again.embedding_model.model == EMBEDDER


def test_a_trained_program_is_saved_with_its_optimizer(tmp_path: Path) -> None:
    made, _ = train(omega(), OmegaProvider(), epochs=2)
    made.save(tmp_path / "program.json")
    again = synalinks.Program.load(tmp_path / "program.json")
    assert again.optimizer.get_config() == made.optimizer.get_config()
    assert again.optimizer.epochs == 2  # so that the chance of crossover goes on from there
    assert again.trainable_variables[0].get_json() == state(made)


def test_a_fit_replays_from_its_cassette_exactly_and_for_nothing(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"

    def run(mode: str) -> tuple[Any, Any, Any]:
        synalinks.clear_session(free_memory=False)
        provider = OmegaProvider()
        with synalinks.use_cassette(cassette, record_mode=mode, strict=mode == "none"):
            made, history = train(omega(merging_rate=0.5), provider, epochs=4)
        made.save(tmp_path / "program.json")
        return history.history, (tmp_path / "program.json").read_bytes(), len(provider.calls)

    recorded, replayed = run("all"), run("none")
    assert recorded[:2] == replayed[:2]
    assert (recorded[2] > 0, replayed[2]) == (True, 0)


def test_both_optimizers_train_a_module_with_state_of_its_own() -> None:
    def add_a_rule(call: Any) -> Any:
        seen = inputs_of(call)["current_variable"]
        return {"thinking": "", "tone": "warm", "rules": [*seen["rules"], "one more"]}

    provider = OmegaProvider(add_a_rule)
    made = speaker(omega(update_freq="batch", selection="best"))
    history = fit(made, provider, *data(16), epochs=3, batch_size=4, validation_split=0.5)
    value = state(made)
    assert (value["tone"], history.history["val_reward"][-1]) == ("warm", 1.0) and len(value["rules"]) >= 4
    schema = provider.proposals[0].request.schema
    assert schema is not None and list(schema.value["properties"]) == ["thinking", "tone", "rules"]

    made = speaker(synalinks.RandomFewShot())
    fit(made, provider, *data(16), epochs=1, batch_size=4, validation_split=0.5)
    assert state(made)["rules"] == ["be brief"] and state(made)["best_candidates"]
    assert all(example["reward"] is None for example in state(made)["examples"])
