"""Initializers: what makes the first value of a variable. `Empty`, and the base for your own."""

from __future__ import annotations

from synalinks._json import JsonObject
from synalinks.initializers.empty import Empty
from synalinks.initializers.initializer import Initializer
from synalinks.saving import Kind

INITIALIZERS: Kind[Initializer] = Kind(
    "an initializer",
    Initializer,  # type: ignore[type-abstract]
    {"empty": Empty},
    wrap=lambda function: function,
    make=False,
)

empty = Empty  # the name in lower case, as `get` takes it

deserialize, get = INITIALIZERS.deserialize, INITIALIZERS.get


def serialize(initializer: Initializer) -> JsonObject:
    """An initializer's class and settings, as a file has them."""
    return INITIALIZERS.serialize(initializer)


__all__ = ["Empty", "Initializer", "deserialize", "empty", "get", "serialize"]
