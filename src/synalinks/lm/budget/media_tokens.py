"""The most tokens that an image, a sound or a file in a prompt can take.

Per provider, an image takes at most, from its documentation as of November 2026:

- Anthropic ("Images and vision"): a token per 28 x 28 pixels. Larger images are scaled down: to 4,784 tokens where
  the model gets high resolution, else to 1,568.
- OpenAI and Azure ("Images and vision"): gpt-4o-mini 2,833 + 5,667 a tile; other models with tiles 85 + 170 a tile;
  8 tiles, or 1 up to 512 x 512. Models with patches of 32 x 32 pixels: 10,000 patches, 2.46 tokens each.
- Gemini up to 2.5 ("Image understanding"): 258 a tile; a tile is min(width, height) / 1.5 pixels wide, from 256 to
  768. From 3 on ("Media resolution"): 2,240, which is `ultra_high`.
- Any other, or unknown: `ANY_IMAGE`, the dearest of these. The largest documented elsewhere is 16,384 (Qwen2.5-VL).

A sound takes 10 tokens a second at OpenAI, 32 at Gemini (Audio understanding). Of WAV and MP3 a second has more bytes
than that, so the bytes bound it; other formats shrink silence to next to nothing, and take what Gemini reads at most.
A file, or anything by address that is no image, can fill the context: then that is the bound.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from typing import Any

from synalinks.lm.core.errors import RequestError
from synalinks.lm.providers.common.content import media_of

#: An image for gpt-4o-mini in high detail: 2,833 + 8 tiles of 5,667.
ANY_IMAGE = 48_169
ANTHROPIC_IMAGE = 4_784
GEMINI_3_IMAGE = 2_240
#: The longest sound that Gemini takes: 9.5 hours, 32 tokens a second.
ANY_SOUND = 1_094_400
#: The largest context that a provider of the price table offers, in tokens (Gemini 1.5 Pro, Grok 4 Fast: 2 Mi).
ANY_CONTEXT = 2_097_152
#: Types of parts that are text, or objects made of it: their bytes bound them.
TEXTS = frozenset(
    {"text", "input_text", "output_text", "refusal", "thinking", "redacted_thinking", "tool_use", "tool_result"}
)
#: Base64 characters that are looked at for an image's size: a JPEG may have 64 KiB of notes before it, and more.
HEAD = 4 * 65_536
_OPENAI = re.compile(r"(?:chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|o1|o3|o4)\b")
_GEMINI = re.compile(r"gemini-(\d+)")


def media_bound(part: Any, model: str) -> tuple[int, int]:
    """The most tokens of a part beyond those that its bytes account for, and how many of its bytes are no tokens.

    Args:
        part: of a message's content.
        model: with its provider's prefix.
    """
    if not isinstance(part, Mapping) or part.get("type", "text") in TEXTS:
        return 0, 0
    try:
        media = media_of(part, model)
    except RequestError:  # of a form that only the provider reads
        return (ANY_IMAGE if "image" in str(part.get("type")) else ANY_CONTEXT), 0
    if media.kind == "image":
        size = None if media.data is None else size_of(media.data)
        return image_bound(model, size), len(media.data or "")
    if media.kind == "audio":
        by_bytes = media.data is not None and (media.mime or "").rpartition("/")[2] in (
            "wav",
            "x-wav",
            "wave",
            "mp3",
            "mpeg",
        )
        return (0 if by_bytes else ANY_SOUND), 0
    return ANY_CONTEXT, len(media.data or "")


def image_bound(model: str, size: tuple[int, int] | None) -> int:
    """The most tokens of an image; `size` is its width and height in pixels, None if they are not known."""
    provider, _, name = model.partition("/")
    if provider == "anthropic":
        if size is None:
            return ANTHROPIC_IMAGE
        # Before it counted patches, the page said width * height / 750.
        return min(ANTHROPIC_IMAGE, max(_cells(size, 28), math.ceil(size[0] * size[1] / 750)))
    if provider == "gemini" and (found := _GEMINI.match(name)):
        if int(found[1]) >= 3:
            return GEMINI_3_IMAGE
        return ANY_IMAGE if size is None else _gemini_tiles(size) * 258
    if provider in ("openai", "azure") and _OPENAI.match(name):
        tiles = 1 if size is not None and max(size) <= 512 else 8
        if "4o-mini" in name:
            return 2_833 + 5_667 * tiles
        patches = 10_000 if size is None else min(10_000, _cells(size, 32))
        return max(85 + 170 * tiles, math.ceil(2.46 * patches))
    return ANY_IMAGE


def _cells(size: tuple[int, int], side: int) -> int:
    return math.ceil(size[0] / side) * math.ceil(size[1] / side)


def _gemini_tiles(size: tuple[int, int]) -> int:
    if max(size) <= 384:
        return 1
    return _cells(size, min(768, max(256, math.floor(min(size) / 1.5))))


def size_of(data: str) -> tuple[int, int] | None:
    """Width and height of a base64 PNG, JPEG, GIF or WebP, from its head; None if that does not tell."""
    head = data[:HEAD]
    try:
        raw = base64.b64decode(head[: len(head) // 4 * 4])
    except (binascii.Error, ValueError):
        return None
    if raw[:8] == b"\x89PNG\r\n\x1a\n" and len(raw) >= 24:
        return _positive(int.from_bytes(raw[16:20]), int.from_bytes(raw[20:24]))
    if raw[:4] == b"GIF8" and len(raw) >= 10:
        return _positive(int.from_bytes(raw[6:8], "little"), int.from_bytes(raw[8:10], "little"))
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP" and len(raw) >= 30:
        return _webp(raw)
    return _jpeg(raw) if raw[:2] == b"\xff\xd8" else None


def _webp(raw: bytes) -> tuple[int, int] | None:
    """The size of a WebP (RFC 9649, sections 2.5 to 2.7)."""
    kind = raw[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(raw[24:27], "little"), 1 + int.from_bytes(raw[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(raw[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = (int.from_bytes(raw[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return _positive(width, height)
    return None


def _jpeg(raw: bytes) -> tuple[int, int] | None:
    """The size in a JPEG's frame header (ITU T.81, B.2.2): of markers C0 to CF but C4, C8 and CC."""
    at = 2
    while at + 9 <= len(raw):
        if raw[at] != 0xFF:
            return None
        marker = raw[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _positive(int.from_bytes(raw[at + 7 : at + 9]), int.from_bytes(raw[at + 5 : at + 7]))
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        else:
            at += 2 + int.from_bytes(raw[at + 2 : at + 4])
    return None


def _positive(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if width > 0 and height > 0 else None
