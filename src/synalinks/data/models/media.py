"""Pictures and sounds to be sent to a model."""

from __future__ import annotations

import mimetypes
import os
import stat
from pathlib import Path
from typing import ClassVar, Self

from pydantic import field_validator, model_validator

from synalinks._base.media import Medium, decoded, most_bytes, type_of
from synalinks._json import JsonObject
from synalinks.data.data_model import DataModel, Field
from synalinks.errors import DataError

#: Formats of sounds, as OpenAI names them, by their MIME type without `audio/`.
FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a", "x-m4a": "m4a"}


class _Media(DataModel):
    """What pictures and sounds have in common: they are given in one of three ways."""

    #: The first half of their MIME types, and the field that may give it.
    kind: ClassVar[str]
    type_field: ClassVar[str]

    url: str | None = None
    path: str | None = None
    data: str | None = None

    @field_validator("path", mode="before", check_fields=False)
    @classmethod
    def _path_as_text(cls, value: object) -> object:
        return os.fspath(value) if isinstance(value, os.PathLike) else value

    @field_validator("data", mode="before", check_fields=False)
    @classmethod
    def _bytes_as_base64(cls, value: object) -> object:
        return Medium(bytes(value)).base64 if isinstance(value, bytes | bytearray) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("url", "path", "data") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of url, path and data, got {' and '.join(given)}")
        return self

    def _said(self) -> str | None:
        """The MIME type that the user gave."""
        said: str | None = getattr(self, self.type_field)
        return said if said is None or "/" in said else f"{self.kind}/{said}"

    def read(self) -> Medium:
        """The bytes of a file or of base64 data, and their type.

        Raises:
            DataError: there is no such file, it is too large, the data are no base64, or the type is not known.
        """
        where = f"{type(self).__name__}(path={self.path!r})" if self.path else f"{type(self).__name__}(data=...)"
        said = self._said()
        if self.path is not None:
            raw = _file(Path(self.path).expanduser(), where)
            said = said or mimetypes.guess_type(self.path)[0]
        else:
            raw, in_data = _inline(self.data or "", where)
            said = said or in_data
        mime = type_of(raw) or said
        if mime is None or not mime.startswith(f"{self.kind}/"):
            found = mime or "of unknown type"
            raise DataError(f"{where} is {found}, and {self.kind} is wanted; say what it is by {self.type_field}=")
        return Medium(raw, mime)

    def _nothing(self) -> DataError:
        name = type(self).__name__
        return DataError(f"{name}() is empty: give {name}(url=...), {name}(path=...) or {name}(data=...)")


class Image(_Media):
    """A picture: by address, by file, or as base64 data.

    In a message it stands among the parts of the content. A file is read when the message is made; an address is
    handed on to providers that fetch pictures, and fetched for those that do not (see `SYNALINKS_MEDIA_HOSTS`).

    Example:
        >>> picture = synalinks.Image(url="https://example.com/cat.png")
        >>> message = synalinks.ChatMessage(role="user", content=["What is this?", picture])
        >>> message.content[1]
        {'type': 'image_url', 'image_url': {'url': 'https://example.com/cat.png'}}
    """

    kind = "image"
    type_field = "mime_type"

    url: str | None = Field(default=None, description="The address of the image")
    path: str | None = Field(default=None, description="The path of the image file")
    data: str | None = Field(default=None, description="The image as base64")
    mime_type: str | None = Field(default=None, description="The MIME type, e.g. image/png")

    def to_part(self) -> JsonObject:
        """The picture as a part of a message's content, in OpenAI's form.

        Raises:
            DataError: see `read`; or it is empty.
        """
        if self.url is not None:
            return {"type": "image_url", "image_url": {"url": self.url}}
        if self.path is None and self.data is None:
            raise self._nothing()
        medium = self.read()
        return {"type": "image_url", "image_url": {"url": f"data:{medium.mime};base64,{medium.base64}"}}


class Audio(_Media):
    """A sound: by address, by file, or as base64 data.

    Example:
        >>> sound = synalinks.backend.Audio(data=b"RIFF....WAVEfmt ")
        >>> sound.to_part()["input_audio"]["format"]
        'wav'
    """

    kind = "audio"
    type_field = "format"

    url: str | None = Field(default=None, description="The address of the audio")
    path: str | None = Field(default=None, description="The path of the audio file")
    data: str | None = Field(default=None, description="The audio as base64")
    format: str | None = Field(default=None, description="The format, e.g. wav")

    def to_part(self) -> JsonObject:
        """The sound as a part of a message's content, in OpenAI's form.

        Raises:
            DataError: see `read`; or it is empty.
        """
        if self.url is not None:
            more = {} if self.format is None else {"format": self.format}
            return {"type": "audio_url", "audio_url": {"url": self.url, **more}}
        if self.path is None and self.data is None:
            raise self._nothing()
        medium = self.read()
        name = medium.mime.removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": medium.base64, "format": FORMATS.get(name, name)}}


def _file(path: Path, where: str) -> bytes:
    limit = most_bytes()
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{where} is no file")
        if found.st_size > limit:
            raise _too_large(where, found.st_size, limit)
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{where}: there is no such file (in {Path.cwd()})") from None
    except OSError as error:
        raise DataError(f"{where} can't be read: {error}") from error


def _inline(text: str, where: str) -> tuple[bytes, str | None]:
    head, comma, data = text.partition(",")
    said = head.removeprefix("data:").partition(";")[0] if comma and head.startswith("data:") else None
    raw = decoded("".join((data if said is not None else text).split()))
    if not raw:
        raise DataError(f"{where}: not base64: {text[:40]!r}. Give bytes, or base64.b64encode(...).decode()")
    if len(raw) > most_bytes():
        raise _too_large(where, len(raw), most_bytes())
    return raw, said


def _too_large(where: str, size: int, limit: int) -> DataError:
    return DataError(
        f"{where} has {size:,} bytes, and {limit:,} is the most; make it smaller, or raise SYNALINKS_MEDIA_BYTES"
    )
