"""SyntheticModel: the model that invents, for tests and dry runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import omega_under_test
import synalinks
from programs_under_test import Question, compiled, data, fit, learner, phases, provider_of, solver
from synalinks.errors import CassetteError
from synalinks.lm.pricing.pricing import price_of
from synalinks.testing import SyntheticModel


def priced(model: str = "openai/gpt-4o-mini", **options: Any) -> Any:
    return compiled(solver(synalinks.LanguageModel(model, **options)))


def test_a_program_is_trained_without_server_key_or_cassette(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    history = fit(priced(), SyntheticModel(), *data(6), epochs=2)
    assert set(history.ledger.by("phase")) >= {"train", "validation"}
    assert history.failed_calls == 0


def test_embeddings_and_proposals_are_answered_too() -> None:
    program = omega_under_test.program(omega_under_test.omega())
    history = fit(program, SyntheticModel(), *data(6), epochs=2, validation_split=0.4)
    assert {entry.kind for entry in history.ledger} == {"chat", "embed"}
    assert history.ledger.filter(phase="optimizer", kind="chat").total.calls == 6


def test_prices_are_those_of_the_model_asked() -> None:
    history = fit(priced(), SyntheticModel(output_tokens=10), *data(4))
    price = price_of("openai/gpt-4o-mini")
    assert price is not None
    for entry in history.ledger:
        assert entry.usage.output_tokens == 10
        assert entry.as_if == price.cost(entry.usage, None)
    assert fit(priced("openai/nobody-knows"), SyntheticModel(), *data(4)).ledger.total.as_if.exact is None


def test_a_run_is_the_same_at_any_concurrency() -> None:
    found = []
    for concurrency in (1, 8):
        synalinks.clear_session(free_memory=False)
        program = priced(concurrency=concurrency)
        history = fit(program, SyntheticModel(), *data(9), epochs=2, batch_size=4)
        found.append((history.history, history.ledger.to_dicts(timings=False)))
    assert found[0] == found[1]


def test_three_evaluations_are_three_samples() -> None:
    program = solver()

    async def answers() -> list[Any]:
        with synalinks.use_provider(SyntheticModel()):
            return [(await program(Question(question="number 3"))).get_json() for _ in range(30)]

    assert len({str(answer) for answer in asyncio.run(answers())}) > 2


def test_lengths_are_learnt_from_a_cassette_and_from_a_ledger(tmp_path: Path) -> None:
    x, y = data(4)
    cassette = tmp_path / "cassette.jsonl"
    program = priced("ollama/known")
    with synalinks.use_cassette(cassette):
        taught = fit(program, provider_of(learner), x, y, validation_split=0.0)
    lengths = {entry.usage.output_tokens for entry in taught.ledger}
    for source in (cassette, taught.ledger, [str(cassette), taught.ledger]):
        history = fit(priced("ollama/known"), SyntheticModel(learn_from=source), *data(4, 50), validation_split=0.0)
        assert {entry.usage.output_tokens for entry in history.ledger} <= lengths
    first = SyntheticModel(learn_from=cassette)
    again = fit(priced("ollama/known"), first, x, y, validation_split=0.0)
    exact = {entry.digest: entry.usage.input_tokens for entry in taught.ledger}
    known = [entry for entry in again.ledger if entry.digest in exact]
    assert known
    assert all(entry.usage.input_tokens == exact[entry.digest] for entry in known)


def test_a_cassette_that_is_not_there_is_told() -> None:
    with pytest.raises((CassetteError, FileNotFoundError)):
        SyntheticModel(learn_from="nowhere.jsonl")


def test_the_stand_in_still_fills_schemas() -> None:
    """One implementation fills schemas, for the stand-in server and for synthetic answers."""
    provider = provider_of(learner)
    fit(compiled(), provider, *data(3))
    assert phases(provider)["train"] == 2
    from synalinks.lm.providers.fake.filling import Filler
    from synalinks.testing.fake_models import model

    assert model.Filler is Filler  # type: ignore[attr-defined]
