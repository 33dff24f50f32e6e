"""`synalinks cache`: what is stored, and emptying it."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from cli.helpers import call
from synalinks.lm.cache.disk_store import DATABASE, DiskStore
from synalinks.lm.cache.entry import encode
from synalinks.lm.core.call import Reply, Usage
from synalinks.scope import NOWHERE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache of three answers by two models, one of unknown price, and an entry that can't be read."""
    store = DiskStore(tmp_path / "cache")
    usage = Usage(input_fresh=1000, output_text=10)
    for index in range(2):
        store.add(f"a{index}", encode("fake/m", (NOWHERE, 0), Reply("yes", usage=usage, cost=Decimal("0.25"))))
    store.add("b", encode("fake/e", (NOWHERE, 0), Reply(usage=Usage(input_fresh=3)), struct.pack("<2f", 1, 2)))
    store.add("c", b"SYL0 something of an older version")
    store.close()
    return tmp_path / "cache"


def test_stats_are_by_model(folder: Path) -> None:
    done = call("cache", "stats", folder)
    assert done.exit_code == 0
    facts, table = done.output.split("\n\n")
    assert facts.startswith(f"The cache in {folder}\n  holds 3 answers, ")
    assert "1 entry can't be read and will be asked for again" in facts
    assert "stored between 20" in facts
    cells = [line.split("  ") for line in table.splitlines() if not line.startswith("--")]
    rows = [[cell.strip() for cell in row if cell.strip()][:5] for row in cells]
    assert rows == [
        ["model", "answers", "tokens in", "tokens out", "cost"],
        ["fake/e", "1", "3", "0", "$0.0000 + 1 unknown"],
        ["fake/m", "2", "2,000", "20", "$0.5000"],
        ["total", "3", "2,003", "20", "$0.5000 + 1 unknown"],
    ]


def test_clear_asks_and_then_leaves_nothing(folder: Path) -> None:
    (folder / f"{DATABASE}.damaged-1").write_bytes(b"old")
    assert "1 damaged file set aside" in call("cache", "stats", folder).output
    refused = call("cache", "clear", folder, answers="n\n")
    assert refused.exit_code == 1 and f"Remove 4 answers from {folder}?" in refused.output
    assert "holds 3 answers" in call("cache", "stats", folder).output
    assert call("cache", "clear", folder, "--yes").output == f"Removed 4 answers and 1 damaged file from {folder}\n"
    assert "holds 0 answers" in call("cache", "stats", folder).output
    assert list(folder.glob("*.damaged-*")) == []


def test_a_run_under_way_goes_on_after_a_clear(folder: Path) -> None:
    store = DiskStore(folder)
    assert store.get("a0") is not None
    call("cache", "clear", folder, "--yes")
    assert store.get("a0") is None
    assert store.add("new", b"SYL1 new") and store.get("new") == b"SYL1 new"
    store.close()


def test_the_default_is_the_directory_of_all_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(folder))
    assert call("cache", "stats").output.startswith(f"The cache in {folder} (switched off by SYNALINKS_CACHE)\n")
    monkeypatch.delenv("SYNALINKS_CACHE")
    assert call("cache", "stats").output.startswith(f"The cache in {folder}\n")


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    assert "is empty" in call("cache", "stats", tmp_path / "none").output
    assert "There is nothing" in call("cache", "clear", tmp_path / "none", "--yes").output
    assert not (tmp_path / "none").exists()


def test_another_programs_cache_is_left_alone(folder: Path) -> None:
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute("UPDATE Cache SET value = 'theirs'")
    done = call("cache", "clear", folder, "--yes")
    assert done.exit_code == 1 and "another program's cache is left alone" in done.output
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert connection.execute("SELECT count(*) FROM Cache").fetchone() == (4,)


def test_a_damaged_database_is_one_message(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database at all, and long enough to look like a page" * 20)
    done = call("cache", "stats", tmp_path)
    assert done.exit_code == 1
    assert "can't be used" in done.output and "Traceback" not in done.output
