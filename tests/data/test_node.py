from __future__ import annotations

from typing import Any

import pytest

from synalinks.data import DataModel, Node, SymbolicDataModel
from synalinks.errors import ConfigurationError


class Query(DataModel):
    query: str


class Echo:
    name = "echo"

    async def run_node(self, *args: Any, **kwargs: Any) -> Any:
        return args[0]


def symbol() -> SymbolicDataModel:
    return SymbolicDataModel(data_model=Query)


def test_outputs_know_their_node() -> None:
    a, b, out, more = symbol(), symbol(), symbol(), symbol()
    node = Node(Echo(), [[a, None]], {"key": {"x": b}}, (out, {"more": more}))
    assert node.parents == (a, b)
    assert node.outputs == (out, {"more": more})
    assert out.node is node and more.node is node
    assert (out.node_output_index, more.node_output_index) == (0, 1)


def test_an_operation_counts_its_nodes() -> None:
    echo = Echo()
    assert [Node(echo, [symbol()], {}, symbol()).index for _ in range(3)] == [0, 1, 2]
    assert Node(Echo(), [symbol()], {}, symbol()).index == 0


def test_an_input_handed_on_keeps_its_history() -> None:
    first = Node(Echo(), [symbol()], {}, symbol())
    second = Node(Echo(), [first.outputs], {}, first.outputs)
    assert first.outputs.node is first
    assert second.outputs is not first.outputs and second.outputs.node is second
    raw = symbol()
    third = Node(Echo(), [raw], {}, raw)
    assert raw.node is None and third.outputs.node is third


def test_history_can_be_switched_off() -> None:
    out = SymbolicDataModel(data_model=Query, record_history=False)
    Node(Echo(), [symbol()], {}, out)
    assert out.node is None


def test_real_outputs_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="echo was applied to symbolic values.*got Query"):
        Node(Echo(), [symbol()], {}, Query(query="a"))
