"""Tests of BudgetStopping: the same as `fit(budget=...)`, so never exceeded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, learner, provider_of
from synalinks.callbacks import BudgetStopping
from synalinks.errors import ConfigurationError


def trained(*callbacks: Any, **options: Any) -> Any:
    synalinks.clear_session(free_memory=False)
    return fit(
        compiled(),
        provider_of(learner),
        *data(12),
        epochs=4,
        validation_split=0.25,
        callbacks=list(callbacks),
        **options,
    )


def test_it_is_the_budget_of_the_fit() -> None:
    whole = trained()
    cap = whole.ledger.total.tokens // 2
    theirs, ours = trained(BudgetStopping(max_tokens=cap)), trained(budget=synalinks.Budget(tokens=cap))
    assert theirs.stopped_by == ours.stopped_by == "budget"
    assert theirs.history == ours.history
    assert theirs.ledger.total.tokens == ours.ledger.total.tokens <= cap
    assert "val_reward" in theirs.history


def test_the_smaller_of_two_ends_training() -> None:
    cap = trained().ledger.total.tokens // 2
    for first, second in ((cap, 10**9), (10**9, cap)):
        history = trained(BudgetStopping(max_tokens=first), budget=synalinks.Budget(tokens=second))
        assert history.stopped_by == "budget"
        assert history.ledger.total.tokens <= cap


def test_dollars_and_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    stop = BudgetStopping(max_cost=0.5, max_tokens=10**9)
    assert stop.budget == synalinks.Budget(usd=Decimal("0.5"), tokens=10**9)
    assert trained(stop).stopped_by is None
    assert capsys.readouterr().out == ""
    trained(BudgetStopping(max_tokens=trained().ledger.total.tokens // 2, verbose=1))
    said = capsys.readouterr().out
    assert said.startswith("BudgetStopping: training ended after $0")
    assert "tokens: the budget of" in said or "tokens: epoch" in said, "and why"


def test_bad_arguments() -> None:
    with pytest.raises(ConfigurationError, match=r"limits nothing; give max_cost= \(dollars\) or max_tokens="):
        BudgetStopping()
    with pytest.raises(ConfigurationError, match="tokens=-1"):
        BudgetStopping(max_tokens=-1)
