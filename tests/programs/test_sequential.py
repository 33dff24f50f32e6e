"""Tests of programs that are a row of modules."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import (
    Add,
    Answer,
    Question,
    Speaker,
    compiled,
    data,
    fit,
    learner,
    lm,
    provider_of,
    right,
)
from synalinks.errors import ConfigurationError, DataError


def generator(name: str = "g") -> synalinks.Generator:
    return synalinks.Generator(data_model=Answer, language_model=lm(), name=name)


def row(*modules: Any, **options: Any) -> synalinks.Sequential:
    return synalinks.Sequential(list(modules), **{"name": "row", "description": "A row.", **options})


def ask(program: Any, number: int = 4) -> Any:
    with synalinks.use_provider(provider_of(right)):
        return asyncio.run(program(Question(question=f"number {number}")))


def test_with_an_input_it_is_built_at_once() -> None:
    program = row(synalinks.Input(data_model=Question, name="q"), generator(), Add(1, name="a"))
    assert program.built and isinstance(program, synalinks.Program)
    assert [module.name for module in program.modules] == ["g", "a"]
    assert [one.name for one in program.operations] == ["q", "g", "a"]
    assert list(program.outputs[0].keys()) == ["answer"] and list(program.inputs[0].keys()) == ["question"]
    assert ask(program).get("answer") == 5
    assert asyncio.run(program(None)) is None


def test_without_an_input_the_first_call_builds_it() -> None:
    program = row(generator(), Add(1, name="a"))
    assert asyncio.run(program(None)) is None, "which has no schema to build with"
    assert not program.built and program.inputs is None
    assert [v.path for v in program.trainable_variables] == ["g/state_g"]
    assert ask(program).get("answer") == 5
    assert program.built and [module.name for module in program.modules] == ["g", "a"]
    assert ask(program, 7).get("answer") == 8


@pytest.mark.parametrize("given", [Question, Question(question="x"), Question.get_schema(), "symbol"])
def test_build_takes_whatever_has_a_schema(given: Any) -> None:
    program = row(generator(), Add(1, name="a"))
    asyncio.run(program.build(synalinks.Input(data_model=Question) if given == "symbol" else given))
    assert program.built and ask(program).get("answer") == 5


def test_modules_are_added_and_taken_away() -> None:
    program = row()
    program.add(synalinks.Input(data_model=Question))
    assert not program.built
    program.add(generator())
    assert program.built and ask(program).get("answer") == 4
    program.add(Add(1, name="one"))
    program.add(Add(10, name="ten"))
    assert ask(program).get("answer") == 15
    assert program.pop().name == "ten"
    assert ask(program).get("answer") == 5
    program.add(Add(100, name="hundred"), rebuild=False)
    assert not program.built
    assert ask(program).get("answer") == 105


def test_inside_a_running_event_loop() -> None:
    async def main() -> Any:
        program = row(synalinks.Input(data_model=Answer), Add(1, name="one"))
        program.add(Add(1, name="two"))
        return await program(Answer(answer=1))

    assert asyncio.run(main()).get("answer") == 3


def test_what_can_not_be_in_a_row() -> None:
    with pytest.raises(ValueError, match="description"):
        synalinks.Sequential([Add(1)])
    with pytest.raises(ConfigurationError, match=r"only modules .* got function.*Lambda"):
        row(lambda inputs: inputs)
    with pytest.raises(ConfigurationError, match=r"called 'same' is there already"):
        row(Add(1, name="same"), Add(2, name="same"))
    question = synalinks.Input(data_model=Question)
    with pytest.raises(ConfigurationError, match="there are an input already"):
        row(question, synalinks.Input(data_model=Question))
    with pytest.raises(ConfigurationError, match="there are modules already"):
        row(Add(1, name="a"), question)
    with pytest.raises(ConfigurationError, match="no modules to take"):
        row().pop()
    with pytest.raises(ConfigurationError, match="has no modules"):
        asyncio.run(row()(Question(question="hi")))
    with pytest.raises(DataError, match="needs"):
        ask(row(synalinks.Input(data_model=Answer), Add(1, name="a")))

    class Two(synalinks.Module):
        async def call(self, one: Any, other: Any, training: bool = False) -> Any:
            return one + other

    with pytest.raises(ConfigurationError, match=r"take one input, and two takes \['one', 'other'\]"):
        row(question, Two(name="two"))


def test_it_is_trained_saved_and_loaded(tmp_path: Path) -> None:
    for modules in ([synalinks.Input(data_model=Question, name="q"), generator()], [generator()]):
        program = compiled(row(*modules))
        x, y = data(6)
        fit(program, provider_of(learner), x, y, epochs=2)
        assert program.trainable_variables[0].get("examples")
        program.save(tmp_path / "p.json")
        again = synalinks.Program.load(tmp_path / "p.json")
        assert isinstance(again, synalinks.Sequential) and again.built
        assert (again.name, again.description) == ("row", "A row.")
        assert again.get_state_tree() == program.get_state_tree()
        again.save(tmp_path / "again.json")
        assert (tmp_path / "again.json").read_bytes() == (tmp_path / "p.json").read_bytes()
        assert ask(again).get("answer") == 4


def test_nested_in_a_row_and_in_a_graph() -> None:
    inner = row(generator(), Add(1, name="one"), name="inner")
    outer = row(synalinks.Input(data_model=Question), inner, Add(10, name="ten"), name="outer")
    assert ask(outer).get("answer") == 15
    question = synalinks.Input(data_model=Question)
    graph = synalinks.Program(inputs=question, outputs=asyncio.run(outer(question)), name="graph")
    assert ask(graph).get("answer") == 15
    assert [v.path for v in graph.trainable_variables] == ["g/state_g"]
    config = graph.get_config()
    assert synalinks.Program.from_config(config).get_module("outer").get_module("inner").modules[1].number == 1


def test_none_passes_through() -> None:
    program = row(synalinks.Input(data_model=Question), Speaker(name="s"), synalinks.Not(name="n"), Add(1, name="a"))
    assert asyncio.run(program(Question(question="hi"))) is None


def test_clones_and_copies_share_no_state() -> None:
    program = row(synalinks.Input(data_model=Question, name="q"), Speaker(name="s"))
    for twin in (program.clone("other"), copy.deepcopy(program)):
        twin.variables[0].update({"persona": "stern"})
        assert asyncio.run(twin(Question(question="hi"))).get("answer") == 5
    assert asyncio.run(program(Question(question="hi"))).get("answer") == 8


def test_subclasses_round_trip() -> None:
    program = Named(3)
    again = synalinks.saving.deserialize_synalinks_object(synalinks.saving.serialize_synalinks_object(program))
    assert isinstance(again, Named) and again.modules[0].number == 3


@synalinks.saving.register_synalinks_serializable("Tests")
class Named(synalinks.Sequential):
    """A row of its own."""

    def __init__(self, number: int = 1, **options: Any) -> None:
        super().__init__([Add(number, name="add")], **{"description": "Adds.", **options})
