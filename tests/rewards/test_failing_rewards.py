"""Tests of rewards and metrics that fail: the error says whose and where, and nothing that was paid for is lost."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Fresh, Question, compiled, data, fit, provider_of, right
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.rewards import BatchRewardFunctionWrapper


def breaking(at: int, with_what: Any) -> Any:
    """A reward that fails at one sample."""

    async def fragile(y_true: Any, y_pred: Any) -> Any:
        if y_true.get("answer") != at:
            return 1.0
        if isinstance(with_what, BaseException):
            raise with_what
        return with_what

    return fragile


def test_a_reward_that_raises_says_where_and_keeps_ledger_history_and_program() -> None:
    program = compiled(reward=breaking(5, KeyError("gone")), optimizer=Fresh())
    provider = provider_of(right)
    with pytest.raises(KeyError) as told:
        fit(program, provider, *data(8), batch_size=1, epochs=2, shuffle=False, validation_split=0.25)
    assert told.value.__notes__ == ["raised in the reward 'fragile' (at epoch=1 step=6 phase=reward sample=5)"]
    assert len(program.history.ledger) == len(provider.calls) > 6
    best = program.trainable_variables[0]
    assert best.get("instructions") and best.get("best_candidates") is not None
    program.compile(optimizer=Fresh(), reward="exact_match")  # usable
    assert fit(program, provider_of(right), *data(4)).history["reward"] == [1.0]


@pytest.mark.parametrize("value", [1.5, -0.5, math.nan, "much", None])
def test_a_value_that_is_no_reward_says_where(value: Any) -> None:
    program = compiled(reward=breaking(2, value))
    with pytest.raises(ConfigurationError, match=r"reward 'fragile' gave .*\[0, 1\].*phase=reward sample=2"):
        fit(program, provider_of(right), *data(4), validation_split=0)


def test_a_batch_reward_that_raises_says_so() -> None:
    def broken(y_true: Any, y_pred: Any) -> Any:
        raise ZeroDivisionError("no")

    program = compiled(reward=BatchRewardFunctionWrapper(broken))
    with pytest.raises(ZeroDivisionError) as told:
        fit(program, provider_of(right), *data(4), validation_split=0)
    assert told.value.__notes__ == ["raised in the batch reward 'broken' (at epoch=1 step=1 phase=reward)"]


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "much", [1.0]])
def test_a_metric_that_gives_no_number_says_so(value: Any) -> None:
    program = compiled(metrics=[breaking(2, value)])
    with pytest.raises(ConfigurationError, match=r"metric 'fragile' got .*finite number"):
        fit(program, provider_of(right), *data(4), validation_split=0)


def test_a_metric_that_raises_says_where() -> None:
    program = compiled(metrics=[breaking(2, KeyError("gone"))])
    x, y = data(4)
    with synalinks.use_provider(provider_of(right)), pytest.raises(KeyError) as told:
        asyncio.run(program.evaluate(x, y, verbose=0))
    assert told.value.__notes__ == ["raised in the metric 'fragile' (at phase=metric sample=2)"]


def test_what_this_library_raises_is_left_as_it_is() -> None:
    program = compiled(reward=breaking(1, synalinks.BudgetExceeded("enough")), optimizer=Fresh())
    history = fit(program, provider_of(right), *data(4), shuffle=False, validation_split=0)
    assert history.stopped_by == "budget"


class Own(synalinks.Program):
    """Has no outputs before it is called."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        found = await synalinks.LanguageModel("ollama/test", retry=1).ask([{"role": "user", "content": "x"}])
        return None if found is None else Answer(answer=int(inputs.get("question").split()[-1]))


@pytest.mark.parametrize("name", ["reward", "metrics"])
def test_masks_that_a_program_without_a_graph_does_not_know_are_found_at_its_first_answer(name: str) -> None:
    class Wide(synalinks.DataModel):
        """A target of more fields than the program answers."""

        answer: int
        note: str

    made = synalinks.ExactMatch(in_mask=["note"])
    program = Own(name="own")
    program.compile(**{"reward": "exact_match", name: made if name == "reward" else [made]})
    x = [Question(question=f"number {n}") for n in range(3)]
    y = [Wide(answer=n, note="n") for n in range(3)]
    provider = ScriptedProvider(lambda call: "x")
    with synalinks.use_provider(provider), pytest.raises(ConfigurationError, match="for the prediction"):
        asyncio.run(program.evaluate(x, y, verbose=0))
