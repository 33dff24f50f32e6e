"""Tests of the similarity effect of similarity: sure when training shows it, and not fooled by anything else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from synalinks.optimizers.few_shot.similarity_effect import SimilarityEffect


def observed(slope: float, noise: float = 0.3, count: int = 200, runs: int = 4, seed: int = 0) -> SimilarityEffect:
    rng, effect = np.random.default_rng(seed), SimilarityEffect()
    for run in range(runs):
        near = rng.random(count // runs)
        effect.observe(str(run), near.tolist(), (slope * near + noise * rng.standard_normal(len(near))).tolist())
    return effect


def test_a_slope_that_is_there_is_found() -> None:
    assert observed(0.6).sure and not observed(-0.6).sure


def test_where_there_is_none_it_is_claimed_about_once_in_forty() -> None:
    claimed = sum(observed(0.0, seed=seed).sure for seed in range(400))
    assert claimed <= 20  # 10 expected; more than 20 is a chance of one in a thousand


def test_it_is_the_slope_of_least_squares_with_its_standard_error() -> None:
    rng = np.random.default_rng(3)
    x = rng.random(50)
    y = 0.2 * x + 0.3 * rng.standard_normal(50)
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)  # numpy's own, for one run
    for shift in (0.0, 2.0):
        effect = SimilarityEffect()
        effect.observe("one", x.tolist(), (y + shift).tolist())
        assert effect.sure == bool(slope > 2 * np.sqrt(covariance[0, 0]))
    freedom, xx, xy, _ = effect._totals()
    assert freedom == 49 and xy / xx == pytest.approx(slope)


def test_that_one_set_of_examples_is_better_than_another_says_nothing_of_similarity() -> None:
    """The better set is also nearer; within each, similarity makes no difference."""
    rng, effect = np.random.default_rng(0), SimilarityEffect()
    for examples, level in (("poor", 0.1), ("good", 0.9)):
        near = level + 0.1 * rng.random(100)
        effect.observe(examples, near.tolist(), (rng.random(100) < level).astype(float).tolist())
    assert not effect.sure


def test_few_samples_are_never_enough_and_neither_is_similarity_that_does_not_vary() -> None:
    few, same, alone = SimilarityEffect(), SimilarityEffect(), SimilarityEffect()
    few.observe("x", [0.0, 0.5, 1.0] * 5, [0.0, 0.5, 1.0] * 5)
    same.observe("x", [0.5] * 100, [0.0, 1.0] * 50)
    for n in range(100):  # batches of one, each with other examples
        alone.observe(str(n), [n / 100], [n / 100])
    assert not few.sure and not same.sure and not alone.sure and not SimilarityEffect().sure


def test_batches_of_one_count_as_long_as_the_examples_stay() -> None:
    effect = SimilarityEffect()
    for n in range(100):
        effect.observe("same", [n / 100], [n / 100])
    assert effect.sure


def test_its_state_is_json_and_going_on_from_it_is_the_same() -> None:
    whole, first = observed(0.1, count=40, runs=2), observed(0.1, count=40, runs=2)
    again = SimilarityEffect()
    again.set_state(json.loads(json.dumps(first.get_state())))
    for effect in (whole, again):
        effect.observe("1", [0.2, 0.9], [0.0, 1.0])
        effect.observe("2", [0.1], [0.3])
    assert again.get_state() == whole.get_state()
    assert SimilarityEffect().get_state() != whole.get_state()
