"""Tests of what becomes of a run when calls fail and when money ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import (
    Question,
    compiled,
    data,
    fit,
    has_examples,
    learner,
    lm,
    number_of,
    phases,
    provider_of,
    right,
    solver,
)
from synalinks.errors import (
    AuthenticationError,
    BudgetExceeded,
    ConfigurationError,
    ConnectionFailed,
    LMUnavailable,
    QuotaExhausted,
    SampleRefused,
    ServerError,
)
from synalinks.lm.core.call import Call, Reply, Usage
from synalinks.lm.providers.fake.scripted import ScriptedProvider


def failing(*numbers: int, error: Any = ServerError) -> Any:
    """Right, but for the questions given."""

    def rule(number: int, call: Call) -> Any:
        return error if number in numbers else {"answer": number}

    return rule


def ask(program: Any, provider: Any, number: int = 1) -> Any:
    with synalinks.use_provider(provider):
        return asyncio.run(program(Question(question=f"number {number}")))


def test_a_failing_call_is_none_with_one_warning() -> None:
    with pytest.warns(synalinks.LMWarning) as warned:
        assert ask(solver(), provider_of(failing(1))) is None
    assert len(warned) == 1


def test_a_failing_sample_scores_zero_and_is_counted() -> None:
    x, y = data(8)
    program = compiled(metrics=["exact_match"])
    with pytest.warns(synalinks.LMWarning):
        history = fit(program, provider_of(failing(0, 1)), x, y, batch_size=8, validation_split=0)
    assert history.history["reward"] == [0.75]
    assert history.history["exact_match"] == [0.75]
    assert history.failed_calls >= 2
    assert history.ledger.filter(phase="train").total.failed == 2


@pytest.mark.parametrize(
    "error", [SampleRefused("too long", kind="context_length"), SampleRefused("no", kind="refusal")]
)
def test_a_sample_the_model_will_not_take_is_a_failed_sample_even_if_it_is_the_only_one(error: Any) -> None:
    x, y = data(3)
    provider = provider_of(failing(0, 1, 2, error=error))
    with pytest.warns(synalinks.LMWarning):
        history = fit(compiled(), provider, x, y, validation_split=0, batch_size=1)
    assert history.history["reward"] == [0.0]
    assert {entry.error for entry in history.ledger} == {error.kind}


def test_an_unavailable_provider_is_not_a_bad_score() -> None:
    x, y = data(6)
    program = compiled()
    before = program.trainable_variables[0].get("instructions")
    with pytest.warns(synalinks.LMWarning), pytest.raises(LMUnavailable, match=r"none of the 3 samples.*connection"):
        fit(program, provider_of(failing(*range(6), error=ConnectionFailed)), x, y, batch_size=3)
    assert program.trainable_variables[0].get("instructions") == before
    assert len(program.history.ledger) == 3  # the ledger is kept
    with pytest.warns(synalinks.LMWarning), pytest.raises(LMUnavailable):
        evaluate(program, provider_of(failing(*range(6))), 6)


def test_an_unavailable_provider_is_reported_in_the_servers_own_words_and_without_keys() -> None:
    x, y = data(4)
    said = f"the server said: no more room, 507; key sk-{'a' * 30}"
    dead = provider_of(failing(*range(4), error=ServerError(said)))
    with pytest.warns(synalinks.LMWarning) as warned, pytest.raises(LMUnavailable) as caught:
        fit(compiled(), dead, x, y, batch_size=4, validation_split=0)
    assert "(server): the server said: no more room, 507; key <secret>" in str(caught.value)
    assert all("no more room, 507; key <secret> (at epoch=1" in str(each.message) for each in warned)


def evaluate(program: Any, provider: Any, count: int, **options: Any) -> Any:
    x, y = data(count)
    with synalinks.use_provider(provider):
        return asyncio.run(program.evaluate(x, y, **{"verbose": 0, **options}))


def test_a_provider_that_fails_in_the_second_epoch_keeps_the_best_of_the_first() -> None:
    def dying(number: int, call: Call) -> Any:
        return ServerError if (call.scope.epoch or 0) > 0 else learner(number, call)

    program = compiled()
    x, y = data(10)
    with pytest.warns(synalinks.LMWarning), pytest.raises(LMUnavailable):
        fit(program, provider_of(dying), x, y, epochs=3)
    assert program.trainable_variables[0].get("examples")
    assert list(program.history.history) == ["reward", "val_reward"]


def test_on_error_raise_raises_the_error_itself() -> None:
    with pytest.raises(ServerError):
        ask(solver(lm(on_error="raise")), provider_of(failing(1)))
    with pytest.raises(ConfigurationError, match="'none' or 'raise'"):
        lm(on_error="explode")


@pytest.mark.parametrize("error", [AuthenticationError("no key"), QuotaExhausted("spent"), KeyError("a bug")])
def test_wrong_programs_spent_quotas_and_bugs_always_raise(error: BaseException) -> None:
    x, y = data(4)
    with pytest.raises(type(error)):
        ask(solver(), provider_of(failing(1, error=error)))
    with pytest.raises(type(error)):
        fit(compiled(), provider_of(failing(*range(4), error=error)), x, y, batch_size=2)


def test_a_fallback_is_asked_when_the_first_fails() -> None:
    second = synalinks.LanguageModel(model="ollama/second", retry=1)
    first = lm(fallback=second)
    provider = ScriptedProvider(lambda call: {"answer": 2} if call.request.model == "ollama/second" else ServerError)
    assert ask(solver(first), provider).get("answer") == 2
    assert [call.request.model for call in provider.calls] == ["ollama/test", "ollama/second"]
    assert lm(fallback="ollama/third").fallback.model == "ollama/third"
    with pytest.warns(synalinks.LMWarning):
        assert ask(solver(first), ScriptedProvider(lambda call: ServerError)) is None


def test_none_takes_the_other_branch() -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        from programs_under_test import Answer

        one = await synalinks.Generator(data_model=Answer, language_model=lm(), name="one")(inputs)
        two = await synalinks.Generator(data_model=Answer, language_model=lm(), name="two", instructions="Second.")(
            inputs
        )
        return synalinks.Program(inputs=inputs, outputs=one | two, name="p")

    program = asyncio.run(build())

    def rule(number: int, call: Call) -> Any:
        return {"answer": 5} if "Second." in call.request.messages[0]["content"] else ServerError

    with pytest.warns(synalinks.LMWarning):
        assert ask(program, provider_of(rule)).get_json() == {"answer": 5}


# --- budgets -------------------------------------------------------------------------------------------------


def calls_budget(calls: int, epochs: int = 4, **options: Any) -> tuple[Any, Any, Any]:
    program, provider = compiled(), provider_of(learner)
    x, y = data(20)
    history = fit(
        program, provider, x, y, epochs=epochs, validation_split=0.25, budget=synalinks.Budget(calls=calls), **options
    )
    return program, provider, history


def test_a_budget_stops_a_fit_and_is_never_exceeded() -> None:
    for calls in (25, 40, 60, 100, 137):
        program, provider, history = calls_budget(calls)
        assert len(provider.calls) <= calls
        assert history.stopped_by == "budget"
        assert len(history.ledger) >= len(provider.calls)
        assert program.trainable_variables[0].get("current_predictions") == []


def test_the_epoch_in_which_the_money_ends_is_still_validated_with_the_best_candidate() -> None:
    _, provider, history = calls_budget(60, epochs=9)
    last = history.epoch[-1]
    assert history.stopped_by == "budget" and last < 8
    validated = [call for call in provider.calls if call.scope.phase == "validation" and call.scope.epoch == last]
    assert sorted(number_of(call) for call in validated) == [15, 16, 17, 18, 19]
    assert all(map(has_examples, validated))
    assert history.history["val_reward"][-1] == 1.0
    assert len(history.history["val_reward"]) == len(history.epoch)


def test_the_program_is_usable_after_the_stop_and_keeps_its_best() -> None:
    program, _, _ = calls_budget(60)
    assert program.trainable_variables[0].get("examples")
    assert ask(program, provider_of(learner), 3).get("answer") == 3
    x, y = data(20)
    again = fit(program, provider_of(learner), x, y, budget=synalinks.Budget(calls=10_000))
    assert again.stopped_by is None


def test_a_fit_that_fits_is_not_stopped() -> None:
    _, provider, history = calls_budget(10_000, epochs=2)
    assert history.stopped_by is None and history.epoch == [0, 1]
    assert set(phases(provider)) == {"train", "candidate", "validation"}


def test_a_budget_an_epoch_ends_the_epoch_and_not_the_fit() -> None:
    program, provider = compiled(), provider_of(learner)
    x, y = data(20)
    budget = synalinks.Budget(per_epoch=synalinks.Budget(calls=30))
    history = fit(program, provider, x, y, epochs=3, validation_split=0.25, budget=budget)
    assert history.stopped_by is None and history.epoch == [0, 1, 2]
    for epoch in range(3):
        found = [call.scope.phase for call in provider.calls if call.scope.epoch == epoch]
        assert len(found) <= 30 and found.count("validation") == 5


def test_a_whole_budget_above_one_an_epoch_ends_the_fit_after_a_validation() -> None:
    """The third epoch, which its own budget would cut at 30 calls, is not begun with 15."""
    program, provider = compiled(), provider_of(learner)
    x, y = data(20)
    budget = synalinks.Budget(calls=75, per_epoch=synalinks.Budget(calls=30))
    history = fit(program, provider, x, y, epochs=9, validation_split=0.25, budget=budget)
    assert len(provider.calls) == 60
    assert history.stopped_by == "budget" and history.epoch == [0, 1]
    last = [call for call in provider.calls if call.scope.epoch == 1 and call.scope.phase == "validation"]
    assert len(last) == 5


def test_dollars_hold_a_fit_and_the_bill_is_exact() -> None:
    from decimal import Decimal

    synalinks.set_price("ollama/test", input=1, output=1)
    try:
        usage = Usage(input_fresh=100, output_text=100)
        program, provider = compiled(), provider_of(right, usage=usage)
        x, y = data(20)
        history = fit(program, provider, x, y, epochs=9, budget="0.03")
        assert history.stopped_by == "budget"
        assert history.ledger.total.billed.exact == len(provider.calls) * Decimal("0.0002") <= Decimal("0.03")
        assert sum(row["calls"] for row in history.costs) == len(history.ledger)
        assert {(row["epoch"], row["phase"]) for row in history.costs} >= {(0, "train"), (0, "validation")}
    finally:
        synalinks.set_price("ollama/test", input=0, output=0)


def test_a_budget_around_a_call_refuses_before_sending() -> None:
    provider = provider_of(right)
    with synalinks.use_budget(synalinks.Budget(calls=1)):
        ask(solver(), provider)
        with pytest.raises(BudgetExceeded):
            ask(solver(name="other"), provider, 2)
    assert len(provider.calls) == 1


def test_a_broken_answer_is_asked_for_again_and_then_counts_as_none() -> None:
    provider = ScriptedProvider([Reply(text="no json"), {"answer": 1}])
    assert ask(solver(lm(retry=2)), provider).get("answer") == 1
    with pytest.warns(synalinks.LMWarning, match="not JSON"):
        assert ask(solver(name="other"), ScriptedProvider([Reply(text="no json")])) is None
