"""`synalinks cassette`: rows, conversations and figures of a cassette."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import call
from lm.cassette_helpers import Provider, at, chat, embed, record
from synalinks.errors import ServerError


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """Two chats of one module, an embedding, and a call that failed."""
    path = tmp_path / "t.jsonl"
    provider = Provider(lambda call: ServerError("busy", status=503) if call.scope.phase == "reward" else None)
    calls = [
        at(chat("what is 2 + 3?"), epoch=0, step=1, phase="train", sample=4, module="solver"),
        at(chat("what is 2 + 3?"), 1, epoch=0, step=1, phase="train", sample=4, module="solver"),
        at(embed("one", "two"), module="judge"),
        at(chat("rate it"), epoch=0, phase="reward", module="judge"),
    ]
    record(path, calls, provider)
    return path


def test_ls_has_a_line_a_row_in_the_order_of_the_file(cassette: Path) -> None:
    done = call("cassette", "ls", cassette)
    assert done.exit_code == 0
    header, _, *rows = done.output.splitlines()
    assert header.split("  ")[0] == "line"
    assert [row.split() for row in rows] == [
        ["2", "judge", "embed", "fake/e", "6", "$0.000060"],
        ["3", "1", "reward", "judge", "fake/m", "$0.0000", "server"],
        ["4", "1", "2", "train", "4", "solver", "fake/m", "7", "3", "$0.0123"],
        ["5", "1", "2", "train", "4", "solver", "1", "fake/m", "7", "3", "$0.0123"],
    ]


def test_show_renders_the_rows_asked_for(cassette: Path) -> None:
    done = call("cassette", "show", cassette, 4, 2)
    first, second = done.output.split("\n\n")
    assert first.splitlines() == [
        "=== line 4: fake/m (epoch=1 step=2 phase=train sample=4 module=solver)",
        "options: temperature=0.7",
        "--- user",
        "  what is 2 + 3?",
        "--- answer (tokens 7 in and 3 out, $0.0123, 0.50 s)",
        "  what is 2 + 3? #1 epoch=1 step=2 phase=train sample=4 module=solver/0",
    ]
    assert "line 2: fake/e" in second and "2 vectors of 3 numbers" in second
    assert len(call("cassette", "show", cassette).output.split("\n\n")) == 4


def test_show_refuses_a_line_without_row(cassette: Path) -> None:
    done = call("cassette", "show", cassette, 6)
    assert done.exit_code == 2
    assert "has no row in line 6; its rows are lines 2 to 5" in done.stderr


def test_stats_sums_up_by_module_and_model(cassette: Path) -> None:
    done = call("cassette", "stats", cassette)
    facts, table = done.output.split("\n\n")
    lines = dict(line.strip().split(None, 1) for line in facts.splitlines()[1:])
    assert lines["rows"] == "4 (3 chat, 1 embed, 1 of them failed)"
    assert lines["requests"] == "3 different"
    assert lines["tokens"] == "20 in, 6 out"
    assert lines["cost"] == "$0.0247 (as if live)"
    assert lines["time"].startswith("1.0 s")
    assert lines["state"] == "complete"
    cells = [line.split() for line in table.splitlines() if not line.startswith("--")]
    assert cells == [
        ["module", "model", "rows", "failed", "tokens", "in", "tokens", "out", "cost"],
        ["judge", "fake/e", "1", "6", "0", "$0.000060"],
        ["judge", "fake/m", "1", "1", "0", "0", "$0.0000"],
        ["solver", "fake/m", "2", "14", "6", "$0.0246"],
        ["total", "4", "1", "20", "6", "$0.0247"],
    ]


def test_a_cassette_without_rows_and_one_that_was_cut_off(tmp_path: Path, cassette: Path) -> None:
    header = json.dumps({"synalinks_cassette": 1, "request_format": 1, "recording": True})
    empty = tmp_path / "empty.jsonl"
    empty.write_text(header + "\n")
    assert call("cassette", "ls", empty).output == f"{empty} has no rows\n"
    assert "its first recording was never finished" in call("cassette", "stats", empty).output
    assert call("cassette", "show", empty).output == f"{empty} has no rows\n"
    assert "it has no rows" in call("cassette", "show", empty, 2).stderr


def test_looking_changes_nothing(cassette: Path) -> None:
    before = cassette.read_bytes()
    for word in ("ls", "show", "stats"):
        call("cassette", word, cassette)
    assert cassette.read_bytes() == before
    cassette.write_bytes(before[:-20])
    for word in ("ls", "show", "stats"):
        looked = call("cassette", word, cassette)
        assert looked.stderr.startswith("Warning: ") and "the torn end is left out" in looked.stderr
    assert cassette.read_bytes() == before[:-20]
    assert [path.name for path in cassette.parent.iterdir()] == [cassette.name]
