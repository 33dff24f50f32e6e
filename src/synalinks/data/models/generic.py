"""Models for values whose fields are not known beforehand, and for time stamps."""

from __future__ import annotations

import datetime

from synalinks._json import Json, JsonObject
from synalinks.data.data_model import DataModel, Field
from synalinks.data.models.kinds import holds


class GenericInputs(DataModel):
    """Inputs of any form."""

    inputs: JsonObject = Field(description="The inputs")


class GenericOutputs(DataModel):
    """Outputs of any form."""

    outputs: JsonObject = Field(description="The outputs")


class GenericIO(DataModel):
    """Inputs and outputs of any form."""

    inputs: JsonObject = Field(description="The inputs")
    outputs: JsonObject = Field(description="The outputs")


class GenericResult(DataModel):
    """A list of results of any form."""

    result: list[Json] = Field(description="The results")


class Stamp(DataModel):
    """When something was made."""

    created_at: datetime.datetime | None = Field(default=None, description="When it was made")


def is_stamped(x: object) -> bool:
    """Whether a value has the field of `Stamp`."""
    return holds(x, Stamp)
