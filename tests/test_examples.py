"""Every example runs offline from its tape, bills nothing, and prints what it is there to show."""

from __future__ import annotations

import json
import os
import runpy
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import synalinks
from playing import EXAMPLES, OPENS_ITS_OWN, ROOT, TAPES, no_network, replay

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))

#: Lines that each example is there for.
SHOWS = {
    "arithmetic": [
        "epoch 1: reward 0.43 in training, 1.00 in validation",
        "epoch 2: reward 1.00 in training, 1.00 in validation",
        "on 12 problems never seen: 0.58 before training, 1.00 after",
        "  12 + 7 -> 19",
        "total                139   139       0     26,967       3,263  $0.0000  $0.0000",
    ],
    "budgeted_training": [
        "stopped by: budget, in epoch 2 of 20",
        "spent $0.0268 of $0.03 in 44 calls",
        "kept: 2 examples, reward 0.89 on 9 samples",
        "19 + 64 = 83",
    ],
    "hello": ["12 + 30 = 42, so the answer is 42"],
    "read_the_bill": [
        "total                 52    52       0      7,270         626  $0.0000  $0.0244",
        "  think      26 calls  2,944 tokens  $0.0101 as if live",
        "billed $0.0000, as if live $0.0244, saved $0.0244",
    ],
    "tape_a_run": [
        "17 * 6 = 102, 102, -102",
        "3 calls replayed, 0 recorded",
        r"-{\"problem\":\"17 * 6\"}",
        r"+{\"problem\":\"17 * 7\"}",
    ],
}


def test_every_example_has_a_tape_and_every_tape_an_example() -> None:
    assert sorted(SHOWS) == NAMES
    assert sorted(path.stem for path in (TAPES / "examples").iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_runs_offline_from_its_tape(name: str) -> None:
    printed, ledger = replay(name)
    assert [line for line in SHOWS[name] if line not in printed.splitlines()] == []
    assert {entry.source for entry in ledger} == {"cassette"}
    assert ledger.total.billed.exact == 0


def test_the_tapes_are_read_and_not_written() -> None:
    before = {path: path.read_bytes() for path in TAPES.rglob("*.jsonl")}
    for name in (OPENS_ITS_OWN, "hello"):
        replay(name)
    assert {path: path.read_bytes() for path in TAPES.rglob("*.jsonl*")} == before


def test_the_network_is_out_of_reach() -> None:
    with no_network(), pytest.raises(AssertionError, match="tried to reach the network"):
        socket.create_connection(("127.0.0.1", 1))
    with no_network(), socket.socket() as one, pytest.raises(AssertionError, match="tried to reach the network"):
        one.connect_ex(("127.0.0.1", 1))


def test_the_budget_holds() -> None:
    _, ledger = replay("budgeted_training")
    in_fit = [entry for entry in ledger if entry.scope.epoch is not None]
    assert len(in_fit) == 44
    assert sum((entry.as_if or Decimal(0) for entry in in_fit), Decimal(0)) <= Decimal("0.03")
    assert {entry.scope.epoch for entry in in_fit if entry.scope.phase == "validation"} == {0, 1}


@pytest.fixture(scope="module")
def recorder() -> dict[str, Any]:
    return runpy.run_path(str(TAPES / "record.py"))


def test_the_table_of_tapes_is_what_the_tapes_hold(recorder: dict[str, Any]) -> None:
    assert f"\n{recorder['table']()}\n" in (TAPES / "README.md").read_text(encoding="utf-8")
    assert synalinks.__version__ in (TAPES / "README.md").read_text(encoding="utf-8")


def test_every_tape_is_described() -> None:
    text = (TAPES / "README.md").read_text(encoding="utf-8")
    for path in TAPES.glob("*/*.jsonl"):
        name = path.relative_to(TAPES).as_posix()
        assert text.count(f"| `{name}` |") == 2, f"{name}: once in each table"


def test_recording_again_gives_the_same_tapes(tmp_path: Path) -> None:
    command = [sys.executable, str(TAPES / "record.py"), "--to", str(tmp_path)]
    # Where the package is taken from a source tree, the new process needs to be told.
    found_at = {**os.environ, "PYTHONPATH": str(Path(synalinks.__file__).parent.parent)}
    subprocess.run(command, check=True, cwd=ROOT, env=found_at, capture_output=True)
    again = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.jsonl"))
    assert [path for path in again if path.parent.name == "examples"] == [Path(f"examples/{n}.jsonl") for n in NAMES]
    for path in again:
        assert rows(tmp_path / path) == rows(TAPES / path), path


def rows(path: Path) -> list[Any]:
    """A tape without the seconds that each answer took."""
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in found[1:]:
        del row["reply"]["seconds"]
    return found
