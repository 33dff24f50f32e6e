"""Tests of paired differences."""

from __future__ import annotations

from synalinks.optimizers import Answer
from synalinks.optimizers.racing.evidence import Paired


def answers(**rewards: float) -> dict[int, Answer]:
    return {int(name[1:]): Answer(int(name[1:]), reward) for name, reward in rewards.items()}


def test_only_shared_cases_that_are_not_left_out_count() -> None:
    first, second = answers(c1=1.0, c2=1.0, c3=0.0, c4=1.0), answers(c2=0.0, c3=0.0, c4=0.0, c5=1.0)
    paired = Paired.of(first, second, leave_out={4})
    assert (paired.count, paired.total, paired.total_in_units) == (2, 1.0, 1.0)


def test_units_are_those_of_the_rewards() -> None:
    paired = Paired.of(answers(c1=0.52, c2=0.51), answers(c1=0.5, c2=0.51))
    assert abs(paired.total_in_units - 1.0) < 1e-9 and abs(paired.mean_in_units - 0.5) < 1e-9


def test_nothing_shared_says_nothing() -> None:
    assert Paired.of({}, {}).total_in_units == Paired.of({}, {}).mean_in_units == 0.0
