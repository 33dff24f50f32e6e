"""Where the variables of a program stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from synalinks._json import JsonObject
from synalinks.data import Variable, schema_of, tree
from synalinks.data.operation import Application
from synalinks.graph import Graph
from synalinks.modules import Module
from synalinks.modules.core.walking import modules_below
from synalinks.optimizers.search import Place


def places_of(program: object, variables: Sequence[Variable]) -> dict[str, Place]:
    """The place of each variable, by its path; stages are in the order of the graph, where there is one."""
    graph: Graph | None = getattr(program, "functional_graph", None)
    modules = list(_in_order(program, graph))
    owned_by: dict[int, Module] = {}
    for module in modules:
        for own in module.own_variables:
            owned_by.setdefault(id(own), module)
    owners = {variable.path: owned_by.get(id(variable)) for variable in variables}
    owning = {id(owner) for owner in owners.values()}
    stages = [module for module in modules if id(module) in owning]
    numbers: dict[int, int] = {}
    for number, stage in enumerate(stages, 1):
        numbers.setdefault(id(stage), number)
    nodes = _nodes(graph)
    last = {id(value) for value in graph.flat_outputs} if graph is not None else set()
    return {
        path: _place(owner, nodes, last, len(stages), 0 if owner is None else numbers[id(owner)])
        for path, owner in owners.items()
    }


def _in_order(program: object, graph: Graph | None) -> Iterator[Module]:
    """Every module, the innermost first: a generator inside a module stands for itself."""
    top: list[object] = [node.operation for node in graph.nodes] if graph is not None else [program]
    for module in top:
        if isinstance(module, Module):
            yield from reversed(modules_below(module))
            yield module


def _nodes(graph: Graph | None) -> dict[int, Application]:
    """The first node of a graph whose operation each module is, or is a part of, by the module's `id`."""
    nodes: dict[int, Application] = {}
    for node in graph.nodes if graph is not None else ():
        if isinstance(node.operation, Module):
            for module in (node.operation, *modules_below(node.operation)):
                nodes.setdefault(id(module), node)
    return nodes


def _place(module: Module | None, nodes: Mapping[int, Application], ends: Set[int], stages: int, number: int) -> Place:
    """The place of a variable of a module.

    Args:
        nodes: of the graph, by module.
        ends: the outputs of the graph, by `id`.
        stages: how many there are. number: which of them the module is, from 1.
    """
    inputs, outputs, last = None, None, stages == 1
    if module is None:  # held by what is no module
        return Place("", "", 1, max(1, stages), None, None, last)
    node = nodes.get(id(module))
    if node is not None:
        last = any(id(value) in ends for value in tree.flatten(node.outputs))
        if node.operation is module:
            inputs, outputs = _schema(node.parents), _schema(tree.flatten(node.outputs))
    first_line = (module.description or "").strip().partition("\n")[0]
    return Place(module.name, first_line, number, stages, inputs, outputs, last)


def _schema(values: Sequence[object]) -> JsonObject | None:
    """The schema of the first of some symbolic values."""
    return schema_of(values[0]) if values else None
