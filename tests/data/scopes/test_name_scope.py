"""Tests of name scopes and the paths of variables."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Persona, Question, Speaker
from synalinks.data import current_path
from synalinks.errors import ConfigurationError


def test_blocks_are_segments_of_a_path() -> None:
    assert current_path() == ""
    with synalinks.name_scope("a"):
        with synalinks.name_scope("b"):
            assert current_path() == "a/b"
            with synalinks.name_scope("c", override_parent="x/y"):
                assert current_path() == "x/y/c"
            with synalinks.name_scope("c", override_parent=""):
                assert current_path() == "c"
        assert current_path() == "a"
    assert current_path() == ""


def test_one_caller_adds_a_segment_once() -> None:
    caller = object()
    with synalinks.name_scope("a", caller=caller):
        with synalinks.name_scope("a", caller=caller):
            assert current_path() == "a"
        with synalinks.name_scope("a", caller=caller, deduplicate=False):
            assert current_path() == "a/a"
        with synalinks.name_scope("a", caller=object()):
            assert current_path() == "a/a"
        with synalinks.name_scope("a"):
            assert current_path() == "a/a"


@pytest.mark.parametrize("name", ["", "a/b", 3, None])
def test_names_are_single_segments(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="without '/'"):
        synalinks.name_scope(name)


def test_a_block_ends_with_an_error_and_does_not_reach_into_other_tasks() -> None:
    async def task() -> str:
        with synalinks.name_scope("task"):
            await asyncio.sleep(0)
            return current_path()

    async def main() -> list[str]:
        return [await one for one in [asyncio.ensure_future(task()), asyncio.ensure_future(task())]]

    assert asyncio.run(main()) == ["task", "task"]
    with pytest.raises(KeyError), synalinks.name_scope("a"):
        raise KeyError
    assert current_path() == ""


def test_variables_and_modules_take_the_blocks_they_are_made_in() -> None:
    with synalinks.name_scope("team"):
        speaker = Speaker(name="speaker")
        free = synalinks.Variable({}, data_model=Persona, name="free")
    assert speaker.variables[0].path == "team/speaker/persona_speaker"
    assert free.path == "team/free"
    assert speaker.get_variable("team/speaker/persona_speaker") is speaker.variables[0]


def test_what_is_built_inside_a_module_has_its_path_whichever_way_it_is_built() -> None:
    class Outer(synalinks.Module):
        async def build(self, inputs: Any) -> None:
            self.inner = Speaker(name="inner")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await self.inner(inputs)

    eager, symbolic, built = Outer(name="outer"), Outer(name="outer"), Outer(name="outer")
    asyncio.run(eager(Question(question="hi")))
    asyncio.run(symbolic(Question))
    asyncio.run(built.build(Question))
    for one in (eager, symbolic, built):
        assert [v.path for v in one.variables] == ["outer/inner/persona_inner"]
