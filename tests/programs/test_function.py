"""Tests of functions: the operations between symbols, as one operation."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Add, Answer, Question
from synalinks.errors import ConfigurationError, DataError


def both(**options: Any) -> synalinks.Function:
    question, answer = synalinks.Input(data_model=Question, name="q"), synalinks.Input(data_model=Answer, name="a")
    more = asyncio.run(Add(1, name="more")(answer))
    return synalinks.Function([question, answer], {"sum": question + answer, "more": more}, **options)


def test_values_in_values_out() -> None:
    function = both(name="f", description="Both.")
    assert (function.name, function.description) == ("f", "Both.")
    for inputs in (
        [Question(question="hi"), Answer(answer=1)],
        {"a": Answer(answer=1), "q": Question(question="hi")},
    ):
        out = asyncio.run(function(inputs))
        assert {key: value.get_json() for key, value in out.items()} == {
            "sum": {"question": "hi", "answer": 1},
            "more": {"answer": 2},
        }
    assert asyncio.run(function(None)) is None
    assert both().name == "function"


def test_a_missing_value_is_none_in_every_operation_but_a_sum() -> None:
    answer, other = synalinks.Input(data_model=Answer), synalinks.Input(data_model=Answer)
    function = synalinks.Function([answer, other], answer | other)
    assert asyncio.run(function([None, Answer(answer=2)])).get_json() == {"answer": 2}


def test_symbols_in_symbols_out_and_a_node_of_a_program() -> None:
    function = both(name="f")
    question, answer = synalinks.Input(data_model=Question), synalinks.Input(data_model=Answer)
    out = asyncio.run(function([question, answer]))
    assert list(out["sum"].keys()) == ["question", "answer"]
    program = synalinks.Program(inputs=[question, answer], outputs=[out["sum"], out["more"]], name="p")
    assert [type(one).__name__ for one in program.operations] == ["InputModule", "InputModule", "Function"]
    values = asyncio.run(program([Question(question="hi"), Answer(answer=1)]))
    assert values[1].get_json() == {"answer": 2}


def test_a_function_from_the_middle_of_a_graph() -> None:
    answer = synalinks.Input(data_model=Answer)
    first = asyncio.run(Add(1, name="first")(answer))
    second = asyncio.run(Add(10, name="second")(first))
    function = synalinks.Function(first, second)
    assert [one.name for one in function.operations] == ["first", "second"]
    assert asyncio.run(function(Answer(answer=0))).get("answer") == 10
    program = synalinks.Program(inputs=first, outputs=second, name="tail")
    assert asyncio.run(program(Answer(answer=0))).get("answer") == 10


def test_config_round_trip() -> None:
    function = both(name="f", description="Both.")
    again = synalinks.saving.deserialize_synalinks_object(synalinks.saving.serialize_synalinks_object(function))
    assert (type(again), again.name, again.description) == (synalinks.Function, "f", "Both.")
    out = asyncio.run(again([Question(question="hi"), Answer(answer=1)]))
    assert out["more"].get_json() == {"answer": 2}
    assert asyncio.run(function.clone("g")([Question(question="hi"), Answer(answer=1)]))["more"].get("answer") == 2


def test_wrong_inputs_and_graphs() -> None:
    function = both(name="f")
    with pytest.raises(DataError, match="f takes 2 inputs, got 1"):
        asyncio.run(function(Question(question="hi")))
    with pytest.raises(DataError, match=r"f has the inputs \['q', 'a'\], got \['q', 'x'\]"):
        asyncio.run(function({"q": Question(question="hi"), "x": Answer(answer=1)}))
    with pytest.raises(ConfigurationError, match="disconnected"):
        synalinks.Function(synalinks.Input(data_model=Question), synalinks.SymbolicDataModel(data_model=Answer))
    with pytest.raises(ConfigurationError, match="two operations of this program are called 'same'"):
        answer = synalinks.Input(data_model=Answer)
        synalinks.Function(answer, asyncio.run(Add(1, name="same")(asyncio.run(Add(2, name="same")(answer)))))
