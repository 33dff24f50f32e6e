"""Tests of graphs: sorting, running side by side, and what a disconnected one says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Add, Answer, Question
from synalinks.errors import BudgetExceeded, ConfigurationError
from synalinks.graph import Graph, sorted_nodes
from synalinks.modules import Module


class Step(Module):
    """Passes on its input; what it does besides is given."""

    def __init__(self, act: Any = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.act = act

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if self.act is not None:
            await self.act(self.name)
        return inputs

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(schema=inputs.get_schema())


def run(graph: Graph, *values: Any) -> Any:
    async def main() -> Any:
        async with asyncio.timeout(2):
            return await graph.run([v.to_json_data_model() if v is not None else None for v in values])

    return asyncio.run(main())


def test_parents_come_before_children_and_the_search_ends_at_the_inputs() -> None:
    async def build() -> tuple[Any, Any]:
        inputs = synalinks.Input(data_model=Question)
        one = await Step(name="one")(inputs)
        two = await Step(name="two")(one)
        return one, await Step(name="three")(two + one)

    one, out = asyncio.run(build())
    assert [node.operation.name for node in sorted_nodes([out], [])] == [
        "input_module",
        "one",
        "two",
        "concat",
        "three",
    ]
    assert [node.operation.name for node in sorted_nodes([out], [one])] == ["two", "concat", "three"]


def test_the_branches_of_a_diamond_run_side_by_side() -> None:
    met = asyncio.Barrier(2)  # nobody passes alone, so one after the other would never end

    async def meet(name: str) -> None:
        await met.wait()

    async def build() -> Graph:
        inputs = synalinks.Input(data_model=Question)
        top = await Step(name="top")(inputs)
        left, right = await Step(meet, "left")(top), await Step(meet, "right")(top)
        return Graph(inputs, left + right)

    out = run(asyncio.run(build()), Question(question="hi"))
    assert out.get_json() == {"question": "hi", "question_1": "hi"}


def test_a_node_waits_for_its_parents_and_for_nothing_else() -> None:
    order: list[str] = []
    deep_is_done = asyncio.Event()

    async def build() -> Graph:
        async def wait(name: str) -> None:
            await deep_is_done.wait()  # by levels, `deep_2` would wait for this node
            order.append(name)

        async def note(name: str) -> None:
            order.append(name)
            if name == "deep_2":
                deep_is_done.set()

        inputs = synalinks.Input(data_model=Question)
        slow = await Step(wait, "slow")(inputs)
        deep = await Step(note, "deep_2")(await Step(note, "deep_1")(inputs))
        return Graph(inputs, [slow, deep])

    run(asyncio.run(build()), Question(question="hi"))
    assert order == ["deep_1", "deep_2", "slow"]


def test_an_input_that_enters_late_and_is_listed_first() -> None:
    async def build() -> Graph:
        early, late = synalinks.Input(data_model=Question), synalinks.Input(data_model=Answer)
        worked = await Step(name="work")(await Step(name="more")(early))
        return Graph([late, early], [late + worked, worked])

    out = run(asyncio.run(build()), Answer(answer=3), Question(question="hi"))
    assert [value.get_json() for value in out] == [{"answer": 3, "question": "hi"}, {"question": "hi"}]


def test_none_flows_through_operators_as_the_algebra_says() -> None:
    async def build() -> Graph:
        a, b = synalinks.Input(data_model=Question), synalinks.Input(data_model=Answer)
        return Graph([a, b], {"and": a & b, "or": a | b, "xor": a ^ b})

    graph = asyncio.run(build())
    out = run(graph, None, Answer(answer=3))
    assert out["and"] is None
    assert out["or"].get_json() == out["xor"].get_json() == {"answer": 3}
    assert run(graph, Question(question="hi"), Answer(answer=3))["xor"] is None


def test_a_shared_module_runs_once_per_place() -> None:
    async def build() -> Graph:
        add = Add(2, name="add")
        inputs = synalinks.Input(data_model=Answer)
        once = await add(inputs)
        return Graph(inputs, [once, await add(once)])

    graph = asyncio.run(build())
    assert [value.get("answer") for value in run(graph, Answer(answer=1))] == [3, 5]
    assert [operation.name for operation in graph.operations] == ["input_module", "add"]


def test_a_module_of_several_outputs_that_returns_none() -> None:
    class Split(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            return None if inputs.get("answer") < 0 else (inputs, inputs)

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return tuple(synalinks.SymbolicDataModel(data_model=Answer) for _ in range(2))

    async def build() -> Graph:
        inputs = synalinks.Input(data_model=Answer)
        left, right = await Split()(inputs)
        return Graph(inputs, (left, right))

    graph = asyncio.run(build())
    assert run(graph, Answer(answer=-1)) == (None, None)
    assert run(graph, Answer(answer=1))[1].get("answer") == 1


def test_a_bug_cancels_the_siblings_and_is_shown_itself() -> None:
    cancelled: list[str] = []

    async def bug(name: str) -> None:
        raise KeyError("bug")

    async def wait(name: str) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(name)
            raise

    async def build() -> Graph:
        inputs = synalinks.Input(data_model=Question)
        return Graph(inputs, [await Step(wait, "waits")(inputs), await Step(bug, "bug")(inputs)])

    with pytest.raises(KeyError):
        run(asyncio.run(build()), Question(question="hi"))
    assert cancelled == ["waits"]


def test_an_orderly_stop_lets_siblings_finish_but_not_what_depends_on_it() -> None:
    seen: list[str] = []

    async def stop(name: str) -> None:
        raise BudgetExceeded("no more")

    async def note(name: str) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        seen.append(name)

    async def build() -> Graph:
        inputs = synalinks.Input(data_model=Question)
        stopped = await Step(stop, "stop")(inputs)
        return Graph(inputs, [await Step(note, "child")(stopped), await Step(note, "sibling")(inputs)])

    with pytest.raises(BudgetExceeded):
        run(asyncio.run(build()), Question(question="hi"))
    assert seen == ["sibling"]


def test_what_can_be_no_graph_says_why() -> None:
    async def build() -> Any:
        return await Step()(synalinks.Input(data_model=Question))

    out = asyncio.run(build())
    loose = synalinks.SymbolicDataModel(data_model=Question, name="loose")
    with pytest.raises(ConfigurationError, match=r"disconnected: 'loose'.*synalinks.Input"):
        Graph(synalinks.Input(data_model=Question), loose)
    with pytest.raises(ConfigurationError, match=r"outputs=.*is empty"):
        Graph(loose, [])
    coroutine = Step()(loose)
    with pytest.raises(ConfigurationError, match="forget to await"):
        Graph(loose, coroutine)
    coroutine.close()
    assert out.node is not None


def test_two_operations_of_one_name_are_refused() -> None:
    async def build() -> Graph:
        inputs = synalinks.Input(data_model=Question)
        return Graph(inputs, [await Step(name="same")(inputs), await Step(name="same")(inputs)])

    with pytest.raises(ConfigurationError, match="two operations of this program are called 'same'"):
        asyncio.run(build())
