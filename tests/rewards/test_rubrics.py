"""Tests of judges by rubrics: what they are told, their names, and that they are saved."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer
from synalinks import rewards
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.rewards import rubric_classes
from synalinks.rewards.rubric_table import RUBRICS

JUDGE = "ollama/judge"


def judged(reward: Any, said: float = 0.5) -> tuple[float, str]:
    """The score, and what the judge was told."""
    provider = ScriptedProvider([{"critique": "so", "reward": said}])
    with synalinks.use_provider(provider):
        value = asyncio.run(reward(Answer(answer=1), Answer(answer=2)))
    assert provider.calls[0].scope.module is not None
    return value, prompt_of(provider.calls[0].request)


@pytest.mark.parametrize("rubric", RUBRICS, ids=lambda rubric: rubric.name)
def test_each_has_a_class_and_a_name_and_tells_its_judge_what_to_look_at(rubric: Any) -> None:
    cls = getattr(rewards, rubric.title)
    made = cls(language_model=JUDGE)
    assert made.name == rubric.name and rewards.get_rubric(rubric.title) is rubric
    value, told = judged(made)
    assert value == 0.5 and rubric.asks in told
    assert sum(other.asks in told for other in RUBRICS) == 1
    again = rewards.get(json.loads(json.dumps(rewards.serialize(made))))
    assert type(again) is cls and again.get_config() == made.get_config() and judged(again)[1] == told
    synalinks.set_default_language_model(JUDGE)
    assert type(rewards.get(rubric.name)) is cls


def test_several_rubrics_are_one_call() -> None:
    made = rewards.RubricsAsJudge(JUDGE, ["toxicity", "Bias"], in_mask=["answer"])
    value, told = judged(made, 0.9)
    assert value == 0.9
    assert all(rewards.get_rubric(name).asks in told for name in ("toxicity", "bias"))
    again = rewards.get(json.loads(json.dumps(rewards.serialize(made))))
    assert again.get_config() == made.get_config() and judged(again)[1] == told


def test_rubrics_and_instructions_of_ones_own() -> None:
    made = rewards.RubricsAsJudge(JUDGE, {"brevity": "The answer is short."}, instructions="Be lenient.")
    told = judged(made)[1]
    assert "Be lenient." in told and "- brevity: The answer is short." in told and "by nothing else" not in told
    again = rewards.get(rewards.serialize(made))
    assert judged(again)[1] == told and again.get_config() == made.get_config()


def test_what_makes_no_judge_is_refused() -> None:
    for wrong in (None, [], {}):
        with pytest.raises(ConfigurationError, match="name at least one of"):
            rewards.RubricsAsJudge(JUDGE, wrong)
    with pytest.raises(ConfigurationError, match="no rubric is called 'wit'; there are"):
        rewards.RubricsAsJudge(JUDGE, ["wit"])
    with pytest.raises(ConfigurationError, match="names no provider"):
        rewards.Toxicity(decision_model="x")


def test_a_decision_model_judges_smoothly_and_is_saved() -> None:
    made = rewards.Toxicity(decision_model="ollama/decider")
    loaded = rewards.deserialize(rewards.serialize(made))
    assert loaded.get_config() == made.get_config()
    for judge in (made, loaded):
        provider = ScriptedProvider([{"reward": 1.0, "confidence": 0.8}])
        with synalinks.use_provider(provider):
            score = asyncio.run(judge(None, Answer(answer=4)))
        assert score == pytest.approx(0.8 + 0.02 * 4.5)  # the rest of the probability is on the ten lower steps
        assert provider.calls[0].request.model == "ollama/decider"


def test_there_is_a_class_for_each_rubric() -> None:
    assert rubric_classes.__all__ == sorted(rubric.title for rubric in RUBRICS)
    assert rewards.list_rubrics() == sorted(rubric.name for rubric in RUBRICS)
    assert all(getattr(rewards, rubric.title).rubric is rubric for rubric in RUBRICS)


def test_a_rubric_that_a_subclass_states_comes_before_that_of_its_name() -> None:
    class Toxicity(rewards.RubricAsJudge):
        """Judges by another rubric."""

        rubric = rewards.get_rubric("bias")

    assert (Toxicity("ollama/any").name, rewards.Toxicity("ollama/any").name) == ("bias", "toxicity")
