"""`synalinks cassette check`: what is wrong with a tape is told with its line, and nothing is changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import call
from lm.cassette_helpers import at, chat, embed, record


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    record(path, [at(chat("one"), sample=0), at(chat("two"), sample=1), at(embed("x", "y"), module="m")])
    return path


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def changed(path: Path, line: int, **changes: Any) -> None:
    """Change a row's request, or what else is named."""
    text = lines(path)
    row = json.loads(text[line - 1])
    row.update(changes)
    text[line - 1] = json.dumps(row)
    path.write_text("\n".join(text) + "\n")


def test_a_good_tape_has_nothing_wrong(tape: Path) -> None:
    done = call("cassette", "check", tape)
    assert done.exit_code == 0
    assert done.output == f"{tape}: 3 rows, nothing wrong\n"


def test_a_torn_end_is_told_and_left(tape: Path) -> None:
    whole = tape.read_bytes()
    for torn in (whole[:-20], whole + b'{"digest":"5'):
        tape.write_bytes(torn)
        done = call("cassette", "check", tape)
        assert done.exit_code == 1
        assert ": torn; its recording was cut off" in done.output
        assert tape.read_bytes() == torn
    zipped = tape.with_name("z.jsonl.gz")
    zipped.write_bytes(gzip.compress(whole, mtime=0)[:-30])
    assert "torn" in call("cassette", "check", zipped).output


def test_lines_that_are_no_rows_are_told(tape: Path) -> None:
    text = lines(tape)
    tape.write_text("\n".join([text[0], text[1], "<<<<<<< HEAD", '{"a": 1}', text[2]]) + "\n")
    done = call("cassette", "check", tape)
    assert done.output.splitlines() == [
        "line 3: no JSON",
        "line 4: JSON, but no row of a tape",
        f"{tape}: 2 rows, 2 problems",
    ]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ('{"a": 1}', "line 1: no header of a tape"),
        ('{"synalinks_cassette": 99}', "line 1: a tape of the newer format 99"),
        ('{"synalinks_cassette": 1, "request_format": 1, "recording": true}', "line 1: its first recording was never"),
    ],
)
def test_a_wrong_header_is_told(tape: Path, first: str, told: str) -> None:
    tape.write_text("\n".join([first, *lines(tape)[1:]]) + "\n")
    assert call("cassette", "check", tape).output.startswith(told)


def test_an_empty_file_is_no_tape(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").touch()
    assert "the file is empty, not a tape" in call("cassette", "check", tmp_path / "t.jsonl").output


def test_a_request_edited_by_hand_no_longer_matches_its_digest(tape: Path) -> None:
    tape.write_text(tape.read_text().replace('"one"', '"uno"'))
    done = call("cassette", "check", tape)
    assert done.exit_code == 1
    assert "so the row is never found" in done.output
    assert done.output.endswith("3 rows, 1 problem\n")


def test_a_row_that_is_there_twice_is_told_with_the_first(tape: Path) -> None:
    text = lines(tape)
    tape.write_text("\n".join([*text, text[2]]) + "\n")
    assert (
        "line 5: the same call as line 3; `synalinks cassette prune` drops it" in call("cassette", "check", tape).output
    )


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("sk-proj-" + "a1B2" * 8, "a key of OpenAI, Anthropic or OpenRouter"),
        ("gsk_" + "a1B2" * 8, "a key of Groq"),
        ("AIza" + "a1B2c" * 7, "a key of Google"),
        ("hf_" + "a1B2" * 9, "a token of Hugging Face"),
        ("ghp_" + "a1B2" * 9, "a token of GitHub"),
        ("AKIA" + "A1B2" * 4, "a key of AWS"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("Authorization: Bearer " + "a1B2" * 8, "a bearer token"),
        ("postgres://me:hunter2@host/db", "a password in a URL"),
    ],
)
def test_what_looks_like_a_secret_is_told_without_telling_it(tmp_path: Path, secret: str, kind: str) -> None:
    tape = tmp_path / "t.jsonl"
    record(tape, [at(chat(f"use {secret} for it"), sample=0)])
    done = call("cassette", "check", tape)
    assert done.exit_code == 1
    assert f"line 2: request.messages[0].content has what looks like {kind}: " in done.output
    assert secret not in done.output


def test_common_words_are_no_secrets(tmp_path: Path) -> None:
    tape = tmp_path / "t.jsonl"
    record(tape, [at(chat("task-force, risk-averse, sk-short, https://host/a@b, the bearer of news"), sample=0)])
    assert call("cassette", "check", tape).exit_code == 0


def test_every_shipped_tape_is_in_order() -> None:
    folder = Path(__file__).parent.parent.parent.parent / "cassettes"
    tapes = sorted(folder.glob("*/*.jsonl*"))
    assert tapes
    for tape in tapes:
        assert call("cassette", "check", tape).exit_code == 0, tape


SCRIPT = """
import asyncio, sys
from synalinks.lm import Channel, Request

async def main():
    for text in sys.argv[1:]:
        messages = [{"role": "user", "content": text}]
        await Channel("ollama/m").send(Request("chat", "ollama/m", messages=messages, options={"temperature": 0.7}))

asyncio.run(main())
"""


def test_rows_that_a_script_does_not_play_are_told(tmp_path: Path) -> None:
    tape, script = tmp_path / "t.jsonl", tmp_path / "ask.py"
    record(tape, [at(chat(text, model="ollama/m")) for text in ("one", "two", "three")])
    script.write_text(SCRIPT)
    before = tape.read_bytes()
    done = call("cassette", "check", tape, "--script", script, "--", "one", "three")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{script}: 2 exact, 0 moved, 0 near, 0 missing",
        f"line {lines(tape).index(next(line for line in lines(tape) if 'two' in line)) + 1}: not played by {script} "
        "(outside any run)",
        f"{tape}: 3 rows, 1 problem",
    ]
    whole = call("cassette", "check", tape, "--script", script, "one", "two", "three")
    assert (whole.exit_code, whole.output.splitlines()[-1]) == (0, f"{tape}: 3 rows, nothing wrong")
    missing = call("cassette", "check", tape, "--script", script, "four")
    assert missing.exit_code == 1 and "CassetteMiss" in missing.stderr
    assert f"{script} did not come to its end on this tape; 0 exact, 0 moved, 0 near, 1 missing" in missing.output
    assert tape.read_bytes() == before
    tape.write_bytes(before[:-20])
    assert "was not run: mend the tape first" in call("cassette", "check", tape, "--script", script).output
    assert tape.read_bytes() == before[:-20]


def test_arguments_without_a_script_are_refused(tape: Path) -> None:
    told = call("cassette", "check", tape, "more")
    assert told.exit_code == 2 and "unexpected extra argument (more)" in told.output
