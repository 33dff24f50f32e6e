"""Tests of the merging modules: the table of the algebra, over lists, in graphs, saved."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question
from synalinks.errors import ConfigurationError

A, B, C = Question(question="2 + 2?"), Answer(answer=4), Answer(answer=5)


def merged(module: synalinks.Module, inputs: Any) -> Any:
    result = asyncio.run(module(inputs))
    return None if result is None else result.get_json()


ABC = {"question": "2 + 2?", "answer": 4, "answer_1": 5}


@pytest.mark.parametrize(
    ("kind", "inputs", "wanted"),
    [
        (synalinks.Concat, [A, B, C], ABC),
        (synalinks.Concat, [B], {"answer": 4}),
        (synalinks.And, [A, B, C], ABC),
        (synalinks.And, [A, None, C], None),
        (synalinks.And, [None, None], None),
        (synalinks.Or, [A, B, C], ABC),
        (synalinks.Or, [None, B, None], {"answer": 4}),
        (synalinks.Or, [None, None], None),
        (synalinks.Xor, [None, B, None], {"answer": 4}),
        (synalinks.Xor, [A, B], None),
        (synalinks.Xor, [A, B, C], None),
        (synalinks.Xor, [None, None], None),
        (synalinks.And, (A, {"x": B}), {"question": "2 + 2?", "answer": 4}),
        (synalinks.And, None, None),
        (synalinks.Concat, None, None),
        (synalinks.Not, A, None),
        (synalinks.Not, None, None),
    ],
)
def test_values_are_merged_by_the_table(kind: Any, inputs: Any, wanted: Any) -> None:
    assert merged(kind(), inputs) == wanted


def test_none_is_an_error_of_concat_and_an_empty_list_of_all() -> None:
    with pytest.raises(ConfigurationError, match="right one is None"):
        merged(synalinks.Concat(), [A, None])
    with pytest.raises(ConfigurationError, match="got an empty list"):
        merged(synalinks.And(), [])


def test_inputs_may_be_separate_arguments() -> None:
    assert asyncio.run(synalinks.And()(A, B)).get_json() == {"question": "2 + 2?", "answer": 4}
    assert asyncio.run(synalinks.And()(A, None)) is None


def test_not_keeps_the_structure() -> None:
    assert asyncio.run(synalinks.Not()([A, {"x": B}])) == [None, {"x": None}]


def test_concatenate_is_concat() -> None:
    assert synalinks.Concatenate is synalinks.modules.Concatenate is synalinks.Concat


@pytest.mark.parametrize("kind", [synalinks.Concat, synalinks.And, synalinks.Or, synalinks.Xor])
def test_a_program_of_the_module_gives_what_the_operator_gives_and_survives_a_file(kind: Any, tmp_path: Path) -> None:
    operator = {"Concat": "__add__", "And": "__and__", "Or": "__or__", "Xor": "__xor__"}[kind.__name__]
    first, second = synalinks.Input(data_model=Question, name="a"), synalinks.Input(data_model=Answer, name="b")
    output = asyncio.run(kind(name="merge")([first, second]))
    program = synalinks.Program(inputs=[first, second], outputs=output)
    assert output.get_schema() == getattr(first, operator)(second).get_schema()
    program.save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json")
    for a, b in itertools.product([A, None], [B, None]):
        if kind is synalinks.Concat and (a is None or b is None):
            continue
        wanted = None if a is None and b is None else getattr(type(A), operator)(a, b) if a else None
        if a is None and b is not None:
            wanted = None if kind is synalinks.And else b
        got = asyncio.run(program([a, b])), asyncio.run(loaded([a, b]))
        assert [one and one.get_json() for one in got] == [wanted and wanted.get_json()] * 2
    assert isinstance(loaded.get_module("merge"), kind)


def test_what_is_merged_has_the_name_of_the_module() -> None:
    assert asyncio.run(synalinks.And(name="both")([A, B])).name == "both"


def test_not_in_a_program_is_a_symbol_of_the_same_schema_and_none_in_fact() -> None:
    start = synalinks.Input(data_model=Question)

    async def build() -> Any:
        off = await synalinks.Not()(start)
        assert off.get_schema() == Question.get_schema()
        return await synalinks.Or()([off, start])

    program = synalinks.Program(inputs=start, outputs=asyncio.run(build()))
    assert asyncio.run(program(A)).get_json() == A.get_json()
