"""Layers of a model as JSON and back: only those that are registered can be saved."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

from synalinks.errors import ConfigurationError
from synalinks.lm import Above, Below, Placed
from synalinks.saving import deserialize_synalinks_object, is_registered, serialize_synalinks_object


def layers_config(layers: Sequence[Placed], name: str) -> list[dict[str, Any]]:
    """Layers as JSON: each with its position, where one was given.

    Raises:
        ConfigurationError: a layer that is not registered.
    """
    return [_config(given, name) for given in layers]


def _config(given: Placed, name: str) -> dict[str, Any]:
    layer, position = given if isinstance(given, tuple) else (given, None)
    kind = layer if isinstance(layer, types.FunctionType) else type(layer)
    if not is_registered(kind) or not (kind is layer or hasattr(layer, "get_config")):
        raise ConfigurationError(
            f"{name} can't be saved with its layer {getattr(kind, '__name__', kind)}: a saved layer is found by a "
            "registered name. Decorate it with @synalinks.saving.register_synalinks_serializable() (a class has "
            "get_config and from_config), or save a model without layers=[...]"
        )
    where = {} if position is None else {type(position).__name__.lower(): position.layer}
    return {"layer": serialize_synalinks_object(layer), **where}


def layers_from(saved: Sequence[object]) -> list[Placed]:
    """The layers that `layers_config` described; layers that are not described are taken as they are."""
    return [_layer(one) for one in saved]


def _layer(saved: Any) -> Placed:
    if not isinstance(saved, Mapping):
        found: Placed = saved
        return found
    layer = deserialize_synalinks_object(saved["layer"])
    for kind in (Above, Below):
        if (position := saved.get(kind.__name__.lower())) is not None:
            return layer, kind(str(position))
    placed: Placed = layer
    return placed
