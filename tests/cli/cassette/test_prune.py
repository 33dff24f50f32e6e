"""`synalinks cassette prune` and `merge`: rows go by rule, and what is left plays as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.helpers import call
from lm.cassette_helpers import Provider, ask, at, chat, embed, record
from synalinks.errors import CassetteMiss
from synalinks.lm.cassette.file import TapeFile
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call

ONE = at(chat("one"), sample=0, module="solver")
TWO = at(chat("two"), sample=1, module="solver")
JUDGE = at(chat("rate"), sample=0, module="judge")
FOUND = at(embed("x"), module="finder")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    record(path, [ONE, TWO, JUDGE, FOUND])
    return path


def plays(path: Path, asked: Call) -> str:
    with Cassette(path, "none") as cassette:
        return ask(cassette, asked).text


def test_duplicates_go_and_the_first_stays(tape: Path, tmp_path: Path) -> None:
    other = tmp_path / "o.jsonl"
    record(other, [TWO, ONE], Provider())
    first = plays(tape, ONE)
    doubled = tape.read_bytes() + b"".join(other.read_bytes().splitlines(keepends=True)[1:])
    tape.write_bytes(doubled)
    looked = call("cassette", "prune", tape, "--dry-run")
    assert "would drop 2 rows that were there twice; 4 rows left" in looked.output
    assert tape.read_bytes() == doubled
    done = call("cassette", "prune", tape)
    assert done.exit_code == 0
    assert "dropped 2 rows that were there twice" in done.output
    assert plays(tape, ONE) == first
    assert call("cassette", "check", tape).output.endswith("4 rows, nothing wrong\n")


def test_rows_of_modules_go(tape: Path) -> None:
    before = plays(tape, TWO)
    done = call("cassette", "prune", tape, "--module", "judge", "--module", "finder")
    assert done.output == f"{tape}: dropped 2 rows of judge, finder; 2 rows left\n"
    assert plays(tape, TWO) == before
    with pytest.raises(CassetteMiss):
        plays(tape, JUDGE)


def test_a_module_that_is_not_there_is_named_with_those_that_are(tape: Path) -> None:
    before = tape.read_bytes()
    done = call("cassette", "prune", tape, "--module", "jugde")
    assert done.exit_code == 2
    assert "no row of the module 'jugde'; its modules: finder, judge, solver" in " ".join(done.stderr.split())
    assert tape.read_bytes() == before


def test_nothing_to_drop_changes_nothing(tape: Path) -> None:
    before = tape.read_bytes()
    assert "nothing to drop" in call("cassette", "prune", tape).output
    assert tape.read_bytes() == before
    assert [path.name for path in tape.parent.iterdir()] == [tape.name]


def test_a_tape_being_recorded_is_not_pruned(tape: Path) -> None:
    with Cassette(tape, "new_episodes"):
        done = call("cassette", "prune", tape, "--module", "judge")
    assert done.exit_code == 1
    assert "is being recorded" in done.stderr


def test_an_unfinished_recording_stays_one(tape: Path) -> None:
    text = tape.read_text().splitlines()
    tape.write_text("\n".join(['{"synalinks_cassette":1,"request_format":1,"recording":true}', *text[1:]]) + "\n")
    call("cassette", "prune", tape, "--module", "judge")
    opened = TapeFile(tape)
    opened.close()
    assert opened.unfinished
    assert len(opened) == 3


def test_merging_keeps_all_rows_and_the_last_word(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in ("a.jsonl", "b.jsonl.gz", "sub/c.jsonl"))
    record(a, [ONE, TWO])
    record(b, [JUDGE, FOUND, ONE])
    done = call("cassette", "merge", a, b, "-o", c)
    assert done.exit_code == 0
    assert done.output == f"{c}: 4 rows of 2 tapes, 1 of them in more than one\n"
    assert plays(c, TWO) == plays(a, TWO)
    assert plays(c, ONE) == plays(b, ONE) != plays(a, ONE)
    assert call("cassette", "check", c).exit_code == 0
    turned = tmp_path / "turned.jsonl"
    call("cassette", "merge", b, a, "-o", turned)
    assert plays(turned, ONE) == plays(a, ONE)


def test_merging_does_not_write_over_a_tape_unasked(tape: Path, tmp_path: Path) -> None:
    other = tmp_path / "o.jsonl"
    record(other, [at(chat("three"), sample=7)])
    before = tape.read_bytes()
    done = call("cassette", "merge", tape, other, "-o", tape)
    assert done.exit_code == 2
    assert "pass --force to replace it" in done.stderr
    assert tape.read_bytes() == before
    assert call("cassette", "merge", tape, other, "-o", tape, "--force").exit_code == 0
    assert call("cassette", "check", tape).output.endswith("5 rows, nothing wrong\n")


def test_one_tape_can_not_be_merged(tape: Path) -> None:
    done = call("cassette", "merge", tape, "-o", tape.with_name("n.jsonl"))
    assert done.exit_code == 2
    assert "two tapes or more" in done.stderr


def test_a_torn_tape_is_left_by_a_dry_run_and_by_merging_and_told_plainly(tape: Path, tmp_path: Path) -> None:
    torn = tape.read_bytes()[:-20]
    tape.write_bytes(torn)
    looked = call("cassette", "prune", tape, "--dry-run")
    other = tmp_path / "other.jsonl"
    other.write_bytes(torn.splitlines(keepends=True)[0])
    merged = call("cassette", "merge", tape, other, "-o", tmp_path / "c.jsonl")
    for done in (looked, merged):
        assert done.exit_code == 0
        assert done.stderr.startswith(f"Warning: {tape}: its recording was cut off; the torn end is left out.")
    assert tape.read_bytes() == torn
    pruned = call("cassette", "prune", tape)
    assert "dropped the torn end" in pruned.stderr and tape.read_bytes() != torn
