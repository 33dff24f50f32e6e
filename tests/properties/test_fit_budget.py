"""Whatever the sizes and the budget: a fit never exceeds it, and every epoch that is begun has its validation."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import synalinks
from programs_under_test import Fresh, compiled, data, fit, lm, provider_of, right, solver
from synalinks.errors import ServerError
from synalinks.lm.core.call import Call, Reply
from synalinks.rewards import LMAsJudge
from synalinks.testing import SyntheticModel


@given(
    train=st.integers(1, 12),
    validation=st.integers(1, 6),
    batch_size=st.integers(1, 13),
    minibatch_size=st.one_of(st.none(), st.integers(1, 8)),
    freq=st.integers(1, 3),
    cap=st.integers(0, 150),
    mode=st.sampled_from(["hard", "expected"]),
)
@settings(max_examples=40, deadline=None)
def test_every_epoch_that_is_begun_has_its_validation(
    train: int, validation: int, batch_size: int, minibatch_size: int | None, freq: int, cap: int, mode: Any
) -> None:
    synalinks.clear_session(free_memory=False)
    program, provider = compiled(solver(), optimizer=Fresh()), provider_of(right)
    history = fit(
        program,
        provider,
        *data(train),
        validation_data=data(validation, 50),
        batch_size=batch_size,
        minibatch_size=minibatch_size,
        validation_freq=freq,
        epochs=4,
        budget=synalinks.Budget(calls=cap, mode=mode),
    )
    assert len(provider.calls) <= cap
    assert history.budget.settled.calls == len(provider.calls)
    assert history.budget.aside.calls == history.budget.reserved.calls == 0
    assert (history.stopped_by == "budget") == (history.stop_reason is not None)
    assert history.stopped_by == "budget" or history.epoch == [0, 1, 2, 3]
    most = train + 2 * math.ceil(train / batch_size) * min(minibatch_size or validation, validation) + validation
    for epoch in history.epoch:
        found = [call for call in provider.calls if (call.scope.epoch, call.scope.phase) == (epoch, "validation")]
        due = 0 if (epoch + 1) % freq else validation
        if epoch:
            assert len(found) == due, "it was begun, so it was to be expected"
        else:
            assert min(due, math.ceil(cap * validation / most)) <= len(found) <= due


@given(cap=st.integers(0, 120))
@settings(max_examples=10, deadline=None)
def test_fallbacks_and_judges_are_paid_from_the_budget_of_the_fit(cap: int) -> None:
    """The first model fails at each call, so that another answers, which a third one judges."""
    synalinks.clear_session(free_memory=False)
    answers, sent = SyntheticModel(seed=1), dict.fromkeys(("ollama/test", "ollama/spare", "ollama/judge"), 0)

    async def provider(call: Call) -> Reply:
        sent[call.request.model] += 1
        if call.request.model == "ollama/test":
            raise ServerError("busy")
        return await answers(call)

    judge = LMAsJudge(language_model=synalinks.LanguageModel("ollama/judge", retry=1))
    program = compiled(solver(lm(fallback="ollama/spare")), optimizer=Fresh(), reward=judge)
    history = fit(program, provider, *data(9), validation_split=0.34, epochs=2, budget=synalinks.Budget(calls=cap))
    assert sum(sent.values()) == history.budget.settled.calls <= cap
    assert history.budget.reserved.calls == 0
    assert cap < 60 or min(sent.values()) > 0
    assert (history.stopped_by == "budget") == (history.budget.ended is not None)
