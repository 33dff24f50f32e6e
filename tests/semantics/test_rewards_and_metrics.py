"""Rewards and metrics, sentence by sentence (section 4), in whole runs."""

from __future__ import annotations

import asyncio
import json
import math
from fractions import Fraction
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, data
from semantics.scenes import always, compiled, server, solver, taught, train
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.rewards import BatchReward, LMAsJudge, ProgramAsJudge, Reward
from synalinks.testing import ChatRequest, OllamaServer


class Worked(synalinks.DataModel):
    """An answer with its working."""

    thinking: str
    answer: str


class Plural(synalinks.DataModel):
    """The same under other names, and one that came twice."""

    thinking_1: str
    answers: str


def score(reward: Reward, y_true: Any, y_pred: Any) -> float:
    return asyncio.run(reward(y_true, y_pred))


def judging(mark: Any) -> OllamaServer:
    """A server whose `judge` gives marks by a function of what it is shown; all other models are right."""

    def rule(request: ChatRequest) -> str:
        seen = json.loads(request.last_user_text)
        if request.model == "judge":
            return json.dumps({"critique": "So.", "reward": mark(seen)})
        return json.dumps({"answer": taught(int(seen["question"].rpartition(" ")[2]), request)})

    return OllamaServer(model=rule, env=True)


def test_exact_match_is_equality_of_the_masked_json() -> None:
    one, two = Worked(thinking="so", answer="4"), Worked(thinking="thus", answer="4")
    assert score(synalinks.ExactMatch(), one, one) == 1.0 and score(synalinks.ExactMatch(), one, two) == 0.0
    assert score(synalinks.ExactMatch(in_mask=["answer"]), one, two) == 1.0
    assert score(synalinks.ExactMatch(out_mask=["thinking"]), one, two) == 1.0
    assert score(synalinks.ExactMatch(in_mask=["answer"]), one, Worked(thinking="so", answer="4 ")) == 0.0


def test_cosine_similarity_is_the_mean_over_fields_and_below_zero_counts_as_zero() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.6, 0.8], "c": [-1.0, 0.0]}
    reward = synalinks.CosineSimilarity(synalinks.EmbeddingModel("ollama/e"))
    with synalinks.use_provider(ScriptedProvider(lambda call: [vectors[text] for text in call.request.texts])):
        for thinking, answer, wanted in (("a", "a", 1.0), ("b", "a", 0.8), ("c", "a", 0.5), ("c", "b", 0.3)):
            found = score(reward, Worked(thinking="a", answer="a"), Worked(thinking=thinking, answer=answer))
            assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("scale", "marks", "rewards"), [("rating", (1, 3, 5), (0.0, 0.5, 1.0)), (None, (0, 0.3, 1), (0.0, 0.3, 1.0))]
)
def test_a_judges_scale_is_mapped_and_its_calls_are_of_phase_reward(scale: Any, marks: Any, rewards: Any) -> None:
    """Counted at the server, where the judge is a model of its own."""
    order = iter(marks)
    with judging(lambda seen: next(order)) as running:
        program = compiled(reward=LMAsJudge(language_model="ollama/judge", score_type=scale))
        x, y = data(3)
        got: list[float] = []

        async def run() -> Any:
            with synalinks.use_ledger() as ledger:
                for sample in range(3):
                    got.append((await program.evaluate([x[sample]], [y[sample]], verbose=0))["reward"])
            return ledger

        ledger = asyncio.run(run())
        assert running.requests.models["judge"].calls == 3
    assert got == [pytest.approx(reward) for reward in rewards]
    assert {(entry.model, entry.scope.phase) for entry in ledger} == {
        ("ollama/judge", "reward"), ("ollama/stand-in", "evaluate"),
    }  # fmt: skip


def test_a_judge_in_training_is_asked_once_for_each_prediction() -> None:
    with judging(lambda seen: float(seen["gold_answer"] == seen["answer"])) as running:
        history = train(
            compiled(reward=LMAsJudge(language_model="ollama/judge")), *data(12), epochs=2, batch_size=4,
            validation_split=1 / 3,
        )  # fmt: skip
        counts = running.requests.models
    assert counts["judge"].calls == counts["stand-in"].calls
    assert {entry.scope.phase for entry in history.ledger.filter(model="ollama/judge")} == {"reward"}
    assert history.history["reward"][0] < history.history["val_reward"][-1] == 1.0


class Half(Reward):
    """Half a point."""

    async def call(self, y_true: Any, y_pred: Any) -> float:
        return 0.5


class Ranks(BatchReward):
    """The share of the batch that a prediction is not below."""

    async def call(self, y_true: Any, y_pred: Any) -> list[float]:
        answers = [one.get("answer") for one in y_pred]
        return [sum(other <= one for other in answers) / len(answers) for one in answers]


class Echo(synalinks.Module):
    """A judge without a model."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        target, prediction = inputs
        return Mark(reward=float(target.get("answer") == prediction.get("answer")))


class Mark(synalinks.DataModel):
    """A judgement."""

    reward: float


async def close(y_true: Any, y_pred: Any) -> float:
    """Near enough."""
    return 1.0 / (1.0 + abs(y_true.get("answer") - y_pred.get("answer")))


REWARDS: dict[str, Any] = {
    "a name": lambda: "exact_match",
    "a class": Half,
    "a function": lambda: close,
    "a plain function": lambda: lambda y_true, y_pred: 0.25,
    "a judge": lambda: LMAsJudge(language_model="ollama/judge"),
    "a program": lambda: ProgramAsJudge(Echo(name="echo")),
    "embeddings": lambda: synalinks.CosineSimilarity(embedding_model="ollama/e"),
    "a batch": Ranks,
}


@pytest.mark.parametrize("kind", REWARDS)
def test_any_reward_is_usable_as_a_metric(kind: str) -> None:
    """As a metric it says what it says as the reward."""
    make = REWARDS[kind]
    with judging(lambda seen: float(seen["gold_answer"] == seen["answer"])):
        program = asyncio.run(solver())
        program.compile(reward=make(), metrics=[make()])
        logs = asyncio.run(program.evaluate(*data(6), batch_size=6, verbose=0))
    assert set(logs) > {"reward"} and len(logs) == 2
    other = next(value for name, value in logs.items() if name != "reward")
    assert other == pytest.approx(logs["reward"]) and 0 < other < 1


def test_metrics_are_computed_in_doubles() -> None:
    """The reference answers 0.4999999403953552 for a perfect half, by single precision and an epsilon."""
    metric = synalinks.metrics.F1Score()

    async def run() -> Any:
        await metric.update_state(Answers(text="red"), Answers(text="red"))
        await metric.update_state(Answers(text="red blue"), Answers(text="green white"))
        await metric.update_state(Answers(text="black"), Answers(text="grey"))
        return metric.result()

    assert asyncio.run(run()) == pytest.approx(2 * 1 / (2 * 1 + 3 + 3), abs=1e-15)
    mean = synalinks.metrics.Mean()
    for value in (0.1, 0.2, 0.3) * 1000:
        mean.add(value)
    assert mean.result() == float(sum(map(Fraction, (0.1, 0.2, 0.3))) / 3) and isinstance(mean.result(), float)
    assert math.ulp(1.0) == 2**-52


class Answers(synalinks.DataModel):
    """A text."""

    text: str


def test_masks_singularise_and_ignore_numbers() -> None:
    reward = synalinks.ExactMatch(in_mask=["answer", "thinking"])
    assert score(reward, Plural(thinking_1="so", answers="4"), Plural(thinking_1="so", answers="4")) == 1.0
    assert score(reward, Plural(thinking_1="so", answers="4"), Plural(thinking_1="no", answers="4")) == 0.0
    for model in (Worked, Plural):
        reward.check_schema(model.get_schema(), "prediction")
    assert (
        score(
            synalinks.ExactMatch(in_mask=["answers_2"]),
            Worked(thinking="", answer="4"),
            Worked(thinking="x", answer="4"),
        )
        == 1.0
    )


def test_a_mask_that_names_nothing_is_an_error_and_not_a_zero() -> None:
    """When it is compiled, where that can be seen; else with the first example. Never a silent score."""
    for options in ({"reward": synalinks.ExactMatch(in_mask=["anser"])},
                    {"reward": synalinks.ExactMatch(out_mask=["anser"])},
                    {"metrics": [synalinks.metrics.Precision(in_mask=["anser"])]}):  # fmt: skip
        with pytest.raises(
            ConfigurationError, match=r"names 'anser', but Answer has no such field; did you mean 'answer'"
        ):
            compiled(**options)

    class Late(synalinks.Program):
        """Its outputs are known once it is built."""

        def __init__(self) -> None:
            super().__init__(name="late")
            self.answer = synalinks.Generator(data_model=Answer, language_model="ollama/stand-in", name="late_answer")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await self.answer(inputs, training=training)

    program = Late()
    program.compile(optimizer="random_few_shot", reward=synalinks.ExactMatch(in_mask=["anser"]))
    with server(always) as running:
        with pytest.raises(ConfigurationError, match="names 'anser'"):
            train(program, *data(4))
        assert running.requests.total == 0
    assert Question is not None
