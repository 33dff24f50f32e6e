"""From one kind of value to another, and which kind a value is."""

from __future__ import annotations

from typing import Any, TypeGuard

from pydantic import BaseModel

from synalinks.data import tree
from synalinks.data.json_data_model import JsonDataModel, json_data_model_of
from synalinks.data.model_json import is_model_class
from synalinks.data.operand import schema_of
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.data.variable import Variable
from synalinks.errors import ConfigurationError


def is_meta_class(x: object) -> TypeGuard[type[BaseModel]]:
    """Whether this is a class of data models, or of other pydantic models (not an instance)."""
    return is_model_class(x)


def is_data_model(x: object) -> TypeGuard[BaseModel]:
    """Whether this is an instance of a `DataModel`, or of another pydantic model."""
    return isinstance(x, BaseModel)


def is_json_data_model(x: object) -> bool:
    """Whether this is a `JsonDataModel`."""
    return isinstance(x, JsonDataModel)


def is_symbolic_data_model(x: object) -> bool:
    """Whether this is a `SymbolicDataModel`."""
    return isinstance(x, SymbolicDataModel)


def any_symbolic(*structures: object) -> bool:
    """Whether any leaf of these structures is symbolic: a `SymbolicDataModel`, or a class of data models."""
    return any(
        isinstance(leaf, SymbolicDataModel) or is_model_class(leaf)
        for structure in structures
        for leaf in tree.flatten(structure)
    )


def as_operand(x: object, what: str = "this") -> Any:
    """A value as the operators take it: `JsonDataModel`, `SymbolicDataModel` or None.

    Raises:
        ConfigurationError: it is no data model.
    """
    if x is None or isinstance(x, JsonDataModel | SymbolicDataModel):
        return x
    if is_model_class(x):
        return SymbolicDataModel(data_model=x)
    if isinstance(x, BaseModel):
        return json_data_model_of(x)
    if isinstance(x, Variable):
        return x.to_json_data_model()
    raise ConfigurationError(
        f"{what} works on data models and None, got {type(x).__name__}: {x!r}. "
        "Wrap a dict as JsonDataModel(schema=..., json=...)."
    )


def convert_to_json_data_model(x: Any) -> Any:
    """The same structure with every value made a `JsonDataModel`; None stays None.

    Raises:
        ConfigurationError: a leaf has no value, or is no data model.
    """
    if isinstance(x, JsonDataModel) or x is None:
        return x
    if tree.is_nested(x):
        return tree.map_structure(convert_to_json_data_model, x)
    value = as_operand(x, "convert_to_json_data_model")
    if isinstance(value, SymbolicDataModel):
        name = x.__name__ if is_model_class(x) else x.name
        raise ConfigurationError(f"{name} is a schema without a value; give an instance of a DataModel")
    return value


def convert_to_symbolic_data_model(x: object) -> Any:
    """The same structure with every value made a `SymbolicDataModel`; None stays None.

    Raises:
        ConfigurationError: a leaf is no data model.
    """
    if x is None or isinstance(x, SymbolicDataModel):
        return x
    if tree.is_nested(x):
        return tree.map_structure(convert_to_symbolic_data_model, x)
    return SymbolicDataModel(schema=schema_of(x))
