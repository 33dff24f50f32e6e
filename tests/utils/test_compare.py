"""Tests of figures with intervals, test data, and paired comparisons of trainings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import compiled, data, fit, learner, phases, provider_of, right
from synalinks.callbacks import History
from synalinks.callbacks.measured import interval
from synalinks.errors import ConfigurationError, DataError
from synalinks.utils import compare


def history(rewards: list[float], name: str = "test_reward", seed: int | None = None) -> History:
    made = History()
    made.seed = seed
    made.measured.add(name, rewards, samples=range(len(rewards)))
    return made


def test_an_interval_holds_its_mean_and_narrows_with_samples() -> None:
    for mean in (0.0, 0.3, 1.0):
        few, many = interval(mean, 10), interval(mean, 1000)
        assert 0.0 <= few[0] <= mean <= few[1] <= 1.0 and many[1] - many[0] < few[1] - few[0]
    assert interval(0.0, 0) == (0.0, 1.0)


def test_it_covers_the_truth_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        low, high = interval(float(rng.binomial(60, 0.8)) / 60, 60)
        covered += low <= 0.8 <= high
    assert 0.93 < covered / 2000 < 0.98


def test_fit_gives_intervals_for_each_epoch_and_rewards_by_sample() -> None:
    program = compiled()
    x, y = data(30)
    found = fit(program, provider_of(learner), x, y, epochs=2, validation_split=0.4, batch_size=6)
    assert set(found.measured.intervals) == {"reward", "val_reward"}
    for name in ("reward", "val_reward"):
        for mean, (low, high) in zip(found.history[name], found.measured.intervals[name], strict=True):
            assert low <= mean <= high
    assert sorted(found.measured.samples["val_reward"]) == list(range(18, 30))


@pytest.mark.parametrize("optimizer", ["random_few_shot", "prompt_racing"])
def test_test_data_is_measured_once_after_training_beside_the_calls(optimizer: str) -> None:
    made: Any = synalinks.optimizers.get(optimizer)
    if optimizer == "prompt_racing":
        made.language_model = synalinks.LanguageModel("ollama/test")
    program, provider = compiled(optimizer=made), provider_of(right)
    found = fit(program, provider, *data(12), epochs=2, calls=60, test_data=data(9, 100))
    assert phases(provider)["evaluate"] == 9 and found.test == {"test_reward": 1.0}
    assert len(provider.calls) <= 60 + 9 and "test_reward" not in found.history
    assert found.measured.intervals["test_reward"][0][1] == 1.0
    with pytest.raises(DataError, match=r"test_data is a pair \(x, y\)"):
        fit(program, provider, *data(12), test_data=data(3)[0])


def test_a_paired_difference_with_its_interval() -> None:
    found = compare(history([0.0] * 20 + [1.0] * 20), history([1.0] * 30 + [1.0] * 10))
    assert (found.first, found.second, found.difference, found.samples, found.seeds) == (0.5, 1.0, 0.5, 40, 1)
    assert 0.3 < found.low < 0.5 < found.high < 0.7 and found.certain
    assert str(found).startswith("test_reward: 0.500 -> 1.000, +0.500 [+0.") and str(found).endswith("a difference")


def test_pairing_is_surer_than_two_intervals() -> None:
    rng = np.random.default_rng(1)
    hard = (rng.random(200) < 0.5).astype(float)
    better = np.maximum(hard, (rng.random(200) < 0.08).astype(float))
    found = compare(history(list(hard)), history(list(better)))
    assert found.certain and found.difference < 0.1


def test_no_difference_is_not_certain_and_the_same_again() -> None:
    rng = np.random.default_rng(2)
    one, two = ([float(r) for r in (rng.random(60) < 0.7)] for _ in range(2))
    found = compare(history(one), history(two))
    assert not found.certain and found == compare(history(one), history(two))
    assert "no certain difference" in str(found)


def test_several_seeds_are_paired_and_their_luck_counts() -> None:
    first = [history([0.5] * 20, seed=seed) for seed in range(4)]
    second = [history([0.5 + gain] * 20, seed=seed) for seed, gain in enumerate((0.4, -0.3, 0.3, -0.2))]
    found = compare(first, second)
    assert found.seeds == 4 and not found.certain


def test_one_seed_twice_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="one run played twice"):
        compare([history([0.0] * 9, seed=3)] * 2, [history([1.0] * 9, seed=seed) for seed in (1, 2)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(history([0.0] * 9, seed=3), history([1.0] * 9, seed=3))


def test_what_cannot_be_compared() -> None:
    with pytest.raises(ConfigurationError, match="2 histories against 1"):
        compare([history([1.0]), history([1.0])], history([1.0]))
    with pytest.raises(ConfigurationError, match="train with validation data"):
        compare(History(), History())
    with pytest.raises(ConfigurationError, match="write one of"):
        compare(history([1.0]), history([1.0]), figure="reward")
    assert compare(history([0.0], "val_reward"), history([1.0], "val_reward")).figure == "val_reward"


def test_the_history_says_which_seed() -> None:
    assert fit(compiled(), provider_of(right), *data(6), seed=7).seed == 7
    assert fit(compiled(), provider_of(right), *data(6), seed=None).seed == 123
