"""Tests of the generator: its prompt, its state, its evidence, its refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question, lm
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Reply
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.modules import Generator


def run(generator: Generator, value: Any, answer: Any = None, **options: Any) -> tuple[Any, ScriptedProvider]:
    provider = ScriptedProvider(lambda call: {"answer": 1} if answer is None else answer)
    with synalinks.use_provider(provider):
        return asyncio.run(generator(value, **options)), provider


def prompt(generator: Generator, value: Any, answer: Any = None) -> list[dict[str, Any]]:
    _, provider = run(generator, value, answer)
    return list(provider.calls[0].request.messages)  # type: ignore[arg-type]


def test_the_answer_is_a_prediction_of_the_schema() -> None:
    answer, provider = run(Generator(data_model=Answer, language_model=lm(), name="g"), Question(question="hi"))
    assert (answer.get_json(), answer.name) == ({"answer": 1}, "prediction_g")
    assert answer.get_schema() == Answer.get_schema()
    request = provider.calls[0].request
    assert request.schema is not None and request.schema.value == Answer.get_schema()


def test_the_state_is_one_trainable_variable_of_instructions() -> None:
    generator = Generator(
        data_model=Answer, name="g", examples=[({"question": "a"}, {"answer": 1})], seed_instructions=["One.", "Two."]
    )
    state = generator.state.get_json()
    assert generator.trainable_variables == [generator.state] and generator.state.path == "g/state_g"
    assert "answer" in state["instructions"]
    assert state["examples"] == [{"inputs": {"question": "a"}, "outputs": {"answer": 1}, "reward": None}]
    assert [seed["instructions"] for seed in state["seed_candidates"]] == ["One.", "Two."]


def test_the_prompt_renders_json_and_not_python() -> None:
    class Odd(synalinks.DataModel):
        """Odd values."""

        text: str
        flag: bool

    generator = Generator(
        data_model=Answer,
        language_model=lm(),
        instructions="Do it.",
        examples=[({"text": "é", "flag": True}, {"answer": 1})],
        use_inputs_schema=True,
        use_outputs_schema=True,
    )
    system, user = prompt(generator, Odd(text="ü 'x'", flag=False))
    assert user == {"role": "user", "content": '<input>\n{"text":"ü \'x\'","flag":false}\n</input>\n<output>\n'}
    assert system["role"] == "system"
    for part in (
        "<instructions>\nDo it.\n</instructions>",
        '<input>\n{"text":"é","flag":true}\n</input>',
        '{"answer":1}',
    ):
        assert part in system["content"]
    for part in ("<input_schema>", "<output_schema>", '"title":"Odd"', '"title":"Answer"'):
        assert part in system["content"]
    assert (
        "<examples>"
        not in prompt(Generator(data_model=Answer, language_model=lm()), Question(question="a"))[0]["content"]
    )


def test_what_was_learnt_is_what_is_asked() -> None:
    generator = Generator(data_model=Answer, language_model=lm(), instructions="Old.")
    generator.state.update(
        {"instructions": "New.", "examples": [{"inputs": {"q": 1}, "outputs": {"a": 2}, "reward": None}]}
    )
    text = prompt(generator, Question(question="a"))[0]["content"]
    assert "New." in text and "Old." not in text and '{"q":1}' in text


def test_a_template_of_ones_own_with_variables() -> None:
    generator = Generator(
        data_model=Answer, language_model=lm(), prompt_template="{{ tone }}: {{ instructions }}", instructions="Do.",
        prompt_variables={"tone": "Kindly"},
    )  # fmt: skip
    assert prompt(generator, Question(question="a"))[0]["content"] == "Kindly: Do."
    with pytest.raises(ConfigurationError, match="prompt_template, line 2"):
        Generator(data_model=Answer, prompt_template="a\n{% if %}")


def test_chats_are_passed_on_as_they_are() -> None:
    chat = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])
    generator = Generator(language_model=lm(), instructions="Talk.")
    system, user = prompt(generator, chat, "hello")
    assert "Talk." in system["content"] and user == {"role": "user", "content": "hi"}
    own = synalinks.ChatMessages(
        messages=[
            synalinks.ChatMessage(role="system", content="mine"),
            synalinks.ChatMessage(role="user", content="hi"),
        ]
    )
    assert [turn["content"] for turn in prompt(generator, own, "hello")] == ["mine", "hi"]
    one = prompt(generator, synalinks.ChatMessage(role="user", content="hi"), "hello")
    assert [turn["role"] for turn in one] == ["system", "user"]


def test_without_a_schema_the_answer_is_a_chat_message() -> None:
    answer, _ = run(Generator(language_model=lm()), Question(question="a"), "hello")
    assert (answer.get("role"), answer.get("content")) == ("assistant", "hello")
    thought, _ = run(Generator(language_model=lm()), Question(question="a"), Reply(text="b", reasoning="because"))
    assert thought.get("reasoning_content") == "because"


def test_inputs_are_put_before_the_answer() -> None:
    generator = Generator(data_model=Answer, language_model=lm(), return_inputs=True)
    answer, _ = run(generator, Question(question="a"))
    assert list(answer.get_json()) == ["question", "answer"]
    spec = asyncio.run(Generator(data_model=Answer, return_inputs=True)(Question))
    assert list(spec.keys()) == ["question", "answer"]


def test_evidence_is_left_in_training_only() -> None:
    generator = Generator(data_model=Answer, language_model=lm())
    run(generator, Question(question="a"))
    assert generator.state.get("current_predictions") == []
    run(generator, Question(question="a"), training=True)
    (record,) = generator.state.get("current_predictions")
    assert (record["inputs"], record["outputs"], record["reward"]) == ({"question": "a"}, {"answer": 1}, None)


def test_only_sampling_options_that_are_set_are_sent_over_the_models_own() -> None:
    generator = Generator(
        data_model=Answer, language_model=lm(temperature=0.9, top_p=0.5), temperature=0.0, max_tokens=7
    )
    _, provider = run(generator, Question(question="a"))
    assert provider.calls[0].request.options == {"temperature": 0.0, "top_p": 0.5, "max_tokens": 7}


def test_the_sessions_model_is_taken_at_the_first_call() -> None:
    generator = Generator(data_model=Answer, name="g")
    with pytest.raises(ConfigurationError, match=r"g has no language model.*set_default_language_model"):
        run(generator, Question(question="a"))
    synalinks.set_default_language_model(MODEL)
    assert run(generator, Question(question="a"))[0].get("answer") == 1


def test_none_in_none_out_without_a_call() -> None:
    answer, provider = run(Generator(data_model=Answer, language_model=lm()), None)
    assert answer is None and provider.calls == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"examples": [3]}, "pairs"),
        ({"examples": [(1, 2, 3)]}, "pairs"),
    ],
)
def test_arguments_that_cannot_be_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Generator(data_model=Answer, **options)


def test_its_config_makes_the_same_generator() -> None:
    made = Generator(
        data_model=Answer, language_model=lm(timeout=9.0), instructions="Do.", temperature=0.5, return_inputs=True,
        examples=[({"question": "a"}, {"answer": 1})], seed_instructions=["One."], name="g", description="A solver.",
    )  # fmt: skip
    config = json.loads(json.dumps(made.get_config()))
    again = Generator.from_config(config)
    assert again.get_config() == made.get_config()
    assert again.state.get_json() == made.state.get_json()
    assert again.description == "A solver." and again.language_model.get_config()["timeout"] == 9.0


def test_format_messages_is_the_prompt_as_chat_messages() -> None:
    generator = Generator(data_model=Answer, language_model=lm(), instructions="Do it.")
    formatted = generator.format_messages(Question(question="a").to_json_data_model())
    assert synalinks.ChatMessages(**formatted.get_json()).messages[0].role == "system"
    assert formatted.get_json()["messages"] == prompt(generator, Question(question="a"))
    calls = [{"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}]
    chat = synalinks.ChatMessages(messages=[{"role": "assistant", "content": "", "tool_calls": calls}])
    turns = generator.format_messages(chat.to_json_data_model()).get_json()["messages"]
    assert turns[-1]["tool_calls"] == calls


class Loud(Generator):
    """A generator whose prompt is in capitals."""

    def format_messages(self, inputs: Any) -> Any:
        text = inputs.get("question").upper()
        return synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content=text)])


class LoudLater(Loud):
    """The same, later."""

    async def format_messages(self, inputs: Any) -> Any:
        await asyncio.sleep(0)
        return super().format_messages(inputs)


@pytest.mark.parametrize("kind", [Loud, LoudLater])
def test_a_subclass_may_format_the_messages(kind: Any) -> None:
    assert prompt(kind(data_model=Answer, language_model=lm()), Question(question="quiet")) == [
        {"role": "user", "content": "QUIET"}
    ]
