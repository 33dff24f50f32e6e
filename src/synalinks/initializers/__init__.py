"""Initializers: what makes the first value of a variable. `Empty`, and the base for your own."""

from __future__ import annotations

from typing import Any

from synalinks._json import JsonObject
from synalinks.initializers.empty import Empty
from synalinks.initializers.initializer import Initializer
from synalinks.saving import Kind, serialize_synalinks_object

INITIALIZERS: Kind[Initializer] = Kind(
    "an initializer",
    Initializer,  # type: ignore[type-abstract]
    {"empty": Empty},
    wrap=lambda function: function,
    make=False,
)

empty = Empty  # the name in lower case, as `get` takes it
deserialize = INITIALIZERS.deserialize


def serialize(initializer: Initializer) -> JsonObject:
    """An initializer's class and settings, as a file has them."""
    saved: JsonObject = serialize_synalinks_object(initializer)
    return saved


def get(identifier: Any) -> Any:
    """An initializer from an instance, a saved config, or None; a name stands for its class, a function for itself.

    Raises:
        ConfigurationError: anything else.
    """
    return INITIALIZERS.get(identifier)


__all__ = ["Empty", "Initializer", "deserialize", "empty", "get", "serialize"]
