"""What lacks configuration fails before the first call that costs something (section 1)."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, data
from semantics.scenes import compiled, server, train
from synalinks.errors import ConfigurationError, DataError


class Other(synalinks.DataModel):
    """A target without an answer."""

    result: int


def unlike(count: int) -> list[Other]:
    return [Other(result=n) for n in range(count)]


X, Y = data(6)
MASKED: dict[str, Any] = {"reward": synalinks.ExactMatch(in_mask=["answer"])}
BEFORE: dict[str, tuple[dict[str, Any], tuple[Any, ...], dict[str, Any], str]] = {
    "no embedding model for the competition": (
        {"optimizer": synalinks.OMEGA(language_model="ollama/p")}, (X, Y), {}, "set_default_embedding_model",
    ),
    "no model for the proposer": ({"optimizer": "omega"}, (X, Y), {}, "set_default_language_model"),
    "no model for the reward": ({"reward": "cosine_similarity"}, (X, Y), {}, "set_default_embedding_model"),
    "no model for the judge": ({"reward": "lm_as_judge"}, (X, Y), {}, "no language model"),
    "no model for a metric": ({"metrics": ["cosine_similarity"]}, (X, Y), {}, "set_default_embedding_model"),
    "no model for a reward as a metric": ({"metrics": [synalinks.CosineSimilarity()]}, (X, Y), {}, "embedding_model"),
    "no model for a judge as a metric": ({"metrics": ["lm_as_judge"]}, (X, Y), {}, "no language model"),
    "a mask unlike the targets": (MASKED, (X, unlike(6)), {}, "names 'answer', but Other has no such field"),
    "a metric's mask unlike the targets": (
        {"metrics": [synalinks.metrics.F1Score(in_mask=["answer"])]}, (X, unlike(6)), {}, "F1Score for the target",
    ),
    "a mask unlike the targets of a stream": (
        MASKED, (lambda: iter([(X, unlike(6))]),), {}, "names 'answer', but Other has no such field",
    ),
    "a mask unlike the validation targets": (
        MASKED, (X, Y), {"validation_data": (X, unlike(6))}, "names 'answer', but Other has no such field",
    ),
    "a mask unlike the targets of a validation stream": (
        MASKED, (X, Y), {"validation_data": lambda: iter([(X, unlike(6))])}, "for the target",
    ),
    "an empty stream": ({}, (lambda: iter([]),), {}, "gave no batch"),
    "an empty validation stream": ({}, (X, Y), {"validation_data": lambda: iter([])}, "gave no batch"),
    "a validation generator for two epochs": (
        {}, (X, Y), {"validation_data": iter([(X, Y)]), "epochs": 2}, "used up after one pass, and 2 are to come",
    ),
    "a proposer without a price": (
        {"optimizer": synalinks.OMEGA("", "openai/no-such", algorithm="ga")}, (X, Y), {"budget": 1}, "price is unknown",
    ),
    "a judge without a price": (
        {"reward": synalinks.rewards.LMAsJudge(language_model="openai/no-such")}, (X, Y),
        {"budget": synalinks.Budget(calls=100, per_epoch=synalinks.Budget(usd=1))}, "price is unknown",
    ),
    "an embedding model without a price": (
        {"optimizer": synalinks.OMEGA("", "ollama/p", "openai/no-such")}, (X, Y), {"budget": 1}, "price is unknown",
    ),
    "a fallback without a price": (
        {"optimizer": synalinks.OMEGA("", synalinks.LanguageModel("ollama/p", fallback="openai/no-such"), "ollama/e")},
        (X, Y), {"budget": 1}, "price is unknown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BEFORE)
def test_what_lacks_configuration_fails_before_the_first_call(case: str) -> None:
    options, given, arguments, message = BEFORE[case]
    with server() as running:
        program = compiled(**options)
        with pytest.raises((ConfigurationError, DataError), match=re.escape(message)):
            train(program, *given, **arguments)
        assert running.requests.total == 0


def test_a_mask_unlike_the_answers_fails_when_it_is_compiled() -> None:
    with pytest.raises(ConfigurationError, match="names 'anser', but Answer has no such field; did you mean 'answer'"):
        compiled(reward=synalinks.ExactMatch(in_mask=["anser"]))


def test_a_generator_without_a_model_fails_before_the_one_that_has_one_is_paid() -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        first = await synalinks.Generator(data_model=Answer, language_model="ollama/stand-in")(inputs)
        return synalinks.Program(
            inputs=inputs, outputs=await synalinks.Generator(data_model=Answer, name="lost")(first), name="p"
        )

    program = asyncio.run(build())
    program.compile(optimizer="random_few_shot", reward="exact_match")
    with server() as running:
        with pytest.raises(ConfigurationError, match="lost has no language model"):
            train(program, X, Y)
        assert running.requests.total == 0


def test_what_is_not_asked_needs_no_price_and_free_models_need_no_budget() -> None:
    """The genetic algorithm embeds nothing, whatever embedding model it was given."""
    optimizer = synalinks.OMEGA("", "ollama/p", "openai/no-such", algorithm="ga")
    with server() as running:
        history = train(compiled(optimizer), X, Y, budget=synalinks.Budget(usd=1))
        assert running.requests.models["p"].calls == 5 and history.stopped_by is None
