"""How a graph is called: one value, or one symbol, for each of its inputs, in their structure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from synalinks.data import JsonDataModel, SymbolicDataModel, tree
from synalinks.errors import DataError
from synalinks.graph import Graph
from synalinks.modules import InputModule


async def call_graph(name: str, graph: Graph, inputs: object) -> Any:
    """The outputs of a graph for values, in the structure of its outputs; None for None, unless the input is optional.

    Raises:
        DataError: another number of values than inputs, or a value of another schema.
    """
    if inputs is None and not all(map(_is_optional, graph.flat_inputs)):
        return None
    values = _in_order(name, graph, inputs)
    for symbol, value in zip(graph.flat_inputs, values, strict=True):
        _check_value(name, symbol, value)
    return await graph.run(values)


def symbolic_outputs(name: str, graph: Graph, args: tuple[object, ...]) -> Any:
    """The outputs of a graph as new symbols.

    Raises:
        DataError: another number of symbols than inputs, or one of another schema.
    """
    given = _in_order(name, graph, args[0] if len(args) == 1 else list(args))
    for symbol, value in zip(graph.flat_inputs, given, strict=True):
        if value is not None:
            _check_fields(name, symbol, list(value.keys()))
    return tree.map_structure(lambda value: SymbolicDataModel(schema=value.get_schema()), graph.outputs)


def _in_order(name: str, graph: Graph, inputs: object) -> list[Any]:
    """One value per input of the graph."""
    if isinstance(inputs, Mapping):
        names = list(graph.inputs) if isinstance(graph.inputs, dict) else graph.input_names
        if set(inputs) != set(names):
            raise DataError(f"{name} has the inputs {names}, got {sorted(map(str, inputs))}")
        if not isinstance(graph.inputs, dict):
            return [inputs[one] for one in names]
    values = [inputs] if isinstance(inputs, JsonDataModel) or inputs is None else tree.flatten(inputs)
    if len(values) != len(graph.flat_inputs):
        raise DataError(f"{name} takes {len(graph.flat_inputs)} inputs, got {len(values)}")
    return values


def _is_optional(symbol: SymbolicDataModel) -> bool:
    made_by = None if symbol.node is None else symbol.node.operation
    return isinstance(made_by, InputModule) and made_by.optional


def _check_value(name: str, symbol: SymbolicDataModel, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, JsonDataModel):
        raise DataError(
            f"{name} takes data models, got {type(value).__name__}: {value!r}. "
            "Wrap it in a DataModel, or write a dict of its fields"
        )
    if value.get_schema() is not symbol.get_schema():
        _check_fields(name, symbol, value.keys())


def _check_fields(name: str, symbol: SymbolicDataModel, given: Collection[str]) -> None:
    """Refuse a value, or a symbol, without a field that an input requires."""
    wanted = symbol.get_schema()
    missing = set(wanted.get("required", ())).difference(given)
    if missing:
        raise DataError(
            f"{name}: the input {symbol.name!r} needs {sorted(wanted.get('properties', {}))}, got "
            f"{sorted(given)}; missing {sorted(missing)}"
        )
