"""`synalinks cassette prune` and `merge`: rows go by rule, and what is left plays as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.helpers import call
from lm.cassette_helpers import Provider, ask, at, chat, embed, record
from synalinks.errors import CassetteMiss
from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call

ONE = at(chat("one"), sample=0, module="solver")
TWO = at(chat("two"), sample=1, module="solver")
JUDGE = at(chat("rate"), sample=0, module="judge")
FOUND = at(embed("x"), module="finder")


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    record(path, [ONE, TWO, JUDGE, FOUND])
    return path


def plays(path: Path, asked: Call) -> str:
    with Cassette(path, "none") as cassette:
        return ask(cassette, asked).text


def test_duplicates_go_and_the_first_stays(cassette: Path, tmp_path: Path) -> None:
    other = tmp_path / "o.jsonl"
    record(other, [TWO, ONE], Provider())
    first = plays(cassette, ONE)
    doubled = cassette.read_bytes() + b"".join(other.read_bytes().splitlines(keepends=True)[1:])
    cassette.write_bytes(doubled)
    looked = call("cassette", "prune", cassette, "--dry-run")
    assert "would drop 2 rows that were there twice; 4 rows left" in looked.output
    assert cassette.read_bytes() == doubled
    done = call("cassette", "prune", cassette)
    assert done.exit_code == 0
    assert "dropped 2 rows that were there twice" in done.output
    assert plays(cassette, ONE) == first
    assert call("cassette", "check", cassette).output.endswith("4 rows, nothing wrong\n")


def test_rows_of_modules_go(cassette: Path) -> None:
    before = plays(cassette, TWO)
    done = call("cassette", "prune", cassette, "--module", "judge", "--module", "finder")
    assert done.output == f"{cassette}: dropped 2 rows of judge, finder; 2 rows left\n"
    assert plays(cassette, TWO) == before
    with pytest.raises(CassetteMiss):
        plays(cassette, JUDGE)


def test_a_module_that_is_not_there_is_named_with_those_that_are(cassette: Path) -> None:
    before = cassette.read_bytes()
    done = call("cassette", "prune", cassette, "--module", "jugde")
    assert done.exit_code == 2
    assert "no row of the module 'jugde'; its modules: finder, judge, solver" in " ".join(done.stderr.split())
    assert cassette.read_bytes() == before


def test_nothing_to_drop_changes_nothing(cassette: Path) -> None:
    before = cassette.read_bytes()
    assert "nothing to drop" in call("cassette", "prune", cassette).output
    assert cassette.read_bytes() == before
    assert [path.name for path in cassette.parent.iterdir()] == [cassette.name]


def test_a_cassette_being_recorded_is_not_pruned(cassette: Path) -> None:
    with Cassette(cassette, "new_episodes"):
        done = call("cassette", "prune", cassette, "--module", "judge")
    assert done.exit_code == 1
    assert "is being recorded" in done.stderr


def test_an_unfinished_recording_stays_one(cassette: Path) -> None:
    text = cassette.read_text().splitlines()
    cassette.write_text("\n".join(['{"synalinks_cassette":1,"request_format":1,"recording":true}', *text[1:]]) + "\n")
    call("cassette", "prune", cassette, "--module", "judge")
    opened = CassetteFile(cassette)
    opened.close()
    assert opened.unfinished
    assert len(opened) == 3


def test_merging_keeps_all_rows_and_the_last_word(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in ("a.jsonl", "b.jsonl.gz", "sub/c.jsonl"))
    record(a, [ONE, TWO])
    record(b, [JUDGE, FOUND, ONE])
    done = call("cassette", "merge", a, b, "-o", c)
    assert done.exit_code == 0
    assert done.output == f"{c}: 4 rows of 2 cassettes, 1 of them in more than one\n"
    assert plays(c, TWO) == plays(a, TWO)
    assert plays(c, ONE) == plays(b, ONE) != plays(a, ONE)
    assert call("cassette", "check", c).exit_code == 0
    turned = tmp_path / "turned.jsonl"
    call("cassette", "merge", b, a, "-o", turned)
    assert plays(turned, ONE) == plays(a, ONE)


def test_merging_does_not_write_over_a_cassette_unasked(cassette: Path, tmp_path: Path) -> None:
    other = tmp_path / "o.jsonl"
    record(other, [at(chat("three"), sample=7)])
    before = cassette.read_bytes()
    done = call("cassette", "merge", cassette, other, "-o", cassette)
    assert done.exit_code == 2
    assert "pass --force to replace it" in done.stderr
    assert cassette.read_bytes() == before
    assert call("cassette", "merge", cassette, other, "-o", cassette, "--force").exit_code == 0
    assert call("cassette", "check", cassette).output.endswith("5 rows, nothing wrong\n")


def test_one_cassette_can_not_be_merged(cassette: Path) -> None:
    done = call("cassette", "merge", cassette, "-o", cassette.with_name("n.jsonl"))
    assert done.exit_code == 2
    assert "two cassettes or more" in done.stderr


def test_a_torn_cassette_is_left_by_a_dry_run_and_by_merging_and_told_plainly(cassette: Path, tmp_path: Path) -> None:
    torn = cassette.read_bytes()[:-20]
    cassette.write_bytes(torn)
    looked = call("cassette", "prune", cassette, "--dry-run")
    other = tmp_path / "other.jsonl"
    other.write_bytes(torn.splitlines(keepends=True)[0])
    merged = call("cassette", "merge", cassette, other, "-o", tmp_path / "c.jsonl")
    for done in (looked, merged):
        assert done.exit_code == 0
        assert done.stderr.startswith(f"Warning: {cassette}: its recording was cut off; the torn end is left out.")
    assert cassette.read_bytes() == torn
    pruned = call("cassette", "prune", cassette)
    assert "dropped the torn end" in pruned.stderr and cassette.read_bytes() != torn
