"""Rewards that modules add while they are called: where they are found, and what a sample's reward is with them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, lm, provider_of, right
from synalinks.errors import ConfigurationError


class Adds(synalinks.Module):
    """Adds a reward by the number of the question; 3 gets no answer."""

    def __init__(self, name: str = "adds") -> None:
        super().__init__(name=name)
        self.inner = synalinks.Generator(data_model=Answer, language_model=lm(), name=f"{name}_inner")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        number = int(inputs.get("question").rpartition(" ")[2])
        await asyncio.sleep(0)
        self.add_reward([0.0, 1.0] if number % 2 else 1)
        return None if number == 3 else await self.inner(inputs, training=training)

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return await self.inner.compute_output_spec(inputs)


class Holds(synalinks.Program):
    """Holds a module that adds rewards."""

    def __init__(self) -> None:
        super().__init__(name="holds")
        self.adds = Adds()

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return await self.adds(inputs, training=training)


def test_they_are_those_of_the_last_call_of_the_outermost_module() -> None:
    program = Holds()
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program(Question(question="number 1")))
        assert program.rewards == program.adds.rewards == [0.0, 1.0] and program.adds.inner.rewards == []
        asyncio.run(program(Question(question="number 2")))
        assert program.rewards == [1.0]
        asyncio.run(program.predict(data(3)[0], verbose=0))
    assert program.rewards == [1.0], "those of a run are its samples'"


@pytest.mark.parametrize("wrong", [2, -0.1, float("nan"), "much", None, [0.5, 3]])
def test_what_is_no_reward_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"adds\.add_reward\(.*a reward is a number in \[0, 1\]"):
        Adds().add_reward(wrong)


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_the_reward_of_a_sample_is_the_mean_of_all_and_none_without_an_answer(batch_size: int) -> None:
    program, (x, y) = compiled(Holds()), data(4)
    y[1] = Answer(answer=-1)
    with synalinks.use_provider(provider_of(right)):
        found = asyncio.run(program.evaluate(x, y, batch_size=batch_size, verbose=0))
    # number 0: 1 and 1 added; 1: 0 and 0, 1 added; 2: as 0; 3: no answer
    assert found == {"reward": pytest.approx((1 + 1 / 3 + 1 + 0) / 4)}


def test_a_fit_learns_by_them_with_a_compiled_reward_and_without() -> None:
    program = compiled(Holds())
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program.fit(*data(2), batch_size=2, validation_split=0.0, verbose=0))
        records = program.trainable_variables[0].get("predictions")
        assert sorted(one["reward"] for one in records) == pytest.approx([2 / 3, 1.0])
        bare = Holds()
        bare.compile(optimizer="random_few_shot")
        assert asyncio.run(bare.evaluate(*data(4), verbose=0)) == {"reward": pytest.approx((1 + 0.5 + 1 + 0) / 4)}
        history = asyncio.run(bare.fit(*data(2), batch_size=2, validation_split=0.5, verbose=0)).history
        assert history == {"reward": [1.0], "val_reward": [0.5]}
        records = bare.trainable_variables[0].get("predictions")
        assert [one["reward"] for one in records] == [1.0]
        assert bare.metrics_names == ["reward"] and bare.metrics[0].result() == 0.5


def test_a_stateless_scope_that_collects_rewards_has_them() -> None:
    module = Adds()
    with synalinks.StatelessScope(collect_rewards=True) as scope:
        module.add_reward(0.5)
    with synalinks.StatelessScope():
        module.add_reward(0.25)
    assert scope.rewards == [0.5] and module.rewards == []
