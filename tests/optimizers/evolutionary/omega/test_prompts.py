"""Tests of what OMEGA says to its proposer."""

from __future__ import annotations

from synalinks.optimizers.evolutionary.omega import prompts


def test_the_users_words_come_first_and_the_keys_last() -> None:
    text = prompts.instructions(prompts.CROSSOVER, ["tone", "rules"], "Mind the edge cases.")
    lines = text.split("\n")
    assert lines[0] == "Mind the edge cases." and lines[-1].endswith("tone, rules.")
    assert prompts.CROSSOVER in lines and prompts.MUTATION not in lines
    assert prompts.instructions(prompts.MUTATION, ["tone"], None).startswith(prompts.TASK)


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
