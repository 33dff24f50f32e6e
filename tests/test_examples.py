"""Every example runs offline from its cassette, bills nothing, and prints what it is there to show."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import synalinks
from playing import CASSETTES, EXAMPLES, NEEDS_NO_CASSETTE, ROOT, no_network, replay, timeless

NAMES = sorted({path.stem for path in EXAMPLES.glob("*.py")} - {*NEEDS_NO_CASSETTE})
GUIDES = sorted(path.stem for path in (EXAMPLES / "guides").glob("*.py"))

#: Lines that each example is there for. Figures of the cassettes are checked where the README shows them, not here.
SHOWS = {
    "arithmetic": [
        r"14/14 - .* - reward: \d\.\d{4} - val_reward: \d\.\d{4}",
        r"on 12 problems never seen: \d\.\d\d before training, \d\.\d\d after",
        r"  \d+ \S \d+ -> \d+",
        r"\d+ calls and [\d,]+ tokens to train",
    ],
    "budgeted_training": [
        r"stopped by: budget, after epoch \d of 20",
        r"spent \$0\.0\d\d\d of \$0\.04 in \d+ calls",
        r"kept: \d examples, reward [01]\.\d\d on \d+ samples",
        r"19 \+ 64 = -?\d+",
    ],
    "hello": [r"12 \+ 30 = 42, so the answer is 42"],
    "read_the_bill": [
        r"epoch  phase .*billed    as if",
        r"  think +\d+ calls +[\d,]+ tokens  \$0\.0\d+ as if live",
        r"billed \$0\.0000, saved \$0\.0\d+",
    ],
    "record_a_run": [
        r"17 \* 6 = .*102.*",
        r"3 calls replayed, 0 recorded",
        r".*record_mode='none' only replays",
        r"-.*17 \* 6.*",
        r"\+.*17 \* 7.*",
    ],
}


def test_every_example_has_a_cassette_and_every_cassette_an_example() -> None:
    assert sorted(SHOWS) == NAMES
    assert sorted(path.stem for path in (CASSETTES / "examples").iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_runs_offline_from_its_cassette(name: str) -> None:
    printed, ledger = replay(name)
    lines = printed.splitlines()
    assert [wanted for wanted in SHOWS[name] if not any(re.fullmatch(wanted, line) for line in lines)] == []
    assert {entry.source for entry in ledger} == {"cassette"}
    assert ledger.total.billed.exact == 0


def test_every_guide_has_a_cassette_and_every_cassette_a_guide() -> None:
    assert sorted(path.stem for path in (CASSETTES / "guides").glob("*.jsonl")) == GUIDES


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_runs_offline_from_its_cassette(name: str) -> None:
    """What it prints is on its page, see `test_readme.py`."""
    _, ledger = replay(name, EXAMPLES / "guides")
    by_rule = {"live"} if name == "recording" else set()  # it shows models that are functions, too
    assert {entry.source for entry in ledger} == {"cassette"} | by_rule
    assert ledger.filter(source="cassette").total.billed.exact == 0


def test_the_cassettes_are_read_and_not_written() -> None:
    before = {path: path.read_bytes() for path in CASSETTES.rglob("*.jsonl")}
    for name in ("record_a_run", "hello"):
        replay(name)
    assert {path: path.read_bytes() for path in CASSETTES.rglob("*.jsonl*")} == before


def test_the_network_is_out_of_reach() -> None:
    with no_network(), pytest.raises(AssertionError, match="tried to reach the network"):
        socket.create_connection(("127.0.0.1", 1))
    with no_network(), socket.socket() as one, pytest.raises(AssertionError, match="tried to reach the network"):
        one.connect_ex(("127.0.0.1", 1))


def test_training_is_seen_to_help() -> None:
    printed, _ = replay("arithmetic")
    first, second = map(float, re.findall(r"/step - reward: (\S+)", printed))
    before, after = re.findall(r"never seen: (\S+) before training, (\S+) after", printed)[0]
    assert second >= first + 0.2
    assert float(after) >= float(before) + 0.2


def test_the_budget_holds() -> None:
    _, ledger = replay("budgeted_training")
    in_fit = [entry for entry in ledger if entry.scope.epoch is not None]
    assert len(in_fit) == len(ledger) - 1, "one question was asked after training"
    assert sum((entry.as_if or Decimal(0) for entry in in_fit), Decimal(0)) <= Decimal("0.04")
    begun = {entry.scope.epoch for entry in in_fit}
    assert {entry.scope.epoch for entry in in_fit if entry.scope.phase == "validation"} == begun


def test_a_cassette_of_format_1_replays_to_the_same_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one of the budgeted training as it was recorded before; its last row is the epoch that was not begun."""
    printed, ledger = replay("budgeted_training")
    old = ROOT / "tests" / "lm" / "cassette" / "format_1.jsonl"
    assert old.read_bytes().startswith(b'{"synalinks_cassette":1,')
    (tmp_path / "examples").mkdir()
    shutil.copy(old, tmp_path / "examples" / "budgeted_training.jsonl")
    monkeypatch.setattr("playing.CASSETTES", tmp_path)
    again, same = replay("budgeted_training")
    written_then = [line.replace("$0.04 ", "$0.0400 ") for line in timeless(again)]  # an amount in the last row's words
    assert written_then == [line.replace("$0.04 ", "$0.0400 ") for line in timeless(printed)]
    assert same.to_dicts(timings=False) == ledger.to_dicts(timings=False)


@pytest.fixture(scope="module")
def recorder() -> dict[str, Any]:
    return runpy.run_path(str(CASSETTES / "record.py"))


def test_the_table_of_cassettes_is_what_the_cassettes_hold(recorder: dict[str, Any]) -> None:
    text = (CASSETTES / "README.md").read_text(encoding="utf-8")
    assert f"\n{recorder['table'](recorder['dates_in'](text))}\n" in text, "python cassettes/record.py writes it"


def test_every_cassette_is_described() -> None:
    text = (CASSETTES / "README.md").read_text(encoding="utf-8")
    for path in CASSETTES.glob("*/*.jsonl"):
        name = path.relative_to(CASSETTES).as_posix()
        assert text.count(f"| `{name}` |") == 2, f"{name}: once in each table"


def test_recording_again_gives_the_same_cassettes(tmp_path: Path, recorder: dict[str, Any]) -> None:
    command = [sys.executable, str(CASSETTES / "record.py"), "--to", str(tmp_path)]
    # Where the package is taken from a source tree, the new process needs to be told.
    found_at = {**os.environ, "PYTHONPATH": str(Path(synalinks.__file__).parent.parent)}
    subprocess.run(command, check=True, cwd=ROOT, env=found_at, capture_output=True)
    again = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.jsonl"))
    assert [path for path in again if path.parent.name == "examples"] == [Path(f"examples/{n}.jsonl") for n in NAMES]
    for path in again:
        assert recorder["rows"](tmp_path / path) == recorder["rows"](CASSETTES / path), path
