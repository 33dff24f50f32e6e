"""Models for values whose fields are not known beforehand, and for time stamps."""

from __future__ import annotations

import datetime
from typing import Any

from synalinks.data.data_model import DataModel, Field
from synalinks.data.models.kinds import holds


class GenericInputs(DataModel):
    """Inputs of any form."""

    inputs: dict[str, Any] = Field(description="The inputs")


class GenericOutputs(DataModel):
    """Outputs of any form."""

    outputs: dict[str, Any] = Field(description="The outputs")


class GenericIO(DataModel):
    """Inputs and outputs of any form."""

    inputs: dict[str, Any] = Field(description="The inputs")
    outputs: dict[str, Any] = Field(description="The outputs")


class GenericResult(DataModel):
    """A list of results of any form."""

    result: list[Any] = Field(description="The results")


class Stamp(DataModel):
    """When something was made."""

    created_at: datetime.datetime | None = Field(default=None, description="When it was made")


def is_stamped(x: Any) -> bool:
    """Whether a value has the field of `Stamp`."""
    return holds(x, Stamp)
