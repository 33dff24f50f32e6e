"""Tests of what a module may be called with: inputs by position, and `training` after them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Question
from synalinks.errors import DataError


class OfTwo(synalinks.Module):
    """Two inputs, side by side."""

    async def call(self, first: Any, second: Any, training: bool = False) -> Any:
        return first + second


@pytest.mark.parametrize("most", [1, 2])
def test_an_input_too_many_is_refused_and_not_taken_for_training(most: int) -> None:
    value = Question(question="1 + 1")
    for one in (value, value.to_symbolic_data_model()):
        module = OfTwo(name="taken") if most == 2 else synalinks.Identity(name="taken")
        message = rf"taken takes {most} positional .*got {most + 1}.*taken\(\[first, second\]\)"
        with pytest.raises(DataError, match=message):
            asyncio.run(module(*[one] * (most + 1)))
        assert asyncio.run(module(*[one] * most, True)).get_schema() == asyncio.run(module(*[one] * most)).get_schema()


def test_training_may_be_given_by_position() -> None:
    class Says(synalinks.Module):
        """Gives what it was told."""

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return Question(question=str(training))

    told = [asyncio.run(Says()(Question(question="?"), *given))["question"] for given in ((), (True,), (None,))]
    assert told == ["False", "True", "False"]
