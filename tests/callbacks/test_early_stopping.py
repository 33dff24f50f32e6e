"""Tests of EarlyStopping: the defaults work, patience, directions, baselines, restoring."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, provider_of, right
from synalinks.callbacks import Callback, EarlyStopping
from synalinks.errors import ConfigurationError


def monitored(callback: EarlyStopping, values: Sequence[Any], name: str = "val_reward", metrics: Any = None) -> int:
    """How many epochs are trained when a log takes these values."""
    program = compiled(metrics=metrics)
    callback.set_program(program)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {name: value, "other": 0.0})
        if program.stop_training:
            callback.on_train_end()
            return epoch + 1
    callback.on_train_end()
    return len(values)


def test_the_defaults_work_in_a_fit() -> None:
    """Construction by default must not fail at the first epoch's end, and a full reward ends training."""
    stop = EarlyStopping()
    history = fit(compiled(), provider_of(right), *data(6), epochs=5, validation_split=0.34, callbacks=[stop])
    assert history.epoch == [0]
    assert history.stopped_by == "callback"
    assert (stop.stopped_epoch, stop.best, stop.best_epoch) == (0, 1.0, 0)


def test_the_defaults_end_at_the_first_epoch_that_is_no_better() -> None:
    assert monitored(EarlyStopping(), [0.1, 0.2, 0.3, 0.3, 0.9]) == 4
    assert monitored(EarlyStopping(), [0.1]) == 1


def test_patience_counts_epochs_since_the_best() -> None:
    assert monitored(EarlyStopping(patience=2), [0.5, 0.4, 0.6, 0.5, 0.5, 0.9]) == 5
    assert monitored(EarlyStopping(patience=3), [0.5, 0.4, 0.4, 0.6, 0.5, 0.5]) == 6


def test_small_changes_are_none() -> None:
    assert monitored(EarlyStopping(min_delta=0.1), [0.5, 0.55, 0.9]) == 2
    assert monitored(EarlyStopping("val_loss", min_delta=0.1, mode="min"), [0.5, 0.45, 0.1], "val_loss") == 2


def test_stop_at_is_for_what_is_better_when_more() -> None:
    assert monitored(EarlyStopping(stop_at=0.8), [0.1, 0.85, 0.9]) == 2
    assert monitored(EarlyStopping(stop_at=None), [0.5, 1.0, 1.1]) == 3
    assert monitored(EarlyStopping("val_seconds", mode="min"), [9.0, 5.0, 2.0], "val_seconds") == 3


def test_auto_asks_the_metric_and_takes_more_as_better_otherwise() -> None:
    class Errors(synalinks.metrics.Mean):
        direction = "down"

    metrics = [Errors(name="errors"), synalinks.metrics.Mean(name="hits")]
    assert monitored(EarlyStopping("val_errors"), [0.9, 0.5, 0.2], "val_errors", metrics) == 3
    assert monitored(EarlyStopping("errors"), [0.5, 0.6], "errors", metrics) == 2
    assert monitored(EarlyStopping("val_hits"), [0.9, 0.5, 0.2], "val_hits", metrics) == 2
    assert monitored(EarlyStopping("val_errors", mode="max"), [0.9, 0.5, 0.2], "val_errors", metrics) == 2


def test_a_baseline_has_to_be_beaten_within_the_patience() -> None:
    assert monitored(EarlyStopping(baseline=0.5, patience=2), [0.1, 0.2, 0.3]) == 2
    assert monitored(EarlyStopping(baseline=0.5, patience=2), [0.1, 0.6, 0.7]) == 3


def test_earlier_epochs_are_not_looked_at() -> None:
    assert monitored(EarlyStopping(start_from_epoch=3), [0.9, 0.5, 0.4, 0.3, 0.4, 0.3]) == 6


def test_a_callback_used_again_begins_anew() -> None:
    stop = EarlyStopping()
    assert monitored(stop, [0.9, 0.5]) == 2
    assert monitored(stop, [0.3, 0.4, 0.5]) == 3
    assert stop.stopped_epoch == 0


def test_the_best_variables_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    class Scribbles(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.program.trainable_variables[0].update({"instructions": f"of epoch {epoch}"})
            logs["val_reward"] = [0.3, 0.7, 0.5, 0.4][epoch]

    for restore, wanted in ((True, "of epoch 1"), (False, "of epoch 3")):
        program = compiled()
        stop = EarlyStopping(patience=2, restore_best_variables=restore, verbose=1)
        callbacks = [Scribbles(), stop]
        history = fit(program, provider_of(right), *data(6), epochs=9, validation_split=0.34, callbacks=callbacks)
        assert history.epoch == [0, 1, 2, 3]
        held = program.trainable_variables[0].get("instructions")
        assert (held == wanted) is restore
        said = capsys.readouterr().out
        assert said.startswith("Epoch 4: early stopping, val_reward did not improve from 0.70000\n")
        assert ("Restoring the variables of the best epoch: 2" in said) is restore


def test_a_log_that_is_missing_is_said_once_and_does_no_harm() -> None:
    stop = EarlyStopping("val_nothing")
    with pytest.warns(
        UserWarning, match=r"monitors 'val_nothing', which the logs don't hold.* other, val_reward"
    ) as told:
        assert monitored(stop, [0.5, 0.4, 0.3]) == 3
    assert len(told) == 1
    with pytest.warns(UserWarning, match="They hold: reward"):
        fit(compiled(), provider_of(right), *data(4), epochs=2, validation_split=0.0, callbacks=[EarlyStopping()])


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_a_value_that_is_not_known_is_no_value_and_said_only_if_it_never_is(unknown: float | None) -> None:
    stop = EarlyStopping(patience=2)
    with pytest.warns(UserWarning, match=f"val_reward', which was {unknown} whenever it was logged: its value is not"):
        assert monitored(stop, [unknown] * 5) == 5
    assert stop.best is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert monitored(stop, [unknown, 0.5, unknown, 0.7, 0.6, 0.6, 0.6]) == 6
    assert stop.best == 0.7


def test_epochs_without_validation_are_passed_over() -> None:
    stop = EarlyStopping(stop_at=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = fit(
            compiled(),
            provider_of(right),
            *data(6),
            epochs=8,
            validation_split=0.34,
            validation_freq=2,
            callbacks=[stop],
        )
    assert history.epoch == [0, 1, 2, 3]


def test_bad_arguments() -> None:
    with pytest.raises(ConfigurationError, match="mode='up'.: write 'auto', 'min' or 'max'"):
        EarlyStopping(mode="up")
    with pytest.raises(ConfigurationError, match="patience=-1"):
        EarlyStopping(patience=-1)
    with pytest.raises(ConfigurationError, match="min_delta=-0.1"):
        EarlyStopping(min_delta=-0.1)
    with pytest.raises(ConfigurationError, match=r"monitors 'val_reward', which is no number: 'high'"):
        monitored(EarlyStopping(), ["high"])


def test_of_several_values_none_is_the_one_to_stop_at() -> None:
    with pytest.warns(UserWarning, match=r"'val_reward', which was \[0.5, 0.4\] whenever it was logged"):
        monitored(EarlyStopping(), [[0.5, 0.4]])
