"""A training ends where too many calls of three steps fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, provider_of
from synalinks.errors import ConfigurationError, SampleRefused, ServerError
from synalinks.lm.core.call import Call

X, Y = data(40)


def failing(share: int, error: Any = ServerError) -> Any:
    """Of ten questions in a row the first `share` fail."""

    def rule(number: int, call: Call) -> Any:
        return error if number % 10 < share else {"answer": number}

    return provider_of(rule)


def train(share: int, **arguments: Any) -> synalinks.callbacks.History:
    settings: dict[str, Any] = {"batch_size": 10, "validation_split": 0.0, "shuffle": False, "epochs": 2}
    return fit(compiled(), failing(share), X, Y, **{**settings, **arguments})


def test_a_fit_ends_after_three_steps_of_mostly_failed_calls_and_says_why() -> None:
    with pytest.warns(synalinks.LMWarning) as told:
        history = train(6)
    assert history.stopped_by == "failures"
    assert history.stop_reason is not None and "more than max_failed_share=0.5 allows" in history.stop_reason
    assert "server" in history.stop_reason and "fit(max_failed_share=1.0)" in history.stop_reason
    assert history.epoch == [0], "the epoch is in the history"
    assert {entry.scope.step for entry in history.ledger} == {0, 1, 2}
    assert any(history.stop_reason in str(one.message) for one in told)


def test_half_of_the_calls_may_fail() -> None:
    with pytest.warns(synalinks.LMWarning):
        assert train(5).stopped_by is None


def test_the_share_is_a_setting() -> None:
    with pytest.warns(synalinks.LMWarning):
        assert train(9, max_failed_share=1.0).stopped_by is None
    with pytest.warns(synalinks.LMWarning):
        assert train(2, max_failed_share=0.1).stopped_by == "failures"
    for wrong in (-0.1, 1.5, "half"):
        with pytest.raises(ConfigurationError, match="max_failed_share"):
            train(0, max_failed_share=wrong)


def test_a_none_says_why_it_is_none() -> None:
    program = compiled()
    assert program.failure is None
    with synalinks.use_provider(failing(1)), pytest.warns(synalinks.LMWarning):
        assert list(asyncio.run(program.predict(X[:2], verbose=0)))[0] is None
    assert program.failure == "as scripted"
    with pytest.warns(synalinks.LMWarning):
        history = train(1, epochs=1)
    found = [(one["phase"], one["sample"], one["kind"], one["failure"]) for one in history.failures]
    assert ("train", 0, "server", "as scripted") in found
    assert len(history.failures) == history.failed_calls


def test_what_is_learnt_is_kept_and_the_validation_is_not_made() -> None:
    x, y = data(40)
    with pytest.warns(synalinks.LMWarning):
        history = fit(
            compiled(),
            failing(7, SampleRefused("too long", kind="context_length")),
            x,
            y,
            batch_size=10,
            validation_data=data(10),
            shuffle=False,
        )
    assert history.stopped_by == "failures"
    assert "val_reward" not in history.history
    assert not len(history.ledger.filter(phase="validation"))


def test_a_sample_over_the_budget_is_no_failure_of_the_model() -> None:
    over = SampleRefused("too large", kind="over_budget")
    with pytest.warns(synalinks.LMWarning):
        history = fit(compiled(), failing(9, over), X, Y, batch_size=10, validation_split=0.0, shuffle=False)
    assert history.stopped_by is None
