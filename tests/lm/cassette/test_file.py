"""The cassette's file: its format, what is wrong with other files, torn ends, locks, kill -9, compression."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from lm.cassette_helpers import Provider, ask, at, chat, embed, play, record
from synalinks.errors import CassetteError, CassetteFormatError, CassetteInUse, CassetteMiss, ServerError
from synalinks.lm.cassette import file as cassette_file
from synalinks.lm.cassette.disk import CassetteWarning
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core import call as types
from synalinks.lm.core import request
from synalinks.lm.core.call import Reply

CALLS = [at(chat(f"question {number}"), sample=number) for number in range(4)]


@pytest.fixture(params=["cassette.jsonl", "cassette.jsonl.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


def read(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines(keepends=True)


def sources(path: Path, mode: str = "none") -> list[str]:
    """Where the answers to CALLS come from now."""
    with Cassette(path, mode) as cassette:
        return [getattr(outcome, "source", "miss") for outcome in play(cassette, CALLS)]


def test_the_file_is_a_header_and_a_row_per_call(path: Path) -> None:
    record(path, CALLS)
    head, *rows = map(json.loads, read(path))
    assert head == {"synalinks_cassette": 2, "request_format": types.REQUEST_FORMAT}
    assert len(rows) == 4
    assert list(rows[0]) == ["digest", "scope", "draw", "request", "reply"]
    assert rows[0]["digest"] == CALLS[0].request.digest
    assert rows[0]["request"] == CALLS[0].request.to_dict()
    assert (rows[0]["scope"], rows[0]["draw"]) == ({"sample": 0}, 0)
    assert rows[0]["reply"]["cost"] == "0.0123"


def test_the_same_recording_is_the_same_file_compressed_or_not(path: Path) -> None:
    record(path, CALLS)
    first = path.read_bytes()
    path.unlink()
    record(path, CALLS)
    assert path.read_bytes() == first


def test_a_file_ending_in_gz_is_compressed_and_replays(path: Path) -> None:
    record(path, CALLS)
    record(path, [at(chat("one more"))], mode="new_episodes")
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == (path.suffix == ".gz")
    assert sources(path) == ["cassette"] * 4


@pytest.mark.parametrize("ending", [b'{"digest":"ab', b'{"digest":"a","scope":{},"draw":0,"request":{"\xc3', b"\0\0\0"])
@pytest.mark.parametrize("mode", ["none", "once", "new_episodes", "all"])
def test_a_torn_last_line_is_dropped_with_a_warning(plain: Path, ending: bytes, mode: str) -> None:
    record(plain, CALLS[:2])
    whole = plain.read_bytes()
    plain.write_bytes(whole + ending)
    with pytest.warns(CassetteWarning, match="dropped the torn end. 2 rows are whole"):
        cassette = Cassette(plain, mode)
    assert plain.read_bytes() == whole
    cassette.close()
    if mode != "all":
        assert sources(plain) == ["cassette", "cassette", "miss", "miss"]


@pytest.mark.parametrize("lost", [1, 5, 12, 40])
def test_a_torn_compressed_cassette_keeps_its_whole_rows(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "cassette.jsonl.gz"
    cassette = Cassette(path, "once")
    play(cassette, CALLS)
    data = path.read_bytes()
    cassette.close()
    path.write_bytes(data[:-lost])  # up to 8 bytes are only the check sum: the row itself is whole
    with pytest.warns(CassetteWarning, match="cut off"):
        cassette = Cassette(path, "new_episodes")
    with cassette:
        assert len(cassette.rows()) == (4 if lost <= 8 else 3)
        assert "live" in {ask(cassette, at(chat("new"))).source}
    assert len(read(path)) == len(set(read(path))) == (6 if lost <= 8 else 5)


def test_a_last_line_without_line_end_is_a_row(path: Path) -> None:
    record(path, CALLS[:2])
    lines = b"".join(read(path)).rstrip(b"\n")
    path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
    assert sources(path)[:3] == ["cassette", "cassette", "miss"]
    cassette = Cassette(path, "new_episodes")
    play(cassette, CALLS)
    assert len(read(path)) == 5
    cassette.close()
    assert sources(path) == ["cassette"] * 4


def test_a_torn_end_is_left_in_the_file_while_somebody_records(plain: Path) -> None:
    with Cassette(plain, "once") as cassette:
        play(cassette, CALLS[:2])
        whole = plain.read_bytes()
        plain.write_bytes(whole + b'{"dig')  # the writer is in the middle of a row
        with pytest.warns(CassetteWarning, match="in memory only"):
            assert sources(plain)[:3] == ["cassette", "cassette", "miss"]
        assert plain.read_bytes() == whole + b'{"dig'
        plain.write_bytes(whole)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (b"<<<<<<< HEAD\n", "line 3: not JSON"),
        (b"\n", "line 3: blank"),
        (b'{"digest":"\xff"}\n', "line 3: not UTF-8"),
        (b'{"digest":1}\n', "line 3: JSON, but no row"),
        (b"[]\n", "line 3: JSON, but no row"),
    ],
)
def test_a_broken_line_in_the_middle_is_named(plain: Path, broken: bytes, what: str) -> None:
    record(plain, CALLS)
    lines = plain.read_bytes().splitlines(keepends=True)
    lines[2] = broken
    plain.write_bytes(b"".join(lines))
    for mode in ("none", "new_episodes"):
        with pytest.raises(CassetteFormatError, match=what) as error:
            Cassette(plain, mode)
        assert "Restore the line" in str(error.value)
    Cassette(plain.with_name("other.jsonl"), "once").close()  # no lock is left behind


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty, not a cassette"),
        (b"interactions:\n- request:\n", "is not a cassette: its first line is not a header"),
        (b'{"version": 1}\n', "is not a cassette: its first line is not a header"),
        (b"[1]\n", "is not a cassette"),
        (b'{"synalinks_cassette":"1"}\n', "is not a cassette"),
        (b"\xff\xfe{\x00", "not UTF-8"),
        (gzip.compress(b"{}\n", mtime=0), "ends in .jsonl.gz"),
    ],
)
@pytest.mark.parametrize("mode", ["none", "once", "new_episodes", "all"])
def test_what_is_no_cassette_is_refused_and_left_alone(plain: Path, content: bytes, what: str, mode: str) -> None:
    plain.write_bytes(content)
    with pytest.raises(CassetteFormatError, match=what):
        Cassette(plain, mode)
    assert plain.read_bytes() == content


def test_an_uncompressed_file_named_gz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl.gz"
    path.write_bytes(cassette_file.header())
    with pytest.raises(CassetteFormatError, match="not a cassette"):
        Cassette(path)


@pytest.mark.parametrize("mode", ["none", "once", "new_episodes", "all"])
def test_a_directory_is_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(CassetteFormatError, match="is a directory"):
        Cassette(tmp_path, mode)


@pytest.mark.parametrize("head", [{"synalinks_cassette": 3}, {"synalinks_cassette": 2, "request_format": 99}])
def test_a_newer_format_is_refused_naming_both_versions(plain: Path, head: dict[str, Any]) -> None:
    plain.write_text(json.dumps(head) + "\n")
    with pytest.raises(CassetteFormatError) as error:
        Cassette(plain)
    version, requests = head["synalinks_cassette"], head.get("request_format", types.REQUEST_FORMAT)
    assert f"of format {version} (requests {requests})" in str(error.value)
    assert "reads up to format 2 (requests 2)" in str(error.value)


def test_digests_of_an_older_request_format_are_computed_anew(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(plain, CALLS[:2])
    monkeypatch.setattr(request, "DIGEST_FORMAT", 9)
    monkeypatch.setattr(cassette_file, "REQUEST_FORMAT", 9)
    calls = [at(chat(f"question {number}"), sample=number) for number in range(3)]
    assert calls[0].request.digest != CALLS[0].request.digest
    assert [reply.source for reply in record(plain, calls, mode="new_episodes")] == [
        "cassette",
        "cassette",
        "live",
    ]
    head, *rows = map(json.loads, plain.read_text().splitlines())
    assert head["request_format"] == 9
    assert [row["digest"] for row in rows] == [call.request.digest for call in calls]


@pytest.mark.parametrize("recorded", [0, 0.0, -0.0])
@pytest.mark.parametrize("asked", [0, 0.0])
def test_0_and_0_0_are_one_number(plain: Path, recorded: float, asked: float) -> None:
    record(plain, [at(chat("hello", temperature=recorded))])
    with Cassette(plain) as cassette:
        (reply,) = play(cassette, [at(chat("hello", temperature=asked))])
    assert isinstance(reply, Reply) and reply.source == "cassette"


def test_a_cassette_that_has_a_number_in_its_older_spelling_is_played(plain: Path) -> None:
    record(plain, [at(chat("hello", temperature=0))])
    head, row = plain.read_text().splitlines()
    older = json.loads(row)
    older["request"]["options"]["temperature"] = 0.0
    older["digest"] = "of the older spelling"
    plain.write_text("\n".join([head.replace('"request_format":2', '"request_format":1'), json.dumps(older), ""]))
    with Cassette(plain) as cassette:
        (reply,) = play(cassette, [at(chat("hello", temperature=0.0))])
    assert isinstance(reply, Reply) and reply.source == "cassette"


def test_a_request_edited_by_hand_is_noticed_when_played_and_by_verify(plain: Path) -> None:
    record(plain, CALLS)
    edited = plain.read_text().replace("question 1", "query 1")
    plain.write_text(edited)
    with Cassette(plain) as cassette:
        assert [row.line for row in cassette.verify()] == [3]
        outcomes = play(cassette, [*CALLS[:2], at(chat("query 1"))])
        assert getattr(outcomes[0], "source", None) == "cassette"
        assert isinstance(outcomes[1], CassetteFormatError) and "line 3" in str(outcomes[1])
        assert isinstance(outcomes[2], CassetteMiss)
        assert "line 3" in str(outcomes[2]) and "edited by hand" in str(outcomes[2])


def test_an_answer_may_be_edited_by_hand(plain: Path) -> None:
    record(plain, CALLS[:1])
    plain.write_text(plain.read_text().replace("question 1 #", "question 1 !"))
    with Cassette(plain) as cassette:
        assert cassette.verify() == []
        assert ask(cassette, CALLS[0]).source == "cassette"


def test_text_that_orjson_refuses_survives(plain: Path) -> None:
    odd = at(chat("lone \ud800 surrogate, line\u2028separator\r\n, \x00 and 漢字"))
    answers = record(plain, [odd])
    with Cassette(plain) as cassette:
        assert ask(cassette, odd).text == answers[0].text


@pytest.mark.parametrize("second", ["new_episodes", "all"])
@pytest.mark.parametrize("first", ["new_episodes", "all", "once"])
def test_a_second_writer_is_refused(path: Path, first: str, second: str) -> None:
    if first != "once":
        record(path, CALLS[:1])
    with Cassette(path, first) as cassette:
        with pytest.raises(CassetteInUse, match="being recorded by another process"):
            Cassette(path, second)
        play(cassette, CALLS)
    Cassette(path, second).close()
    assert sources(path) == ["cassette"] * 4


def test_a_reader_may_play_what_a_writer_has_recorded_so_far(path: Path) -> None:
    with Cassette(path, "once") as writer:
        play(writer, CALLS[:2])
        assert sources(path)[1:3] == ["cassette", "miss"]


def test_a_writer_in_another_process_is_refused(plain: Path) -> None:
    code = f"from synalinks.lm.cassette.session import Cassette; Cassette({str(plain)!r}, 'new_episodes')"
    with Cassette(plain, "once"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment())
    assert done.returncode == 1 and "CassetteInUse" in done.stderr


def _environment() -> dict[str, str]:
    here = Path(__file__).parents[1]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parents[1] / "src")])}


KILLED = """
    import asyncio, sys
    from cassette_helpers import Provider, at, chat
    from synalinks.lm.cassette.layer import CassetteLayer
    from synalinks.lm.cassette.session import Cassette

    async def main():
        with Cassette(sys.argv[1], sys.argv[2]) as cassette:
            handler = CassetteLayer(lambda call: cassette)(Provider())
            async def one(number):
                for draw in range(10**6):
                    reply = await handler(at(chat(f"question {number}"), draw, sample=number))
                    print(number, draw, reply.text, sep="|", flush=True)
            async with asyncio.TaskGroup() as group:
                for number in range(4):
                    group.create_task(one(number))

    asyncio.run(main())
"""


def kill_while_recording(path: Path, mode: str) -> list[tuple[int, int, str]]:
    """What a recording process had its answers used for, when it was killed with SIGKILL."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(path), mode],
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(100)]
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    if not lines[-1].endswith("\n"):
        lines.pop()
    return [(int(number), int(draw), text.strip()) for number, draw, text in (line.split("|") for line in lines)]


@pytest.mark.filterwarnings("ignore::synalinks.lm.cassette.disk.CassetteWarning")
@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_kill_9_loses_no_answered_call(path: Path, mode: str) -> None:
    old = at(chat("of the old cassette"), module="m")
    if mode == "all":
        record(path, [old])
    answered = kill_while_recording(path, mode)
    assert len(answered) >= 100
    with Cassette(path) as cassette:
        replies = play(cassette, [at(chat(f"question {n}"), draw, sample=n) for n, draw, _ in answered])
        assert [getattr(reply, "text", reply) for reply in replies] == [text for _, _, text in answered]
        if mode == "all":
            assert ask(cassette, old).source == "cassette"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_first_recording_that_was_cut_off_is_taken_up_again_by_once(plain: Path) -> None:
    writer = Cassette(plain, "once")
    play(writer, CALLS[:2])
    writer._file.close()  # as the system does for a process that was killed
    assert sources(plain) == ["cassette", "cassette", "miss", "miss"]
    with pytest.warns(CassetteWarning, match="cut off after 2 calls and is taken up again"):
        assert sources(plain, "once") == ["cassette", "cassette", "live", "live"]
    assert sources(plain, "once") == ["cassette"] * 4


def test_a_re_recording_that_was_cut_off_wins_place_by_place(plain: Path) -> None:
    def old(call: Any) -> Any:
        return _answer("old")

    def new(call: Any) -> Any:
        return _answer("new")

    record(plain, CALLS[:3], old)
    writer = Cassette(plain, "all")
    play(writer, CALLS[1:2], new)
    writer._file.close()
    assert writer._guard is not None
    writer._guard.release()
    with pytest.warns(CassetteWarning, match="re-recording was cut off after 1 calls"):
        cassette = Cassette(plain)
    with cassette:
        replies = play(cassette, CALLS[:3])
        assert [getattr(reply, "text", None) for reply in replies] == ["old", "new", "old"]
        assert len(cassette.rows()) == 3
    assert not plain.with_name("cassette.jsonl.recording").exists()


async def _answer(text: str) -> Reply:
    return Reply(text=text)


@pytest.mark.parametrize("start", [b"", b'{"synalinks_cas'])
def test_a_re_recording_cut_off_before_its_first_row_is_forgotten(plain: Path, start: bytes) -> None:
    record(plain, CALLS)
    journal = plain.with_name("cassette.jsonl.recording")
    journal.write_bytes(start)
    assert sources(plain) == ["cassette"] * 4
    assert not journal.exists()


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CassetteError, match="can't be written"):
        Cassette(tmp_path / "file" / "cassette.jsonl", "once")


def test_a_full_disk_is_reported_and_leaves_whole_rows(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cassette = Cassette(plain, "once")
    play(cassette, CALLS[:1])
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if real(handle, data[:10]) and len(data) > 20:
            raise OSError(28, "No space left on device")
        return 10

    monkeypatch.setattr(os, "write", full)
    (outcome,) = play(cassette, CALLS[1:2])
    monkeypatch.undo()
    assert isinstance(outcome, CassetteError) and "No space left" in str(outcome)
    play(cassette, CALLS[2:])
    cassette.close()
    assert sources(plain) == ["cassette", "miss", "cassette", "cassette"]


def test_closing_keeps_the_unsorted_cassette_if_the_sorted_one_cannot_be_written(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cassette = Cassette(plain, "once")
    play(cassette, CALLS[::-1])

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(CassetteError, match="What was recorded is kept"):
        cassette.close()
    monkeypatch.undo()
    assert sources(plain) == ["cassette"] * 4
    assert [file.name for file in plain.parent.iterdir()] == ["cassette.jsonl"]


def test_a_cassette_keeps_its_permissions(plain: Path) -> None:
    record(plain, CALLS[:1])
    plain.chmod(0o640)
    record(plain, CALLS, mode="all")
    assert plain.stat().st_mode & 0o777 == 0o640


def test_nothing_but_request_reply_and_place_is_on_a_cassette(path: Path) -> None:
    record(path, [*CALLS, at(embed("a", "b"))])
    record(path, [at(chat("x"))], Provider(lambda call: ServerError("no")), "new_episodes")
    for line in read(path)[1:]:
        row = json.loads(line)
        assert row.keys() - {"reply", "error"} == {"digest", "scope", "draw", "request"}
        assert row["request"].keys() <= {"kind", "model", "messages", "texts", "schema", "tools", "options"}
