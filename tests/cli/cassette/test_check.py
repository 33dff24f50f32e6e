"""`synalinks cassette check`: what is wrong with a cassette is told with its line, and nothing is changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import call
from lm.cassette_helpers import at, chat, embed, record


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
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


def test_a_good_cassette_has_nothing_wrong(cassette: Path) -> None:
    done = call("cassette", "check", cassette)
    assert done.exit_code == 0
    assert done.output == f"{cassette}: 3 rows, nothing wrong\n"


def test_a_torn_end_is_told_and_left(cassette: Path) -> None:
    whole = cassette.read_bytes()
    for torn in (whole[:-20], whole + b'{"digest":"5'):
        cassette.write_bytes(torn)
        done = call("cassette", "check", cassette)
        assert done.exit_code == 1
        assert ": torn; its recording was cut off" in done.output
        assert cassette.read_bytes() == torn
    zipped = cassette.with_name("z.jsonl.gz")
    zipped.write_bytes(gzip.compress(whole, mtime=0)[:-30])
    assert "torn" in call("cassette", "check", zipped).output


def test_lines_that_are_no_rows_are_told(cassette: Path) -> None:
    text = lines(cassette)
    cassette.write_text("\n".join([text[0], text[1], "<<<<<<< HEAD", '{"a": 1}', text[2]]) + "\n")
    done = call("cassette", "check", cassette)
    assert done.output.splitlines() == [
        "line 3: no JSON",
        "line 4: JSON, but no row of a cassette",
        f"{cassette}: 2 rows, 2 problems",
    ]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ('{"a": 1}', "line 1: no header of a cassette"),
        ('{"synalinks_cassette": 99}', "line 1: a cassette of the newer format 99"),
        ('{"synalinks_cassette": 1, "request_format": 1, "recording": true}', "line 1: its first recording was never"),
    ],
)
def test_a_wrong_header_is_told(cassette: Path, first: str, told: str) -> None:
    cassette.write_text("\n".join([first, *lines(cassette)[1:]]) + "\n")
    assert call("cassette", "check", cassette).output.startswith(told)


def test_an_empty_file_is_no_cassette(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").touch()
    assert "the file is empty, not a cassette" in call("cassette", "check", tmp_path / "t.jsonl").output


def test_a_request_edited_by_hand_no_longer_matches_its_digest(cassette: Path) -> None:
    cassette.write_text(cassette.read_text().replace('"one"', '"uno"'))
    done = call("cassette", "check", cassette)
    assert done.exit_code == 1
    assert "so the row is never found" in done.output
    assert done.output.endswith("3 rows, 1 problem\n")


def test_a_row_that_is_there_twice_is_told_with_the_first(cassette: Path) -> None:
    text = lines(cassette)
    cassette.write_text("\n".join([*text, text[2]]) + "\n")
    assert (
        "line 5: the same call as line 3; `synalinks cassette prune` drops it"
        in call("cassette", "check", cassette).output
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
    cassette = tmp_path / "t.jsonl"
    record(cassette, [at(chat(f"use {secret} for it"), sample=0)])
    done = call("cassette", "check", cassette)
    assert done.exit_code == 1
    assert f"line 2: request.messages[0].content has what looks like {kind}: " in done.output
    assert secret not in done.output


def test_common_words_are_no_secrets(tmp_path: Path) -> None:
    cassette = tmp_path / "t.jsonl"
    record(cassette, [at(chat("task-force, risk-averse, sk-short, https://host/a@b, the bearer of news"), sample=0)])
    assert call("cassette", "check", cassette).exit_code == 0


def test_every_shipped_cassette_is_in_order() -> None:
    folder = Path(__file__).parent.parent.parent.parent / "cassettes"
    cassettes = sorted(folder.glob("*/*.jsonl*"))
    assert cassettes
    for cassette in cassettes:
        assert call("cassette", "check", cassette).exit_code == 0, cassette


SCRIPT = """
import asyncio, sys
from synalinks.lm import Client, Request

async def main():
    for text in sys.argv[1:]:
        messages = [{"role": "user", "content": text}]
        await Client("ollama/m").send(Request("chat", "ollama/m", messages=messages, options={"temperature": 0.7}))

asyncio.run(main())
"""


def test_rows_that_a_script_does_not_play_are_told(tmp_path: Path) -> None:
    cassette, script = tmp_path / "t.jsonl", tmp_path / "ask.py"
    record(cassette, [at(chat(text, model="ollama/m")) for text in ("one", "two", "three")])
    script.write_text(SCRIPT)
    before = cassette.read_bytes()
    done = call("cassette", "check", cassette, "--script", script, "--", "one", "three")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{script}: 2 exact, 0 moved, 0 near, 0 missing",
        f"line {lines(cassette).index(next(line for line in lines(cassette) if 'two' in line)) + 1}: "
        f"not played by {script} "
        "(outside any run)",
        f"{cassette}: 3 rows, 1 problem",
    ]
    whole = call("cassette", "check", cassette, "--script", script, "one", "two", "three")
    assert (whole.exit_code, whole.output.splitlines()[-1]) == (0, f"{cassette}: 3 rows, nothing wrong")
    missing = call("cassette", "check", cassette, "--script", script, "four")
    assert missing.exit_code == 1 and "CassetteMiss" in missing.stderr
    assert f"{script} did not come to its end on this cassette; 0 exact, 0 moved, 0 near, 1 missing" in missing.output
    assert cassette.read_bytes() == before
    cassette.write_bytes(before[:-20])
    assert "was not run: mend the cassette first" in call("cassette", "check", cassette, "--script", script).output
    assert cassette.read_bytes() == before[:-20]


def test_arguments_without_a_script_are_refused(cassette: Path) -> None:
    told = call("cassette", "check", cassette, "more")
    assert told.exit_code == 2 and "unexpected extra argument (more)" in told.output
