"""Tests of what is checked before the first call: which models are asked, and that they have a price under dollars."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, lm, provider_of, right, solver, source_of
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm.pricing import pricing
from synalinks.rewards import LMAsJudge
from synalinks.trainers.checks import check_models, check_targets, models_of


def names(*holders: Any) -> list[str]:
    return sorted(model.model for model in models_of(holders))


def test_models_are_found_in_programs_rewards_metrics_and_optimizers_each_once() -> None:
    model = lm()
    assert names(solver(model), solver(model)) == ["ollama/test"]
    assert names(LMAsJudge(language_model="ollama/judge")) == ["ollama/judge"]
    assert names(synalinks.metrics.MeanMetricWrapper(LMAsJudge(language_model="ollama/j"))) == ["ollama/j"]
    assert names(synalinks.metrics.CosineSimilarity(embedding_model="ollama/e")) == ["ollama/e"]
    assert names(synalinks.metrics.PassAtK(reward=LMAsJudge(language_model="ollama/j"))) == ["ollama/j"]
    assert names(synalinks.RandomFewShot(), synalinks.ExactMatch(), None) == []


def test_a_fallback_may_be_asked_too() -> None:
    assert names(solver(lm(fallback="ollama/spare"))) == ["ollama/spare", "ollama/test"]


def test_omega_asks_for_embeddings_only_where_it_measures_distances_with_them() -> None:
    models: dict[str, Any] = {"language_model": "ollama/p", "embedding_model": "ollama/e"}
    assert names(synalinks.OMEGA(**models)) == ["ollama/e", "ollama/p"]
    assert names(synalinks.OMEGA(**models, algorithm="ga")) == ["ollama/p"]
    assert names(synalinks.OMEGA(**models, distance_function=lambda a, b, embedding_model=None: 0.0)) == ["ollama/p"]


def test_the_default_of_the_session_will_do_and_nothing_will_not() -> None:
    with pytest.raises(ConfigurationError, match="no embedding model"):
        names(synalinks.CosineSimilarity())
    synalinks.set_default_embedding_model("ollama/default")
    assert names(synalinks.CosineSimilarity()) == ["ollama/default"]


def test_an_evaluation_is_refused_for_its_rewards_and_not_for_the_optimizer() -> None:
    x, y = data(3)
    judged = compiled(reward=LMAsJudge())
    with (
        synalinks.use_provider(provider := provider_of(right)),
        pytest.raises(ConfigurationError, match="no language model"),
    ):
        asyncio.run(judged.evaluate(x, y, verbose=0))
    assert provider.calls == []
    searched = compiled(optimizer=synalinks.OMEGA("", "openai/no-such", algorithm="ga"))
    with synalinks.use_provider(provider_of(right)), synalinks.use_budget(1):
        assert asyncio.run(searched.evaluate(x, y, verbose=0)) == {"reward": 1.0}


def test_a_price_is_wanted_under_dollars_alone() -> None:
    program = compiled(solver(synalinks.LanguageModel("openai/no-such")))
    for budget in (synalinks.Budget(calls=1), synalinks.Budget(usd=1, unpriced="free")):
        with synalinks.use_budget(budget):
            check_models(program, *program.compilation.rewards, program.optimizer)
    for budget in (synalinks.Budget(usd=1), synalinks.Budget(calls=9, per_epoch=synalinks.Budget(usd="0.1"))):
        with synalinks.use_budget(budget), pytest.raises(ConfigurationError, match="openai/no-such.*price is unknown"):
            check_models(program, *program.compilation.rewards, program.optimizer)


def test_the_tables_price_is_not_that_of_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    name = "openai/gpt-4o-mini"
    known = compiled(solver(synalinks.LanguageModel(name)))
    other = compiled(solver(synalinks.LanguageModel(name, api_base="https://gateway.example.com/v1")))
    with synalinks.use_budget(1):
        check_models(known)
        with pytest.raises(ConfigurationError, match="gpt-4o-mini.*price is unknown"):
            check_models(other)
        synalinks.set_price(name, input=1, output=1)
        check_models(other)


def test_all_models_that_are_missing_are_one_error_with_the_calls_that_set_them() -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(
            inputs=inputs, outputs=await synalinks.Generator(data_model=Answer, name="solver")(inputs), name="p"
        )

    program = asyncio.run(build())
    program.compile(optimizer="omega", reward="cosine_similarity")
    x, y = data(4)
    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(program.fit(x, y, verbose=0))
    first, second = str(caught.value).splitlines()
    assert first.startswith("solver and OMEGA have no language model: pass language_model=, or set one")
    assert "synalinks.set_default_language_model('ollama/llama3.2:latest')" in first
    assert "CosineSimilarity" in second and "OMEGA" in second
    assert "synalinks.set_default_embedding_model('ollama/all-minilm'), or give a distance_function" in second


class Refusal(synalinks.DataModel):
    """Why there is no answer."""

    refusal: str


def test_masks_and_targets_may_name_fields_of_either_branch() -> None:
    """A value of `a | b` may be one of `b`, though the schema is that of `a`."""

    async def either() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        refusal = await synalinks.Generator(data_model=Refusal, language_model=lm(), name="refuse")(inputs)
        answer = await synalinks.Generator(data_model=Answer, language_model=lm(), name="answer")(refusal ^ inputs)
        return synalinks.Program(inputs=inputs, outputs=refusal | (answer | (refusal ^ answer)))

    program = asyncio.run(either())
    for field in ("answer", "refusal"):
        program.compile(
            reward=synalinks.ExactMatch(in_mask=[field]), metrics=[synalinks.metrics.F1Score(in_mask=[field])]
        )
    with pytest.raises(ConfigurationError, match=r"names 'anser'.*did you mean 'answer'"):
        program.compile(reward=synalinks.ExactMatch(in_mask=["anser"]))
    program.compile(reward="exact_match")
    questions, targets = data(2)
    rewards, made = program.compilation.rewards, program.output_structure
    check_targets(rewards, (), source_of(questions, targets), made)
    with pytest.raises(DataError, match="share no field"):
        check_targets(rewards, (), source_of(questions, [Other(other="x")] * 2), made)


class Other(synalinks.DataModel):
    """None of what the program makes."""

    other: str
