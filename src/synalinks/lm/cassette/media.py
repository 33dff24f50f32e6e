"""The pictures, sounds and files of a cassette: one file each in a folder beside it, named by the digest of it."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from pathlib import Path

from synalinks._base.files import PRIVATE, replacing
from synalinks._base.media import Medium
from synalinks.lm.core.errors import CassetteError


def folder_of(cassette: Path) -> Path:
    """Where the media of a cassette are: `tape.media` beside `tape.jsonl` or `tape.jsonl.gz`."""
    return cassette.with_name(cassette.name.removesuffix(".gz").removesuffix(".jsonl") + ".media")


def adopt(cassette: Path, *others: Path) -> None:
    """Copy the media of other cassettes beside one that has their rows.

    Raises:
        CassetteError: one can't be read or written.
    """
    for other in others:
        for file in sorted(folder_of(other).glob("*")):
            try:
                keep(cassette, [Medium(file.read_bytes(), mimetypes.guess_type(file.name)[0] or "")])
            except OSError as error:
                raise CassetteError(f"{file}: a medium of the cassette {other} can't be read: {error}") from error


def keep(cassette: Path, media: Iterable[Medium]) -> None:
    """Write media beside a cassette; those that are there already are left alone.

    Raises:
        CassetteError: one can't be written.
    """
    for medium in media:
        file = folder_of(cassette) / (medium.digest + (mimetypes.guess_extension(medium.mime) or ""))
        try:
            if file.exists():
                continue
            file.parent.mkdir(mode=0o700, exist_ok=True)
            with replacing(file, PRIVATE) as out:
                out.write(medium.raw)
        except OSError as error:
            raise CassetteError(f"{file}: a medium of the cassette {cassette} can't be written: {error}") from error
