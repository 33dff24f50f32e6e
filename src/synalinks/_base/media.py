"""Pictures, sounds and files in messages: their types, the most bytes of one, and their names where bytes are left out.

A medium is in a message as base64. In a digest, on a cassette and in a learnt example stands its name in place of that:
`media:image/png;sha256=...;bytes=12345`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from synalinks._json import Json
from synalinks.lm.core.errors import ConfigurationError

#: The most bytes of one medium where `SYNALINKS_MEDIA_BYTES` says nothing: what Gemini takes in one request.
MOST_BYTES = 20 * 1024 * 1024
NAME = "media:"
#: A name, with its parts.
NAMED = re.compile(NAME + r"(?P<mime>[^;\"]*);sha256=(?P<digest>[0-9a-f]{64});bytes=(?P<bytes>\d+)")
#: Keys that hold base64, in the forms of OpenAI, Anthropic and Gemini.
DATA = frozenset({"data", "file_data"})
#: Keys beside them, of which one is there.
BESIDE = frozenset({"type", "format", "media_type", "mime_type", "mimeType", "filename"})
#: Those that say the type.
SAYS = ("media_type", "mime_type", "mimeType", "format")
#: Characters of base64 that are too few to be a medium.
SHORT = 64
#: How kinds of files begin.
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)


class Medium(NamedTuple):
    """One medium: its bytes, and its type as far as it is known."""

    raw: bytes
    mime: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def name(self) -> str:
        """What stands for it where bytes are left out."""
        return f"{NAME}{self.mime};sha256={self.digest};bytes={len(self.raw)}"

    @property
    def base64(self) -> str:
        """The bytes as base64."""
        return base64.b64encode(self.raw).decode()


def type_of(raw: bytes) -> str | None:
    """The type that a file's first bytes show, or None."""
    if raw[:4] == b"RIFF" and raw[8:12] in (b"WEBP", b"WAVE"):
        return "image/webp" if raw[8:12] == b"WEBP" else "audio/wav"
    if raw[4:8] == b"ftyp":
        return "audio/mp4" if raw[8:11] == b"M4A" else None
    return next((mime for start, mime in MAGIC if raw.startswith(start)), None)


def most_bytes() -> int:
    """The most bytes of one medium.

    Raises:
        ConfigurationError: the environment says something that is no number of bytes.
    """
    said = os.environ.get("SYNALINKS_MEDIA_BYTES")
    if not said:
        return MOST_BYTES
    if not said.isdecimal():
        raise ConfigurationError(f"SYNALINKS_MEDIA_BYTES={said!r}: write a number of bytes, e.g. {MOST_BYTES}")
    return int(said)


def decoded(text: str) -> bytes | None:
    """The bytes of a base64 text; None if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def without_bytes(value: Json) -> Json:
    """JSON with the name of each medium in place of its base64; what has none comes back as it is."""
    if isinstance(value, Mapping):
        found = {key: _named(key, item, value) for key, item in value.items()}
        return value if all(found[key] is item for key, item in value.items()) else found
    if isinstance(value, list | tuple):
        items = [_named("", item, {}) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value


def _named(key: str, value: Json, beside: Mapping[str, Json]) -> Json:
    if not isinstance(value, str):
        return without_bytes(value)
    medium = _medium(key, value, beside)
    return value if medium is None else medium.name


def media_in(value: Json) -> Iterator[Medium]:
    """The media in JSON that are there as base64."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str):
                medium = _medium(key, item, value)
                if medium is not None:
                    yield medium
            else:
                yield from media_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from media_in({"": item} if isinstance(item, str) else item)


def _medium(key: str, text: str, beside: Mapping[str, Json]) -> Medium | None:
    if text.startswith("data:"):
        head, comma, data = text[5:].partition(",")
        if not comma or not head.endswith(";base64"):
            return None
        mime = head.partition(";")[0]
    elif key in DATA and len(text) >= SHORT and BESIDE & beside.keys():
        data = text
        said = next((str(beside[name]) for name in SAYS if beside.get(name)), "")
        mime = said if "/" in said or not said else f"audio/{said}"
    else:
        return None
    raw = decoded(data)
    return None if raw is None else Medium(raw, mime)
