"""Examples out of what holds them: lists, object arrays, tables and series, columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from synalinks.data import DataModel, JsonDataModel, is_data_model, tree
from synalinks.errors import DataError

#: What makes of one example that was not read yet, such as a dict, a structure of data models in their normal form.
Read = Callable[[Any], Any]


class Reader(Protocol):
    """A program, as what reads inputs and targets."""

    def as_input(self, value: Any) -> Any: ...

    def as_target(self, value: Any) -> Any: ...


#: What gives the rows of a table of polars, of Arrow and of Hugging Face; pandas has `to_dict("records")`.
_TO_ROWS = ("to_dicts", "to_pylist", "to_list")


def is_array(value: object) -> bool:
    """Whether this is a NumPy array, or like one."""
    return hasattr(value, "dtype") and hasattr(value, "shape")


def is_frame(value: object) -> bool:
    """Whether this is a table in memory: a DataFrame of pandas or polars, an Arrow table, a Hugging Face dataset."""
    if isinstance(value, DataModel | JsonDataModel):
        return False
    return any(hasattr(value, name) for name in ("columns", "column_names")) and any(
        hasattr(value, method) for method in (*_TO_ROWS, "to_dict")
    )


def _rows_of_frame(frame: Any) -> list[dict[str, Any]]:
    """The rows of a table, by the method that its library has for that."""
    for method in _TO_ROWS:
        if hasattr(frame, method):
            return list(getattr(frame, method)())
    return list(frame.to_dict("records"))


def holds_examples(value: object) -> bool:
    """Whether this has examples in memory, and is no stream of batches."""
    return is_array(value) or is_frame(value) or isinstance(value, list | tuple | dict)


def rows_of(values: object, what: str, read: Read) -> list[Any]:
    """The examples: data models or, for several inputs or outputs, lists, tuples or dicts of them.

    A dict of arrays, and a list or tuple of arrays or frames, are columns: one for each input or output, or for each
    field. A row of a frame is a dict.

    Raises:
        DataError: numbers in place of data models, columns of different lengths, nothing at all.
    """
    found = _listed(values, what)
    if not found:
        raise DataError(f"{what} is empty: there is nothing to run on")
    return [_example(value, f"{what}[{index}]", read) for index, value in enumerate(found)]


def _listed(values: Any, what: str) -> list[Any]:
    if is_frame(values):
        return [{str(name): _cell(item) for name, item in row.items()} for row in _rows_of_frame(values)]
    if isinstance(values, dict) or (isinstance(values, list | tuple) and values and all(map(_is_column, values))):
        return _paired(values, what)
    if is_array(values) and hasattr(values, "to_list") and hasattr(values, "name"):
        return _series(values)
    if is_array(values):
        _check_array(values, what)
    if not hasattr(values, "__iter__"):
        raise DataError(f"{what} is a {type(values).__name__} ({values!r}), not a list of examples")
    return list(values)


def _is_column(value: object) -> bool:
    return is_array(value) or is_frame(value)


def _series(values: Any) -> list[Any]:
    """The values of a series of pandas or polars; plain ones are the one field that it is named for."""
    return [
        value
        if isinstance(value, Mapping | JsonDataModel) or is_data_model(value)
        else {str(values.name): _cell(value)}
        for value in values.to_list()
    ]


def _cell(value: object) -> Any:
    """A value of a frame; what it has for nothing is None."""
    nothing = type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value))
    return None if nothing else value


def _check_array(values: Any, what: str) -> None:
    if values.dtype != object:
        raise DataError(
            f"{what} has dtype {values.dtype}; training data are data models. Write "
            f"np.array([YourModel(...), ...], dtype='object'), or a list of dicts"
        )
    if values.ndim != 1:
        raise DataError(
            f"{what} has the shape {values.shape}; one dimension is wanted, an example each. "
            "For several inputs or outputs write a list of tuples, or a dict of arrays"
        )


def _paired(columns: Any, what: str) -> list[Any]:
    """Columns as one structure per example."""
    names = list(columns) if isinstance(columns, dict) else list(range(len(columns)))
    parts = [_listed(columns[name], f"{what}[{name!r}]") for name in names]
    lengths = {name: len(part) for name, part in zip(names, parts, strict=True)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns of {what} differ in length: {lengths}; they are paired by position")
    rows = zip(*parts, strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows] if isinstance(columns, dict) else list(rows)


def _example(value: object, what: str, read: Read) -> Any:
    leaves = tree.flatten(value)
    if leaves and all(isinstance(leaf, DataModel) for leaf in leaves):
        return value
    try:
        made = read(value)
    except DataError as error:
        raise DataError(f"{what}: {error}") from error
    leaves = tree.flatten(made)
    wrong = [leaf for leaf in leaves if not isinstance(leaf, JsonDataModel)]
    if wrong or not leaves:
        shown = wrong[0] if 0 < len(wrong) < len(leaves) else value
        raise DataError(
            f"{what} is a {type(shown).__name__} ({shown!r}), not a data model; write "
            "YourModel(field=...) for each example, or a dict of its fields"
        )
    return made
