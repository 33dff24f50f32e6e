"""Tests of what OMEGA says to its proposer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import synalinks
from omega_under_test import OmegaProvider, inputs_of, is_crossover, omega, one_hint_more, program
from programs_under_test import data, fit, readable
from synalinks.lm.providers.fake.scripted import prompt_of
from synalinks.optimizers import grounding
from synalinks.optimizers.evolutionary.omega import prompts

SHOWN = Path(__file__).parent / "prompts.txt"


def trained(propose: Any = one_hint_more, epochs: int = 2, **options: Any) -> tuple[Any, OmegaProvider]:
    """A trained program with an example in its prompt, and its provider."""
    synalinks.clear_session(free_memory=False)
    provider = OmegaProvider(propose)
    made = program(omega(**options), instructions="Solve.", examples=[({"question": "number 3"}, {"answer": 3})])
    fit(made, provider, *data(20), epochs=epochs, batch_size=5, validation_split=0.5, minibatch_size=None)
    return made, provider


def test_the_prompts_as_text() -> None:
    """Where a prompt is changed on purpose, look at it, and write it into the file by `SHOWN.write_text(text)`."""
    _, provider = trained(merging_rate=1.0)
    crossover = next(call for call in provider.proposals if is_crossover(call))
    text = "\n".join(
        [readable(prompt_of(provider.proposals[1].request)), "-" * 80, readable(prompt_of(crossover.request)), ""]
    )
    assert text == SHOWN.read_text(encoding="utf-8")


def test_the_users_words_come_first_and_the_keys_last() -> None:
    text = grounding.instructions(grounding.MERGE, ["tone", "rules"], 2000, "Mind the edge cases.")
    lines = text.split("\n")
    assert lines[0] == "Mind the edge cases." and lines[-1].endswith("tone, rules.")
    assert grounding.MERGE in lines and grounding.IMPROVE not in lines and "at most 2000 characters" in text
    assert grounding.instructions(grounding.IMPROVE, ["tone"], 2000, None).startswith(grounding.TASK)


def test_a_prediction_is_shown_with_its_target_where_there_is_one() -> None:
    record = {"inputs": {"q": 1}, "outputs": {"a": 2}, "reward": 0.5, "sample": 7, "target": {"a": 3}}
    assert prompts.shown(record) == {
        "inputs": {"q": 1}, "predicted_outputs": {"a": 2}, "ground_truth": {"a": 3}, "reward": 0.5,
    }  # fmt: skip
    assert "ground_truth" not in prompts.shown({**record, "target": None})


def test_the_other_variable_stands_before_the_current_one() -> None:
    fields = list(prompts.CrossoverInputs.model_fields)
    assert fields[-2:] == ["other_variable", "current_variable"]
    assert [name for name in fields if name != "other_variable"] == list(prompts.MutationInputs.model_fields)


def test_what_was_tried_is_shown_with_its_rewards_the_best_last_and_no_parent_among_it() -> None:
    _, provider = trained(epochs=3, merging_rate=1.0)
    assert inputs_of(provider.proposals[0])["earlier_versions"] == []
    for call in provider.proposals[1:]:
        seen = inputs_of(call)
        versions = [one["variable"] for one in seen["earlier_versions"]]
        assert 0 < len(versions) <= 4 and len({json.dumps(one) for one in versions}) == len(versions)
        assert seen["current_variable"] not in versions and seen.get("other_variable") not in versions
        rewards = [one["reward"] for one in seen["earlier_versions"]]
        assert rewards == sorted(rewards) and all(one["samples"] for one in seen["earlier_versions"])


# --- what is refused ---------------------------------------------------------------------------------------------


def scored(provider: OmegaProvider) -> int:
    return sum(call.scope.phase == "candidate" for call in provider.calls)


def test_a_repetition_is_refused_without_a_warning_and_not_scored_again() -> None:
    once = trained(lambda call: {"thinking": "", "instructions": f"hint0, {call.scope.step} !"}, epochs=1)[1]
    again = trained(lambda call: {"thinking": "", "instructions": ("Hint0.", "hint0")[call.scope.step or 0]}, epochs=1)
    assert len(again[1].proposals) == len(once.proposals) == 2
    assert scored(again[1]) == scored(once) - 10


def test_garbage_and_what_grows_beyond_the_limit_is_refused_with_a_warning_and_never_in_the_program() -> None:
    for text, why in ((", ", "is empty"), ("hint0 " * 30, "repeats itself"), ("hint0 " + "a b c d e " * 250, "longer")):
        with pytest.warns(UserWarning, match=f"a proposal for .* is refused: .*{why}"):
            made, provider = trained(lambda call, text=text: {"thinking": "", "instructions": text}, epochs=1)
        assert scored(provider) == 0 and made.trainable_variables[0].get("instructions") == "Solve."


def test_what_was_tried_goes_on_after_a_crash_and_not_into_the_next_training() -> None:
    made, _ = trained(epochs=1)
    state = json.loads(json.dumps(made.optimizer.get_state()))
    (path,) = state["tried"]
    assert len(state["tried"][path]) == 2
    again = omega()
    again._hard, again._tried = {path: made.optimizer._hard[path]}, {path: {}}
    again.set_state(state)
    assert again.get_state()["tried"] == state["tried"]
