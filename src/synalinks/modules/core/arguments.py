"""What a module may be called with: data models, in any nesting, dicts of plain data, and other values by keyword."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import BaseModel

from synalinks.data import Operand, SymbolicDataModel, in_normal_form, is_data_model, is_record, record
from synalinks.errors import DataError
from synalinks.modules.core.operation import to_value

_PLAIN = (str, int, float, bytes)


def refuse_plain_values(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Refuse a text or number in the place of a data model.

    Raises:
        DataError: the first argument is one or has one; another argument has one beside a data model.
    """
    for place, value in (*enumerate(args), *kwargs.items()):
        if isinstance(value, Operand) or not (place == 0 or isinstance(value, (list, tuple, dict))):
            continue
        leaves = _leaves(value)
        plain = next((leaf for leaf in leaves if isinstance(leaf, _PLAIN)), None)
        if plain is not None and (place == 0 or any(isinstance(leaf, Operand) for leaf in leaves)):
            _refuse(name, plain, "" if place == 0 else f" beside data models in the argument {place}")


def most_inputs(parameters: Mapping[str, inspect.Parameter]) -> int:
    """How many positional arguments stand before `training` in `call`; no bound where it is not one of them.

    Args:
        parameters: those of `call`, `self` included.
    """
    if "training" not in parameters or parameters["training"].kind is inspect.Parameter.KEYWORD_ONLY:
        return sys.maxsize
    return list(parameters).index("training") - 1


def training_by_name(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], most: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments with `training` by its name, where it was given by position.

    Raises:
        DataError: another value stands in its place, such as a second input.
    """
    *inputs, training = args
    if len(inputs) == most and (training is None or isinstance(training, bool)) and "training" not in kwargs:
        return tuple(inputs), {**kwargs, "training": training}
    raise DataError(
        f"{name} takes {most} positional argument{'s' * (most != 1)}, got {len(args)}. Several inputs are one list, in "
        f"one argument: {name}([first, second]); settings are given by keyword"
    )


def to_input(value: object) -> Any:
    """A positional argument as it is passed to `call`: `to_value` in its normal form, and a dict of plain data is one
    data model."""
    if isinstance(value, dict) and is_record(value):
        return record(value)
    return to_value(value) if isinstance(value, BaseModel) else in_normal_form(to_value(value))


def keyword_as_input(value: object) -> Any:
    """A keyword argument as it is passed to `call`: a data model, or a list with one, is `to_value` of it; all else is
    a setting."""
    parts = value if isinstance(value, (list, tuple)) else (value,)
    return to_value(value) if any(map(is_data_model, parts)) else value


def fields_as_input(
    kwargs: dict[str, Any], parameters: frozenset[str] | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Keywords as positional and keyword arguments: those that `call` has no parameter for are fields of an input.

    Args:
        parameters: those of `call`; None where it takes any keyword.
    """
    fields = {name: value for name, value in kwargs.items() if name != "training"}
    if parameters is None or not fields or any(name in parameters for name in fields):
        return (), kwargs
    return (fields,), {name: value for name, value in kwargs.items() if name == "training"}


def without_history(leaf: object) -> Any:
    """A leaf as it is, or a symbol that no module has made."""
    return leaf.to_symbolic_data_model() if isinstance(leaf, SymbolicDataModel) else leaf


def _leaves(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _refuse(name: str, value: object, where: str = "") -> NoReturn:
    raise DataError(
        f"{name} takes data models, got {type(value).__name__}{where}: {value!r:.200}. Wrap it in a DataModel or write "
        "a dict of its fields, pass settings by keyword, or set takes_plain_values = True on the module's class"
    )
