"""Tests of training on generators, and of one batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import synalinks
from programs_under_test import (
    Answer,
    Fresh,
    Question,
    compiled,
    data,
    fit,
    learner,
    number_of,
    phases,
    provider_of,
    right,
    solver,
)
from synalinks.data import Variable
from synalinks.errors import ConfigurationError, DataError
from synalinks.optimizers import Step

# --- generators as data --------------------------------------------------------------------------------------


def stream(count: int, size: int) -> Iterator[tuple[list[Question], list[Answer]]]:
    x, y = data(count)
    for start in range(0, count, size):
        yield x[start : start + size], y[start : start + size]


def test_a_function_that_makes_generators_is_seen_whole_in_every_epoch() -> None:
    provider = provider_of(right)
    fit(compiled(), provider, lambda: stream(10, 2), epochs=3, validation_data=data(2, 20))
    train = [call for call in provider.calls if call.scope.phase == "train"]
    for epoch in range(3):
        assert sorted(number_of(call) for call in train if call.scope.epoch == epoch) == list(range(10))


def test_steps_per_epoch_goes_on_in_a_generator_without_losing_a_batch() -> None:
    provider = provider_of(right)
    fit(compiled(), provider, stream(12, 2), epochs=3, steps_per_epoch=2, validation_split=0)
    train = [call for call in provider.calls if call.scope.phase == "train"]
    assert [sorted(number_of(c) for c in train if c.scope.epoch == e) for e in range(3)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]


def test_a_generator_that_lasts_for_one_epoch_of_two_is_refused_before_the_first_call() -> None:
    program, provider = compiled(), provider_of(learner)
    with pytest.raises(DataError, match="x is a generator, which is used up after one pass, and 2 are to come"):
        fit(program, provider, stream(8, 4), epochs=2, validation_data=data(4, 20))
    assert not provider.calls


def test_a_stream_as_validation_data_is_not_mistaken_for_training_samples() -> None:
    class Later(Fresh):
        """Proposes from the second epoch on."""

        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            return await super().propose(variable, step) if step.epoch else None

    provider = provider_of(learner)
    x, y = data(4)
    fit(compiled(optimizer=Later()), provider, x, y, validation_data=lambda: stream(4, 2), epochs=2, batch_size=4)
    # The stream's samples have the numbers of the training samples; parent and child are scored all the same.
    assert phases(provider) == {"train": 8, "candidate": 8, "validation": 8}


# --- one batch at a time -------------------------------------------------------------------------------------


def test_train_on_batch_learns_from_one_batch() -> None:
    program, provider = compiled(metrics=["exact_match"]), provider_of(learner)
    x, y = data(4)
    with synalinks.use_provider(provider):
        first = asyncio.run(program.train_on_batch(0, x, y, seed=1, return_dict=True))
        assert asyncio.run(program.train_on_batch(step=1, x=x, y=y, seed=2)) == [1.0, 1.0]
    assert first == {"exact_match": 0.5, "reward": 0.5}
    assert phases(provider)["train"] == 8
    with pytest.raises(ConfigurationError, match="without an optimizer"):
        asyncio.run(solver().train_on_batch(0, x, y))
    with pytest.raises(ConfigurationError, match=r"a number from 0 comes first; write train_on_batch\(0, x, y\)"):
        asyncio.run(program.train_on_batch(x, y))
    with pytest.raises(ConfigurationError, match="first_step"):
        asyncio.run(program.estimate(x, y, first_step=2))


def test_train_on_batch_compares_candidates_on_what_it_is_given() -> None:
    program, provider = compiled(), provider_of(learner)
    x, y = data(4)
    val_x, val_y = data(3, start=10)
    with synalinks.use_provider(provider):
        assert asyncio.run(program.train_on_batch(5, x, y, val_x, val_y)) == 0.5
    assert phases(provider) == {"train": 4, "candidate": 6}
    assert {call.scope.step for call in provider.calls} == {5}


async def own_loop(program: Any, epochs: int, steps: int) -> None:
    """A loop that calls the hooks of the optimizer itself, two samples a step."""
    x, y = data(2 * steps)
    optimizer, variables = program.optimizer, program.trainable_variables
    await optimizer.on_train_begin(variables)
    for epoch in range(epochs):
        await optimizer.on_epoch_begin(epoch, variables)
        for step in range(steps):
            batch = slice(2 * step, 2 * step + 2)
            await optimizer.on_batch_begin(step, epoch, variables)
            await program.train_on_batch(step, x[batch], y[batch], *data(2, start=10))
            await optimizer.on_batch_end(step, epoch, variables)
        await optimizer.on_epoch_end(epoch, variables)
    await optimizer.on_train_end(variables)


def test_a_loop_of_ones_own_has_its_epochs_and_steps_and_each_seed_is_tried_once() -> None:
    program = compiled(solver(seed_instructions=["one", "two"]), optimizer=Fresh())
    provider = provider_of(right)
    with synalinks.use_provider(provider):
        asyncio.run(own_loop(program, epochs=2, steps=2))
    assert (program.optimizer.epochs, program.optimizer.iterations, program.optimizer.count) == (2, 4, 4)
    trained = [call for call in provider.calls if call.scope.phase == "train"]
    assert [(call.scope.epoch, call.scope.step) for call in trained[::2]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    prompts = [call.request.messages[0]["content"] for call in trained[:4]]
    assert sorted(seed for seed in ("one", "two") for prompt in prompts if seed in prompt) == ["one"] * 2 + ["two"] * 2


def test_the_steps_of_a_loop_draw_from_one_generator_and_two_loops_draw_the_same() -> None:
    class Drawing(Fresh):
        """Keeps what it draws."""

        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            drawn.append(float(step.rng.random()))
            return await super().propose(variable, step)

    drawn: list[float] = []
    for _ in range(2):
        with synalinks.use_provider(provider_of(right)):
            asyncio.run(own_loop(compiled(optimizer=Drawing()), epochs=2, steps=2))
    assert drawn[:4] == drawn[4:] and len(set(drawn)) == 4


def test_a_fit_and_a_step_after_a_loop_that_broke_off_call_the_hooks_themselves() -> None:
    program, (x, y) = compiled(optimizer=Fresh()), data(4)
    asyncio.run(program.optimizer.on_train_begin(program.trainable_variables))
    assert fit(program, provider_of(right), x, y, epochs=2, validation_split=0).epoch == [0, 1]
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program.train_on_batch(0, x, y))
    assert program.optimizer.epochs == 3


def test_test_on_batch_and_predict_on_batch() -> None:
    program = compiled(metrics=["exact_match"])
    x, y = data(4)
    with synalinks.use_provider(provider_of(learner)):
        assert asyncio.run(program.test_on_batch(x, y, return_dict=True)) == {"exact_match": 0.5, "reward": 0.5}
        assert asyncio.run(program.test_on_batch(x, y)) == [0.5, 0.5]
        found = asyncio.run(program.predict_on_batch(x))
    assert [value.get("answer") for value in found] == [0, -1, 2, -1]
    with pytest.raises(DataError, match="one batch"):
        asyncio.run(program.predict_on_batch(lambda: iter([])))


def test_batches_cant_be_split_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    class Rows(synalinks.Dataset):
        def _iter_rows(self) -> Iterator[Mapping[str, Any]]:
            yield {}

    for given, way in (
        (lambda: stream(4, 2), "lists or arrays of all examples"),
        (Rows(input_data_model=Question), r"dataset\.materialize\(\)"),
    ):
        with pytest.raises(DataError, match=rf"validation_split=0\.2 can't be taken from a .*validation_data.*{way}"):
            fit(compiled(), provider_of(right), given, validation_split=0.2)
    history = fit(compiled(), provider_of(right), lambda: stream(4, 2), validation_split=0.1)
    assert "validation_split=0.1 can't be taken from a function" in caplog.text and "as this one does" in caplog.text
    assert [*history.history] == ["reward"]
    pair = data(2)
    assert "val_reward" in fit(compiled(), provider_of(right), lambda: stream(4, 2), validation_data=pair).history
