"""Tests of metrics: means, functions and rewards as metrics, F scores."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

import synalinks
from synalinks import metrics
from synalinks.errors import ConfigurationError
from synalinks.metrics import F1Score, FBetaScore, Mean, MeanMetricWrapper
from worlds import Answer, Question


async def size(y_true: Any, y_pred: Any, most: float = 1.0) -> float:
    """How large a prediction is."""
    return 0.0 if y_pred is None else min(most, y_pred.get("answer"))


def over(metric: Any, *pairs: tuple[Any, Any]) -> Any:
    async def main() -> Any:
        for pair in pairs:
            await metric.update_state(*pair)
        return metric.result()

    return asyncio.run(main())


def test_a_mean_is_weighted_exact_and_the_same_in_any_order() -> None:
    values = [0.1] * 10 + [1e16, -1e16, 1.0]
    results = set()
    for order in (values, values[::-1], sorted(values)):
        mean = Mean()
        for value in order:
            mean.add(value)
        results.add(mean.result())
    assert len(results) == 1
    mean = Mean()
    assert mean.result() == 0.0
    mean.add(1.0, weight=3)
    assert mean.result() == 1.0
    mean.add(0.0)
    assert mean.result() == 0.75
    mean.reset_state()
    assert mean.result() == 0.0


def test_functions_sync_and_async_see_missing_predictions() -> None:
    pairs = [(Answer(answer=1), Answer(answer=1)), (Answer(answer=1), None)]
    assert over(MeanMetricWrapper(size), *pairs) == 0.5
    assert over(MeanMetricWrapper(lambda y_true, y_pred: 0.25), *pairs) == 0.25
    assert over(MeanMetricWrapper(size, most=0.5), *pairs) == 0.25


def test_rewards_are_metrics() -> None:
    pairs = [(Answer(answer=1), Answer(answer=1)), (Answer(answer=1), Answer(answer=2)), (Answer(answer=1), None)]
    for made in (metrics.get("exact_match"), metrics.get(synalinks.ExactMatch()), MeanMetricWrapper("exact_match")):
        assert over(made, *pairs) == pytest.approx(1 / 3)
    assert metrics.get("exact_match").name == "exact_match"


def test_names_masks_and_configs() -> None:
    made = MeanMetricWrapper(size, name="size", in_mask=["answer"], most=0.5)
    again = metrics.get(metrics.serialize(made))
    assert (again.fn, again.name, again.kwargs, again.masks.config) == (size, "size", {"most": 0.5}, made.masks.config)
    assert MeanMetricWrapper(size).name == "mean_metric_wrapper"
    assert metrics.get(size).name == "size"
    wrapped = metrics.get(metrics.serialize(MeanMetricWrapper(synalinks.ExactMatch(in_mask=["answer"]))))
    assert wrapped.fn.masks.config["in_mask"] == ["answer"]
    with pytest.raises(ConfigurationError, match="answer"):
        MeanMetricWrapper(size, in_mask=["anser"]).check_schema(Answer.get_schema(), "prediction")
    for bad in ("nothing", 3):
        with pytest.raises(ConfigurationError):
            metrics.get(bad)


def test_f1_counts_words_without_stop_words_and_punctuation() -> None:
    pair = (Question(question="The cat, sat."), Question(question="a cat ran"))
    assert over(F1Score(), pair) == 0.5  # precision 1/2, recall 1/2; float64, so exactly
    assert over(F1Score(), (Question(question="x"), None)) == 0.0
    # precision 1/2, recall 1: 5 * P * R / (4 P + R)
    recalled = (Question(question="cat"), Question(question="cat ran"))
    assert over(FBetaScore(beta=2.0), recalled) == pytest.approx(5 * 0.5 / (4 * 0.5 + 1))


def test_averages_over_fields() -> None:
    class Two(synalinks.DataModel):
        """Two texts."""

        a: str
        b: str

    pair = (Two(a="x y z", b="w"), Two(a="x y z", b="v"))
    assert over(F1Score(), pair) == [1.0, 0.0]
    assert over(F1Score(average="macro"), pair) == 0.5
    assert over(F1Score(average="micro"), pair) == 0.75
    assert over(F1Score(average="weighted"), pair) == 0.75
    with pytest.raises(ConfigurationError, match="average='mean'"):
        F1Score(average="mean")
    with pytest.raises(ConfigurationError, match="above 0"):
        FBetaScore(beta=0)


def test_scores_survive_saving_and_never_are_nan() -> None:
    for made in (F1Score(average="macro"), FBetaScore(beta=2.0)):
        assert metrics.get(metrics.serialize(made)).get_config() == made.get_config()
    assert not math.isnan(over(F1Score(), (Question(question=""), Question(question=""))))
