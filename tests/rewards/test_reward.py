"""Tests of rewards: masks, bounds, functions, names, configs."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question
from synalinks import rewards
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider


class Worked(synalinks.DataModel):
    """An answer with its reasoning."""

    thinking: str
    answers: int


@synalinks.saving.register_synalinks_serializable("Tests")
async def half(y_true: Any, y_pred: Any) -> float:
    """Half a point."""
    return 0.5


@synalinks.saving.register_synalinks_serializable("Tests")
def sync_half(y_true: Any, y_pred: Any) -> float:
    """Half a point at once."""
    return 0.5


def score(reward: Any, y_true: Any, y_pred: Any) -> float:
    return asyncio.run(reward(y_true, y_pred))  # type: ignore[no-any-return]


def test_exact_match() -> None:
    reward = synalinks.ExactMatch()
    assert score(reward, Answer(answer=1), Answer(answer=1).to_json_data_model()) == 1.0
    assert score(reward, Answer(answer=1), Answer(answer=2)) == 0.0
    assert score(reward, Answer(answer=1), None) == 0.0
    assert score(reward, None, Answer(answer=1)) == 0.0


def test_masks_singularise_and_ignore_numbers_on_both_sides() -> None:
    one, two = Worked(thinking="so", answers=3), Worked(thinking="thus", answers=3)
    assert score(synalinks.ExactMatch(), one, two) == 0.0
    assert score(synalinks.ExactMatch(in_mask=["answer"]), one, two) == 1.0
    assert score(synalinks.ExactMatch(out_mask=["thinking"]), one, two) == 1.0
    assert score(synalinks.ExactMatch(in_mask_pattern="^ans"), one, two) == 1.0
    assert score(synalinks.ExactMatch(out_mask_pattern="think"), one, two) == 1.0


@pytest.mark.parametrize("mask", [{"in_mask": ["anser"]}, {"out_mask": ["anser"]}])
def test_a_mask_that_names_no_field_is_an_error_with_the_nearest_one(mask: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="answer"):
        synalinks.ExactMatch(**mask).check_schema(Answer.get_schema(), "prediction")
    with pytest.raises(ConfigurationError, match=r"write \['answer'\]"):
        synalinks.ExactMatch(in_mask="answer")  # type: ignore[arg-type]


@pytest.mark.parametrize("pattern", ["(", 3])
def test_a_pattern_that_is_none_is_refused_at_once(pattern: Any) -> None:
    for name in ("in_mask_pattern", "out_mask_pattern"):
        with pytest.raises(ConfigurationError, match=rf"{name}: .* is no regular expression"):
            synalinks.ExactMatch(**{name: pattern})


@pytest.mark.parametrize("fn", [half, sync_half])
def test_functions_are_rewards(fn: Any) -> None:
    reward = rewards.get(fn)
    assert (reward.name, score(reward, Answer(answer=1), Answer(answer=1))) == (fn.__name__, 0.5)
    assert score(reward, Answer(answer=1), None) == 0.0


def test_arguments_are_passed_on_to_a_function() -> None:
    async def scaled(y_true: Any, y_pred: Any, scale: float) -> float:
        return scale

    assert score(rewards.RewardFunctionWrapper(scaled, scale=0.25), Answer(answer=1), Answer(answer=1)) == 0.25


@pytest.mark.parametrize("bad", [1.5, -0.1, math.nan, math.inf, "x", None, [0.5]])
def test_what_is_no_reward_is_refused(bad: Any) -> None:
    async def wrong(y_true: Any, y_pred: Any) -> Any:
        return bad

    with pytest.raises(ConfigurationError, match=r"reward 'wrong' gave .*\[0, 1\]"):
        score(rewards.get(wrong), Answer(answer=1), Answer(answer=1))


def test_true_and_false_are_one_and_zero() -> None:
    async def equal(y_true: Any, y_pred: Any) -> Any:
        return y_true.get_json() == y_pred.get_json()

    assert score(rewards.get(equal), Answer(answer=1), Answer(answer=1)) == 1.0


def test_a_reward_without_call_says_so() -> None:
    with pytest.raises(ConfigurationError, match="async def call"):
        score(rewards.Reward(), Answer(answer=1), Answer(answer=1))


def test_cosine_similarity_as_a_function_and_of_fields_that_are_missing() -> None:
    class Loose(synalinks.DataModel):
        """Texts that may be missing."""

        a: str | None = None
        b: str | None = None

    vectors = {"x": [1.0, 0.0], "y": [0.0, 1.0]}
    provider = ScriptedProvider(lambda call: [vectors[text] for text in call.request.texts])
    with synalinks.use_provider(provider):

        def near(y_true: Any, y_pred: Any) -> float:
            return asyncio.run(rewards.cosine_similarity(y_true, y_pred, "ollama/e"))

        assert near(Loose(a="x", b="y"), Loose(a="x", b="y")) == 1.0
        assert near(Loose(a="x", b="y"), Loose(b="y")) == 0.5  # as fields, not as places: b is like b
        assert near(Loose(a="x"), Loose(a="x", b="y")) == 0.5
        assert near(Loose(), Loose()) == near(Loose(a="x"), None) == 0.0


def test_identifiers_and_configs() -> None:
    assert isinstance(rewards.get("exact_match"), synalinks.ExactMatch)
    assert isinstance(rewards.get("ExactMatch"), synalinks.ExactMatch)
    assert rewards.get(None) is None
    for made in (
        synalinks.ExactMatch(in_mask=["answer"]),
        rewards.get(half),
        synalinks.CosineSimilarity(out_mask=["a"]),
    ):
        again = rewards.get(rewards.serialize(made))
        assert type(again) is type(made) and again.get_config() == made.get_config()
    for bad in ("nothing", 3):
        with pytest.raises(ConfigurationError):
            rewards.get(bad)


def test_cosine_similarity_is_the_mean_over_fields_of_what_is_not_negative() -> None:
    vectors = {"number 1": [1.0, 0.0], "number 2": [0.6, 0.8], "number 3": [-1.0, 0.0]}
    provider = ScriptedProvider(lambda call: [vectors[text] for text in call.request.texts])
    reward = synalinks.CosineSimilarity(synalinks.EmbeddingModel(model="ollama/embed", retry=1))
    with synalinks.use_provider(provider):
        for other, wanted in (("number 1", 1.0), ("number 2", 0.6), ("number 3", 0.0)):
            assert score(reward, Question(question="number 1"), Question(question=other)) == pytest.approx(wanted)
        assert score(reward, Question(question="number 1"), None) == 0.0
    with pytest.raises(ConfigurationError, match="set_default_embedding_model"):
        score(synalinks.CosineSimilarity(), Question(question="a"), Question(question="b"))


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="no reward is called 'exact_mach'; did you mean 'exact_match'"):
        rewards.get("exact_mach")
    with pytest.raises(ConfigurationError, match=r"no reward is called 'zzz'; there are \['agent_loop_detection'"):
        rewards.get("zzz")
