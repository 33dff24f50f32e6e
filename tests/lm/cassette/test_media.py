"""Media on cassettes: by digest and size in the row, the bytes in a folder beside it; a replay needs neither."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.media import png, text_of, wav

import synalinks
from cli.helpers import call
from synalinks.lm import Client, Reply, Request, Spec, register_provider
from synalinks.lm.cassette.media import folder_of
from synalinks.lm.providers import registry


def request(raw: bytes = png()) -> Request:
    url = f"data:image/png;base64,{text_of(raw)}"
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return Request("chat", "ollama/m", messages=[{"role": "user", "content": parts}], options={"temperature": 0})


async def answer(call: object) -> Reply:
    return Reply("a cat", finish="stop")


def play(path: Path, asked: Request, mode: str) -> str:
    with synalinks.use_provider(answer), synalinks.use_cassette(path, record_mode=mode):
        return asyncio.run(Client("ollama/m", cache="off").send(asked)).text


@pytest.mark.parametrize("name", ["cassette.jsonl", "cassette.jsonl.gz"])
def test_the_row_has_digest_and_size_and_the_folder_the_bytes(tmp_path: Path, name: str) -> None:
    cassette = tmp_path / name
    play(cassette, request(), "once")
    (file,) = folder_of(cassette).iterdir()
    assert folder_of(cassette) == tmp_path / "cassette.media"
    assert file.read_bytes() == png() and file.suffix == ".png" and file.stat().st_mode & 0o077 == 0
    shutil.rmtree(folder_of(cassette))
    assert play(cassette, request(), "none") == "a cat"
    with pytest.raises(synalinks.CassetteMiss):
        play(cassette, request(png(3)), "none")


def test_rows_are_short_and_hold_no_path(tmp_path: Path) -> None:
    picture = tmp_path / "secret-folder.png"
    picture.write_bytes(png(40, 40) + b"x" * 100_000)
    message = synalinks.ChatMessage(role="user", content=["What?", synalinks.data.Image(path=str(picture))])
    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_provider(answer), synalinks.use_cassette(cassette, record_mode="once"):
        asyncio.run(synalinks.LanguageModel("ollama/m", caching=False)(synalinks.ChatMessages(messages=[message])))
    text = cassette.read_text()
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
    cassette = tmp_path / "cassette.jsonl"
    folder_of(cassette).write_text("in the way")
    with pytest.raises(synalinks.CassetteError, match=r"cassette\.media.*can't be written"):
        play(cassette, request(), "once")


def test_a_merged_cassette_has_the_media_of_all(tmp_path: Path) -> None:
    a, b, c = (tmp_path / f"{name}.jsonl" for name in "abc")
    play(a, request(png(1)), "once")
    play(b, request(png(2)), "once")
    done = call("cassette", "merge", a, b, "-o", c)
    assert done.exit_code == 0, done.output
    assert sorted(file.read_bytes() for file in folder_of(c).iterdir()) == sorted([png(1), png(2)])
    assert play(c, request(png(2)), "none") == "a cat"


def test_a_conversation_shows_type_size_and_digest(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"
    play(cassette, request(), "once")
    shown = call("cassette", "show", cassette).output
    (medium,) = request().media
    assert f"[image/png, {len(png())} bytes, {medium.digest[:12]}]" in shown


@pytest.fixture
def providers() -> Iterator[None]:
    before = dict(registry._registry.by_prefix)
    yield
    registry._registry.by_prefix.clear()
    registry._registry.by_prefix.update(before)


def test_a_cassette_made_of_the_cache_has_its_media(tmp_path: Path, providers: None) -> None:
    register_provider(Spec("pictures", lambda endpoint, **settings: answer, "http://127.0.0.1:9", local=True))
    cassette, cache, script = tmp_path / "cassette.jsonl", tmp_path / "cache", tmp_path / "script.py"
    asked = Request("chat", "pictures/m", messages=request().messages, options={"temperature": 0})
    asyncio.run(Client("pictures/m", cache_dir=cache).send(asked))
    script.write_text(
        "import asyncio\nfrom synalinks.lm import Client, Request\n"
        f"asked = Request('chat', 'pictures/m', messages={asked.messages!r}, options={{'temperature': 0}})\n"
        "print(asyncio.run(Client('pictures/m').send(asked)).text)\n"
    )
    done = call("cassette", "from-cache", "--cache-dir", cache, script, cassette)
    assert done.exit_code == 0, done.output
    assert [file.read_bytes() for file in folder_of(cassette).iterdir()] == [png()]
    assert [path.name for path in tmp_path.iterdir() if "from-cache" in path.name] == []
