"""Bad input of training: a clear error before the first call, or what is written, and never lost work."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import synalinks
from omega_under_test import OmegaProvider, omega, program
from programs_under_test import Answer, Question, data, fit
from semantics.scenes import compiled, server, shown, train
from synalinks import optimizers
from synalinks.errors import ConfigurationError, DataError

X, Y = data(10)
HEATS = {
    optimizers.RandomFewShot: ("sampling_temperature",),
    optimizers.GreedyOptimizer: ("sampling_temperature",),
    optimizers.OMEGA: ("mutation_temperature", "crossover_temperature", "selection_temperature"),
    optimizers.EvolutionaryOptimizer: ("mutation_temperature", "crossover_temperature", "selection_temperature"),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in HEATS.items() for name in names])
@pytest.mark.parametrize("value", [-0.1, -1, math.nan, None, "hot"])
def test_temperatures_below_zero(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"{kind.__name__}: {name}={value!r}: a temperature is 0")):
        kind(**{name: value})


@pytest.mark.parametrize(("least", "most"), [(4, 3), (-1, 3), (0, -1)])
def test_more_examples_at_least_than_at_most(least: int, most: int) -> None:
    with pytest.raises(
        ConfigurationError, match=f"nb_min_examples={least}, nb_max_examples={most}.*minimum is not above"
    ):
        synalinks.RandomFewShot(nb_min_examples=least, nb_max_examples=most)


def assert_refused(error: type[Exception], message: str, *given: Any, program: Any = None, **arguments: Any) -> None:
    """A fit raises before it has asked anything."""
    with server() as running:
        with pytest.raises(error, match=re.escape(message)):
            train(program or compiled(), *given, **arguments)
        assert running.requests.total == 0


def test_an_empty_training_set() -> None:
    assert_refused(DataError, "x is empty", [], [])
    assert_refused(DataError, "x is empty", np.array([], dtype="object"), np.array([], dtype="object"))
    assert_refused(DataError, "validation x is empty", X, Y, validation_data=([], []))
    for nothing in (lambda: iter([]), iter([]), lambda: iter([([], [])])):
        assert_refused(DataError, "gave no batch: it is empty, or used up", nothing)


@pytest.mark.parametrize("split", [1, 1.0, 1.5, -0.1, math.nan, None, "0.1"])
def test_a_split_that_leaves_nothing_to_train_on_or_is_none(split: Any) -> None:
    assert_refused(DataError, f"validation_split={split!r}: a fraction from 0 (none) up to, but below, 1", X, Y,
                   validation_split=split)  # fmt: skip


@pytest.mark.parametrize("split", [0, 0.0, 0.04])
def test_a_split_of_zero_trains_without_validation(split: float) -> None:
    """Candidates are compared on the batch then. A split of less than one sample is of one."""
    with server() as running:
        history = train(compiled(), X, Y, validation_split=split, batch_size=5)
    assert list(history.history) == (["reward", "val_reward"] if split else ["reward"])
    assert {entry.scope.phase for entry in history.ledger} - {"validation"} == {"train", "candidate"}
    assert running.requests.number == len(history.ledger)


@pytest.mark.parametrize("name", ["batch_size", "minibatch_size", "validation_batch_size", "validation_freq",
                                  "steps_per_epoch", "validation_steps"])  # fmt: skip
@pytest.mark.parametrize("value", [0, -3, 2.5, "4"])
def test_sizes_that_are_none(name: str, value: Any) -> None:
    assert_refused(ConfigurationError, f"fit({name}={value!r}): a whole number of at least 1 is needed", X, Y,
                   **{name: value})  # fmt: skip


@pytest.mark.parametrize("seed", [-1, 0.5, "seven"])
def test_a_seed_that_is_none(seed: Any) -> None:
    assert_refused(ConfigurationError, f"seed={seed!r}: a seed is a whole number, 0 or above", X, Y, seed=seed)


def test_nothing_to_train() -> None:
    async def frozen() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        generator = synalinks.Generator(data_model=Answer, language_model="ollama/stand-in", trainable=False)
        return synalinks.Program(inputs=inputs, outputs=await generator(inputs), name="frozen")

    for search in (synalinks.RandomFewShot(), synalinks.OMEGA("", "ollama/p", "ollama/e")):
        made = asyncio.run(frozen())
        made.compile(optimizer=search, reward="exact_match")
        assert_refused(ConfigurationError, "frozen has no trainable variables, so there is nothing to optimise", X, Y,
                       program=made)  # fmt: skip


@pytest.mark.parametrize("distance", [lambda: 0.0, lambda one: 0.0, lambda one, two: 0.0, "cosine", 0.5])
def test_a_distance_function_of_another_signature(distance: Any) -> None:
    with pytest.raises(ConfigurationError, match="distance_function"):
        synalinks.OMEGA(distance_function=distance)


# --- a reward that goes wrong on the way -----------------------------------------------------------------------------


def going_wrong(after: int, value: Any) -> Any:
    """A reward that is right so many times."""
    asked: list[int] = []

    async def judged(y_true: Any, y_pred: Any) -> Any:
        asked.append(1)
        if len(asked) <= after:
            return float(y_true.get_json() == y_pred.get_json())
        if isinstance(value, Exception):
            raise value
        return value

    return judged


WRONG = {
    "too much": (1.5, ConfigurationError, r"the reward 'judged' gave 1.5; a reward lies in \[0, 1\]. Rescale it"),
    "too little": (-0.1, ConfigurationError, r"the reward 'judged' gave -0.1; a reward lies in \[0, 1\]"),
    "no number": (math.nan, ConfigurationError, r"the reward 'judged' gave nan; a reward lies in \[0, 1\]"),
    "nothing": (None, ConfigurationError, r"the reward 'judged' gave None; a reward is a number in \[0, 1\]"),
    "a text": ("good", ConfigurationError, r"the reward 'judged' gave 'good'; a reward is a number in \[0, 1\]"),
    "an error": (ZeroDivisionError("no points"), ZeroDivisionError, "no points"),
}


@pytest.mark.parametrize(
    ("case", "after"), [*((case, 43) for case in WRONG), ("an error", 27), ("an error", 36), ("no number", 60)]
)
def test_a_reward_that_goes_wrong_ends_the_fit_and_loses_nothing(case: str, after: int) -> None:
    """In the first epoch or the second, while training, comparing or validating: what was learnt is kept."""
    value, error, message = WRONG[case]
    with server() as running:
        made = compiled(reward=going_wrong(after, value))
        with pytest.raises(error, match=message):
            train(made, *data(20), epochs=3, batch_size=5, validation_split=0.5, minibatch_size=None)
        variable = made.trainable_variables[0].get_json()
        assert len(made.history.ledger) == running.requests.number, "the bill is whole"
        assert made.history.epoch == list(range(len(made.history.epoch))), "earlier epochs are kept"
        assert 1 <= len(variable["examples"]) <= 3, "the best candidate stays in the program"
        assert variable["best_candidates"] and variable["current_predictions"] == []
        best, examples = variable["best_candidates"][0]["reward"], variable["examples"]
        running.reset()
        made.compile(optimizer=synalinks.RandomFewShot(), reward="exact_match")
        history = train(made, *data(20), batch_size=5, validation_split=0.5, minibatch_size=None)
        first = shown(running.requests[0])
    assert all(str(example["outputs"]["answer"]) in first for example in examples), "the next fit goes on from there"
    assert best == history.history["reward"][0] == 1.0


# --- generators that end early ---------------------------------------------------------------------------------------


def batches(count: int, size: int = 2) -> Iterator[tuple[list[Question], list[Answer]]]:
    x, y = data(count)
    for start in range(0, count, size):
        yield x[start : start + size], y[start : start + size]


def test_a_generator_that_ends_before_its_steps_is_warned_about_and_what_came_is_used() -> None:
    with (
        server(),
        pytest.warns(UserWarning, match="the generator ended after 3 of 5 batches; what came is used") as told,
    ):
        history = train(compiled(), lambda: batches(6), epochs=2, steps_per_epoch=5, validation_data=data(4, 20))
    assert len(told) == 2 and len(history.history["val_reward"]) == 2
    assert len(history.ledger.filter(phase="train")) == 12


def test_the_same_in_validation_evaluation_and_prediction() -> None:
    made = compiled()
    with server():
        with pytest.warns(UserWarning, match="after 1 of 3 batches"):
            train(made, *data(4), validation_data=lambda: batches(2), validation_steps=3)
        with pytest.warns(UserWarning, match="after 2 of 9 batches"):
            logs = asyncio.run(made.evaluate(lambda: batches(4), steps=9, verbose=0))
        with pytest.warns(UserWarning, match="after 2 of 9 batches"):
            found = asyncio.run(made.predict(lambda: batches(4), steps=9, verbose=0))
    assert set(logs) == {"reward"} and len(found) == 4


def test_a_generator_that_lasts_for_one_epoch_of_two_is_refused_before_the_first_call() -> None:
    made = compiled()
    with (
        server() as running,
        pytest.raises(DataError, match="used up after one pass, and 2 are to come. Pass a function"),
    ):
        train(made, batches(12, 4), epochs=2, validation_data=data(4, 20))
    assert running.requests.number == 0


def test_a_generator_that_breaks_raises_its_own_error_and_what_was_learnt_stays() -> None:
    def broken() -> Iterator[Any]:
        yield from batches(12, 4)
        raise OSError("the disk is gone")

    made = compiled()
    with server() as running:
        with pytest.raises(OSError, match="the disk is gone"):
            train(made, broken, validation_data=data(4, 20))
        assert len(made.history.ledger) == running.requests.number > 12
    assert made.trainable_variables[0].get("best_candidates") and made.trainable_variables[0].get("examples")


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([X], r"yields \(x,\) or \(x, y\), got list"),
        ((X, Y[:3]), "10 inputs and 3 targets"),
        ((["a"], ["b"]), r"x of a batch\[0\] is a str"),
        ((X, [1] * 10), r"y of a batch\[0\] is a int"),
        ((np.array([1.0]),), "x of a batch has dtype float64"),
    ],
)
def test_a_batch_that_is_none(batch: Any, message: str) -> None:
    with server() as running:
        with pytest.raises(DataError, match=message):
            train(compiled(), lambda: iter([batch]))
        assert running.requests.total == 0


# --- a competition that goes wrong -----------------------------------------------------------------------------------


def test_a_distance_that_is_none_ends_the_fit_and_the_best_candidate_stays() -> None:
    def far(first: Any, second: Any, embedding_model: Any = None) -> Any:
        return math.nan

    made = program(omega(distance_function=far))
    with pytest.raises(ConfigurationError, match="distance_function gave nan"):
        fit(made, OmegaProvider(), *data(20), batch_size=5, validation_split=0.5, minibatch_size=None)
    value = made.trainable_variables[0].get_json()
    assert "hint0" in value["instructions"] and len(value["best_candidates"]) == 3
