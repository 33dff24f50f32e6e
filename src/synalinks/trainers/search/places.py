"""Where the variables of a program stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synalinks._json import JsonObject
from synalinks.data import Variable, schema_of, tree
from synalinks.graph import Graph
from synalinks.modules import Module
from synalinks.modules.core.walking import modules_below
from synalinks.optimizers.search import Place


def places_of(program: object, variables: Sequence[Variable]) -> dict[str, Place]:
    """The place of each variable, by its path; stages are in the order of the graph, where there is one."""
    graph: Graph | None = getattr(program, "graph", None)
    modules = list(_in_order(program, graph))
    owners = {
        variable.path: next((module for module in modules if _owns(module, variable)), None) for variable in variables
    }
    stages = [module for module in modules if any(module is owner for owner in owners.values())]
    return {path: _place(owner, graph, stages) for path, owner in owners.items()}


def _in_order(program: object, graph: Graph | None) -> Iterator[Module]:
    """Every module, the innermost first: a generator inside a module stands for itself."""
    top: list[object] = [node.operation for node in graph.nodes] if graph is not None else [program]
    for module in top:
        if isinstance(module, Module):
            yield from reversed(modules_below(module))
            yield module


def _owns(module: Module, variable: Variable) -> bool:
    return any(own is variable for own in module.own_variables)


def _place(module: Module | None, graph: Graph | None, stages: Sequence[Module]) -> Place:
    inputs, outputs, last = None, None, len(stages) == 1
    if module is None:  # held by what is no module
        return Place("", "", 1, max(1, len(stages)), None, None, last)
    if graph is not None:
        node = next((node for node in graph.nodes if _holds(node.operation, module)), None)
        if node is not None:
            ends = {id(value) for value in graph.flat_outputs}
            last = any(id(value) in ends for value in tree.flatten(node.outputs))
            if node.operation is module:
                inputs, outputs = _schema(node.parents), _schema(tree.flatten(node.outputs))
    number = next((place for place, stage in enumerate(stages, 1) if stage is module), 1)
    first_line = (module.description or "").strip().partition("\n")[0]
    return Place(module.name, first_line, number, max(1, len(stages)), inputs, outputs, last)


def _holds(operation: object, module: Module) -> bool:
    return operation is module or (isinstance(operation, Module) and any(m is module for m in modules_below(operation)))


def _schema(values: Sequence[object]) -> JsonObject | None:
    """The schema of the first of some symbolic values."""
    return schema_of(values[0]) if values else None
