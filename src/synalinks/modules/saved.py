"""Modules as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.modules.core.operation import Operation
from synalinks.saving import load_as, serialize_synalinks_object


def serialize(module: object) -> Any:
    """A module as JSON: its class, and what its `get_config` gives."""
    return serialize_synalinks_object(module)


def deserialize(config: Mapping[str, object], custom_objects: Mapping[str, object] | None = None) -> Any:
    """The module that `serialize` described.

    Raises:
        ConfigurationError: another kind of object, or a class that is not registered here.
    """
    return load_as(Operation, config, custom_objects)
