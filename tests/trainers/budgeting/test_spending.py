"""Tests of the money shown while a run goes on."""

from __future__ import annotations

import synalinks
from synalinks.trainers.budgeting.spending import spent_of_budget


def test_the_budget_with_least_left_is_shown_and_only_dollars() -> None:
    assert spent_of_budget() is None
    with synalinks.use_budget(synalinks.Budget(calls=3)):
        assert spent_of_budget() is None
    with synalinks.use_budget("5"), synalinks.use_budget("0.50"):
        assert spent_of_budget() == "$0.0000 of $0.5000"
