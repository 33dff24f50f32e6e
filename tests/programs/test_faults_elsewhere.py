"""Faults that other implementations of the same programs have: each is right here."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import synalinks
from programs_under_test import Add, Answer, Persona, Question, Speaker, lm, provider_of, right, solver
from synalinks.hooks import Hook


def test_an_input_that_enters_late_and_is_listed_first() -> None:
    early, late = synalinks.Input(data_model=Answer, name="early"), synalinks.Input(data_model=Question, name="late")
    deep = asyncio.run(Add(1, name="two")(asyncio.run(Add(1, name="one")(early))))
    program = synalinks.Program(inputs=[late, early], outputs=[late & deep, late, deep], name="p")
    out = asyncio.run(program([Question(question="hi"), Answer(answer=0)]))
    assert [value.get_json() for value in out] == [{"question": "hi", "answer": 2}, {"question": "hi"}, {"answer": 2}]


def test_a_build_of_ones_own_at_an_eager_call_with_one_value() -> None:
    class Built(synalinks.Module):
        async def build(self, inputs: Any) -> None:
            self.fields = list(inputs.keys())

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    module = Built()
    asyncio.run(module(Question(question="hi")))
    assert module.fields == ["question"]


def test_descriptions_and_arguments_survive_saving(tmp_path: Path) -> None:
    answer = synalinks.Input(data_model=Answer)
    program = synalinks.Program(
        inputs=answer, outputs=asyncio.run(Add(5, name="add")(answer)), name="p", description="Adds five."
    )
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert again.description == "Adds five." and again.get_module("add").number == 5
    assert again.get_module("add").description == Add.__doc__.partition("\n")[0]


def test_the_parent_of_a_call_is_the_module_around_it_also_for_siblings_side_by_side() -> None:
    parents: dict[str, Any] = {}

    class Note(Hook):
        def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: Any, kwargs: Any) -> None:
            parents[call_id.partition("-")[0]] = (parent_call_id or "").partition("-")[0]

    class Leaf(synalinks.Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            await asyncio.sleep(0)
            return inputs

    class Pair(synalinks.Module):
        def __init__(self, name: str) -> None:
            super().__init__(name=name, hooks=[Note()])
            self.leaves = [Leaf(name=f"{name}_{i}", hooks=[Note()]) for i in range(2)]

        async def call(self, inputs: Any, training: bool = False) -> Any:
            tasks = [asyncio.ensure_future(leaf(inputs)) for leaf in self.leaves]
            return [await task for task in tasks][0]

    class Top(synalinks.Module):
        def __init__(self) -> None:
            super().__init__(name="top", hooks=[Note()])
            self.pairs = [Pair("a"), Pair("b")]

        async def call(self, inputs: Any, training: bool = False) -> Any:
            tasks = [asyncio.ensure_future(pair(inputs)) for pair in self.pairs]
            return [await task for task in tasks][0]

    asyncio.run(Top()(Question(question="hi")))
    assert parents == {"top": "", "a": "top", "b": "top", "a_0": "a", "a_1": "a", "b_0": "b", "b_1": "b"}


def test_values_survive_serialisation() -> None:
    value = Answer(answer=3).to_json_data_model(name="seen")
    saved = json.loads(json.dumps(synalinks.saving.serialize_synalinks_object(value)))
    again = synalinks.saving.deserialize_synalinks_object(saved)
    assert (again.get_json(), again.get_schema(), again.name) == ({"answer": 3}, value.get_schema(), "seen")


def test_dicts_in_variables_are_restored_empty_ones_too() -> None:
    class Table(synalinks.Trainable):
        """A table."""

        rows: dict[str, Any] = {}
        notes: dict[str, Any] = {}

    class Tables(synalinks.Module):
        def __init__(self, name: str | None = None) -> None:
            super().__init__(name=name)
            self.state = self.add_variable(data_model=Table, name="table")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    question = synalinks.Input(data_model=Question)
    program = synalinks.Program(inputs=question, outputs=asyncio.run(Tables(name="t")(question)), name="p")
    program.variables[0].assign({**program.variables[0].get_json(), "rows": {"a": {"b": {}}}, "notes": {}})
    tree = json.loads(json.dumps(program.get_state_tree()))
    program.variables[0].update({"rows": {"x": 1}, "notes": {"y": 2}})
    program.set_state_tree(tree)
    assert program.variables[0].get("rows") == {"a": {"b": {}}} and program.variables[0].get("notes") == {}


def test_a_decision_is_saved_with_its_program_and_one_model_is_loaded_as_one(tmp_path: Path) -> None:
    model = lm()
    question = synalinks.Input(data_model=Question)
    decided = asyncio.run(
        synalinks.Decision(question="Which?", labels=["one", "two"], language_model=model, name="d")(question)
    )
    answered = asyncio.run(synalinks.Generator(data_model=Answer, language_model=model, name="g")(question))
    program = synalinks.Program(inputs=question, outputs=[decided, answered], name="p")
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert again.get_state_tree() == program.get_state_tree()
    models = [
        m.language_model
        for m in (again.get_module("g"), *again.get_module("d").submodules)
        if hasattr(m, "language_model")
    ]
    assert len({id(one) for one in models}) == 1


def test_the_methods_prefix_and_suffix_are_there_for_every_kind() -> None:
    value = Answer(answer=3)
    for one in (value, value.to_json_data_model()):
        assert one.prefix("gold").get_json() == {"gold_answer": 3} and one.suffix("x").get_json() == {"answer_x": 3}
    for symbol in (Answer, synalinks.Input(data_model=Answer)):
        assert list(symbol.prefix("gold").keys()) == ["gold_answer"]


def test_a_variable_takes_data_models_as_json() -> None:
    variable = Speaker(name="s").variables[0]
    for value in (Persona(persona="odd"), Persona(persona="odd").to_json_data_model()):
        variable.assign(value)
        assert isinstance(variable.get_json(), dict) and variable.get("persona") == "odd"


def test_a_failed_structure_names_the_program_and_what_it_takes() -> None:
    program = solver()
    with synalinks.use_provider(provider_of(right)):
        for given in (Question(question="number 1"), [Question(question="number 1")], {"question": "number 1"}):
            assert asyncio.run(program(given)).get("answer") == 1
