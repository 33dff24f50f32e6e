"""Rows of a cassette as ledger entries; a budget's refusals are among them."""

from __future__ import annotations

from pathlib import Path

from cli.helpers import call
from synalinks.cli.cassette.files import entry_of, opened

CASSETTE = Path(__file__).parent.parent.parent.parent / "cassettes" / "examples" / "budgeted_training.jsonl"


def test_a_refused_call_costs_nothing_and_says_why() -> None:
    with opened(CASSETTE) as cassette:
        entries = [(row, entry_of(row)) for row in cassette.rows()]
    refused = [entry for row, entry in entries if row.refused]
    assert refused
    assert {(entry.error, entry.as_if, entry.usage.total_tokens) for entry in refused} == {("budget", 0, None)}
    assert all(entry.error is None and entry.as_if for row, entry in entries if "reply" in row.value)


def test_a_cassette_with_refusals_can_be_looked_at() -> None:
    assert "budget" in call("cassette", "ls", CASSETTE).output
    assert call("cassette", "stats", CASSETTE).exit_code == 0
    assert "--- refused by a budget, never sent" in call("cassette", "show", CASSETTE).output
