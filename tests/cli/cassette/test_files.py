"""Rows of a cassette as ledger entries: a budget's refusals are among them, its events are not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import synalinks
from cli.helpers import call
from synalinks.cli.cassette.files import entry_of, opened
from synalinks.errors import BudgetExceeded
from synalinks.lm import Client, Request
from synalinks.testing import ScriptedProvider

EXAMPLE = Path(__file__).parent.parent.parent.parent / "cassettes" / "examples" / "budgeted_training.jsonl"


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """A cassette of an answer and a refusal."""
    path, client = tmp_path / "refused.jsonl", Client("ollama/m")

    async def main() -> None:
        for text in ("one", "two"):
            await client.send(Request("chat", "ollama/m", messages=[{"role": "user", "content": text}]))

    provider = ScriptedProvider(["answer", "never"])
    with (
        synalinks.use_cassette(path, record_mode="once"),
        synalinks.lm.use_provider(provider),
        synalinks.use_budget(synalinks.Budget(calls=1)),
        pytest.raises(BudgetExceeded),
    ):
        asyncio.run(main())
    return path


def test_a_refused_call_costs_nothing_and_says_why(refused: Path) -> None:
    with opened(refused) as cassette:
        entries = [(row, entry_of(row)) for row in cassette.rows()]
    found = [entry for row, entry in entries if row.refused]
    assert [(entry.error, entry.as_if, entry.usage.total_tokens) for entry in found] == [("budget", 0, None)]
    assert all(entry.error is None for row, entry in entries if "reply" in row.value)


def test_a_cassette_with_refusals_can_be_looked_at(refused: Path) -> None:
    assert "budget" in call("cassette", "ls", refused).output
    assert call("cassette", "stats", refused).exit_code == 0
    assert "--- refused by a budget, never sent" in call("cassette", "show", refused).output


def test_an_epoch_that_was_not_begun_is_an_event_and_no_call() -> None:
    lines = len(EXAMPLE.read_text().splitlines())
    with opened(EXAMPLE) as cassette:
        assert (len(cassette), cassette.calls, len(list(cassette.rows()))) == (lines - 1, lines - 2, lines - 2)
    assert f"rows      {lines - 2} " in call("cassette", "stats", EXAMPLE).output
    assert "epoch 3 of 20 was not begun" in call("cassette", "show", EXAMPLE).output
    assert call("cassette", "check", EXAMPLE).exit_code == 0
