"""Tests of candidates: what identifies them, how scores are added, bounded and saved."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest

from synalinks.data import Instructions, Variable
from synalinks.optimizers.candidates import Candidate, Scores, learnable_fields, merge


def candidate(text: str, examples: tuple[int, ...] = (), reward: float = 0.0, count: int = 0) -> Candidate:
    shown = [{"inputs": {"q": n}, "outputs": {"a": n}, "reward": None} for n in examples]
    return Candidate({"instructions": text, "examples": shown}, Scores(reward, count))


def names(candidates: list[Candidate]) -> list[str]:
    return [one.fields["instructions"] for one in candidates]


def test_two_candidates_that_differ_only_in_their_examples_are_two() -> None:
    assert candidate("x", (1,)).key != candidate("x", (2,)).key
    assert candidate("x", (1, 2)).key != candidate("x", (2, 1)).key


def test_scores_are_no_part_of_what_a_candidate_is() -> None:
    scored = candidate("x", (1,), 0.5, 3)
    scored.fields["examples"][0]["reward"] = 1.0
    assert scored.key == candidate("x", (1,)).key


def test_the_reward_is_a_mean_weighted_by_samples() -> None:
    one = candidate("x").scored([1.0, 1.0, 0.0]).scored([]).scored([0.0])
    assert one.scores == Scores(0.5, 4)


def test_a_candidate_does_not_change() -> None:
    one = candidate("x")
    with pytest.raises(FrozenInstanceError):
        one.scores = Scores(1.0, 1)  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        one.scores.reward = 1.0  # type: ignore[misc]
    assert one.scored([1.0]) is not one and one.scores == Scores()


def test_merging_adds_the_scores_of_equal_candidates() -> None:
    first, second = candidate("x", reward=1.0, count=1), candidate("x", reward=0.0, count=3)
    merged = merge([first, second, candidate("y")])
    assert [(one.fields["instructions"], one.scores) for one in merged] == [("x", Scores(0.25, 4)), ("y", Scores())]
    assert first.scores.count == 1
    assert Scores(1.0, 1).merged(Scores(1.0, 1, validated=True)) == Scores(1.0, 2, validated=True)


def test_candidates_rank_by_the_lower_confidence_bound() -> None:
    lucky, sure, unknown = candidate("lucky", (), 1.0, 1), candidate("sure", (), 0.95, 100), candidate("unknown")
    assert lucky.scores.lower_bound(0.25) == 0.75
    assert sure.scores.lower_bound(0.25) == pytest.approx(0.925)
    assert unknown.scores.lower_bound(0.25) == -math.inf


def test_a_variable_gives_and_takes_candidates_without_its_bookkeeping() -> None:
    value = {"instructions": "x", "examples": candidate("", (1,)).fields["examples"]}
    variable = Variable(value, data_model=Instructions)
    assert Candidate.of(variable) == candidate("x", (1,))
    assert learnable_fields(variable) == ["instructions"]
    candidate("y", (2,), 1.0, 2).write_to(variable)
    assert Candidate.of(variable) == candidate("y", (2,))
    assert "reward" not in variable.get_json()


@pytest.mark.parametrize(
    "saved",
    [
        {"instructions": "x", "examples": []},
        {"instructions": "x", "examples": [], "reward": 0.25, "reward_count": 4},
        {"instructions": "x", "examples": [], "reward": 0.25, "reward_count": 4, "validated": True},
    ],
)
def test_a_candidate_is_saved_as_the_json_it_was_read_from(saved: dict[str, object]) -> None:
    assert Candidate.from_json(saved).to_json() == saved
    assert list(Candidate.from_json(saved).to_json()) == list(saved)
