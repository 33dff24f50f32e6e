"""Tests of the money shown while a run goes on."""

from __future__ import annotations

from decimal import Decimal

import synalinks
from cli.helpers import entry
from synalinks.lm import Ledger
from synalinks.trainers.budgeting.spending import money_spent, spent_of_budget


def test_the_budget_with_least_left_is_shown_and_only_dollars() -> None:
    assert spent_of_budget() is None
    with synalinks.use_budget(synalinks.Budget(calls=3)):
        assert spent_of_budget() is None
    with synalinks.use_budget("5"), synalinks.use_budget("0.50"):
        assert spent_of_budget() == "$0.0000 of $0.5000"


def test_one_figure_where_nothing_was_saved() -> None:
    price, free = Decimal("0.02"), Decimal(0)
    assert money_spent(Ledger()) is None
    assert money_spent(Ledger([entry(as_if=price, billed=price)])) == "$0.0200"
    replayed = entry(as_if=price, billed=free, source="cassette")
    assert money_spent(Ledger([replayed])) == "$0.0000 billed, $0.0200 as if live"
