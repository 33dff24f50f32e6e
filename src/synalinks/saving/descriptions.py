"""Values, classes and functions as JSON."""

from __future__ import annotations

import types
from typing import Any

from synalinks.data import JsonDataModel, SymbolicDataModel, is_meta_class, schema_of
from synalinks.errors import ConfigurationError
from synalinks.saving import registry


def describe_value(obj: JsonDataModel | SymbolicDataModel) -> dict[str, Any]:
    """A value with its schema, or a symbolic one."""
    config: dict[str, Any] = {"schema": obj.get_schema(), "name": obj.name}
    if isinstance(obj, JsonDataModel):
        config["json"] = obj.get_json()
    return {"class_name": f"__{'json' if 'json' in config else 'symbolic'}_data_model__", "config": config}


def describe_class(cls: type) -> dict[str, Any]:
    """A class by its name, and by its schema if it is one of data models."""
    config: dict[str, Any] = {"module": registry.public_module(cls), "name": cls.__qualname__}
    if is_meta_class(cls):
        config["schema"] = schema_of(cls)
    return {"class_name": "__class__", "config": config, "registered_name": registry.get_registered_name(cls)}


def describe_function(fn: types.FunctionType) -> dict[str, Any]:
    """A function by its name.

    Raises:
        ConfigurationError: a lambda, which has none.
    """
    if fn.__name__ == "<lambda>" and registry.get_registered_name(fn) == fn.__name__:
        raise ConfigurationError(
            f"{fn.__qualname__} can't be saved: a lambda has no name to be found by. Write a function with `def`, or "
            "register it with synalinks.saving.register_synalinks_serializable()"
        )
    config = {"module": registry.public_module(fn), "name": fn.__qualname__}
    return {"class_name": "function", "config": config, "registered_name": registry.get_registered_name(fn)}
