"""Rows of a tape as ledger entries; a budget's refusals are among them."""

from __future__ import annotations

from pathlib import Path

from cli.helpers import call
from synalinks.cli.cassette.files import entry_of, opened

TAPE = Path(__file__).parent.parent.parent.parent / "cassettes" / "examples" / "budgeted_training.jsonl"


def test_a_refused_call_costs_nothing_and_says_why() -> None:
    with opened(TAPE) as tape:
        entries = [(row, entry_of(row)) for row in tape.rows()]
    refused = [entry for row, entry in entries if row.refused]
    assert refused
    assert {(entry.error, entry.as_if, entry.usage.total_tokens) for entry in refused} == {("budget", 0, None)}
    assert all(entry.error is None and entry.as_if for row, entry in entries if "reply" in row.value)


def test_a_tape_with_refusals_can_be_looked_at() -> None:
    assert "budget" in call("cassette", "ls", TAPE).output
    assert call("cassette", "stats", TAPE).exit_code == 0
    assert "--- refused by a budget, never sent" in call("cassette", "show", TAPE).output
