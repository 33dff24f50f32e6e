"""Tests of the ways a program is written: subclasses, mixed forms, shared and nested modules; built, saved, loaded."""

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
    Mixed,
    Persona,
    Pipeline,
    Question,
    Speaker,
    compiled,
    lm,
    provider_of,
    right,
)
from synalinks.errors import ConfigurationError, DataError


@synalinks.saving.register_synalinks_serializable("Tests")
class InInit(synalinks.Program):
    """A graph made in the constructor."""

    def __init__(self, number: int = 1, name: str | None = None) -> None:
        self.number = number
        answer = synalinks.Input(data_model=Answer, name="answer")
        super().__init__(inputs=answer, outputs=asyncio.run(Add(number)(answer)), name=name)


@synalinks.saving.register_synalinks_serializable("Tests")
class Loud(synalinks.Program):
    """A graph given from outside, with an argument and a method of its own."""

    def __init__(self, inputs: Any, outputs: Any, volume: int = 1, **options: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs, **options)
        self.volume = volume

    async def call(self, inputs: Any, training: bool = False) -> Any:
        answer = await super().call(inputs, training=training)
        return Answer(answer=answer.get("answer") * self.volume)


@synalinks.saving.register_synalinks_serializable("Tests")
class Reads(synalinks.Program):
    """Reads values in `call`, so nothing can be derived from symbols; its speaker has state of its own."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.speaker = Speaker(name="speaker")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if inputs.get("question") == "hush":
            return None
        return await self.speaker(inputs)


@synalinks.saving.register_synalinks_serializable("Tests")
class Shaped(synalinks.Program):
    """Has a variable with the fields of its input."""

    async def build(self, inputs: Any) -> None:
        fields = {name: {"type": "string", "default": ""} for name in inputs.keys()}  # noqa: SIM118  symbols don't iterate
        schema = {"title": "Seen", "type": "object", "properties": fields}
        self.seen = self.add_variable(
            initializer=dict.fromkeys(fields, ""), data_model=synalinks.SymbolicDataModel(schema=schema), name="seen"
        )

    async def call(self, inputs: Any, training: bool = False) -> Any:
        self.seen.assign(inputs.get_json())
        return inputs


GIVEN = [Question, Question(question="x"), Question(question="x").to_json_data_model(), Question.get_schema(), "symbol"]


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("make", [lambda: Pipeline(lm()), lambda: Mixed(lm()), Reads, Shaped])
def test_await_build_takes_whatever_has_a_schema(make: Any, given: Any, tmp_path: Path) -> None:
    program = make()
    asyncio.run(program.build(synalinks.Input(data_model=Question) if isinstance(given, str) else given))
    assert program.built and len(program.variables) == 1
    program.summary(print_fn=lambda text: None)
    synalinks.utils.plot_program(program, to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="fixed once"):
        program.add_variable(data_model=Persona)
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program(Question(question="number 4"))) is not None


def test_build_refuses_what_has_no_schema() -> None:
    with pytest.raises(ConfigurationError, match="got int"):
        asyncio.run(Pipeline(lm()).build(3))


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("make", [lambda: Pipeline(lm(), 2), lambda: Mixed(lm()), Reads, Shaped, lambda: InInit(5)])
def test_every_form_is_saved_and_loaded_as_itself(make: Any, fresh: bool, tmp_path: Path) -> None:
    make()  # takes the first names
    program = compiled(make())
    question: Any = Answer(answer=1) if isinstance(program, InInit) else Question(question="number 4")
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program(question))
    if program.variables:
        fields = {"instructions", "persona", "question"} & program.variables[0].keys()
        program.variables[0].update(dict.fromkeys(fields, "changed"))
    program.save(tmp_path / "p.json")
    state = program.get_state_tree()
    with synalinks.use_provider(provider_of(right)):
        before = asyncio.run(program(question))
    if fresh:
        synalinks.clear_session()
    again = synalinks.Program.load(tmp_path / "p.json")
    assert (
        type(again) is type(program)
        and again.built
        and (again.name, again.description)
        == (
            program.name,
            program.description,
        )
    )
    assert again.get_state_tree() == state
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "p.json").read_bytes()
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(again(question)).get_json() == before.get_json()


def test_a_subclass_given_a_graph_keeps_its_class_and_its_arguments(tmp_path: Path) -> None:
    answer = synalinks.Input(data_model=Answer)
    program = Loud(answer, asyncio.run(Add(1, name="add")(answer)), volume=3, name="loud", description="Loud.")
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert isinstance(again, Loud) and (again.volume, again.name, again.description) == (3, "loud", "Loud.")
    assert asyncio.run(again(Answer(answer=1))).get("answer") == 6
    assert asyncio.run(program.clone("quiet")(Answer(answer=1))).get("answer") == 6


def test_modules_shared_between_programs_share_their_state() -> None:
    speaker = Speaker(name="speaker")

    def program(name: str) -> synalinks.Program:
        question = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=question, outputs=asyncio.run(speaker(question)), name=name)

    one, two = program("one"), program("two")
    one.variables[0].update({"persona": "odd"})
    assert asyncio.run(two(Question(question="hi"))).get("answer") == 3
    question = synalinks.Input(data_model=Question)
    both = asyncio.run(one(question)) + asyncio.run(two(question))
    outer = synalinks.Program(inputs=question, outputs=both, name="outer")
    assert len(outer.variables) == 1
    assert asyncio.run(outer(Question(question="hi"))).get_json() == {"answer": 3, "answer_1": 3}


def test_one_module_in_two_places_of_a_graph_is_saved_once(tmp_path: Path) -> None:
    speaker = Speaker(name="speaker")
    one, two = synalinks.Input(data_model=Question, name="one"), synalinks.Input(data_model=Question, name="two")
    outputs = [asyncio.run(speaker(one)), asyncio.run(speaker(two))]
    program = synalinks.Program(inputs=(one, two), outputs=outputs, name="p")
    program.variables[0].update({"persona": "odd"})
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert len(again.variables) == 1 and len(again.modules) == 3
    out = asyncio.run(again((Question(question="a"), None)))
    assert [value and value.get("answer") for value in out] == [3, None]


def test_structures_of_inputs_and_outputs() -> None:
    one, two = synalinks.Input(data_model=Answer, name="one"), synalinks.Input(data_model=Answer, name="two")
    outputs = {"both": (one + two, [one | two]), "two": two}
    program = synalinks.Program(inputs={"x": one, "y": {"z": two}}, outputs=outputs, name="p")
    out = asyncio.run(program({"x": Answer(answer=1), "y": {"z": Answer(answer=2)}}))
    assert out["both"][0].get_json() == {"answer": 1, "answer_1": 2} and out["two"].get("answer") == 2
    assert isinstance(out["both"], tuple) and out["both"][1][0].get_json() == {"answer": 1, "answer_1": 2}
    with pytest.raises(DataError, match=r"has the inputs \['x', 'y'\], got \['a', 'x'\]"):
        asyncio.run(program({"x": Answer(answer=1), "a": Answer(answer=2)}))


class Chosen(synalinks.Module):
    """One value, or both."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    async def call(self, one: Any, other: Any = None, both: bool = False, training: bool = False) -> Any:
        return one + other if both else one


synalinks.saving.register_synalinks_serializable("Tests")(Chosen)


def test_values_and_settings_are_arguments_of_a_node(tmp_path: Path) -> None:
    question, answer = synalinks.Input(data_model=Question, name="q"), synalinks.Input(data_model=Answer, name="a")
    chosen = Chosen(name="chosen")
    outputs = [
        asyncio.run(chosen(question, other=answer, both=True)),
        asyncio.run(chosen(question, other=Answer(answer=7), both=True)),
        asyncio.run(chosen(question, answer, True)),
        question + Answer(answer=8),
    ]
    program = synalinks.Program(inputs=[question, answer], outputs=outputs, name="p")
    assert program.input_names == ["q", "a"] and program.output_names[:3] == ["chosen"] * 3
    program.save(tmp_path / "p.json")
    for one in (program, synalinks.Program.load(tmp_path / "p.json"), copy.deepcopy(program), program.clone("c")):
        out = asyncio.run(one([Question(question="hi"), Answer(answer=1)]))
        assert [value.get("answer") for value in out] == [1, 7, 1, 8]
    assert Pipeline(lm()).input_names == Pipeline(lm()).output_names == []


def test_a_list_of_one_input_or_output_is_one() -> None:
    one = synalinks.Input(data_model=Answer, name="one")
    program = synalinks.Program(inputs=[one], outputs=(asyncio.run(Add(1, name="add")(one)),), name="single")
    assert program.inputs == [one] and program.input is one
    for given in (Answer(answer=1), [Answer(answer=1)], {"one": Answer(answer=1)}):
        assert asyncio.run(program(given)).get("answer") == 2


def test_an_input_that_is_left_out_is_named() -> None:
    one, two = synalinks.Input(data_model=Answer, name="one"), synalinks.Input(data_model=Answer, name="two")
    with pytest.raises(ConfigurationError, match="depends on the input 'two', which is not among the inputs"):
        synalinks.Program(inputs=one, outputs=one + two)
    with pytest.raises(ConfigurationError, match="depends on the input 'two'"):
        synalinks.Program(inputs=one, outputs=two)


def test_an_optional_input_may_be_none() -> None:
    answer = synalinks.Input(data_model=Answer, optional=True)
    program = synalinks.Program(inputs=answer, outputs=asyncio.run(Instead(name="instead")(answer)), name="p")
    assert asyncio.run(program(None)).get("answer") == 0
    assert asyncio.run(program(Answer(answer=2))).get("answer") == 2


class Instead(synalinks.Module):
    """Nought in the place of nothing."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return Answer(answer=0) if inputs is None else inputs


def test_freezing_is_seen_on_modules_and_variables() -> None:
    program = Reads()
    program.trainable = False
    assert program.trainable_variables == []
    assert not program.speaker.trainable and not program.speaker.variables[0].trainable
    program.trainable = True
    assert program.speaker.trainable and len(program.trainable_variables) == 1


def test_invocations_are_counted_where_they_come_from_outside() -> None:
    program, x = Reads(name="reads"), [Question(question="a"), Question(question="b")]
    asyncio.run(program(x[0]))
    asyncio.run(program.predict(x, verbose=0))
    assert (program.cumulated_invocations, program.inference_cumulated_invocations) == (3, 2)
    assert program.speaker.cumulated_invocations == 0
    assert 0 < program.inference_cumulated_invocation_elapsed_s <= program.cumulated_invocation_elapsed_s < 5
    program.compile(reward=synalinks.rewards.ProgramAsJudge(program=Judge(name="judge")))
    asyncio.run(program.evaluate(x, [Answer(answer=8), Answer(answer=8)], verbose=0))
    judge = program.reward.program
    assert (judge.reward_cumulated_invocations, judge.inference_cumulated_invocations) == (2, 0)
    assert judge.optimizer_cumulated_invocations == 0 and judge.reward_cumulated_invocation_elapsed_s > 0


class Graded(synalinks.DataModel):
    """A grade."""

    reward: float


class Judge(synalinks.Program):
    """Always content."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return Graded(reward=1.0)


def test_a_program_without_a_name_is_named_as_in_the_reference() -> None:
    inputs = synalinks.Input(data_model=Answer)
    names = [synalinks.Program(inputs=inputs, outputs=asyncio.run(Add(1)(inputs))).name for _ in range(2)]
    assert names == ["functional", "functional_1"]
