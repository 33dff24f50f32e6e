"""Tests of SelfCritique: a critique, and a score in [0, 1]."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, make
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object

SAID = {"critique": "fair", "reward": 4}


def call(*answers: Any, **options: Any) -> Any:
    module = synalinks.SelfCritique(language_model=synalinks.LanguageModel(MODEL, retry=1), **options)
    with synalinks.use_provider(ScriptedProvider(list(answers))):
        return asyncio.run(module(Answer(answer=1)))


def test_the_judgement_comes_after_the_input() -> None:
    found = call(SAID, score_type="rating")
    assert found.get_json() == {"answer": 1, "critique": "fair", "reward": 0.75}
    assert found.get_schema()["properties"]["reward"]["maximum"] == 1
    assert call(SAID, score_type="rating", return_inputs=False).get_json() == {"critique": "fair", "reward": 0.75}
    assert call({"critique": "fair"}, return_reward=False).get_json() == {"answer": 1, "critique": "fair"}


def test_a_step_that_is_not_on_the_scale_is_no_answer() -> None:
    with pytest.warns(synalinks.LMWarning):
        assert call({"critique": "fair", "reward": 0.42}) is None


@pytest.mark.parametrize("options", [{}, {"return_inputs": False}, {"return_reward": False}])
def test_the_symbolic_output_is_what_a_call_gives(options: dict[str, Any]) -> None:
    async def build() -> Any:
        module = synalinks.SelfCritique(language_model=MODEL, **options)
        return await module(synalinks.Input(data_model=Answer))

    said = {"critique": "fair"} if options.get("return_reward") is False else {"critique": "fair", "reward": 0.5}
    assert make(build).get_schema() == call(said, **options).get_schema()


def test_it_is_the_same_after_saving() -> None:
    made = synalinks.SelfCritique(language_model=MODEL, score_type="rating10", instructions="Judge.", name="critic")
    again = deserialize_synalinks_object(serialize_synalinks_object(made))
    assert again.get_config() == made.get_config() and again.score_type is made.score_type
