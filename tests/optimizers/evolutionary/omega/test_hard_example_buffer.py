"""Tests of what the proposer is shown: good and bad predictions of a step, and examples that stay hard."""

from __future__ import annotations

from typing import Any

import pytest

from synalinks.optimizers.evolutionary.omega import hard_example_buffer as memory
from synalinks.optimizers.evolutionary.omega.hard_example_buffer import HardExamples, best, worst


def record(name: str, reward: float, **more: Any) -> dict[str, Any]:
    return {"inputs": {"q": name}, "outputs": {"a": name}, "reward": reward, **more}


def names(records: list[dict[str, Any]]) -> list[str]:
    return [found["inputs"]["q"] for found in records]


def test_good_ones_scored_at_all_and_bad_ones_not_fully() -> None:
    records = [record("a", 0.0), record("b", 1.0), record("c", 0.5), record("d", 0.0)]
    assert names(best(records, 5)) == ["b", "c"]
    assert names(worst(records, 5)) == ["a", "d", "c"]
    assert (names(best(records, 1)), names(worst(records, 1)), worst(records, 0)) == (["b"], ["a"], [])


def test_hard_are_those_with_the_lowest_mean_over_enough_observations() -> None:
    hard = HardExamples(min_observations=2)
    hard.observe([record("once", 0.0), record("easy", 1.0), record("half", 0.0), record("never", 0.0)])
    hard.observe([record("easy", 1.0), record("half", 1.0), record("never", 0.0, sample=9)])
    assert names(hard.hardest(5)) == ["never", "half"]
    assert hard.hardest(1) == [record("never", 0.0, sample=9)]  # as it was answered last
    assert hard.hardest(0) == []


def test_an_input_may_be_learnt_after_all() -> None:
    hard = HardExamples(min_observations=1)
    hard.observe([record("a", 0.0), record("b", 0.4)])
    hard.observe([record("a", 1.0)])
    assert names(hard.hardest(1)) == ["b"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "REMEMBERED", 10)
    hard = HardExamples(min_observations=1)
    for n in range(200):
        hard.observe([record(f"{n:03}", 0.0), record("seen again and again", 0.5)])
    assert len(hard._seen) == len(hard._hard) == 10
    assert "seen again and again" in names(hard.hardest(10))
    assert "199" in names(hard.hardest(10)) and "100" not in names(hard.hardest(10))
