"""Tests of operations: values and symbols, what they were first applied to, saving."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, Speaker
from synalinks.errors import ConfigurationError


@synalinks.saving.register_synalinks_serializable("Tests")
class Plus(synalinks.Operation):
    """Adds a number.

    More text.
    """

    def __init__(self, number: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.number = number

    async def call(self, inputs: Any) -> Any:
        return None if inputs is None else Answer(answer=inputs.get("answer") + self.number)

    async def compute_output_spec(self, inputs: Any) -> Any:
        return synalinks.SymbolicDataModel(data_model=Answer)


def test_an_operation_is_awaited_with_values_and_with_symbols() -> None:
    plus = Plus(2)
    assert (plus.name, plus.description) == ("plus", "Adds a number.")
    assert asyncio.run(plus(Answer(answer=1))).get_json() == {"answer": 3}
    assert asyncio.run(plus(None)) is None
    for symbol in (Answer, synalinks.Input(data_model=Answer)):
        assert list(asyncio.run(plus(symbol)).keys()) == ["answer"]


def test_the_first_symbolic_input_and_output() -> None:
    plus = Plus(2)
    with pytest.raises(AttributeError, match="has not been awaited with synalinks.Input"):
        _ = plus.output
    answer = synalinks.Input(data_model=Answer)
    first = asyncio.run(plus(answer))
    second = asyncio.run(plus(synalinks.Input(data_model=Answer)))
    assert plus.input is answer and plus.output is first and second is not first
    merged = asyncio.run(synalinks.Concat(name="both")([answer, first]))
    assert merged.node.operation.input == [answer, first]


def test_an_operation_keeps_no_graph_alive() -> None:
    plus = Plus(2)
    asyncio.run(plus(synalinks.Input(data_model=Answer)))
    gc.collect()
    with pytest.raises(AttributeError, match="no longer in use"):
        _ = plus.output


def test_a_copy_of_a_graph_has_inputs_and_outputs_of_its_own() -> None:
    plus = Plus(2)
    answer = synalinks.Input(data_model=Answer)
    program = synalinks.Program(inputs=answer, outputs=asyncio.run(plus(answer)), name="p")
    twin = copy.deepcopy(program)
    copied = twin.operations[-1]
    assert copied is not plus and copied.output is twin.output and plus.output is program.output


def test_an_operation_is_a_node_of_a_saved_program(tmp_path: Any) -> None:
    answer = synalinks.Input(data_model=Answer)
    program = synalinks.Program(inputs=answer, outputs=asyncio.run(Plus(2)(answer)), name="p")
    assert [type(one).__name__ for one in program.operations] == ["InputModule", "Plus"]
    assert [type(one).__name__ for one in program.modules] == ["InputModule"]
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert asyncio.run(again(Answer(answer=1))).get_json() == {"answer": 3}


def test_config_and_clone_keep_the_arguments() -> None:
    plus = Plus(2, name="two")
    assert plus.get_config() == {"number": 2, "name": "two", "description": "Adds a number."}
    assert plus.clone().number == 2 and plus.clone(name="other").name == "other"
    again = synalinks.saving.deserialize_synalinks_object(synalinks.saving.serialize_synalinks_object(plus))
    assert isinstance(again, Plus) and again.number == 2


def test_modules_are_operations_and_show_their_constructor() -> None:
    assert isinstance(Speaker(), synalinks.Operation)
    assert list(inspect.signature(Speaker).parameters) == ["persona", "name", "trainable"]
    assert list(inspect.signature(Plus).parameters) == ["number", "name"]
    with pytest.raises(ConfigurationError, match=r"Plus\(numbr=...\).*Did you mean 'number'"):
        Plus(numbr=2)  # type: ignore[call-arg]


def test_an_operation_without_call_says_so() -> None:
    with pytest.raises(ConfigurationError, match="async def call"):
        asyncio.run(synalinks.Operation()(Answer(answer=1)))


def test_no_model_is_called_and_no_variable_changed_while_schemas_are_computed() -> None:
    class Counts(synalinks.Module):
        """Counts, and calls a model with a value of its own."""

        def __init__(self) -> None:
            super().__init__()
            self.state = self.add_variable(data_model=Stats, name="stats")
            self.generator = synalinks.Generator(data_model=Answer, language_model="ollama/test")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            self.state.update({"count": self.state.get("count") + 1})
            self.state.get("seen").append("x")
            return await self.generator(Question(question="fixed"))

    class Stats(synalinks.DataModel):
        """Counts."""

        count: int = 0
        seen: list[str] = []

    module = Counts()
    out = asyncio.run(module(Question))
    assert list(out.keys()) == ["answer"]
    assert module.state.get_json() == {"count": 0, "seen": []}
