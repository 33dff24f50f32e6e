"""Tests of metrics: means, functions and rewards as metrics, F scores."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, learner, provider_of, right, solver
from synalinks import metrics
from synalinks.errors import ConfigurationError
from synalinks.metrics import F1Score, FBetaScore, Mean, MeanMetricWrapper


@synalinks.saving.register_synalinks_serializable("Tests")
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
    assert (again.fn, again.name, again.kwargs, again.field_masks.config) == (
        size,
        "size",
        {"most": 0.5},
        made.field_masks.config,
    )
    assert MeanMetricWrapper(size).name == "mean_metric_wrapper"
    assert metrics.get(size).name == "size"
    wrapped = metrics.get(metrics.serialize(MeanMetricWrapper(synalinks.ExactMatch(in_mask=["answer"]))))
    assert wrapped.fn.field_masks.config["in_mask"] == ["answer"]
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


def test_compile_keeps_a_twin_so_that_two_programs_may_be_given_one_metric() -> None:
    given = MeanMetricWrapper(synalinks.ExactMatch(), name="right")
    first, second = (compiled(solver(name=name), metrics=[given]) for name in ("first", "second"))
    x, y = data(4)
    with synalinks.use_provider(provider_of(learner)):  # right about even numbers
        assert asyncio.run(first.evaluate(x, y, verbose=0))["right"] == 0.5
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(second.evaluate(x, y, verbose=0))["right"] == 1.0
    assert (first.metrics[-1].result(), given.result()) == (0.5, 0.0)
    assert first.metrics[-1].fn is given.fn  # a judge, and its model, is not made twice


def test_a_metric_of_ones_own_needs_no_config_to_be_compiled() -> None:
    class Largest(metrics.Metric):
        """The largest answer."""

        def __init__(self, least: int) -> None:
            self.least = least
            super().__init__(name="largest")

        def reset_state(self) -> None:
            self.found = self.least

        async def update(self, y_true: Any, y_pred: Any) -> None:
            self.found = max(self.found, y_pred.get("answer"))

        def result(self) -> float:
            return float(self.found)

    program = compiled(metrics=[Largest(2), None])
    x, y = data(4)
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program.evaluate(x, y, verbose=0))["largest"] == 3.0
        assert asyncio.run(program.evaluate(x[:1], y[:1], verbose=0))["largest"] == 2.0


def test_a_mean_takes_numbers_wherever_they_are() -> None:
    class Deep(synalinks.DataModel):
        """Numbers in lists."""

        scores: list[float]
        fine: bool
        note: str = "n"

    pair = (Deep(scores=[0.0], fine=True), Deep(scores=[0.5, 1.0], fine=False))
    assert over(Mean(), pair) == 0.5
    assert over(metrics.Sum(in_mask=["score"]), pair) == 1.5


def test_a_name_that_is_nearly_right_is_told() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'f1_score'"):
        metrics.get("f1score")
    with pytest.raises(ConfigurationError, match="did you mean 'total_tokens'"):
        metrics.get("total_tokens_")


def test_more_is_better_unless_a_metric_says_otherwise() -> None:
    for name, wanted in (
        ("accuracy", "up"),
        ("f1_score", "up"),
        ("pass_at_k", "up"),
        ("gap_k", "down"),
        ("mean", None),
    ):
        assert metrics.get(name).direction == wanted
