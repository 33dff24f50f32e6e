"""The most tokens an image, a sound or a file can take, by provider and size."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from synalinks.lm.budget.media_tokens import (
    ANTHROPIC_IMAGE,
    ANY_CONTEXT,
    ANY_IMAGE,
    ANY_SOUND,
    GEMINI_3_IMAGE,
    image_bound,
    media_bound,
    size_of,
)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3)


def jpeg(width: int, height: int, notes: int = 20, marker: int = 0xC2) -> bytes:
    head = b"\xff\xd8\xff\xe1" + struct.pack(">H", notes + 2) + bytes(notes) + b"\xff\xff\xc4\x00\x04\x00\x00"
    return head + b"\xff" + bytes([marker]) + struct.pack(">HBHH", 17, 8, height, width) + bytes(20)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBP" + kind + bytes(4) + body + bytes(20)


def webps(width: int, height: int) -> list[bytes]:
    lossless = ((height - 1) << 14) | (width - 1)
    return [
        webp(b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")),
        webp(b"VP8L", b"\x2f" + lossless.to_bytes(4, "little")),
        webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height)),
    ]


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (3000, 1999)])
def test_the_size_is_read_from_the_head_of_the_file(size: tuple[int, int]) -> None:
    for raw in (
        png(*size),
        gif(*size),
        jpeg(*size),
        jpeg(*size, notes=60_000),
        jpeg(*size, marker=0xC0),
        *webps(*size),
    ):
        assert size_of(base64.b64encode(raw).decode()) == size


@pytest.mark.parametrize(
    "raw",
    [b"", b"no image at all, but long enough to be one", png(0, 5), jpeg(5, 5)[:30], b"\xff\xd8\x00\x00" + bytes(20)],
)
def test_a_head_that_does_not_tell_is_of_unknown_size(raw: bytes) -> None:
    assert size_of(base64.b64encode(raw).decode()) is None
    assert size_of("%%%") is None


@pytest.mark.parametrize(
    ("model", "size", "documented", "bound"),
    [
        # The examples of Anthropic's page, at 750 pixels a token, and those by patches of 28 pixels.
        ("anthropic/claude-sonnet-4-5", (200, 200), 64, 64),
        ("anthropic/claude-sonnet-4-5", (1000, 1000), 1334, 1334),
        ("anthropic/claude-sonnet-4-5", (1092, 1092), 1590, 1590),
        ("anthropic/claude-opus-4-8", (8000, 8000), 4784, ANTHROPIC_IMAGE),
        ("anthropic/claude-opus-4-8", None, 4784, ANTHROPIC_IMAGE),
        # OpenAI's examples: 4 tiles, 6 tiles; the sizes are not computed, so 8 tiles bound them.
        ("openai/gpt-4o", (1024, 1024), 765, 2520),
        ("openai/gpt-4o", (128, 64), 255, 255),
        ("openai/gpt-4o", (2048, 4096), 1105, 20_153),
        ("openai/gpt-4o-mini", (128, 64), 8500, 8500),
        ("openai/gpt-4o-mini-2024-07-18", (4000, 3000), 36_835, ANY_IMAGE),
        ("openai/gpt-4.1-nano", (1024, 1024), 2520, 2520),
        ("openai/gpt-5.4", None, 12_000, 24_600),
        ("openai/somebody-s-own", (64, 64), 0, ANY_IMAGE),
        ("azure/my-deployment", (64, 64), 0, ANY_IMAGE),
        # Gemini's example: 960 x 540 is 6 tiles.
        ("gemini/gemini-2.5-flash", (384, 384), 258, 258),
        ("gemini/gemini-2.5-flash", (960, 540), 6 * 258, 6 * 258),
        ("gemini/gemini-2.5-flash", (1980, 1380), 6 * 258, 6 * 258),
        ("gemini/gemini-2.5-flash", None, 0, ANY_IMAGE),
        ("gemini/gemini-3-pro", (960, 540), 1120, GEMINI_3_IMAGE),
        ("mistral/pixtral-12b", (1024, 1024), 4096, ANY_IMAGE),
        ("ollama/llava", (10, 10), 576, ANY_IMAGE),
    ],
)
def test_an_image_takes_no_more_than_the_providers_page_says(
    model: str, size: tuple[int, int] | None, documented: int, bound: int
) -> None:
    assert image_bound(model, size) == bound >= documented


def test_the_bytes_of_an_image_are_no_tokens() -> None:
    data = base64.b64encode(png(1000, 1000) + bytes(300_000)).decode()
    for part in (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image", "data": data, "media_type": "image/png"},
    ):
        assert media_bound(part, "anthropic/claude-sonnet-4-5")[0] == 1334, part["type"]
        assert media_bound(part, "anthropic/claude-sonnet-4-5")[1] == len(data)
    by_address = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert media_bound(by_address, "anthropic/x") == (ANTHROPIC_IMAGE, 0)


@pytest.mark.parametrize(
    ("part", "bound"),
    [
        ("a text", (0, 0)),
        ({"type": "text", "text": "hi"}, (0, 0)),
        ({"text": "hi"}, (0, 0)),
        ({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}, (0, 0)),
        ({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}}, (0, 0)),
        ({"type": "audio", "data": "QUJD", "media_type": "audio/flac"}, (ANY_SOUND, 0)),
        ({"type": "audio_url", "audio_url": {"url": "https://example.com/a.mp3"}}, (ANY_SOUND, 0)),
        ({"type": "file", "data": "JVBERi0=", "media_type": "application/pdf"}, (ANY_CONTEXT, 8)),
        ({"type": "file", "file": {"file_id": "file-1"}}, (ANY_CONTEXT, 0)),
        ({"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}, (ANY_CONTEXT, 0)),
        ({"type": "image_file", "image_file": {"file_id": "file-1"}}, (ANY_IMAGE, 0)),
    ],
)
def test_what_is_not_known_takes_the_most_that_is_documented(part: Any, bound: tuple[int, int]) -> None:
    assert media_bound(part, "gemini/gemini-2.5-pro") == bound
