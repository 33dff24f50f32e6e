"""Pictures and sounds to be sent to a model."""

from __future__ import annotations

from synalinks.data.data_model import DataModel, Field


class Image(DataModel):
    """A picture: by address, by file, or as base64 data."""

    url: str | None = Field(default=None, description="The address of the image")
    path: str | None = Field(default=None, description="The path of the image file")
    data: str | None = Field(default=None, description="The image as base64")
    mime_type: str | None = Field(default=None, description="The MIME type, e.g. image/png")


class Audio(DataModel):
    """A sound: by address, by file, or as base64 data."""

    url: str | None = Field(default=None, description="The address of the audio")
    path: str | None = Field(default=None, description="The path of the audio file")
    data: str | None = Field(default=None, description="The audio as base64")
    format: str | None = Field(default=None, description="The format, e.g. wav")
