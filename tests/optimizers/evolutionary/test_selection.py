"""Tests of ways to choose."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synalinks.errors import ConfigurationError
from synalinks.optimizers.evolutionary.selection import check_strategy, check_temperature, choose, softmax


def test_softmax_is_proportional_to_exp_of_score_over_temperature() -> None:
    chances = softmax([0.0, 0.3], 0.3)
    assert chances[1] / chances[0] == pytest.approx(math.e)
    assert chances.sum() == pytest.approx(1.0)


def test_a_temperature_of_zero_is_greedy_and_shares_among_the_best() -> None:
    assert softmax([1.0, 0.5, 1.0], 0).tolist() == [0.5, 0.0, 0.5]


def test_a_tiny_temperature_does_not_overflow() -> None:
    assert softmax([1.0, 0.0, -1.0], 1e-300).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("bad", [-0.1, math.nan, "x", None])
def test_a_temperature_below_zero_is_an_error(bad: object) -> None:
    with pytest.raises(ConfigurationError, match="greedy"):
        check_temperature(bad, "t")  # type: ignore[arg-type]


def test_unknown_strategies_are_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"softmax.*best.*random"):
        check_strategy("worst", "sampling")


@pytest.mark.parametrize("strategy", ["softmax", "best", "random"])
@pytest.mark.parametrize("temperature", [0.0, 0.3])
def test_items_are_chosen_once_each_and_from_the_seed(strategy: str, temperature: float) -> None:
    scores = [0.1, 0.9, 0.5, 0.7]
    chosen = [choose(scores, 3, strategy, temperature, np.random.default_rng(5)) for _ in range(2)]
    assert chosen[0] == chosen[1] and len(set(chosen[0])) == 3
    if strategy == "best" or (strategy == "softmax" and temperature == 0):
        assert chosen[0] == [1, 3, 2]


def test_softmax_prefers_what_scored_well() -> None:
    rng = np.random.default_rng(0)
    first = [choose([0.0, 1.0], 1, "softmax", 0.3, rng)[0] for _ in range(500)]
    assert 0.93 < sum(first) / 500 < 0.99  # exp(1 / 0.3) to 1 is 0.966
    rng = np.random.default_rng(0)
    uniform = [choose([0.0, 1.0], 1, "random", 0.3, rng)[0] for _ in range(500)]
    assert 0.4 < sum(uniform) / 500 < 0.6
