"""Tests of modules that several others hold: they are one module after saving, loading and cloning, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.testing import ScriptedProvider

MODEL = "ollama/llama3.2:latest"


class Query(synalinks.DataModel):
    """A query."""

    query: str


class Answer(synalinks.DataModel):
    """An answer."""

    answer: str


@synalinks.saving.register_synalinks_serializable("SharedModules")
class Around(synalinks.Module):
    """A module around another, which it is given."""

    def __init__(self, inner: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self.inner = inner

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """The inner one's result."""
        return await self.inner(inputs, training=training)


def generator() -> Any:
    return synalinks.Generator(data_model=Answer, language_model=MODEL, name="shared")


async def inner_and_outer() -> Any:
    one = generator()
    inputs = synalinks.Input(data_model=Query)
    inner = synalinks.Program(inputs=inputs, outputs=await one(inputs), name="inner")
    inputs = synalinks.Input(data_model=Query)
    return synalinks.Program(inputs=inputs, outputs=await inner(inputs) + await one(inputs), name="outer")


async def two_around_one() -> Any:
    one = generator()
    inputs = synalinks.Input(data_model=Query)
    outputs = await Around(one, name="first")(inputs) + await Around(one, name="second")(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="around")


async def deep() -> Any:
    one = Around(generator(), name="middle")
    inputs = synalinks.Input(data_model=Query)
    outputs = await Around(one, name="first")(inputs) + await Around(one, name="second")(inputs) + await one(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="deep")


async def branches() -> Any:
    one = generator()
    inputs = synalinks.Input(data_model=Query)
    first, second = await synalinks.Branch(
        question="Which?", labels=["a", "b"], branches=[one, one], language_model=MODEL, return_decision=False
    )(inputs)
    return synalinks.Program(inputs=inputs, outputs=first | second, name="branches")


async def in_a_row() -> Any:
    one = generator()
    row = [synalinks.Input(data_model=Query), Around(one, name="first"), Around(one, name="second")]
    return synalinks.Sequential(row, name="row", description="Two in a row.")


async def judged() -> Any:
    inputs = synalinks.Input(data_model=Query)
    program = synalinks.Program(inputs=inputs, outputs=await generator()(inputs), name="judged")
    program.compile(reward=synalinks.rewards.ProgramAsJudge(program=Around(program, name="judge")))
    return program


def cloned(program: Any, folder: Path) -> Any:
    return program.clone()


def loaded(program: Any, folder: Path) -> Any:
    program.save(folder / "p.json")
    again = synalinks.Program.load(folder / "p.json")
    again.save(folder / "again.json")
    assert (folder / "again.json").read_bytes() == (folder / "p.json").read_bytes()
    assert '"mark"' not in (folder / "p.json").read_text()
    return again


@pytest.mark.parametrize("copied", [cloned, loaded])
@pytest.mark.parametrize("build", [inner_and_outer, two_around_one, deep, branches, in_a_row])
def test_a_module_held_twice_is_one_module_in_the_copy(
    build: Callable[[], Any], copied: Callable[[Any, Path], Any], tmp_path: Path
) -> None:
    program = asyncio.run(build())
    variable = next(variable for variable in program.trainable_variables if variable.name == "state_shared")
    variable.update({"instructions": "Learnt."})
    twin = copied(program, tmp_path)
    assert [variable.path for variable in twin.variables] == [variable.path for variable in program.variables]
    if copied is loaded:
        assert twin.get_state_tree() == program.get_state_tree()


def test_what_is_held_once_stands_in_its_place(tmp_path: Path) -> None:
    program = asyncio.run(deep())
    held_once = asyncio.run(judged())
    assert "shared_objects" in program.to_json()
    described = synalinks.saving.serialize_synalinks_object(held_once.modules[1])
    assert described["class_name"] == "Generator" and "mark" not in described


def test_two_clones_have_nothing_in_common() -> None:
    module = Around(generator())
    one, two = module.clone(), module.clone()
    assert one.inner is not two.inner and one.inner is not module.inner


def test_a_program_may_be_a_part_of_its_own_judge(tmp_path: Path) -> None:
    program = asyncio.run(judged())
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    again.save(tmp_path / "again.json")
    assert len(again.trainable_variables) == 1
    with synalinks.use_provider(ScriptedProvider(['{"answer": "x"}'])):
        assert asyncio.run(again(Query(query="q"))).answer == "x"


def test_variables_load_into_a_program_that_shares_a_module(tmp_path: Path) -> None:
    program, other = (asyncio.run(inner_and_outer()) for _ in range(2))
    program.trainable_variables[0].update({"instructions": "Learnt."})
    program.save(tmp_path / "p.json")
    assert other.load(tmp_path / "p.json").trainable_variables[0].get("instructions") == "Learnt."
    with pytest.raises(ConfigurationError, match="another architecture"):
        asyncio.run(two_around_one()).load(tmp_path / "p.json")


def test_a_reference_to_an_object_of_another_class_is_refused() -> None:
    described = synalinks.saving.serialize_synalinks_object(synalinks.rewards.ExactMatch())
    with (
        synalinks.saving.sharing([described]),
        pytest.raises(ConfigurationError, match="a ExactMatch where a Module belongs"),
    ):
        synalinks.saving.load_as(synalinks.Module, {"class_name": "__shared__", "config": 0})
