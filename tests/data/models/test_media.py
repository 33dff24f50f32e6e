"""Pictures and sounds: by address, by file, as data; alone, and among the parts of a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.media import png, text_of, wav

from synalinks.data import Audio, ChatMessage, ChatMessages, Image
from synalinks.errors import DataError

DATA_URL = f"data:image/png;base64,{text_of(png())}"


def test_every_source_of_a_picture_becomes_a_part(tmp_path: Path) -> None:
    file = tmp_path / "picture.dat"  # the bytes say what it is
    file.write_bytes(png())
    for image in (
        Image(path=str(file)),
        Image(path=file),  # type: ignore[arg-type]
        Image(data=text_of(png())),
        Image(data=png()),  # type: ignore[arg-type]
        Image(data=DATA_URL),
        Image(data=text_of(png()), mime_type="image/jpeg"),  # said wrongly
    ):
        assert image.to_part() == {"type": "image_url", "image_url": {"url": DATA_URL}}
    assert Image(url="https://example.com/a.png").to_part()["image_url"] == {"url": "https://example.com/a.png"}
    svg = Image(data=text_of(b"<svg/>"), mime_type="image/svg+xml").to_part()["image_url"]["url"]
    assert svg.startswith("data:image/svg+xml;base64,")


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "picture.png").write_bytes(png())
    assert Image(path="~/picture.png").to_part()["image_url"] == {"url": DATA_URL}


def test_every_source_of_a_sound_becomes_a_part(tmp_path: Path) -> None:
    file = tmp_path / "sound.wav"
    file.write_bytes(wav())
    for audio in (Audio(path=str(file)), Audio(data=wav()), Audio(data=text_of(wav()), format="mp3")):  # type: ignore[arg-type]
        assert audio.to_part() == {"type": "input_audio", "input_audio": {"data": text_of(wav()), "format": "wav"}}
    (tmp_path / "sound.mp3").write_bytes(b"\x00\x01\x02\x03")
    assert Audio(path=str(tmp_path / "sound.mp3")).to_part()["input_audio"]["format"] == "mp3"
    assert Audio(data=text_of(b"abc"), format="m4a").to_part()["input_audio"]["format"] == "m4a"
    address = Audio(url="https://example.com/a.wav", format="wav").to_part()
    assert address == {"type": "audio_url", "audio_url": {"url": "https://example.com/a.wav", "format": "wav"}}


def test_they_stand_among_the_parts_of_a_message() -> None:
    parts = ["What is this?", Image(data=png()), {"type": "text", "text": "Say it."}]  # type: ignore[arg-type]
    message = ChatMessage(role="user", content=parts)  # type: ignore[arg-type]
    assert message.content == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        {"type": "text", "text": "Say it."},
    ]
    assert ChatMessage(role="user", content=Image(url="https://e.org/a.png")).content[0]["type"] == "image_url"  # type: ignore
    assert ChatMessages(messages=[message]).get_json()["messages"][0]["content"][1]["image_url"]["url"] == DATA_URL
    assert ChatMessage(**message.get_json()) == message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"Image\(\) is empty: give Image\(url=...\)"),
        ({"path": "/no/such.png"}, r"there is no such file \(in "),
        ({"path": "/"}, "is no file"),
        ({"data": "###"}, "not base64: '###'"),
        ({"data": ""}, "not base64"),
        ({"data": text_of(b"what is it?")}, "of unknown type, and image is wanted"),
        ({"data": text_of(wav())}, "is audio/wav, and image is wanted"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Image(**given).to_part()
    with pytest.raises(ValidationError, match=words):
        ChatMessage(role="user", content=[Image(**given)])  # type: ignore[list-item]


def test_one_source_is_given() -> None:
    with pytest.raises(ValidationError, match="give one of url, path and data, got url and data"):
        Image(url="https://example.com/a.png", data=text_of(png()))


def test_the_largest_is_the_users_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(png())
    monkeypatch.setenv("SYNALINKS_MEDIA_BYTES", "10")
    for image in (Image(path=str(file)), Image(data=text_of(png()))):
        with pytest.raises(DataError, match=f"has {len(png())} bytes, and 10 is the most"):
            image.to_part()
    monkeypatch.setenv("SYNALINKS_MEDIA_BYTES", "many")
    with pytest.raises(ValueError, match="SYNALINKS_MEDIA_BYTES='many'"):
        Image(path=str(file)).to_part()
