"""Tests of RandomFewShot: what may become an example, how many, and when few-shot learning is off."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import synalinks
from synalinks.data import Instructions, Variable
from synalinks.errors import ConfigurationError
from synalinks.optimizers import GreedyOptimizer, Step


def variable(rewards: list[float | None]) -> Variable:
    records = [{"inputs": {"q": n}, "outputs": {"a": n}, "reward": r} for n, r in enumerate(rewards)]
    return Variable({"predictions": records}, data_model=Instructions, name="v")


def propose(rewards: list[float | None], seed: int = 0, **options: Any) -> list[int] | None:
    step = Step(0, 0, [], "", np.random.default_rng(seed))
    found = asyncio.run(synalinks.RandomFewShot(**options).propose(variable(rewards), step))
    return None if found is None else [example["inputs"]["q"] for example in found["examples"]]


def test_defaults() -> None:
    config = synalinks.RandomFewShot().get_config()
    wanted = {
        "nb_min_examples": 1,
        "nb_max_examples": 3,
        "sampling": "softmax",
        "sampling_temperature": 0.3,
        "population_size": 10,
        "reward_uncertainty": 0.25,
        "update_freq": "epoch",
    }
    assert {name: config[name] for name in wanted} == wanted


def test_only_predictions_with_a_positive_reward_are_drawn() -> None:
    for seed in range(30):
        found = propose([0.0, 1.0, None, 0.4, 0.0], seed)
        assert found and set(found) <= {1, 3}


def test_counts_are_uniform_between_the_bounds() -> None:
    counts = [len(propose([1.0] * 10, seed, nb_min_examples=2, nb_max_examples=4) or []) for seed in range(300)]
    assert set(counts) == {2, 3, 4}
    assert all(70 < counts.count(n) < 130 for n in (2, 3, 4))


def test_fewer_eligible_than_wanted_gives_all_of_them_and_none_no_proposal() -> None:
    assert sorted(propose([1.0, 0.0, 1.0], nb_min_examples=3, nb_max_examples=3) or []) == [0, 2]
    assert propose([0.0, None]) is None
    assert propose([]) is None


def test_both_at_zero_switches_few_shot_off() -> None:
    assert propose([1.0, 1.0], nb_min_examples=0, nb_max_examples=0) is None


def test_a_draw_of_none_proposes_a_prompt_without_examples() -> None:
    found = [propose([1.0], seed, nb_min_examples=0, nb_max_examples=1) for seed in range(20)]
    assert [] in found and [0] in found


def test_a_temperature_of_zero_takes_the_best() -> None:
    assert propose([0.2, 0.9, 0.5], nb_min_examples=2, nb_max_examples=2, sampling_temperature=0) == [1, 2]
    assert propose([0.2, 0.9, 0.5], nb_min_examples=2, nb_max_examples=2, sampling="best") == [1, 2]


def test_examples_carry_no_reward_and_come_from_the_seed() -> None:
    step = Step(0, 0, [], "", np.random.default_rng(0))
    found = asyncio.run(synalinks.RandomFewShot().propose(variable([1.0, 1.0]), step))
    assert found is not None and all(example["reward"] is None for example in found["examples"])
    assert propose([1.0] * 9, 3) == propose([1.0] * 9, 3)


@pytest.mark.parametrize(
    "options", [{"nb_min_examples": -1}, {"nb_min_examples": 4}, {"sampling": "worst"}, {"sampling_temperature": -1}]
)
def test_arguments_that_cannot_be_right(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="RandomFewShot"):
        synalinks.RandomFewShot(**options)


def test_it_is_the_greedy_optimizer_under_its_known_name() -> None:
    assert issubclass(synalinks.RandomFewShot, GreedyOptimizer)
    again = synalinks.RandomFewShot.from_config(synalinks.RandomFewShot(nb_max_examples=5).get_config())
    assert again.nb_max_examples == 5
