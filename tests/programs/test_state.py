"""Tests of the values of a program's variables, as a tree and by path."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import (
    Add,
    Answer,
    Persona,
    Question,
    Speaker,
    compiled,
    data,
    fit,
    learner,
    provider_of,
    right,
    solver,
)
from synalinks.errors import ConfigurationError


def trained() -> Any:
    program = compiled(metrics=[synalinks.metrics.F1Score(), synalinks.metrics.F1Score()])
    x, y = data(6)
    fit(program, provider_of(learner), x, y)
    return program


def test_the_tree_has_a_level_for_every_segment_of_a_path() -> None:
    tree = trained().get_state_tree()
    assert list(tree) == [
        "trainable_variables",
        "non_trainable_variables",
        "optimizer_trainable_variables",
        "optimizer_non_trainable_variables",
        "metrics_variables",
    ]
    assert tree["trainable_variables"]["solver_generator"]["state_solver_generator"]["examples"]
    assert tree["non_trainable_variables"] == {} and len(tree["metrics_variables"]["f1_score"]) == 2
    assert list(solver().get_state_tree()) == ["trainable_variables", "non_trainable_variables", "metrics_variables"]


def test_the_variables_of_a_file_are_the_tree(tmp_path: Path) -> None:
    program = trained()
    program.save(tmp_path / "p.json")
    program.save_variables(tmp_path / "p.variables.json")
    for name in ("p.json", "p.variables.json"):
        assert json.loads((tmp_path / name).read_text())["variables"] == program.get_state_tree()
    assert synalinks.Program.load(tmp_path / "p.json").get_state_tree() == program.get_state_tree()


def test_a_tree_is_a_copy_and_can_be_put_back() -> None:
    program, twin = trained(), solver()
    tree = program.get_state_tree()
    before = copy.deepcopy(tree)
    twin.set_state_tree(tree)  # it is not compiled: what the optimizer had is left out
    assert twin.get_state_tree()["trainable_variables"] == before["trainable_variables"]
    twin.variables[0].get("examples").clear()
    program.variables[0].update({"instructions": "changed"})
    assert tree == before
    program.set_state_tree(tree)
    assert program.get_state_tree() == before


def test_a_part_of_a_tree_leaves_the_rest() -> None:
    question = synalinks.Input(data_model=Question)
    outputs = [asyncio.run(Speaker(name=name)(question)) for name in ("one", "two")]
    program = synalinks.Program(inputs=question, outputs=outputs, name="p")
    program.set_state_tree({"trainable_variables": {"one": {"persona_one": {"persona": "odd"}}}})
    values = [variable.get("persona") for variable in program.variables]
    assert values == ["odd", "friendly"] and program.variables[0].get("nb_visit") == 0


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"weights": {}}, "got .'weights'."),
        (
            {"trainable_variables": {"three": {"persona": {"persona": "x"}}}},
            "not in the program: .'three/persona/persona'",
        ),
        ({"trainable_variables": {"speaker": {"persona_speaker": {"alien": 1}}}}, "has no fields .'alien'."),
        ({"trainable_variables": {"speaker": {"persona_speaker": 3}}}, "is an object, got 3"),
    ],
)
def test_what_does_not_fit_changes_nothing(tree: Any, message: str) -> None:
    question = synalinks.Input(data_model=Question)
    speaker = Speaker(name="speaker")
    program = synalinks.Program(inputs=question, outputs=asyncio.run(speaker(question)), name="p")
    before = program.get_state_tree()
    with pytest.raises(ConfigurationError, match=message):
        program.set_state_tree({"non_trainable_variables": {}, **tree})
    assert program.get_state_tree() == before


def test_dicts_in_fields_are_restored() -> None:
    class Table(synalinks.Trainable):
        """A table."""

        rows: dict[str, Any] = {}

    class Tables(synalinks.Module):
        def __init__(self, name: str) -> None:
            super().__init__(name=name)
            self.state = self.add_variable(data_model=Table, name="table")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    question = synalinks.Input(data_model=Question)
    program = synalinks.Program(inputs=question, outputs=asyncio.run(Tables("t")(question)), name="p")
    program.variables[0].update({"rows": {"a": {"b": {}}, "c": {}}})
    tree = program.get_state_tree()
    program.variables[0].update({"rows": {}})
    program.set_state_tree(tree)
    assert program.variables[0].get("rows") == {"a": {"b": {}}, "c": {}}


def test_paths_that_can_not_be_a_tree() -> None:
    class Holder(synalinks.Module):
        def __init__(self) -> None:
            super().__init__(name="a")
            self.state = self.add_variable(data_model=Persona, name="b")
            with self.name_scope():
                self.inner = Inner()

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    class Inner(synalinks.Module):
        def __init__(self) -> None:
            super().__init__(name="b")
            self.state = self.add_variable(data_model=Persona, name="c")

    question = synalinks.Input(data_model=Question)
    program = synalinks.Program(inputs=question, outputs=asyncio.run(Holder()(question)), name="p")
    with pytest.raises(ConfigurationError, match="another variable goes through 'a/b'"):
        program.get_state_tree()


def test_by_path() -> None:
    program = trained()
    values = program.get_state()
    assert list(values["trainable_variables"]) == ["solver_generator/state_solver_generator"]
    program.set_state(values)
    with pytest.raises(ConfigurationError, match="missing in the state"):
        program.set_state({**values, "trainable_variables": {}})


def test_names_that_a_constructor_made_are_those_of_the_file(tmp_path: Path) -> None:
    question = synalinks.Input(data_model=Question, name="q")
    program = synalinks.Program(inputs=question, outputs=asyncio.run(Two()(question)), name="p")
    program.variables[1].update({"persona": "odd"})
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")  # in this session the names count on
    assert [v.path for v in again.variables] == [v.path for v in program.variables]
    assert [module.name for module in again.get_module("two").parts] == ["speaker", "speaker_1"]
    assert [v.get("persona") for v in again.variables] == ["friendly", "odd"]
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(again(Question(question="hi"))).get("answer") == 8


@synalinks.saving.register_synalinks_serializable("Tests")
class Two(synalinks.Module):
    """Holds two speakers, and one adder, without names."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.parts = [Speaker(), Speaker()]
        self.add = Add(0)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return await self.add(await self.parts[0](inputs))

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Answer)


class Thinker(synalinks.Program):
    """Two generators with automatic names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = synalinks.Generator(data_model=Answer, language_model="ollama/any")
        self.second = synalinks.ChainOfThought(data_model=Answer, language_model="ollama/any")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return await self.second(await self.first(inputs))


def test_another_instance_takes_the_variables_of_the_first(tmp_path: Path) -> None:
    one, two = Thinker(), Thinker()
    one.first.state.update({"instructions": "First."})
    one.second.generator.state.update({"instructions": "Second."})
    one.save_variables(tmp_path / "one.variables.json")
    paths = [variable.path for variable in two.variables]
    assert paths != [variable.path for variable in one.variables]
    two.load_variables(tmp_path / "one.variables.json")
    assert [variable.get("instructions") for variable in two.variables] == ["First.", "Second."]
    assert [variable.path for variable in two.variables] == paths, "names stay"
    two.set_state_tree(one.get_state_tree())


def test_variables_of_other_names_are_another_architecture(tmp_path: Path) -> None:
    one = synalinks.Sequential([synalinks.Generator(language_model="ollama/any", name="left")], description="x")
    two = synalinks.Sequential([synalinks.Generator(language_model="ollama/any", name="right")], description="x")
    one.save_variables(tmp_path / "one.variables.json")
    with pytest.raises(ConfigurationError, match="another architecture"):
        two.load_variables(tmp_path / "one.variables.json")
