"""A training under a budget of mode `expected` replays to the same stop, with the same bill and the same program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import synalinks
from proofs.sums import Shuffled
from proofs.test_replay import assert_replays, record, replay

BUDGETS = {
    "calls": synalinks.Budget(calls=43, mode="expected"),
    "tokens": synalinks.Budget(tokens=9_000, mode="expected"),
    "dollars": synalinks.Budget(usd="0.022", mode="expected"),
    "an epoch's tokens": synalinks.Budget(
        tokens=90_000, mode="expected", per_epoch=synalinks.Budget(tokens=5_000, mode="expected")
    ),
}


@pytest.mark.parametrize("max_tokens", [400, None])
@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("budget", BUDGETS.values(), ids=BUDGETS)
def test_a_run_that_an_expected_budget_stopped_replays_to_the_same_stop(
    tmp_path: Path, budget: synalinks.Budget, width: int, max_tokens: int | None
) -> None:
    synalinks.set_price("ollama/dear", input=2, output=6)
    arguments: dict[str, Any] = {"model": "ollama/dear", "budget": budget, "concurrency": width, "epochs": 4}
    if max_tokens is not None:
        arguments["max_tokens"] = max_tokens
    cassette = tmp_path / "cassette.jsonl"
    recorded = record(cassette, tmp_path, Shuffled(5), **arguments)
    whole = record(tmp_path / "whole.jsonl", tmp_path, Shuffled(5), **{**arguments, "budget": None})
    assert len(recorded.ledger) < len(whole.ledger), "the budget must bite"
    assert_replays(recorded, *(replay(cassette, tmp_path, **arguments) for _ in range(2)))
