"""CosineSimilarity along each axis of the table of embeddings."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.testing import ScriptedProvider


class Pair(synalinks.DataModel):
    first: str
    second: str | None = None


OURS, THEIRS = [[1.0, 0.0], [0.6, 0.8]], [[0.6, 0.8], [0.6, 0.8]]
RED, BLUE = Pair(first="red", second="green"), Pair(first="blue", second="black")


def expected(axis: int) -> float:
    """With NumPy, whose axes these are."""
    ours, theirs = np.array(OURS), np.array(THEIRS)
    lengths = np.linalg.norm(ours, axis=axis) * np.linalg.norm(theirs, axis=axis)
    return float(((ours * theirs).sum(axis=axis) / lengths).mean())


def measured(made: Any, wanted: Any, found: Any, vectors: list[list[float]]) -> float:
    with synalinks.use_provider(ScriptedProvider([vectors])):
        return asyncio.run(made(wanted, found))


@pytest.mark.parametrize("axis", [-2, -1, 0, 1])
def test_the_axes_are_numpys(axis: int) -> None:
    reward = synalinks.rewards.CosineSimilarity("ollama/e", axis=axis)
    assert measured(reward, BLUE, RED, OURS + THEIRS) == pytest.approx(expected(axis))
    metric = synalinks.metrics.CosineSimilarity(axis=axis, embedding_model="ollama/e")
    with synalinks.use_provider(ScriptedProvider([OURS + THEIRS])):
        asyncio.run(metric.update_state(BLUE, RED))
    assert metric.result() == pytest.approx(expected(axis))
    again = synalinks.rewards.deserialize(synalinks.rewards.serialize(reward))
    assert again.axis == axis and measured(again, BLUE, RED, OURS + THEIRS) == pytest.approx(expected(axis))


def test_the_axes_differ() -> None:
    assert expected(0) != pytest.approx(expected(-1))


@pytest.mark.parametrize(("axis", "value"), [(-1, 0.6 / 2), (0, 0.5 / 2)])
def test_a_field_that_is_missing_counts_nothing(axis: int, value: float) -> None:
    reward = synalinks.rewards.CosineSimilarity("ollama/e", axis=axis)
    assert measured(reward, BLUE, Pair(first="red"), [[1.0, 0.0], [0.6, 0.8]]) == pytest.approx(value)


@pytest.mark.parametrize("axis", [2, -3, None, 0.5, True])
def test_there_is_no_other_axis(axis: Any) -> None:
    for make in (synalinks.rewards.CosineSimilarity, synalinks.metrics.CosineSimilarity):
        with pytest.raises(ConfigurationError, match="-1 compares the two embeddings of each field"):
            make(axis=axis)
