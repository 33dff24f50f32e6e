"""Tests of the table of a program."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Add, Answer, Pipeline, Question, compiled, lm, solver
from synalinks.errors import ConfigurationError


def text_of(program: Any, **options: Any) -> str:
    found: list[str] = []
    program.summary(print_fn=found.append, **options)
    assert len(found) == 1
    return found[0]


def nested() -> synalinks.Program:
    question, answer = synalinks.Input(data_model=Question, name="q"), synalinks.Input(data_model=Answer, name="a")
    solved = asyncio.run(solver(name="inner")(question))
    more = asyncio.run(Add(1, name="more")(solved & answer))
    return synalinks.Program(inputs=[question, answer], outputs=more, name="outer")


def test_title_modules_schemas_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    solver().summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Program: solver", "description: 'Solves.'"]
    assert "Module (type)" in lines[3] and "Output Schema" in lines[3] and "Vars #" in lines[3]
    assert "Connected to" not in lines[3] and "Trainable" not in lines[3]
    whole = "\n".join(lines)
    for part in ("solver_generator (Generator)", "Answer:", "  answer: integer"):
        assert part in whole
    assert lines[-3:] == [" Total variables: 1", " Trainable variables: 1", " Non-trainable variables: 0"]


def test_graphs_that_are_no_chain_show_what_is_connected_to_what() -> None:
    lines = text_of(nested()).splitlines()
    assert "Connected to" in lines[3]
    row = next(line for line in lines if "And" in line)
    assert "inner" in row
    assert "solver" not in "\n".join(lines)


def test_nested_programs_are_expanded() -> None:
    plain, expanded = text_of(nested()), text_of(nested(), expand_nested=True)
    assert "inner_generator" not in plain and "  inner_generator (Generator)" in expanded


def test_trainable_is_a_column() -> None:
    program = solver()
    assert "Trainable ┃" in text_of(program, show_trainable=True)
    program.get_module("solver_generator").trainable = False
    row = next(line for line in text_of(program, show_trainable=True).splitlines() if "(Generator)" in line)
    assert row.rstrip(" │").endswith("N")
    assert " Trainable variables: 0" in text_of(program)


def test_a_range_of_modules() -> None:
    text = text_of(nested(), module_range=["and.*", "more"])
    assert "more (Add)" in text and "q (InputModule)" not in text and "inner" in text  # what `and` is connected to
    with pytest.raises(ConfigurationError, match="no module is called 'x'; there are q, a, inner"):
        text_of(nested(), module_range=["x", "more"])
    with pytest.raises(ConfigurationError, match="first and the last"):
        text_of(nested(), module_range="more")


def test_widths() -> None:
    for width in (40, 60, 120):
        assert max(map(len, text_of(nested(), line_length=width).splitlines()[2:])) <= width
    lines = text_of(solver(), line_length=80, positions=[0.5, 0.8, 1.0]).splitlines()
    assert {len(line) for line in lines[2:-3]} <= {79, 80, 81}
    absolute = text_of(solver(), line_length=80, positions=[40, 64, 80])
    assert absolute == "\n".join(lines)
    narrow = text_of(solver(), line_length=30)
    assert "(InputModule)" in narrow and "Vars #: 1" in narrow  # lines, since a table would break words
    with pytest.raises(ConfigurationError, match="end of each of the 3 columns"):
        text_of(solver(), positions=[0.5, 1.0])


def test_subclasses_before_and_after_they_are_built() -> None:
    program = Pipeline(lm(), name="pipe")
    assert "Program: pipe (not built)" in text_of(program)
    asyncio.run(program.build(Question))
    text = text_of(compiled(program))
    assert "(not built)" not in text and "(Add)" in text and "answer: integer" in text
    assert " Optimizer variables: 1" in text
