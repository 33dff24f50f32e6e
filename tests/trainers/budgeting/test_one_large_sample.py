"""One sample that is far too large for a budget is a failed sample, and the fit goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from proofs.sums import Sum, solver, sums
from synalinks.testing import OllamaServer


def fit(place: int, cassette: Path, mode: Any) -> Any:
    async def main() -> Any:
        program = await solver(concurrency=4, temperature=1.0)
        x, y = sums(12)
        x[place] = Sum(question="1 + 2 " + "x" * 3_900_000)
        return await program.fit(
            x, y, batch_size=4, epochs=2, validation_split=0.25, verbose=0, seed=7,
            budget=synalinks.Budget(tokens=3_000_000),
        )  # fmt: skip

    with synalinks.use_cassette(cassette, mode, strict=True), pytest.warns(synalinks.LMWarning) as told:
        history = asyncio.run(main())
    assert "too large for the budget of solver.fit, which goes on" in str(told[0].message)
    return history


@pytest.mark.parametrize("place", [0, 5])
def test_the_fit_goes_on_and_a_replay_does_the_same(place: int, tmp_path: Path) -> None:
    cassette = tmp_path / "calls.jsonl"
    with OllamaServer(env=True) as server:
        history = fit(place, cassette, "once")
    assert history.stopped_by is None and len(history.epoch) == 2 and history.history["val_reward"] == [1.0, 1.0]
    failed = history.ledger.filter(error="over_budget").total
    assert failed.calls == history.failed_calls == 2 and failed.attempts == 0
    assert history.budget.settled.calls == server.requests.number == history.ledger.total.attempts
    replayed = fit(place, cassette, "none")
    assert replayed.history == history.history and replayed.budget.settled == history.budget.settled
