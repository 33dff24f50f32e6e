"""What traces say of one end of a call."""

from __future__ import annotations

from typing import Literal

from synalinks._json import JsonObject
from synalinks.data import DataModel, Field


class Span(DataModel):
    """The beginning or the end of a call of a module."""

    event: Literal["call_begin", "call_end"] = Field(description="Which end of the call")
    is_symbolic: bool = Field(description="Whether the call has shapes in the place of values; hooks see no such call")
    call_id: str = Field(description="The call")
    parent_call_id: str | None = Field(description="The call that made it")
    module: str = Field(description="The class of the module")
    module_name: str = Field(description="The name of the module")
    module_description: str = Field(description="What the module does")
    timestamp: float = Field(description="Seconds since 1970")
    inputs: list[JsonObject] | None = Field(default=None, description="The data models that the call was given")
    outputs: list[JsonObject] | None = Field(default=None, description="The data models that it gave")
    duration: float | None = Field(default=None, description="Seconds from the beginning to the end")
    exception: str | None = Field(default=None, description="What it failed of")
    success: bool | None = Field(default=None, description="Whether it ended without an exception")
    cost: float | None = Field(default=None, description="Dollars of a model's answer, live")
