"""Tests of ChainOfThought: a generator that thinks before it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, field_validator, model_validator

import synalinks
from programs_under_test import MODEL, Answer, Question, data, fit, has_examples, learner, make, number_of
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.modules.generators.chain_of_thought import with_thinking
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object

ASKED = Question(question="number 4")


class Reasoned(synalinks.DataModel):
    """An answer that says how it was found."""

    thinking: str = synalinks.Field(description="My own thinking")
    answer: int = synalinks.Field(description="The answer")


def call(module: Any, *answers: Any) -> tuple[Any, ScriptedProvider]:
    provider = ScriptedProvider(list(answers))
    with synalinks.use_provider(provider):
        return asyncio.run(module(ASKED)), provider


def test_the_answer_begins_with_thinking() -> None:
    module = synalinks.ChainOfThought(data_model=Answer, language_model=MODEL)
    result, provider = call(module, {"thinking": "It says four.", "answer": 4})
    assert result.get_json() == {"thinking": "It says four.", "answer": 4}
    schema = provider.calls[0].request.schema
    assert schema is not None and list(schema.value["properties"]) == ["thinking", "answer"]
    assert schema.value["required"] == ["thinking", "answer"]
    assert "thinking, answer" in prompt_of(provider.calls[0].request)


def test_a_field_of_that_name_is_not_there_twice() -> None:
    assert with_thinking(Reasoned.get_schema()) == Reasoned.get_schema()
    module = synalinks.ChainOfThought(data_model=Reasoned, language_model=MODEL)
    result, _ = call(module, {"thinking": "Four.", "answer": 4})
    assert result.get_json() == {"thinking": "Four.", "answer": 4}


def test_without_a_schema_it_is_a_plain_chat() -> None:
    result, provider = call(synalinks.ChainOfThought(language_model=MODEL), "Four, I think.")
    assert (result.get("role"), result.get("content")) == ("assistant", "Four, I think.")
    assert provider.calls[0].request.schema is None


def test_options_are_those_of_a_generator() -> None:
    module = synalinks.ChainOfThought(
        schema=Answer.get_schema(), language_model=MODEL, instructions="Count.", temperature=0.7,
        examples=[({"question": "number 1"}, {"thinking": "one", "answer": 1})], return_inputs=True,
    )  # fmt: skip
    result, provider = call(module, {"thinking": "t", "answer": 4})
    assert list(result.get_json()) == ["question", "thinking", "answer"]
    request = provider.calls[0].request
    assert request.options["temperature"] == 0.7
    assert "Count." in prompt_of(request) and has_examples(provider.calls[0])
    with pytest.raises(ConfigurationError, match="unknown"):
        synalinks.ChainOfThought(data_model=Answer, unknown=1)


@pytest.mark.parametrize("returns", [False, True])
@pytest.mark.parametrize("answer", [Answer, None])
def test_the_symbolic_output_is_what_a_call_gives(answer: Any, returns: bool) -> None:
    async def build() -> Any:
        module = synalinks.ChainOfThought(data_model=answer, language_model=MODEL, return_inputs=returns)
        return await module(synalinks.Input(data_model=Question))

    spec = make(build)
    first = ["question"] if returns else []
    assert list(spec.get_schema()["properties"])[: len(first) + 1] == [*first, "thinking" if answer else "role"]


def test_no_input_and_a_failed_call_give_none() -> None:
    module = synalinks.ChainOfThought(data_model=Answer, language_model=synalinks.LanguageModel(MODEL, retry=1))
    assert asyncio.run(module(None)) is None
    with pytest.warns(synalinks.LMWarning):
        assert call(module, {"answer": "no number"})[0] is None


def chain_program() -> synalinks.Program:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        thinks = synalinks.ChainOfThought(data_model=Answer, language_model=MODEL, name="thinker")
        return synalinks.Program(inputs=inputs, outputs=await thinks(inputs), name="chain", description="Thinks.")

    return make(build)  # type: ignore[no-any-return]


def test_it_is_trained_like_a_generator_and_saved(tmp_path: Any) -> None:
    program = chain_program()
    assert [variable.name for variable in program.trainable_variables] == ["state_generator_thinker"]
    program.compile(optimizer=synalinks.RandomFewShot(), reward=synalinks.ExactMatch(in_mask=["answer"]))
    provider = ScriptedProvider(lambda call: {"thinking": "so", **learner(number_of(call), call)})
    fit(program, provider, *data(10), epochs=2, batch_size=5, validation_split=0.4)
    examples = program.trainable_variables[0].get("examples")
    assert examples and all(list(example["outputs"]) == ["thinking", "answer"] for example in examples)

    program.save(tmp_path / "chain.json")
    again = synalinks.Program.load(tmp_path / "chain.json")
    assert again.trainable_variables[0].get_json() == program.trainable_variables[0].get_json()
    with synalinks.use_provider(provider):
        result = asyncio.run(again(ASKED))
    assert result.get_json() == {"thinking": "so", "answer": 4}


def test_a_frozen_one_has_nothing_to_train() -> None:
    assert synalinks.ChainOfThought(data_model=Answer, trainable=False).trainable_variables == []


def test_it_is_the_same_after_saving() -> None:
    made = synalinks.ChainOfThought(
        data_model=Answer, language_model=MODEL, instructions="Count.", max_tokens=9, name="c", description="Counts."
    )
    again = deserialize_synalinks_object(serialize_synalinks_object(made))
    assert type(again) is synalinks.ChainOfThought and again.get_config() == made.get_config()
    assert again.generator.get_config() == made.generator.get_config()


class Span(BaseModel):
    start: int
    end: int = 9

    @model_validator(mode="after")
    def ordered(self) -> Span:
        if self.end < self.start:
            raise ValueError("end before start")
        return self


class OwnSpan(synalinks.DataModel):
    start: int
    end: int = 9

    @field_validator("start")
    @classmethod
    def small(cls, value: int) -> int:
        if value > 4:
            raise ValueError("too large")
        return value


@pytest.mark.parametrize("data_model", [Span, OwnSpan])
def test_the_validators_of_the_class_are_applied(data_model: Any) -> None:
    module = synalinks.ChainOfThought(data_model=data_model, language_model="ollama/m")
    wrong = {"thinking": "hm", "start": 5, "end": 1}
    script = ScriptedProvider([wrong, {"thinking": "aha", "start": 1}, wrong, wrong])
    asked = synalinks.ChatMessage(role="user", content="?")
    with synalinks.use_provider(script):
        assert asyncio.run(module(asked)).get_json() == {"thinking": "aha", "start": 1, "end": 9}
        assert "end before start" in script.calls[1].request.messages[-1]["content"] or data_model is OwnSpan
        with pytest.warns(synalinks.LMWarning, match="the answer is refused"):
            assert asyncio.run(module(asked)) is None
    assert len(script.calls) == 4, "an answer that the class refuses is asked for again"
