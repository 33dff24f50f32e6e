"""Tests of the arguments of `fit` as one value: their checks, and that they are those of `fit`."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import synalinks
from synalinks.errors import ConfigurationError, DataError
from synalinks.trainers.fit_config import FitConfig, check_seed, check_sizes


def test_sizes_and_seeds() -> None:
    check_sizes("fit", batch_size=np.int64(3), steps=None)  # type: ignore[arg-type]
    for bad in (0, 1.5, "2"):
        with pytest.raises(ConfigurationError, match=rf"fit\(steps={bad!r}\): a whole number"):
            check_sizes("fit", steps=bad)  # type: ignore[arg-type]
    for seed in (None, 0, np.int64(7)):
        check_seed(seed)
    with pytest.raises(ConfigurationError, match="seed=-1"):
        check_seed(-1)


def test_every_argument_of_fit_is_a_field_with_the_same_default() -> None:
    fields = {name: parameter.default for name, parameter in inspect.signature(FitConfig).parameters.items()}
    assert (fields.pop("first_step"), fields.pop("hooks")) == (0, True)  # of `train_on_batch`
    arguments = {name: one.default for name, one in inspect.signature(synalinks.Program.fit).parameters.items()}
    assert {name: default for name, default in arguments.items() if name not in ("self", "x", "y")} == fields


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"batch_size": 0}, ConfigurationError, r"fit\(batch_size=0\)"),
        ({"minibatch_size": 1.5}, ConfigurationError, r"fit\(minibatch_size=1.5\)"),
        ({"seed": -1}, ConfigurationError, "seed=-1"),
        ({"validation_split": 1.0}, DataError, "validation_split=1.0"),
        ({"validation_split": "half"}, DataError, "validation_split='half'"),
    ],
)
def test_wrong_arguments_are_refused_when_the_value_is_made(
    given: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        FitConfig(**given)


def test_an_unknown_argument_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="batch_sizes=.*did you mean batch_size"):
        FitConfig.of({"batch_sizes": 3})


@pytest.mark.parametrize(
    ("given", "validating"),
    [
        ({"epochs": 4}, [0, 1, 2, 3]),
        ({"epochs": 5, "validation_freq": 2}, [1, 3]),
        ({"epochs": 6, "initial_epoch": 3, "validation_freq": 3}, [5]),
    ],
)
def test_epochs_that_end_with_a_validation(given: dict[str, int], validating: list[int]) -> None:
    config = FitConfig(**given)  # type: ignore[arg-type]
    epochs = range(config.initial_epoch, config.epochs)
    assert [epoch for epoch in epochs if config.ends_with_validation(epoch)] == validating
    assert (config.validations, config.span) == (len(validating), len(epochs))


def test_budgets_are_the_fits_own_and_those_of_callbacks() -> None:
    stopping = synalinks.callbacks.BudgetStopping(max_tokens=100)
    config = FitConfig(budget="0.50", callbacks=[synalinks.callbacks.EarlyStopping(), stopping])
    assert config.budgets == ["0.50", stopping.budget]
