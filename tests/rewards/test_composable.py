"""Tests of several rewards as one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, compiled, data, learner, provider_of
from synalinks import rewards
from synalinks.errors import ConfigurationError
from synalinks.rewards import ComposableReward
from synalinks.trainers.checks import models_of


class Worked(synalinks.DataModel):
    """An answer with its reasoning."""

    thinking: str
    answer: int


@synalinks.saving.register_synalinks_serializable("Tests")
async def brief(y_true: Any, y_pred: Any) -> float:
    """The shorter the better."""
    return 1.0 / len(y_pred.get("thinking"))


def score(reward: Any, y_true: Any, y_pred: Any) -> float:
    return asyncio.run(reward(y_true, y_pred))  # type: ignore[no-any-return]


WANTED, FOUND = Worked(thinking="so", answer=1), Worked(thinking="thus", answer=1)


@pytest.mark.parametrize(("weights", "wanted"), [(None, 0.625), ([1, 1], 0.625), ([3, 1], 0.8125), ([0, 2], 0.25)])
def test_the_weighted_mean_of_what_each_gives(weights: Any, wanted: float) -> None:
    made = ComposableReward([synalinks.ExactMatch(in_mask=["answer"]), brief], weights)
    assert score(made, WANTED, FOUND) == pytest.approx(wanted)
    assert score(made, WANTED, None) == 0.0
    again = rewards.get(rewards.serialize(made))
    assert again.get_config() == made.get_config() and score(again, WANTED, FOUND) == score(made, WANTED, FOUND)


def test_full_marks_from_all_are_full_marks() -> None:
    assert score(ComposableReward(["exact_match"] * 3, [0.1, 0.2, 0.3]), WANTED, WANTED) == 1.0


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [float("nan"), 1]])
def test_weights_that_do_not_fit_are_refused(weights: Any) -> None:
    with pytest.raises(ConfigurationError, match="one weight, 0 or above"):
        ComposableReward(["exact_match", brief], weights)
    with pytest.raises(ConfigurationError, match="at least one reward"):
        ComposableReward([])


def test_masks_and_models_of_its_parts_are_checked_before_the_first_call() -> None:
    made = ComposableReward([synalinks.ExactMatch(in_mask=["anser"])])
    with pytest.raises(ConfigurationError, match="did you mean 'answer'"):
        compiled(reward=made)
    with pytest.raises(ConfigurationError, match="no embedding model"):
        models_of([ComposableReward([synalinks.CosineSimilarity()])])


def test_a_program_is_evaluated_by_it() -> None:
    program = compiled(reward=ComposableReward(["exact_match", lambda y_true, y_pred: 1.0], [1, 3]))
    x, y = data(4)
    with synalinks.use_provider(provider_of(learner)):  # right about even numbers
        assert asyncio.run(program.evaluate(x, y, verbose=0)) == {"reward": 0.875}
    assert score(ComposableReward(["exact_match"]), Answer(answer=1), Answer(answer=1)) == 1.0
