"""Tests of the competition: who is dominated, what a distance is, and how little is embedded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from synalinks.errors import ConfigurationError
from synalinks.optimizers.candidates import Candidate, Scores
from synalinks.optimizers.evolutionary.omega import cosine_distance, dominated_novelty_search
from synalinks.optimizers.evolutionary.omega import novelty_search as competition
from synalinks.optimizers.evolutionary.omega.novelty_search import Descriptors, check_distance, descriptor, pairwise


def candidate(text: str, reward: float = 0.0, count: int = 4, **fields: Any) -> Candidate:
    return Candidate({"instructions": text, "examples": [], **fields}, Scores(reward, count))


class Embeddings:
    """An embedding model that counts; letters stand for directions."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.requests: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]] | None:
        self.requests.append(list(texts))
        if self.fails:
            return None
        return [[float(text.count(letter)) for letter in "abc"] for text in texts]


def vectors(descriptors: Descriptors, pooled: list[Candidate], model: Any) -> Any:
    return asyncio.run(descriptors.of(pooled, model))


# --- who stays -----------------------------------------------------------------------------------------------


def by_loops(pooled: list[Candidate], distances: Any, k: int) -> list[Candidate]:
    """The rule as the guide to optimizers writes it."""
    kept = []
    for i, c in enumerate(pooled):
        near = [o for j, o in enumerate(pooled) if j != i and distances[i][j] < 1.0 / k]
        if not any(o.scores.reward > c.scores.reward for o in near):
            kept.append(c)
    return kept or pooled[:1]


@pytest.mark.parametrize("k", [1, 2, 5, 10])
def test_the_matrix_keeps_whom_the_written_rule_keeps(k: int) -> None:
    rng = np.random.default_rng(k)
    for _ in range(50):
        points = rng.normal(size=(12, 3))
        distances = cosine_distance(points / np.linalg.norm(points, axis=1, keepdims=True))
        pooled = [candidate(str(n), float(rng.integers(5)) / 4) for n in range(12)]
        assert dominated_novelty_search(pooled, distances, k) == by_loops(pooled, distances, k)


def test_a_near_and_worse_one_goes_a_far_or_equal_one_stays() -> None:
    best, near, equal, far = candidate("1", 0.9), candidate("2", 0.8), candidate("3", 0.9), candidate("4", 0.1)
    distances = np.array([[0, 0.1, 0.1, 0.9], [0.1, 0, 0.1, 0.9], [0.1, 0.1, 0, 0.9], [0.9, 0.9, 0.9, 0]])
    assert dominated_novelty_search([best, near, equal, far], distances, 5) == [best, equal, far]


def test_luck_on_few_samples_does_not_drive_out_what_did_well_on_many() -> None:
    proven, lucky = candidate("1", 0.90, 100), candidate("2", 1.0)
    near = np.zeros((2, 2))
    assert dominated_novelty_search([proven, lucky], near, 5, uncertainty=0.25) == [proven, lucky]
    sure = candidate("2", 1.0, 100)
    assert dominated_novelty_search([proven, sure], near, 5, uncertainty=0.25) == [sure]
    assert dominated_novelty_search([proven, lucky], near, 5) == [lucky]  # without uncertainty, by the mean alone


def test_a_newcomer_is_not_driven_out_for_being_new() -> None:
    proven, new = candidate("1", 0.75, 100), candidate("2", 0.75)
    near = np.zeros((2, 2))
    assert dominated_novelty_search([proven, new], near, 5, uncertainty=0.25) == [proven, new]


def test_a_larger_k_keeps_more() -> None:
    """The remedy for a population that collapses: raise k_nearest_fitter."""
    pooled = [candidate(str(n), n / 10) for n in range(10)]
    distances = np.abs(np.subtract.outer(np.arange(10), np.arange(10))) / 10
    sizes = [len(dominated_novelty_search(pooled, distances, k)) for k in (1, 5, 20)]
    assert sizes == [1, 1, 10]


def test_a_distance_on_the_radius_is_outside() -> None:
    pooled = [candidate("1", 1.0), candidate("2", 0.0)]
    assert len(dominated_novelty_search(pooled, np.array([[0, 0.2], [0.2, 0]]), 5)) == 2


def test_embeddings_of_many_candidates_are_asked_for_once() -> None:
    rng = np.random.default_rng(0)
    pooled = [candidate(f"text {n}", float(rng.random())) for n in range(1500)]

    class Far(Embeddings):
        async def embed(self, texts: Sequence[str]) -> list[list[float]] | None:
            self.requests.append(list(texts))
            return rng.normal(size=(len(texts), 384)).astype(np.float32).tolist()

    model, descriptors = Far(), Descriptors()
    vectors(descriptors, pooled, model)
    found = vectors(descriptors, pooled, model)
    kept = dominated_novelty_search(pooled, cosine_distance(found), 5)
    assert len(model.requests) == 1 and len(kept) > 1


# --- distances -----------------------------------------------------------------------------------------------


def test_the_cosine_distance_is_half_of_one_minus_the_cosine() -> None:
    found = cosine_distance(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    assert np.allclose(found, [[0, 0.5, 1], [0.5, 0, 0.5], [1, 0.5, 0]])


def test_descriptors_leave_evidence_and_examples_out() -> None:
    text = descriptor(candidate("say a", 0.7, examples=[{"inputs": "x", "outputs": "y", "reward": None}], n=3, m=None))
    assert set(text.split("\n")) == {"say a", "3"}
    assert descriptor(candidate("")) == competition.EMPTY


def test_all_that_is_new_goes_out_in_one_request_and_nothing_else() -> None:
    model, descriptors = Embeddings(), Descriptors()
    pooled = [candidate("a"), candidate("b"), candidate("a", examples=[1])]
    found = vectors(descriptors, pooled, model)
    assert np.allclose(found, [[1, 0, 0], [0, 1, 0], [1, 0, 0]])
    vectors(descriptors, pooled[:1], model)
    found = vectors(descriptors, [*pooled, candidate("c", lines=["c", "c"])], model)
    assert model.requests == [["a", "b"], ["c\nc\nc"]]  # a text that was gone for a while is not asked for again
    assert np.allclose(found[3], [0, 0, 1])


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(competition, "REMEMBERED", 3)
    model, descriptors = Embeddings(), Descriptors()
    for text in ("a", "b", "c"):
        vectors(descriptors, [candidate(text)], model)
    vectors(descriptors, [candidate("a")], model)
    vectors(descriptors, [candidate("ab")], model)  # "b" was used longest ago
    assert sorted(descriptors._known) == ["a", "ab", "c"]
    five = [candidate("a" * n) for n in range(1, 6)]
    assert vectors(descriptors, five, model).shape == (5, 3)  # more than are remembered, all the same


def test_embeddings_that_fail_give_none() -> None:
    assert vectors(Descriptors(), [candidate("a")], Embeddings(fails=True)) is None


# --- a distance of one's own ---------------------------------------------------------------------------------


def own(first: Candidate, second: Candidate, embedding_model: Any = None) -> float:
    return abs(len(first["instructions"]) - len(second["instructions"])) / 10


async def own_async(first: Candidate, second: Candidate, embedding_model: Any = None, **kwargs: Any) -> float:
    return own(first, second)


@pytest.mark.parametrize("distance", [own, own_async])
def test_a_function_sync_or_async_is_asked_once_per_pair(distance: Any) -> None:
    seen: list[Any] = []

    def counted(first: Candidate, second: Candidate, embedding_model: Any = None, **kwargs: Any) -> Any:
        seen.append(embedding_model)
        return distance(first, second, embedding_model=embedding_model)

    pooled = [candidate("x"), candidate("xx"), candidate("xxxx")]
    found = asyncio.run(pairwise(pooled, counted, "the model"))  # type: ignore[arg-type]
    assert np.allclose(found, [[0, 0.1, 0.3], [0.1, 0, 0.2], [0.3, 0.2, 0]])
    assert seen == ["the model"] * 3


@pytest.mark.parametrize("value", ["far", None, float("nan"), -0.1])
def test_a_value_that_is_no_distance(value: Any) -> None:
    def bad(first: Candidate, second: Candidate, embedding_model: Any = None) -> Any:
        return value

    with pytest.raises(ConfigurationError, match=r"distance_function gave .*; a distance is a number, 0 or above"):
        asyncio.run(pairwise([candidate("a"), candidate("b")], bad, None))


@pytest.mark.parametrize("function", [lambda: 0.0, lambda one: 0.0, lambda one, two: 0.0, 3])
def test_functions_of_another_signature_are_refused(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="distance_function"):
        check_distance(function)
