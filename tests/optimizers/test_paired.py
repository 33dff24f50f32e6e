"""Tests of what rewards say of one state against another."""

from __future__ import annotations

from synalinks.optimizers import Answer
from synalinks.optimizers.paired import Paired


def answers(rewards: dict[int, float]) -> dict[int, Answer]:
    return {case: Answer(case, reward) for case, reward in rewards.items()}


def test_only_shared_samples_that_are_not_left_out_count() -> None:
    first, second = answers({1: 1.0, 2: 1.0, 3: 0.0, 4: 1.0}), answers({2: 0.0, 3: 0.0, 4: 0.0, 5: 1.0})
    paired = Paired.of([(first, second)], leave_out={4})
    assert (paired.count, paired.total, paired.total_in_units) == (2, 1.0, 1.0)


def test_units_are_those_of_the_rewards() -> None:
    paired = Paired.of([(answers({1: 0.52, 2: 0.51}), answers({1: 0.5, 2: 0.51}))])
    assert abs(paired.total_in_units - 1.0) < 1e-9 and abs(paired.mean_in_units - 0.5) < 1e-9


def test_nothing_shared_says_nothing() -> None:
    for nothing in (Paired.of([]), Paired.of([({}, {})])):
        assert nothing.total_in_units == nothing.mean_in_units == nothing.mean == nothing.count == 0


def test_states_that_differ_in_one_variable_come_together() -> None:
    one, other = answers({1: 1.0, 2: 0.0}), answers({1: 0.0, 2: 0.0})
    paired = Paired.of([(one, other), (other, one), (answers({3: 1.0}), answers({3: 0.5}))])
    assert (paired.count, paired.total) == (5, 0.5) and paired.mean == 0.1
