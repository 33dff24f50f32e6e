"""A graph of operations between inputs and outputs, and how it runs.

A symbolic value refers to the `Application` that made it; a graph is the sorted nodes between its inputs and outputs.
Each node is one task that waits for its parents and for nothing else.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from synalinks._concurrency import run_all
from synalinks.data import StreamingIterator, SymbolicDataModel, tree
from synalinks.data.operation import Application
from synalinks.errors import ConfigurationError, SynalinksError


def sorted_nodes(outputs: Sequence[SymbolicDataModel], stop_at: Sequence[SymbolicDataModel]) -> list[Application]:
    """The nodes that `outputs` depend on, parents before children; the search ends at `stop_at`.

    Raises:
        ConfigurationError: a value that no node made and that is not an input.
    """
    ends = {id(value) for value in stop_at}
    found: list[Application] = []
    state: dict[int, bool] = {}  # node id -> finished
    todo: list[tuple[Application, bool]] = [
        (_node_of(value), False) for value in reversed(outputs) if id(value) not in ends
    ]
    while todo:
        node, finished = todo.pop()
        if finished:
            state[id(node)] = True
            found.append(node)
        elif id(node) not in state:
            state[id(node)] = False
            todo.append((node, True))
            parents = [_node_of(value) for value in node.parents if id(value) not in ends]
            todo.extend((parent, False) for parent in reversed(parents) if id(parent) not in state)
    return found


def _node_of(value: SymbolicDataModel) -> Application:
    if value.node is None:
        raise ConfigurationError(
            f"the graph is disconnected: {value.name!r} was not made by any module and is not among the inputs. "
            "Start from synalinks.Input(data_model=...) and list every Input in Program(inputs=...)"
        )
    return value.node


class Graph:
    """The nodes between inputs and outputs, ready to run.

    Args:
        inputs, outputs: symbolic values: one, or a nested list, tuple or dict of them.

    Raises:
        ConfigurationError: disconnected values, an input that is left out, or two operations of one name.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        nodes = sorted_nodes(_symbolic(outputs, "outputs"), _symbolic(inputs, "inputs"))
        left_out = next((node.operation.name for node in nodes if not node.parents), None)  # inputs alone have none
        if left_out is not None:
            raise ConfigurationError(
                f"the graph is disconnected: it depends on the input {left_out!r}, which is not among the inputs. "
                "List every synalinks.Input(...) in Program(inputs=...)"
            )
        self.__setstate__({"nodes": nodes, "inputs": inputs, "outputs": outputs})
        self._check_names()

    def __getstate__(self) -> dict[str, Any]:
        # Sorted nodes come first: a copy of one finds those before it copied, so long chains recurse no deeper.
        return {"nodes": self.nodes, "inputs": self.inputs, "outputs": self.outputs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.nodes: list[Application] = state["nodes"]
        self.inputs, self.outputs = inputs, outputs = state["inputs"], state["outputs"]
        self.flat_inputs: list[SymbolicDataModel] = tree.flatten(inputs)
        self.flat_outputs: list[SymbolicDataModel] = tree.flatten(outputs)
        self.input_names = [value.name for value in self.flat_inputs]  # made here where automatic: copies have the same
        self._slots: dict[int, int] = {}
        for value in self.flat_inputs:
            self._slots.setdefault(id(value), len(self._slots))
        for node in self.nodes:
            for value in tree.flatten(node.outputs):
                self._slots.setdefault(id(value), len(self._slots))
        self._steps = [_Step(node, self._slots) for node in self.nodes]
        self._result = tree.map_structure(lambda value: self._slots[id(value)], outputs)
        writers: defaultdict[int, list[int]] = defaultdict(list)
        for index, step in enumerate(self._steps):
            for slot in step.writes:
                writers[slot].append(index)
        for step in self._steps:
            step.parents = sorted({index for slot in step.reads for index in writers.get(slot, ())})
        self.is_chain = all(len(step.parents) <= 1 for step in self._steps) and _linear(self._steps)

    @property
    def operations(self) -> list[Any]:
        """The operations in the order they run, each once; inputs first."""
        made_by = [value.node.operation for value in self.flat_inputs if value.node is not None]
        seen: dict[int, Any] = {}
        for operation in (*made_by, *(node.operation for node in self.nodes)):
            seen.setdefault(id(operation), operation)
        return list(seen.values())

    @property
    def output_names(self) -> list[str]:
        """The names of the operations that make the outputs."""
        return [value.name if value.node is None else value.node.operation.name for value in self.flat_outputs]

    def _check_names(self) -> None:
        names: dict[str, Any] = {}
        for operation in self.operations:
            if names.setdefault(operation.name, operation) is not operation:
                raise ConfigurationError(
                    f"two operations of this program are called {operation.name!r}; give one another name="
                )

    async def run(self, values: Sequence[Any]) -> Any:
        """Run on one value per input; returns the outputs in their structure.

        Args:
            values: as many as `flat_inputs`; a value may be None.
        """
        board: list[Any] = [None] * len(self._slots)
        for symbol, value in zip(self.flat_inputs, values, strict=True):
            board[self._slots[id(symbol)]] = value
        if self.is_chain:
            for step in self._steps:
                await step.run(board)
        else:
            await self._run_side_by_side(board)
        if isinstance(self._result, int):
            return board[self._result]
        return tree.map_structure(board.__getitem__, self._result)

    async def _run_side_by_side(self, board: list[Any]) -> None:
        done = [asyncio.Event() for _ in self._steps]
        stopped: dict[int, SynalinksError] = {}

        async def job(index: int, step: _Step) -> None:
            for parent in step.parents:
                await done[parent].wait()
                if parent in stopped:  # an orderly stop lets siblings finish, but not what depends on it
                    stopped[index] = stopped[parent]
            try:
                if index in stopped:
                    raise stopped[index]
                await step.run(board)
            except SynalinksError as error:
                stopped[index] = error
                raise
            finally:
                done[index].set()

        await run_all(job(index, step) for index, step in enumerate(self._steps))


class _Step:
    """A node with its arguments resolved to slots on the board of values.

    Attributes:
        reads, writes: slots. parents: indices of the steps that write what this one reads.
    """

    def __init__(self, node: Application, slots: dict[int, int]) -> None:
        self.node = node
        self.reads = sorted({slots[id(value)] for value in node.parents})
        self.writes = [slots[id(value)] for value in tree.flatten(node.outputs)]
        self._slots = slots
        self.parents: list[int] = []
        only = len(node.args) == 1 and not node.kwargs and isinstance(node.args[0], SymbolicDataModel)
        self._only = self.reads[0] if only else None
        self._single_output = isinstance(node.outputs, SymbolicDataModel)

    async def run(self, board: list[Any]) -> None:
        node = self.node
        for slot in self.reads:
            value = board[slot]
            if isinstance(value, StreamingIterator):  # what another module reads is a whole message for all
                board[slot] = await value.aconsume()
        if self._only is not None:
            result = await node.operation.run_node(board[self._only])
        else:
            args = tree.map_structure(lambda leaf: self._value(leaf, board), node.args)
            kwargs = tree.map_structure(lambda leaf: self._value(leaf, board), node.kwargs)
            result = await node.operation.run_node(*args, **kwargs)
        if self._single_output:
            board[self.writes[0]] = result
            return
        values = [None] * len(self.writes) if result is None else tree.flatten(result)
        for slot, value in zip(self.writes, values, strict=True):
            board[slot] = value

    def _value(self, leaf: object, board: list[Any]) -> Any:
        return board[self._slots[id(leaf)]] if isinstance(leaf, SymbolicDataModel) else leaf


def _linear(steps: Sequence[_Step]) -> bool:
    """Whether each step needs the one before it, so that running side by side could gain nothing."""
    return all(index == 0 or index - 1 in step.parents for index, step in enumerate(steps))


def _symbolic(values: object, what: str) -> list[SymbolicDataModel]:
    flat = tree.flatten(values)
    for value in flat:
        if not isinstance(value, SymbolicDataModel):
            raise ConfigurationError(
                f"Program({what}=...) takes what synalinks.Input(...) and awaited modules return, "
                f"got {type(value).__name__}: {value!r}"
                + (". Did you forget to await a module?" if asyncio.iscoroutine(value) else "")
            )
    if not flat:
        raise ConfigurationError(f"Program({what}=...) is empty; a program needs at least one")
    return flat
