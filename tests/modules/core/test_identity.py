"""Tests of the identity: copies, in the structure of the inputs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import synalinks
from programs_under_test import Answer, Question


def test_values_come_out_as_copies() -> None:
    value = Answer(answer=4).to_json_data_model()
    copy = asyncio.run(synalinks.Identity()(value))
    assert copy is not value and copy.get_json() == value.get_json()
    copy.get_json()["answer"] = 5
    assert value.get("answer") == 4


def test_structure_and_none_are_kept() -> None:
    assert asyncio.run(synalinks.Identity()(None)) is None
    first, rest = asyncio.run(synalinks.Identity()([Answer(answer=1), {"x": None, "y": Question(question="q")}]))
    assert (first.get_json(), rest["x"], rest["y"].get_json()) == ({"answer": 1}, None, {"question": "q"})


def test_in_a_program_saved_and_loaded(tmp_path: Path) -> None:
    start = synalinks.Input(data_model=Answer)
    end = asyncio.run(synalinks.Identity(name="same")(start))
    assert end is not start and end.get_schema() == start.get_schema()
    synalinks.Program(inputs=start, outputs=end).save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json")
    assert asyncio.run(loaded(Answer(answer=4))).get_json() == {"answer": 4}


def test_inputs_may_be_named() -> None:
    for module in (synalinks.Identity(), synalinks.Or(), synalinks.Lambda(lambda inputs: inputs)):
        assert asyncio.run(module(inputs=Answer(answer=4))).get_json() == {"answer": 4}
    assert asyncio.run(synalinks.And()(inputs=[Answer(answer=4), None])) is None
