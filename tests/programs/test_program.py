"""Tests of programs: functional, subclassed, mixed, nested, of several inputs and outputs."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import (
    Add,
    Answer,
    Mixed,
    Pipeline,
    Question,
    Speaker,
    compiled,
    data,
    fit,
    learner,
    lm,
    make,
    provider_of,
    right,
    solver,
)
from synalinks.errors import ConfigurationError, DataError


def two_inputs(shape: str) -> synalinks.Program:
    async def build() -> synalinks.Program:
        question = synalinks.Input(data_model=Question, name="question")
        answer = synalinks.Input(data_model=Answer, name="answer")
        both = question + answer
        more = await Add(10, name="add")(answer)
        inputs: Any = {"list": [question, answer], "dict": {"q": question, "a": answer}}[shape]
        outputs: Any = {"list": [both, more], "dict": {"both": both, "more": more}}[shape]
        return synalinks.Program(inputs=inputs, outputs=outputs, name="two")

    return make(build)  # type: ignore[no-any-return]


def test_a_functional_program_is_called_directly() -> None:
    program = solver()
    provider = provider_of(right)
    with synalinks.use_provider(provider):
        answer = asyncio.run(program(Question(question="number 4")))
    assert answer.get_json() == {"answer": 4}
    assert provider.calls[0].scope.module == "solver_generator"
    assert asyncio.run(program(None)) is None


def test_descriptions_and_names() -> None:
    program = solver()
    assert (program.name, program.description, program.built) == ("solver", "Solves.", True)
    assert [module.name for module in program.modules] == ["solver_input", "solver_generator"]
    assert program.get_module("solver_generator") is program.get_module(index=1)
    with pytest.raises(ConfigurationError, match="has no module 'x'; it has solver_input, solver_generator"):
        program.get_module("x")
    with pytest.raises(ValueError, match="either"):
        program.get_module()
    with pytest.raises(ConfigurationError, match="has no module 7"):
        program.get_module(index=7)


def test_lists_of_inputs_and_outputs() -> None:
    out = asyncio.run(two_inputs("list")([Question(question="hi"), Answer(answer=1)]))
    assert [value.get_json() for value in out] == [{"question": "hi", "answer": 1}, {"answer": 11}]


def test_dicts_of_inputs_and_outputs() -> None:
    out = asyncio.run(two_inputs("dict")({"a": Answer(answer=1), "q": Question(question="hi")}))
    assert {key: value.get_json() for key, value in out.items()} == {
        "both": {"question": "hi", "answer": 1},
        "more": {"answer": 11},
    }


def test_inputs_of_a_list_may_be_given_by_name() -> None:
    program = two_inputs("list")
    out = asyncio.run(program({"answer": Answer(answer=1), "question": Question(question="hi")}))
    assert out[1].get("answer") == 11
    with pytest.raises(DataError, match=r"has the inputs \['question', 'answer'\]"):
        asyncio.run(program({"answer": Answer(answer=1)}))


def test_wrong_inputs_say_what_was_wanted() -> None:
    with pytest.raises(DataError, match="takes 2 inputs, got 1"):
        asyncio.run(two_inputs("list")(Question(question="hi")))
    with pytest.raises(DataError, match=r"needs \['question'\], got \['answer'\]; missing \['question'\]"):
        asyncio.run(solver()(Answer(answer=1)))
    with pytest.raises(DataError, match="takes data models, got int"):
        asyncio.run(two_inputs("list")([Question(question="hi"), [3]]))


def test_inputs_without_outputs() -> None:
    with pytest.raises(ConfigurationError, match="needs both"):
        synalinks.Program(inputs=synalinks.Input(data_model=Question))


def test_an_input_of_a_wrong_schema_is_reported_when_the_graph_is_built() -> None:
    inner = solver(name="inner")

    async def build() -> Any:
        return await inner(synalinks.Input(data_model=Answer))

    with pytest.raises(
        ConfigurationError, match=r"inner: the input 'inner_input' needs \['question'\], got \['answer'\]"
    ):
        make(build)


def test_a_nested_program_is_a_module_of_its_parent() -> None:
    inner = solver(name="inner")

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Add(1, name="add")(await inner(inputs)), name="outer")

    program = make(build)
    assert [v.path for v in program.trainable_variables] == ["inner_generator/state_inner_generator"]
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program(Question(question="number 4"))).get("answer") == 5


def test_a_subclassed_program_is_called_and_trained() -> None:
    program = compiled(Pipeline(lm()))
    assert (program.name, program.description) == ("pipeline", "Answers, then adds.")
    x, y = data(6, start=1)
    provider = provider_of(learner, shift=-1)
    history = fit(program, provider, x, y, epochs=2, validation_split=0.34)
    assert history.history["val_reward"] == [1.0, 1.0]
    assert len(program.trainable_variables) == 1
    assert program.trainable_variables[0].get("examples")


def test_the_mixed_style_makes_a_graph_in_build_and_keeps_what_was_compiled() -> None:
    program = compiled(Mixed(lm()))
    assert not program.built
    x, y = data(4)
    history = fit(program, provider_of(right), x, y, validation_split=0.25)
    assert program.built and [m.name for m in program.modules][-1] == "g"
    assert history.history["reward"] == [1.0]
    assert program.model is not None
    assert (program.name, program.description) == ("mixed", "A graph made in build.")


def test_the_mixed_style_called_directly() -> None:
    program = Mixed(lm())
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program(Question(question="number 3"))).get("answer") == 3
    assert [v.path for v in program.trainable_variables] == ["mixed/g/state_g"]


def test_a_subclass_whose_modules_make_state_in_build_is_trainable_at_once() -> None:
    class Lazy(synalinks.Module):
        """Makes its state when it sees its input."""

        async def build(self, inputs: Any) -> None:
            self.speaker = Speaker(name="late")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await self.speaker(inputs)

    class Holder(synalinks.Program):
        """Holds it."""

        def __init__(self) -> None:
            super().__init__()
            self.lazy = Lazy()

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await self.lazy(inputs)

    program = compiled(Holder())
    x, y = data(2)
    fit(program, provider_of(right), x, y, validation_split=0)
    assert [v.path for v in program.trainable_variables] == ["holder/lazy/late/persona_late"]
    assert program.trainable_variables[0].get("nb_visit") == 1


def test_a_program_without_graph_or_call_says_so() -> None:
    with pytest.raises(ConfigurationError, match="neither a graph nor its own call"):
        asyncio.run(synalinks.Program(name="p")(Question(question="hi")))


def test_two_programs_in_one_session_share_nothing() -> None:
    one, two = solver(name="one"), solver(name="two")
    x, y = data(4)
    fit(compiled(one), provider_of(learner), x, y)
    assert one.trainable_variables[0].get("examples")
    assert two.trainable_variables[0].get("examples") == []
    with synalinks.use_provider(provider_of(right)):

        async def both() -> list[Any]:
            return [await one(x[1]), await two(x[2])]

        assert [value.get("answer") for value in asyncio.run(both())] == [1, 2]


def test_programs_of_several_inputs_and_outputs_are_trained_with_a_reward_each() -> None:
    async def build() -> synalinks.Program:
        question = synalinks.Input(data_model=Question, name="q")
        answer = synalinks.Input(data_model=Answer, name="a")
        found = await synalinks.Generator(data_model=Answer, language_model=lm(), name="g")(question)
        return synalinks.Program(inputs=[question, answer], outputs=[found, await Add(1, name="add")(answer)], name="p")

    program = make(build)
    questions, answers = data(4)
    x = list(zip(questions, answers, strict=True))
    y = [(answer, Answer(answer=0)) for answer in answers]  # the second output is always wrong but for -1
    exact = synalinks.ExactMatch
    cases: list[tuple[Any, Any, float]] = [
        ([exact(), exact()], [3.0, 1.0], 0.75),
        ([exact(), exact()], None, 0.5),
        (exact(), None, 0.5),
    ]
    for reward, weights, wanted in cases:
        program.compile(optimizer=synalinks.RandomFewShot(), reward=reward, reward_weights=weights, metrics=[exact()])
        history = fit(program, provider_of(right), x, y, validation_split=0.25)
        assert history.history["val_reward"] == [wanted]
        assert history.history["val_exact_match"] == [0.5]
    columns = {"q": np.array(questions, dtype=object), "a": np.array(answers, dtype=object)}
    with synalinks.use_provider(provider_of(right)):
        rows = asyncio.run(program.predict(columns, verbose=0))
        pairs = asyncio.run(program.predict(list(columns.values()), verbose=0))
    assert [[v.get("answer") for v in row] for row in rows] == [[n, n + 1] for n in range(4)]
    assert [[v.get("answer") for v in row] for row in pairs] == [[n, n + 1] for n in range(4)]


def test_rewards_that_do_not_fit_the_outputs() -> None:
    program = two_inputs("list")
    with pytest.raises(ConfigurationError, match="one weight"):
        program.compile(reward=[synalinks.ExactMatch()], reward_weights=[1.0, 2.0])
    program.compile(reward=[synalinks.ExactMatch()])
    x = [(Question(question="hi"), Answer(answer=1))]
    with pytest.raises(ConfigurationError, match="1 rewards for a program of 2 outputs"):
        asyncio.run(program.evaluate(x, [(Answer(answer=1), Answer(answer=1))], verbose=0))
    with pytest.raises(ConfigurationError, match="2 outputs and an example has 1 targets"):
        asyncio.run(program.evaluate(x, [Answer(answer=1)], verbose=0))


def test_images_and_audio_enter_as_chat_messages() -> None:
    assert "messages" in synalinks.ImageInput()
    assert "messages" in synalinks.AudioInput(name="a")
