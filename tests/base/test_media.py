"""Names of media in place of their bytes, in any form that a message has them in."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.media import png, text_of, wav

from synalinks._base.media import Medium, media_in, type_of, without_bytes

PNG, WAV = text_of(png()), text_of(wav())
FORMS = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
    {"type": "image", "data": PNG, "media_type": "image/png"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
    {"inlineData": {"mimeType": "image/png", "data": PNG}},
    [f"data:image/png;base64,{PNG}"],
]


@pytest.mark.parametrize("form", FORMS)
def test_bytes_have_a_name(form: Any) -> None:
    (found,) = media_in(form)
    assert found == Medium(png(), "image/png")
    assert PNG not in str(without_bytes(form)) and found.name in str(without_bytes(form))
    assert without_bytes(without_bytes(form)) == without_bytes(form)
    assert found.name == f"media:image/png;sha256={found.digest};bytes={len(png())}"


def test_sounds() -> None:
    part = {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}
    assert next(media_in(part)).mime == "audio/wav" and WAV not in str(without_bytes(part))


@pytest.mark.parametrize(
    "value",
    [
        {"type": "text", "text": PNG},
        {"data": PNG},
        {"type": "image", "data": "x.png"},
        {"type": "image", "data": "not base64! " * 20},
        {"url": "data:text/plain,hello"},
        {"url": "https://example.com/a.png"},
        ["a", 1, None, {"b": [2.5, True]}],
    ],
)
def test_all_else_stays_as_it_is(value: Any) -> None:
    assert without_bytes(value) is value and list(media_in(value)) == []


def test_types_by_first_bytes() -> None:
    assert type_of(png()) == "image/png" and type_of(wav()) == "audio/wav" and type_of(b"plain") is None
    assert type_of(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
