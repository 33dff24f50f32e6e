"""A graph as JSON: its operations, each once, and the nodes that connect them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from synalinks._concurrency import run_sync
from synalinks.data import SymbolicDataModel, tree
from synalinks.graph import Graph
from synalinks.modules import InputModule, Operation
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object

#: Key of a reference to an input (`["input", i]`) or to an output of a node (`["node", i, j]`).
REFERENCE = "$value"

#: The keys of what `graph_to_config` returns.
GRAPH_KEYS = frozenset({"operations", "nodes", "inputs", "outputs"})


def graph_to_config(graph: Graph) -> dict[str, Any]:
    """Operations, nodes, inputs and outputs; references in place of symbolic values."""
    names: dict[int, list[Any]] = {id(value): ["input", i] for i, value in enumerate(graph.flat_inputs)}
    for i, node in enumerate(graph.nodes):
        for j, value in enumerate(tree.flatten(node.outputs)):
            names.setdefault(id(value), ["node", i, j])

    def refer(leaf: object) -> Any:
        if isinstance(leaf, SymbolicDataModel):
            return {REFERENCE: names[id(leaf)]}
        return serialize_synalinks_object(leaf)

    index = {id(operation): i for i, operation in enumerate(graph.operations)}
    return {
        "operations": [serialize_synalinks_object(operation) for operation in graph.operations],
        "nodes": [
            {
                "operation": index[id(node.operation)],
                "args": [tree.map_structure(refer, arg) for arg in node.args],
                "kwargs": {key: tree.map_structure(refer, arg) for key, arg in node.kwargs.items()},
            }
            for node in graph.nodes
        ],
        "inputs": _inputs_config(graph.inputs, index),
        "outputs": tree.map_structure(refer, graph.outputs),
    }


def _inputs_config(inputs: object, index: Mapping[int, int]) -> Any:
    def describe(value: SymbolicDataModel) -> dict[str, Any]:
        maker = None if value.node is None else index.get(id(value.node.operation))
        return {"schema": value.get_schema(), "name": value.name, "operation": maker}

    if isinstance(inputs, SymbolicDataModel):
        return {"$single": describe(inputs)}
    return tree.map_structure(describe, inputs)


def graph_from_config(config: Mapping[str, object]) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of the graph described: nodes are made again, in order."""
    return run_sync(_rebuild(config))


async def _rebuild(config: Mapping[str, Any]) -> tuple[Any, Any]:
    operations = [deserialize_synalinks_object(saved) for saved in config["operations"]]
    inputs = _map_inputs(config["inputs"], lambda saved: _input(saved, operations))
    flat_inputs = tree.flatten(inputs)
    made: list[list[Any]] = []

    def resolve(saved: object) -> Any:
        if isinstance(saved, Mapping) and REFERENCE in saved:
            kind, *where = saved[REFERENCE]
            return flat_inputs[where[0]] if kind == "input" else made[where[0]][where[1]]
        if isinstance(saved, (list, tuple)):  # tuples become lists in files, not in clones
            return type(saved)(resolve(item) for item in saved)
        if isinstance(saved, Mapping) and not {"class_name", "config"} <= saved.keys():
            return {key: resolve(item) for key, item in saved.items()}
        return deserialize_synalinks_object(saved)

    for saved in config["nodes"]:
        args = [resolve(arg) for arg in saved["args"]]
        kwargs = {key: resolve(arg) for key, arg in saved["kwargs"].items()}
        operation = operations[saved["operation"]]
        outputs = operation(*args, **kwargs) if isinstance(operation, Operation) else operation.apply(*args, **kwargs)
        made.append(tree.flatten(await outputs if inspect.isawaitable(outputs) else outputs))
    return inputs, resolve(config["outputs"])


def _map_inputs(saved: Any, make: Callable[[Mapping[str, Any]], SymbolicDataModel]) -> Any:
    if isinstance(saved, (list, tuple)):
        return type(saved)(_map_inputs(item, make) for item in saved)
    if "$single" in saved:
        return make(saved["$single"])
    if saved.keys() == {"schema", "name", "operation"} and not isinstance(saved["operation"], (list, dict)):
        return make(saved)
    return {key: _map_inputs(item, make) for key, item in saved.items()}


def _input(saved: Mapping[str, Any], operations: list[Any]) -> SymbolicDataModel:
    index = saved["operation"]
    if index is not None and isinstance(operations[index], InputModule):
        found: SymbolicDataModel = operations[index].output
        return found
    return SymbolicDataModel(schema=saved["schema"], name=saved["name"])
