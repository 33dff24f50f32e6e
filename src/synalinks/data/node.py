"""One application of an operation in a graph: what went in, what came out."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence

from synalinks.data import tree
from synalinks.data.operation import Applicable
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.errors import ConfigurationError


class Node:
    """One application of an operation to arguments that hold symbolic values.

    Making a node sets `.node` and `.node_output_index` on each of its outputs. An operation that hands on one
    of its inputs would overwrite where that input came from; such an output is replaced by a clone, so use
    `node.outputs`, not what the operation returned.

    Attributes:
        operation: what is applied.
        args: positional arguments, nested, with `SymbolicDataModel` leaves among others.
        kwargs: keyword arguments, likewise.
        outputs: what came out, nested; every leaf is symbolic.
        index: how many nodes the operation had before this one.
        parents: the symbolic leaves of `args` and `kwargs`, in order.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> symbol = synalinks.SymbolicDataModel(data_model=Answer, name="answer")
        >>> (symbol + Answer).node.parents[0].name
        'answer'
    """

    __slots__ = ("__weakref__", "args", "index", "kwargs", "operation", "outputs", "parents")

    def __init__(
        self, operation: Applicable, args: Sequence[object], kwargs: Mapping[str, object], outputs: object
    ) -> None:
        self.operation = operation
        self.args = tuple(args)
        self.kwargs = dict(kwargs)
        leaves = [*tree.flatten(list(self.args)), *tree.flatten(self.kwargs)]
        self.parents = tuple(leaf for leaf in leaves if isinstance(leaf, SymbolicDataModel))
        results = tree.flatten(outputs)
        for result in results:
            if not isinstance(result, SymbolicDataModel):
                raise ConfigurationError(
                    f"{operation.name} was applied to symbolic values, so all it returns must be symbolic "
                    f"too; got {type(result).__name__}: {result!r}. Return a SymbolicDataModel from "
                    f"compute_output_spec."
                )
        own = [self._claim(result, place) for place, result in enumerate(results)]
        self.outputs = tree.pack_sequence_as(outputs, own)
        self.index = _count(operation)
        _note(self)

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        for name, value in state[1].items():
            setattr(self, name, value)
        _note(self)

    def _claim(self, output: SymbolicDataModel, place: int) -> SymbolicDataModel:
        if output.node is not None or any(output is parent for parent in self.parents):
            output = SymbolicDataModel(schema=output._shared_schema())
        if output.record_history:
            output.node = self
            output.node_output_index = place
        return output

    def __repr__(self) -> str:
        return f"<Node {self.operation.name}[{self.index}] of {[parent.name for parent in self.parents]}>"


_counts: weakref.WeakKeyDictionary[Applicable, int] = weakref.WeakKeyDictionary()
_firsts: weakref.WeakKeyDictionary[Applicable, weakref.ref[Node]] = weakref.WeakKeyDictionary()


def _count(operation: Applicable) -> int:
    """The number of earlier nodes of an operation."""
    count = _counts.get(operation, 0)
    _counts[operation] = count + 1
    return count


def _note(node: Node) -> None:
    """Make a node its operation's first, where there is no other."""
    if first_node(node.operation) is None:
        _firsts[node.operation] = weakref.ref(node)


def first_node(operation: Applicable) -> Node | None:
    """The first node of an operation whose graph is still in use: an operation keeps no graph alive."""
    found = _firsts.get(operation)
    return None if found is None else found()
