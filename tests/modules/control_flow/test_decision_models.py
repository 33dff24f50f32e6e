"""Tests of modules that a decision model answers: its probabilities, its limits, who decides below them, training."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question
from synalinks.errors import ConfigurationError, SampleRefused, UnsupportedSchemaError
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of

DECIDER = "ollama/decider"
VALUE = Question(question="2 + 2?")


def decision(**more: Any) -> synalinks.Decision:
    arguments = {"question": "How hard?", "labels": ["easy", "hard"], "decision_model": DECIDER}
    return synalinks.Decision(**{**arguments, **more})


def topics(**more: Any) -> synalinks.MultiDecision:
    arguments = {"question": "About?", "labels": ["sums", "space"], "decision_model": DECIDER}
    return synalinks.MultiDecision(**{**arguments, **more})


def run(module: Any, script: Any, value: Any = VALUE) -> tuple[Any, ScriptedProvider]:
    provider = ScriptedProvider(script)
    with synalinks.use_provider(provider):
        found = asyncio.run(module(value))
    if isinstance(found, (list, tuple)):
        return [one and one.get_json() for one in found], provider
    return None if found is None else found.get_json(), provider


def test_a_decision_has_its_probability() -> None:
    found, provider = run(decision(), [{"choice": "hard", "confidence": 0.75}])
    assert found == {"choice": "hard", "confidence": 0.75}
    prompt = prompt_of(provider.calls[0].request)
    assert "<instructions>" in prompt and '"question_1":"How hard?"' in prompt and "think" not in prompt
    symbol = asyncio.run(decision()(synalinks.Input(data_model=Question)))
    assert list(symbol.keys()) == ["choice", "confidence"]


def test_labels_apply_from_a_threshold() -> None:
    script = [{"sums": True, "sums_confidence": 0.6, "space": False, "space_confidence": 0.7}] * 3
    assert run(topics(), script)[0] == {"choices": ["sums"]}
    assert run(topics(threshold=0.7), script)[0] == {"choices": []}
    assert run(topics(threshold=0.3), script)[0] == {"choices": ["sums", "space"]}


def test_below_the_confidence_there_is_no_decision_or_that_of_the_language_model() -> None:
    def script(call: Call) -> Any:
        return {"choice": "easy" if "decider" in call.request.model else "hard", "confidence": 0.6}

    assert run(decision(min_confidence=0.6), script)[0] == {"choice": "easy", "confidence": 0.6}
    assert run(decision(min_confidence=0.61), script)[0] is None
    found, provider = run(decision(min_confidence=0.61, language_model=MODEL), script)
    assert found == {"choice": "hard", "confidence": 0.6}
    assert [call.request.model for call in provider.calls] == [DECIDER, MODEL]


@pytest.mark.parametrize("make", [decision, topics])
def test_limits_need_a_decision_model_and_are_probabilities(make: Any) -> None:
    name = "min_confidence" if make is decision else "threshold"
    with pytest.raises(ConfigurationError, match=f"{name}=0.5 is compared with the probabilities of a decision model"):
        make(decision_model=None, language_model=MODEL, **{name: 0.5})
    with pytest.raises(ConfigurationError, match="a number from 0 to 1"):
        make(**{name: 50})


def test_the_sessions_model_decides_where_no_model_is_given() -> None:
    synalinks.set_default_decision_model(DECIDER)
    try:
        assert decision(decision_model=None).generator.decision_model is synalinks.default_decision_model()
        assert decision(decision_model=None, language_model=MODEL).generator.decision_model is None
        assert synalinks.Generator(data_model=Answer).decision_model is None
    finally:
        synalinks.set_default_decision_model(None)


def branch(**more: Any) -> synalinks.Branch:
    arguments = {
        "question": "How hard?",
        "labels": ["easy", "hard"],
        "branches": [synalinks.Identity(), synalinks.OutMask(mask=["question"])],
        "decision_model": DECIDER,
        "inject_decision": False,
    }
    return synalinks.Branch(**{**arguments, **more})


def test_a_branch_is_taken_by_a_decision_that_counts() -> None:
    script = [{"choice": "easy", "confidence": 0.6}] * 2
    assert run(branch(), script)[0] == [{"choice": "easy", "confidence": 0.6, "question": "2 + 2?"}, None]
    assert run(branch(min_confidence=0.7), script)[0] == [None, None]
    several = branch(decision_type=synalinks.MultiDecision, threshold=0.3, return_decision=False)
    found = {"easy": True, "easy_confidence": 0.6, "hard": False, "hard_confidence": 0.7}
    assert run(several, [found])[0] == [{"question": "2 + 2?"}, {}]
    with pytest.raises(ConfigurationError, match="Branch\\(threshold=...\\)"):
        branch(threshold=0.3)


def test_a_program_is_saved_with_its_decision_model_and_limits(tmp_path: Path) -> None:
    start = synalinks.Input(data_model=Question)
    one = synalinks.DecisionModel(model=DECIDER, logprobs=False)

    async def build() -> synalinks.Program:
        inner = await decision(decision_model=one, min_confidence=0.7, name="decide")(start)
        first, second = await branch(decision_model=one, min_confidence=0.2, name="branch")(start)
        many = await topics(decision_model=one, threshold=0.9, name="topics")(start)
        return synalinks.Program(inputs=start, outputs=[inner, first, second, many])

    program = asyncio.run(build())
    program.save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json")
    for name in ("decide", "branch", "topics"):
        assert loaded.get_module(name).get_config() == program.get_module(name).get_config()
    models = {id(loaded.get_module(name).generator.decision_model) for name in ("decide", "topics")}
    models.add(id(loaded.get_module("branch").decision.generator.decision_model))
    assert len(models) == 1
    assert loaded.get_module("decide").generator.decision_limits.min_confidence == 0.7
    script = {"About?": {"sums": True, "sums_confidence": 0.95, "space": True, "space_confidence": 0.7},
              "": {"choice": "hard", "confidence": 0.65}}  # fmt: skip
    assert run(program, script)[0] == run(loaded, script)[0]
    assert run(loaded, script)[0][3] == {"choices": ["sums"]} and run(loaded, script)[0][0] is None


def test_a_decision_model_learns_from_examples() -> None:
    def script(call: Call) -> Any:
        taught = "<examples>" in prompt_of(call.request) or "1?" in prompt_of(call.request)
        return {"choice": "easy" if taught else "hard", "confidence": 0.9}

    start = synalinks.Input(data_model=Question)
    program = synalinks.Program(inputs=start, outputs=asyncio.run(decision()(start)))
    program.compile(optimizer=synalinks.RandomFewShot(), reward=synalinks.ExactMatch(in_mask=["choice"]))
    x = [Question(question=f"{n}?") for n in range(6)]
    y = [synalinks.JsonDataModel(schema=program.output.get_schema(), json={"choice": "easy", "confidence": 1})] * 6
    with synalinks.use_provider(ScriptedProvider(script)):
        history = asyncio.run(program.fit(x, y, epochs=2, batch_size=2, validation_split=0.3, verbose=0))
    assert history.history["val_reward"][-1] == 1.0
    assert program.trainable_variables[0].get("examples")


class Sentiment(synalinks.DataModel):
    """A feeling."""

    positive: bool


def test_a_generator_of_choices_may_be_a_decision_model() -> None:
    made = synalinks.Generator(data_model=Sentiment, decision_model=DECIDER, return_inputs=True)
    found, _ = run(made, [{"positive": True, "confidence": 0.8}])
    assert found == {"question": "2 + 2?", "positive": True}
    assert made.clone().decision_model.model == DECIDER
    with pytest.raises(UnsupportedSchemaError):
        synalinks.Generator(data_model=Question, decision_model=DECIDER)
    with pytest.raises(UnsupportedSchemaError, match="needs schema="):
        synalinks.Generator(decision_model=DECIDER)
    tool = {"name": "t", "description": "d", "parameters": {"type": "object", "properties": {}}}
    with pytest.raises(ConfigurationError, match="calls no tools"):
        synalinks.Generator(data_model=Sentiment, decision_model=DECIDER, tool_schemas=[tool])


def test_the_language_model_of_a_generator_answers_where_its_decision_model_fails() -> None:
    def script(call: Call) -> Any:
        return SampleRefused("no") if "decider" in call.request.model else {"positive": True}

    made = synalinks.Generator(data_model=Sentiment, decision_model=DECIDER, language_model=MODEL)
    with pytest.warns(synalinks.LMWarning):
        assert run(made, script)[0] == {"positive": True}


def test_a_critique_by_a_decision_model_is_a_smooth_score() -> None:
    critic = synalinks.SelfCritique(decision_model=DECIDER, return_inputs=False, score_type="rating", name="critic")
    found, _ = run(critic, [{"reward": 5, "confidence": 0.8}])
    assert found == {"reward": pytest.approx((0.8 * 5 + 0.05 * (1 + 2 + 3 + 4) - 1) / 4)}
    assert critic.clone().get_config()["score_type"] == "rating"
    assert run(critic.clone(), [{"reward": 5, "confidence": 1}])[0] == {"reward": 1.0}
    with pytest.raises(ConfigurationError, match="leaves nothing"):
        synalinks.SelfCritique(decision_model=DECIDER, return_reward=False)
