"""Tests of rewards that see a whole batch: each sample gets its own, whatever the order and the failures."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Answer, compiled, data, fit, provider_of, right
from synalinks import rewards
from synalinks.errors import ConfigurationError
from synalinks.metrics import MeanMetricWrapper
from synalinks.rewards import BatchReward, BatchRewardFunctionWrapper


class Rank(BatchReward):
    """The larger the answer among those of the batch, the better."""

    async def call(self, y_true: Any, y_pred: Any) -> Any:
        ordered = sorted(prediction.get("answer") for prediction in y_pred)
        return [ordered.index(prediction.get("answer")) / max(1, len(ordered) - 1) for prediction in y_pred]


@synalinks.saving.register_synalinks_serializable("Tests")
async def halves(y_true: Any, y_pred: Any, share: float = 0.5) -> list[float]:
    return [share] * len(y_pred)


def answers(*numbers: int | None) -> list[Any]:
    return [None if number is None else Answer(answer=number) for number in numbers]


def of_batch(reward: BatchReward, *numbers: int | None) -> list[float]:
    return asyncio.run(reward.of_batch(answers(*numbers), answers(*numbers)))


def test_rewards_are_in_the_place_of_their_predictions() -> None:
    assert of_batch(Rank(), 5, 1, 3) == [1.0, 0.0, 0.5]
    assert of_batch(Rank(), 5, None, 1, None, 3) == [1.0, 0.0, 0.0, 0.0, 0.5]
    assert of_batch(Rank(), None, None) == [0.0, 0.0]


def test_masks_apply_to_each() -> None:
    def seen(y_true: Any, y_pred: Any) -> list[float]:
        assert all(list(side.get_json()) == ["answer"] for side in (*y_true, *y_pred))
        return [1.0 for _ in y_pred]

    assert of_batch(BatchRewardFunctionWrapper(seen, in_mask=["answer"]), 1, 2) == [1.0, 1.0]


def test_functions_of_two_lists() -> None:
    made = BatchRewardFunctionWrapper(halves, share=0.25)
    assert (made.name, of_batch(made, 1, 2)) == ("halves", [0.25, 0.25])


@pytest.mark.parametrize(
    ("value", "message"), [([0.5], "1 rewards for 2"), (0.5, "1 rewards for 2"), ([0.5, 2], r"\[0, 1\]")]
)
def test_another_number_of_rewards_or_one_out_of_range(value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        of_batch(BatchRewardFunctionWrapper(lambda y_true, y_pred: value), 1, 2)
    with pytest.raises(ConfigurationError, match="async def call"):
        of_batch(BatchReward(), 1)


def test_training_gives_each_sample_its_reward() -> None:
    program = compiled(reward=Rank(), optimizer=synalinks.RandomFewShot(population_size=1))
    history = fit(program, provider_of(right), *data(8), batch_size=4, validation_split=0.5, shuffle=False, epochs=1)
    assert history.history["reward"] == history.history["val_reward"] == [0.5]
    records = program.trainable_variables[0].get("predictions")
    ranks = {record["outputs"]["answer"]: record["reward"] for record in records}
    assert ranks == {n: pytest.approx(n / 3) for n in range(4)}


@pytest.mark.parametrize("kind", [list, tuple, lambda values: np.array(values, dtype=object)])
def test_called_with_lists_it_scores_a_batch(kind: Any) -> None:
    found = kind(answers(5, None, 3))
    assert asyncio.run(Rank()(kind(answers(0, 0, 0)), found)) == asyncio.run(Rank()(None, found)) == [1.0, 0.0, 0.0]
    with pytest.raises(ConfigurationError, match="2 targets and 3 predictions"):
        asyncio.run(Rank()(kind(answers(0, 0)), found))
    with pytest.raises(ConfigurationError, match="gave 1 rewards for 2 predictions"):
        asyncio.run(BatchRewardFunctionWrapper(lambda y_true, y_pred: [1.0])(None, answers(1, 2)))


def test_on_one_prediction_it_sees_a_batch_of_one() -> None:
    metric = MeanMetricWrapper(BatchRewardFunctionWrapper(halves))
    asyncio.run(metric.update_state(Answer(answer=1), Answer(answer=1)))
    assert metric.result() == 0.5


def test_as_a_metric_of_a_program_it_sees_whole_batches() -> None:
    program = compiled(metrics=[Rank(name="rank")])
    x, y = data(4)
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program.evaluate(x, y, batch_size=4, verbose=0))["rank"] == 0.5  # 0, 1/3, 2/3, 1


def test_it_is_the_same_after_saving() -> None:
    made = BatchRewardFunctionWrapper(halves, share=0.25, out_mask=["thinking"])
    again = rewards.get(rewards.serialize(made))
    assert type(again) is BatchRewardFunctionWrapper and again.get_config() == made.get_config()
    assert rewards.get(Rank()) is not None and Rank.from_config(Rank(name="r").get_config()).name == "r"
