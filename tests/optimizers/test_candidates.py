"""Tests of candidates: what identifies them, how evidence is folded, how they are ranked."""

from __future__ import annotations

import math

import pytest

from synalinks.data import Instructions, Variable
from synalinks.optimizers import candidates as pool


def candidate(text: str, examples: tuple[int, ...] = (), **evidence: float) -> pool.Candidate:
    shown = [{"inputs": {"q": n}, "outputs": {"a": n}, "reward": None} for n in examples]
    return {"instructions": text, "examples": shown, **evidence}


def test_two_candidates_that_differ_only_in_their_examples_are_two() -> None:
    assert pool.key(candidate("x", (1,))) != pool.key(candidate("x", (2,)))
    assert pool.key(candidate("x", (1, 2))) != pool.key(candidate("x", (2, 1)))


def test_evidence_is_no_part_of_what_a_candidate_is() -> None:
    scored = candidate("x", (1,), reward=0.5, reward_count=3)
    scored["examples"][0]["reward"] = 1.0
    assert pool.key(scored) == pool.key(candidate("x", (1,)))


def test_evidence_is_a_mean_weighted_by_samples() -> None:
    one = candidate("x")
    pool.add_scored_predictions(one, [1.0, 1.0, 0.0])
    pool.add_scored_predictions(one, [])
    pool.add_scored_predictions(one, [0.0])
    assert (one["reward"], one["reward_count"]) == (0.5, 4)


def test_merging_folds_the_evidence_of_equal_candidates_and_copies() -> None:
    first, second = candidate("x", reward=1.0, reward_count=1), candidate("x", reward=0.0, reward_count=3)
    merged = pool.merge([[first], [second, candidate("y")]])
    assert [(c["instructions"], c.get("reward"), c.get("reward_count")) for c in merged] == [
        ("x", 0.25, 4),
        ("y", None, None),
    ]
    assert first["reward_count"] == 1


def test_candidates_rank_by_the_lower_confidence_bound() -> None:
    lucky = candidate("lucky", reward=1.0, reward_count=1)
    proven = candidate("proven", reward=0.95, reward_count=100)
    unknown = candidate("unknown")
    assert pool.lower_bound(lucky, 0.25) == 0.75
    assert pool.lower_bound(proven, 0.25) == pytest.approx(0.925)
    assert pool.lower_bound(unknown, 0.25) == -math.inf
    assert [c["instructions"] for c in pool.ranked([unknown, lucky, proven], 0.25)] == ["proven", "lucky", "unknown"]
    assert [c["instructions"] for c in pool.ranked([lucky, proven], 0.0)] == ["lucky", "proven"]


def test_equal_candidates_keep_the_order_in_which_they_came() -> None:
    one, two = candidate("one", reward=1.0, reward_count=2), candidate("two", reward=1.0, reward_count=2)
    assert pool.ranked([one, two], 0.25) == [one, two]


def test_a_variable_gives_and_takes_candidates_without_its_bookkeeping() -> None:
    variable = Variable({"instructions": "x", "examples": candidate("", (1,))["examples"]}, data_model=Instructions)
    now = pool.current(variable)
    assert now == candidate("x", (1,))
    assert pool.learnable_fields(variable) == ["instructions"]
    pool.write(variable, candidate("y", (2,), reward=1.0, reward_count=2))
    assert pool.current(variable) == candidate("y", (2,))
    assert "reward" not in variable.get_json()
