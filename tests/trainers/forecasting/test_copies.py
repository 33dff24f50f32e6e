"""The copies that an estimate trains: functions with their closures, and errors for what can't be copied."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Fresh, Question, compiled, data, fit, learner, lm, provider_of, solver
from synalinks import session
from synalinks.errors import CopyError
from synalinks.trainers.forecasting.copies import copied


def of_reward(reward: Any) -> Any:
    """The copy of a reward's function."""
    twin, _ = copied(compiled(reward=reward), None)
    return twin.compilation.rewards[0].fn


def counting(step: int = 1) -> tuple[Callable[..., float], list[int], Callable[[], int]]:
    seen: list[int] = []
    count = 0

    def reward(y_true: Any, y_pred: Any, notes: list[int] = seen) -> float:
        nonlocal count
        count += step
        seen.append(count)
        notes.append(count)
        return 1.0

    return reward, seen, lambda: count


def test_closures_and_defaults_of_functions_are_copied() -> None:
    reward, seen, count = counting()
    twin = of_reward(reward)
    assert (twin(1, 1), twin(1, 1), seen, count()) == (1.0, 1.0, [], 0)
    assert (reward(1, 1), seen, count()) == (1.0, [1, 1], 1)
    assert twin.__closure__[0].cell_contents == 2
    assert twin.__name__ == "reward"


def test_functions_behind_functions_are_copied() -> None:
    inner, seen, _ = counting()

    def traced(function: Callable[..., float]) -> Callable[..., float]:
        def call(y_true: Any, y_pred: Any) -> float:
            return function(y_true, y_pred)

        return call

    assert of_reward(traced(inner))(1, 1) == 1.0
    assert seen == []


def test_a_function_that_refers_to_itself_is_copied_once() -> None:
    calls: list[int] = []

    def reward(y_true: Any, y_pred: Any) -> float:
        calls.append(y_true)
        return 1.0 if y_true == 0 else reward(y_true - 1, y_pred)

    assert of_reward(reward)(3, 3) == 1.0
    assert calls == []


def test_what_cant_be_copied_in_a_closure_is_shared() -> None:
    lock, seen = threading.Lock(), []

    async def reward(y_true: Any, y_pred: Any) -> float:
        with lock:
            seen.append(y_pred)
        return 1.0

    assert of_reward(reward).__closure__[0].cell_contents is lock
    program = compiled(reward=reward)
    assert asyncio.run(program.estimate(*data(4), validation_split=0.5)).calls.expected > 0
    assert seen == []


def test_a_model_in_a_closure_is_the_programs_own() -> None:
    model = lm()

    def reward(y_true: Any, y_pred: Any) -> float:
        return float(model is not None)

    twin, _ = copied(compiled(solver(model), reward=reward), None)
    own = twin.get_module("solver_generator").language_model
    assert twin.compilation.rewards[0].fn.__closure__[0].cell_contents is own is not model


def test_program_and_optimizer_are_copied_together() -> None:
    program, optimizer = compiled(), Fresh()
    optimizer.watched = program  # type: ignore[attr-defined]
    twin, own = copied(program, optimizer)
    assert own.watched is twin is not program


def test_an_estimate_names_the_attribute_that_cant_be_copied() -> None:
    class Locked(synalinks.Module):
        """Holds a lock."""

        def __init__(self) -> None:
            super().__init__(name="locked")
            self.lock = threading.Lock()

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        held = await Locked()(inputs)
        answer = await synalinks.Generator(data_model=Answer, language_model=lm(), name="g")(held)
        return synalinks.Program(inputs=inputs, outputs=answer, name="holds_a_lock")

    program = compiled(asyncio.run(build()))
    with pytest.raises(CopyError, match=r"locked \(Locked\) can't be copied: its attribute 'lock'"):
        asyncio.run(program.estimate(*data(4)))


def test_modules_made_during_an_estimate_have_names_of_their_own() -> None:
    program = compiled()
    session.auto_name("made_meanwhile")

    async def both() -> list[str]:
        async def make() -> list[str]:
            names = []
            for _ in range(5):
                await asyncio.sleep(0)
                names.append(session.auto_name("made_meanwhile"))
            return names

        async with asyncio.TaskGroup() as group:
            estimate, made = group.create_task(program.estimate(*data(20))), group.create_task(make())
        estimate.result()
        return made.result()

    assert [*asyncio.run(both()), session.auto_name("made_meanwhile")] == [f"made_meanwhile_{n}" for n in range(1, 7)]


def test_the_last_forecast_is_kept() -> None:
    program = compiled()
    assert program.last_forecast is None
    assert asyncio.run(program.estimate(*data(4))) is program.last_forecast


def test_estimates_at_once_give_what_each_gives_alone_and_leave_the_filters_of_warnings() -> None:
    programs, before = [compiled() for _ in range(3)], list(warnings.filters)
    sizes = (4, 30, 12)

    async def together() -> list[Any]:
        async with asyncio.TaskGroup() as group:
            pairs = zip(programs, sizes, strict=True)
            tasks = [group.create_task(program.estimate(*data(size))) for program, size in pairs]
        return [task.result().to_dict() for task in tasks]

    found = asyncio.run(together())
    assert list(warnings.filters) == before
    for program, size, forecast in zip(programs, sizes, found, strict=True):
        assert asyncio.run(program.estimate(*data(size))).to_dict() == forecast


def test_a_copy_has_no_history() -> None:
    program = compiled()
    fit(program, provider_of(learner), *data(4), validation_split=0.5)
    twin, _ = copied(program, None)
    assert twin.history is None
    assert program.history is not None
