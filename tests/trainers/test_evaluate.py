"""Tests of evaluate and predict: figures, order, silence, lines, and that nothing is learnt."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Answer, compiled, data, learner, phases, provider_of, right, solver
from synalinks.errors import ConfigurationError


def evaluate(program: Any, provider: Any, x: Any, y: Any = None, **options: Any) -> Any:
    with synalinks.use_provider(provider):
        return asyncio.run(program.evaluate(x, y, **{"verbose": 0, **options}))


def predict(program: Any, provider: Any, x: Any, **options: Any) -> Any:
    with synalinks.use_provider(provider):
        return asyncio.run(program.predict(x, **{"verbose": 0, **options}))


def test_figures_by_name_in_alphabetical_order() -> None:
    program = compiled(metrics=["exact_match", synalinks.ExactMatch(), lambda y_true, y_pred: 0.25])
    found = evaluate(program, provider_of(learner), *data(4))
    assert found == {"<lambda>": 0.25, "exact_match": 0.5, "exact_match_1": 0.5, "reward": 0.5}
    assert list(found) == sorted(found)
    assert evaluate(program, provider_of(learner), *data(4), return_dict=False) == [0.5, 0.5, 0.5, 0.25]


def test_figures_are_weighted_by_sample() -> None:
    x, y = data(5)
    y[4] = Answer(answer=-9)
    for size in (1, 2, 4, 32):
        assert evaluate(compiled(), provider_of(right), x, y, batch_size=size) == {"reward": 0.8}


def test_nothing_is_learnt_and_every_sample_is_asked_once() -> None:
    program, provider = compiled(), provider_of(right)
    before = json.dumps(program.get_state_tree())
    evaluate(program, provider, *data(7), batch_size=3)
    predict(program, provider, data(7)[0], batch_size=3)
    assert json.dumps(program.get_state_tree()) == before
    assert phases(provider) == {"evaluate": 7, "predict": 7}


def test_three_evaluations_are_three_samples_of_a_model_that_varies() -> None:
    """At a temperature above 0 each evaluation asks anew."""
    turns: dict[int, int] = {}

    def varying(number: int, call: Any) -> Any:
        turns[number] = turns.get(number, -1) + 1
        return {"answer": number if turns[number] >= number else -1}

    program, provider = compiled(), provider_of(varying)
    found = [evaluate(program, provider, *data(4))["reward"] for _ in range(3)]
    assert found == [0.25, 0.5, 0.75]
    assert len(provider.calls) == 12


def test_metrics_begin_anew_each_time() -> None:
    program = compiled(metrics=["exact_match"])
    assert evaluate(program, provider_of(right), *data(3))["exact_match"] == 1.0
    wrong = (data(3)[0], [Answer(answer=-1)] * 3)
    assert evaluate(program, provider_of(right), *wrong)["exact_match"] == 0.0


def test_predictions_are_an_object_array_in_order() -> None:
    found = predict(solver(), provider_of(right), data(5)[0], batch_size=2)
    assert isinstance(found, np.ndarray) and found.dtype == object and found.shape == (5,)
    assert [value.get("answer") for value in found] == list(range(5))
    assert len(predict(solver(name="other"), provider_of(right), data(5)[0], batch_size=2, steps=2)) == 4


def test_generators_can_be_evaluated_and_predicted() -> None:
    x, y = data(5)
    batches = [(x[:3], y[:3]), (x[3:], y[3:])]
    assert evaluate(compiled(), provider_of(learner), lambda: iter(batches)) == {"reward": 0.6}
    assert evaluate(compiled(solver(name="b")), provider_of(learner), iter(batches), steps=1) == {
        "reward": pytest.approx(2 / 3)
    }
    found = predict(solver(name="c"), provider_of(right), iter([(x[:3],), (x[3:],)]))
    assert [value.get("answer") for value in found] == list(range(5))


@pytest.mark.parametrize("name", ["batch_size", "steps"])
def test_sizes_below_one_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"evaluate\({name}=0\)"):
        evaluate(compiled(), provider_of(right), *data(2), **{name: 0})
    with pytest.raises(ConfigurationError, match=rf"predict\({name}=0\)"):
        predict(compiled(), provider_of(right), data(2)[0], **{name: 0})


def test_a_program_that_was_not_compiled_has_no_figures() -> None:
    with pytest.warns(UserWarning, match="nothing to measure"):
        assert evaluate(solver(), provider_of(right), *data(2)) == {}
    program = solver(name="without_reward")
    program.compile(optimizer="random_few_shot")
    with pytest.warns(UserWarning, match="nothing was measured"):
        assert evaluate(program, provider_of(right), *data(2)) == {}


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(compiled(), provider_of(right), *data(5), batch_size=2, verbose="auto")
    line = capsys.readouterr().out
    assert line.startswith("3/3 - 0s ") and line.endswith("/step - reward: 1.0000\n")
    predict(solver(name="other"), provider_of(right), data(5)[0], verbose="auto")
    line = capsys.readouterr().out
    assert line.startswith("5/5 - 0s ") and line.endswith("/step\n")


def test_compile_says_what_it_does_not_know() -> None:
    program = solver()
    for options in ({"optimizer": "adam"}, {"reward": "nothing"}, {"metrics": ["nothing"]}, {"reward": 3}):
        with pytest.raises(ConfigurationError):
            program.compile(**options)
    program.compile(optimizer="random_few_shot", reward="exact_match", run_eagerly=True, steps_per_execution=2)
    assert isinstance(program.optimizer, synalinks.RandomFewShot)
    assert isinstance(program.reward, synalinks.ExactMatch)
    assert [metric.name for metric in program.metrics] == ["reward"]


def test_whether_it_is_compiled_and_the_metrics_with_the_mean_reward() -> None:
    program = solver()
    assert program.compiled is False and program.metrics == [] and program.metrics_names == []
    program.compile(reward="exact_match", metrics=["f1_score"])
    assert program.compiled is True
    x, y = data(3)
    with synalinks.use_provider(provider_of(right)):
        logs = asyncio.run(program.evaluate(x, [*y[:2], Answer(answer=-1)], verbose=0))
    assert {metric.name: metric.result() for metric in program.metrics} == logs
    assert list(logs) == ["f1_score", "reward"] and program.metrics_names == ["reward", "f1_score"]
    program.reset_metrics()
    assert [metric.result() for metric in program.metrics] == [0.0, 0.0]


def test_values_without_names_are_the_reward_and_the_metrics_as_compiled() -> None:
    program = compiled(metrics=[synalinks.metrics.F1Score(), "binary_accuracy"])
    x, y = data(4)
    with synalinks.use_provider(provider_of(learner)):
        logs = asyncio.run(program.evaluate(x, y, verbose=0))
        values = asyncio.run(program.evaluate(x, y, verbose=0, return_dict=False))
        assert program.metrics_names == ["reward", "f1_score", "binary_accuracy"]
        assert values == [logs[name] for name in program.metrics_names]
        assert asyncio.run(compiled().evaluate(x, y, verbose=0, return_dict=False)) == 0.5


def test_a_callback_ends_an_evaluation_or_prediction_after_a_batch() -> None:
    class Stops(synalinks.callbacks.Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.program.stop_evaluating = True

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            self.program.stop_predicting = batch == 1

    program, provider = compiled(), provider_of(learner)
    x, y = data(6)
    with synalinks.use_provider(provider):
        asyncio.run(program.evaluate(x, y, batch_size=2, verbose=0, callbacks=[Stops()]))
        assert len(provider.calls) == 2
        assert len(asyncio.run(program.predict(x, batch_size=2, verbose=0, callbacks=[Stops()]))) == 4
        assert len(asyncio.run(program.predict(x, batch_size=2, verbose=0))) == 6
