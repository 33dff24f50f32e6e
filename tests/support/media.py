"""Small pictures and sounds for tests."""

from __future__ import annotations

import base64
import struct
import zlib


def png(width: int = 2, height: int = 1) -> bytes:
    """A whole PNG, black."""
    rows = b"".join(b"\0" + b"\0\0\0" * width for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def wav(samples: int = 40) -> bytes:
    """A whole WAV, silent."""
    data = b"\0\0" * samples
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def text_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
