"""Parts of messages, tools and their arguments, in every way they may be written."""

from __future__ import annotations

from typing import Any

import pytest

from synalinks import errors
from synalinks.lm.providers.common.content import (
    Media,
    arguments_of,
    function_of,
    media_of,
    parts_of,
    text_of,
    tool_named,
)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (None, []),
        ("", []),
        ("hi", ["hi"]),
        ({"a": 1}, ['{"a":1}']),
        (["hi", "", {"type": "text", "text": "x"}], ["hi", {"type": "text", "text": "x"}]),
    ],
)
def test_parts(content: Any, parts: list[Any]) -> None:
    assert list(parts_of(content)) == parts


def test_text() -> None:
    assert text_of("hi") == "hi"
    assert text_of({"type": "text", "text": "hi"}) == "hi"
    assert text_of({"type": "image_url"}) is None


@pytest.mark.parametrize(
    ("part", "media"),
    [
        ({"type": "image_url", "image_url": "data:image/png;base64,AA"}, Media("image", "image/png", data="AA")),
        (
            {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
            Media("image", "image/png", url="https://e.org/a.png"),
        ),
        ({"type": "image", "data": "R0lGODlh"}, Media("image", "image/gif", data="R0lGODlh")),
        ({"type": "image", "data": "AA", "mime_type": "image/heic"}, Media("image", "image/heic", data="AA")),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            Media("audio", "audio/wav", data="AA"),
        ),
        ({"type": "file", "file": {"file_data": "JVBERi0="}}, Media("file", "application/pdf", data="JVBERi0=")),
        ({"type": "file", "url": "gs://bucket/thing"}, Media("file", None, url="gs://bucket/thing")),
    ],
)
def test_media(part: dict[str, Any], media: Media) -> None:
    assert media_of(part, "m") == media


@pytest.mark.parametrize("part", [{"type": "image_url"}, {"type": "video"}, {"type": "image", "data": "data:x,raw"}])
def test_media_that_cannot_be_read(part: dict[str, Any]) -> None:
    with pytest.raises(errors.RequestError, match=r"^p/m: "):
        media_of(part, "p/m")


def test_tools() -> None:
    tool = {"name": "f", "description": "d"}
    assert function_of(tool) == function_of({"type": "function", "function": tool}) == tool
    assert tool_named({"type": "function", "function": {"name": "f"}}) == tool_named({"name": "f"}) == "f"
    assert tool_named("auto") is None


def test_arguments() -> None:
    assert arguments_of({"name": "f", "arguments": {"x": 1}}) == {"x": 1}
    assert arguments_of({"function": {"name": "f", "arguments": '{"x": 1}'}}) == {"x": 1}
    assert arguments_of({"name": "f"}) == {}
