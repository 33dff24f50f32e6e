"""Media on cassettes: by digest and size in the row, the bytes in a folder beside it; a replay needs neither."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from tests.support.media import png, text_of, wav

import synalinks
from synalinks.lm import Client, Reply, Request
from synalinks.lm.cassette.media import folder_of


def request(raw: bytes = png()) -> Request:
    url = f"data:image/png;base64,{text_of(raw)}"
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return Request("chat", "ollama/m", messages=[{"role": "user", "content": parts}], options={"temperature": 0})


async def answer(call: object) -> Reply:
    return Reply("a cat", finish="stop")


def play(path: Path, asked: Request, mode: str) -> str:
    with synalinks.use_provider(answer), synalinks.use_cassette(path, record_mode=mode):
        return asyncio.run(Client("ollama/m", cache="off").send(asked)).text


@pytest.mark.parametrize("name", ["tape.jsonl", "tape.jsonl.gz"])
def test_the_row_has_digest_and_size_and_the_folder_the_bytes(tmp_path: Path, name: str) -> None:
    tape = tmp_path / name
    play(tape, request(), "once")
    (file,) = folder_of(tape).iterdir()
    assert folder_of(tape) == tmp_path / "tape.media"
    assert file.read_bytes() == png() and file.suffix == ".png" and file.stat().st_mode & 0o077 == 0
    shutil.rmtree(folder_of(tape))
    assert play(tape, request(), "none") == "a cat"
    with pytest.raises(synalinks.CassetteMiss):
        play(tape, request(png(3)), "none")


def test_rows_are_short_and_hold_no_path(tmp_path: Path) -> None:
    picture = tmp_path / "secret-folder.png"
    picture.write_bytes(png(40, 40) + b"x" * 100_000)
    message = synalinks.ChatMessage(role="user", content=["What?", synalinks.data.Image(path=str(picture))])
    tape = tmp_path / "tape.jsonl"
    with synalinks.use_provider(answer), synalinks.use_cassette(tape, record_mode="once"):
        asyncio.run(synalinks.LanguageModel("ollama/m", caching=False)(synalinks.ChatMessages(messages=[message])))
    text = tape.read_text()
    assert "secret-folder" not in text and len(text) < 2_000
    url = json.loads(text.splitlines()[1])["request"]["messages"][0]["content"][1]["image_url"]["url"]
    assert url.startswith("media:image/png;sha256=") and url.endswith(f";bytes={picture.stat().st_size}")


def test_a_request_is_one_whether_with_its_bytes_or_as_it_is_on_the_cassette() -> None:
    asked = request()
    again = Request.from_dict(asked.to_dict())
    assert again == asked and again.digest == asked.digest and request(wav()) != asked
    assert list(again.media) == [] and len(list(asked.media)) == 1
    assert asked.messages[0]["content"][1]["image_url"]["url"].endswith(text_of(png())), "what is sent has the bytes"


def test_a_folder_that_cant_be_made_is_named(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    folder_of(tape).write_text("in the way")
    with pytest.raises(synalinks.CassetteError, match=r"tape\.media.*can't be written"):
        play(tape, request(), "once")
