"""Tests of decisions: the prompt, the schema, refused labels, training, saving, cassettes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Question
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of

LABELS = ["easy", "hard"]
VALUE = Question(question="2 + 2?")


def decide(module: synalinks.Module, value: Any, *answers: Any) -> tuple[Any, ScriptedProvider]:
    provider = ScriptedProvider(answers)
    with synalinks.use_provider(provider):
        found = asyncio.run(module(value))
    return None if found is None else found.get_json(), provider


def decision(**more: Any) -> synalinks.Decision:
    return synalinks.Decision(**{"question": "How hard?", "labels": LABELS, "language_model": MODEL, **more})


def topics(**more: Any) -> synalinks.MultiDecision:
    return synalinks.MultiDecision(**{"question": "About?", "labels": ["a", "b", "c"], "language_model": MODEL, **more})


def test_a_decision_is_thinking_and_one_label() -> None:
    found, provider = decide(decision(), VALUE, {"thinking": "one step", "choice": "easy"})
    assert found == {"thinking": "one step", "choice": "easy"}
    request = provider.calls[0].request
    assert request.schema is not None and request.schema.value["properties"]["choice"]["enum"] == LABELS
    prompt = prompt_of(request)
    assert '{"question":"2 + 2?","question_1":"How hard?"}' in prompt and '"easy", "hard"' in prompt


def test_another_label_is_a_broken_answer() -> None:
    bad, good = {"thinking": "", "choice": "medium"}, {"thinking": "", "choice": "hard"}
    found, provider = decide(decision(), VALUE, bad, good)
    assert found == good and len(provider.calls) == 2


def test_choices_are_labels_each_once() -> None:
    found, _ = decide(topics(), VALUE, {"thinking": "", "choices": ["c", "a", "c"]})
    assert found["choices"] == ["c", "a"]
    found, _ = decide(topics(), VALUE, {"thinking": "", "choices": []})
    assert found["choices"] == []


def test_labels_stand_in_the_schema_or_among_its_definitions() -> None:
    inline, apart = (topics(inline=flag).generator.schema for flag in (True, False))  # type: ignore[union-attr]
    assert inline["properties"]["choices"]["items"]["enum"] == ["a", "b", "c"] and "$defs" not in inline
    assert apart["properties"]["choices"]["items"] == {"$ref": "#/$defs/Label"}
    assert apart["$defs"]["Label"]["enum"] == ["a", "b", "c"]
    assert decide(topics(inline=False), VALUE, {"thinking": "", "choices": ["a"]})[0]["choices"] == ["a"]


@pytest.mark.parametrize("make", [decision, topics])
def test_none_makes_no_call_and_a_failed_call_is_none(make: Any) -> None:
    found, provider = decide(make(), None)
    assert found is None and provider.calls == []
    with pytest.warns(synalinks.LMWarning):
        assert decide(make(), VALUE, synalinks.errors.SampleRefused("no"))[0] is None


@pytest.mark.parametrize("make", [decision, topics])
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, "give a list of texts"),
        ("easy", "give a list of texts"),
        ({"easy": 1}, "give a list of texts"),
        ([], "at least (two labels|one label)"),
        (["easy", "hard", "easy"], r"\['easy'\] are there more than once"),
        (["easy", ""], "a text that is not empty, got ''"),
        (["easy", 2], "a text that is not empty, got 2"),
    ],
)
def test_wrong_labels_are_refused(make: Any, labels: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make(labels=labels)


def test_a_decision_chooses_of_two_labels_and_several_may_be_of_one() -> None:
    with pytest.raises(ConfigurationError, match="at least two labels"):
        decision(labels=["easy"])
    one = topics(labels=["a"])
    assert decide(one, VALUE, {"thinking": "", "choices": []})[0]["choices"] == []
    assert decide(one, VALUE, {"thinking": "", "choices": ["a", "a"]})[0]["choices"] == ["a"]


@pytest.mark.parametrize("question", [None, " ", 3])
def test_a_decision_needs_a_question(question: Any) -> None:
    with pytest.raises(ConfigurationError, match="write the question to decide"):
        decision(question=question)


def test_the_question_is_in_the_prompt_of_a_chat_too() -> None:
    """The reference puts it behind the messages, where no field is rendered."""
    chat = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hello")])
    _, provider = decide(decision(), chat, {"thinking": "", "choice": "easy"})
    system, asked, user = provider.calls[0].request.messages
    assert (system["role"], user["content"]) == ("system", "hello")
    assert "How hard?" in asked["content"]


@pytest.mark.parametrize("make", [decision, topics])
def test_a_program_with_a_decision_is_saved_with_what_it_has_learnt(make: Any, tmp_path: Path) -> None:
    """Section 17: `Decision.get_config` fails in the reference, and the seeds do not reach the generator."""
    start = synalinks.Input(data_model=Question)
    module = make(name="decide", seed_instructions=["One.", "Two."], examples=[(VALUE, {"choice": "easy"})], top_k=3)
    program = synalinks.Program(inputs=start, outputs=asyncio.run(module(start)))
    module.generator.state.update({"instructions": "Learnt."})
    program.save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json").get_module("decide")
    assert loaded.get_config() == module.get_config()
    assert loaded.generator.state.get_json() == module.generator.state.get_json()
    assert [seed["instructions"] for seed in loaded.generator.state.get("seed_candidates")] == ["One.", "Two."]
    assert loaded.generator.options == {"top_k": 3}
    assert module.clone().get_config()["labels"] == module.labels


def test_a_decision_learns_examples() -> None:
    start = synalinks.Input(data_model=Question)
    program = synalinks.Program(inputs=start, outputs=asyncio.run(decision()(start)))
    program.compile(optimizer=synalinks.RandomFewShot(), reward=synalinks.ExactMatch(in_mask=["choice"]))
    x = [Question(question=f"{n}?") for n in range(6)]
    y = [synalinks.JsonDataModel(schema=program.output.get_schema(), json={"thinking": "", "choice": "easy"})] * 6

    def answer(call: Call) -> Any:
        taught = "<examples>" in prompt_of(call.request) or "1?" in prompt_of(call.request)
        return {"thinking": "t", "choice": "easy" if taught else "hard"}

    with synalinks.use_provider(ScriptedProvider(answer)):
        history = asyncio.run(program.fit(x, y, epochs=2, batch_size=2, validation_split=0.3, verbose=0))
    assert history.history["val_reward"][-1] == 1.0
    examples = program.trainable_variables[0].get("examples")
    assert examples and examples[0]["outputs"]["choice"] == "easy" and "question_1" in examples[0]["inputs"]


def test_a_decision_replays(tmp_path: Path) -> None:
    module = decision()
    with synalinks.use_cassette(tmp_path / "c.jsonl"):
        first, _ = decide(module, VALUE, {"thinking": "", "choice": "hard"})
    with synalinks.use_cassette(tmp_path / "c.jsonl", record_mode="none"), synalinks.offline():
        assert asyncio.run(module(VALUE)).get_json() == first
