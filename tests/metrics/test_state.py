"""Tests of what metrics add up: variables, resetting, twins, calls, and one log a label."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Answer, compiled, data, fit, make, provider_of, right
from synalinks import metrics
from synalinks.errors import ConfigurationError
from synalinks.metrics import BatchMetric, CategoricalF1Score, F1Score, Mean, MeanMetricWrapper, Metric, Sum
from synalinks.testing import ScriptedProvider


class Total(synalinks.DataModel):
    total: float = 0.0
    missing: int = 0


class Answered(Metric):
    """As programs write metrics: variables made in the constructor, state taken in by `update_state`."""

    def __init__(self, name: str = "answered", **masks: Any) -> None:
        super().__init__(name=name, **masks)
        self.state = self.add_variable(data_model=Total, name="state")

    async def update_state(self, y_true: Any, y_pred: Any) -> None:
        if y_pred is None:
            self.state.update({"missing": self.state.get("missing") + 1})
        else:
            self.state.update({"total": self.state.get("total") + y_pred.get("answer")})

    def result(self) -> Any:
        return self.state.get("total")


def call(metric: Metric, *args: Any) -> Any:
    return asyncio.run(metric(*args))


def test_a_call_updates_and_gives_the_result() -> None:
    metric = Answered()
    assert call(metric, None, Answer(answer=2)) == 2.0
    assert call(metric, None, Answer(answer=3)) == 5.0
    assert call(metric, None, None) == 5.0 and metric.state.get("missing") == 1
    assert call(F1Score(), Answer(answer=2), Answer(answer=2)) == 1.0


def test_variables_are_those_added_and_reset_state_sets_them_back() -> None:
    metric = Answered()
    call(metric, None, Answer(answer=2))
    assert metric.variables == [metric.state] and metric.state.path == "answered/state" and not metric.state.trainable
    metric.reset_state()
    assert metric.state.get_json() == {"total": 0.0, "missing": 0}


@pytest.mark.parametrize("metric", [Mean(), Sum(), F1Score(), MeanMetricWrapper("exact_match"), metrics.PassAtK()])
def test_those_of_this_library_keep_their_state_in_variables_too(metric: Metric) -> None:
    assert len(metric.variables) == 1
    before = copy.deepcopy(metric.variables[0].get_json())
    asyncio.run(metric.update_state(Answer(answer=2), Answer(answer=2)))
    taken = copy.deepcopy(metric.variables[0].get_json())
    assert taken != before
    result = metric.result()
    metric.reset_state()
    assert metric.variables[0].get_json() == before and metric.result() == 0.0
    metric.variables[0].assign(taken)
    assert metric.result() == result == (2.0 if isinstance(metric, Sum) else pytest.approx(result))


def test_variables_with_a_first_value_of_their_own_and_of_metrics_inside() -> None:
    class Both(Metric):
        def __init__(self) -> None:
            super().__init__()
            self.means = [Mean("first"), Mean("second")]
            self.own = self.add_variable({"total": 7.0, "missing": 0}, data_model=Total)

        def result(self) -> Any:
            return self.own.get("total") + self.means[0].result()

    metric = Both()
    assert len(metric.variables) == 3
    metric.means[0].add(1.0)
    metric.own.update({"total": 9.0})
    twin = metric.twin()
    assert (metric.result(), twin.result()) == (10.0, 7.0)
    twin.means[0].add(5.0)
    assert metric.result() == 10.0
    metric.reset_state()
    assert metric.result() == 7.0 and twin.result() == 12.0


def test_a_metric_that_resets_attributes_made_after_super_is_made_all_the_same() -> None:
    class Own(Metric):
        def __init__(self) -> None:
            super().__init__()
            self.seen = self.add_variable(data_model=Total)

        def reset_state(self) -> None:
            self.seen.assign({"total": 1.0, "missing": 0})

        def result(self) -> Any:
            return self.seen.get("total")

    metric = Own()
    assert metric.result() == 0.0
    metric.reset_state()
    assert metric.result() == 1.0


def test_a_variable_before_super_is_refused() -> None:
    class Early(Metric):
        def __init__(self) -> None:
            self.seen = self.add_variable(data_model=Total)

    with pytest.raises(ConfigurationError, match=r"Early: call super\(\).__init__\(\) before add_variable"):
        Early()


def test_a_mean_takes_numbers_in_any_form() -> None:
    for given in ([1, 3, 5, 7], (1.0, [3, 5], 7), np.array([[1.0, 3.0], [5.0, 7.0]])):
        assert call(Mean(), given) == 4.0
        assert call(Sum(), given) == 16.0
    assert call(Mean(), 3) == 3.0 and call(Mean(), np.float64(3)) == 3.0 and call(Mean(), None) == 0.0
    assert call(Mean(), Answer(answer=4)) == 4.0
    assert call(Mean(), Answer(answer=4), Answer(answer=5)) == 5.0
    with pytest.raises(ConfigurationError, match="the metric 'mean' takes numbers.*got 'four'"):
        call(Mean(), ["four"])


def test_a_metric_of_ones_own_is_reset_between_epochs_and_shared_by_no_two_programs() -> None:
    given = Answered()
    x, y = data(4)
    first, second = (compiled(metrics=[given]) for _ in range(2))
    history = fit(first, provider_of(right), x, y, epochs=2, validation_split=0.0)
    assert history.history["answered"][0] == history.history["answered"][1] > 0
    assert given.result() == 0.0 and second.compilation.metrics[0].result() == 0.0


def test_a_plain_function_updates_as_well_as_an_async_one() -> None:
    class Plain(Answered):
        def update_state(self, y_true: Any, y_pred: Any) -> None:  # type: ignore[override]
            self.state.update({"total": self.state.get("total") + 1.0})

    x, y = data(4)
    program = compiled(metrics=[Plain()])
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program.evaluate(x, y, verbose=0))["answered"] == 4.0
    assert call(Plain(), None, None) == 1.0


def test_a_batch_metric_is_given_the_lists_of_a_batch() -> None:
    class Distinct(BatchMetric):
        def __init__(self) -> None:
            super().__init__(name="distinct")
            self.state = self.add_variable(data_model=Total)

        async def update_state(self, y_true: Any, y_pred: Any) -> None:
            assert isinstance(y_true, list) and len(y_true) == len(y_pred)
            count = len({one.get("answer") for one in y_pred})
            self.state.update({"total": self.state.get("total") + count, "missing": self.state.get("missing") + 1})

        def result(self) -> Any:
            return self.state.get("total") / self.state.get("missing")

    x, y = data(6)
    program = compiled(metrics=[Distinct()])
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program.evaluate(x, y, batch_size=2, verbose=0))["distinct"] == 2.0


# --- logs ----------------------------------------------------------------------------------------------------


class Topics(synalinks.DataModel):
    topics: list[str]


class Two(synalinks.DataModel):
    first: str
    second: str


async def _topics() -> Any:
    inputs = synalinks.Input(data_model=Two)
    outputs = await synalinks.Generator(data_model=Topics, language_model="ollama/llama3.2")(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs)


def test_scores_by_label_are_one_log_each() -> None:
    program = make(_topics)
    program.compile(reward="exact_match", metrics=[CategoricalF1Score(labels=["news", "sport"])])
    x, y = [Two(first="a", second="b")] * 2, [Topics(topics=["news"])] * 2
    with synalinks.use_provider(ScriptedProvider(lambda request: {"topics": ["news"]})):
        logs = asyncio.run(program.evaluate(x, y, verbose=0))
    assert logs == {"categorical_f1_score_news": 1.0, "categorical_f1_score_sport": 0.0, "reward": 1.0}


def test_scores_by_field_and_values_without_names() -> None:
    metric = F1Score()
    asyncio.run(metric.update_state(Two(first="x", second="y"), Two(first="x", second="z")))
    assert metric.result() == [1.0, 0.0] and metric.named_logs("f") == {"f_first": 1.0, "f_second": 0.0}

    class Several(Metric):
        def result(self) -> Any:
            return np.array([0.5, 0.25])

    class Named(Metric):
        def result(self) -> Any:
            return {"low": 0.25, "high": 0.5}

    assert Several().named_logs("several") == {"several_0": 0.5, "several_1": 0.25}
    assert Named().named_logs("named") == {"low": 0.25, "high": 0.5}


def test_cosine_similarity_has_what_it_was_given() -> None:
    metric = metrics.CosineSimilarity(axis=-1, embedding_model="ollama/all-minilm")
    assert metric.axis == -1 and metric.embedding_model is not None
