"""Tests of rewards with words: a number everywhere, and the words reach proposers, records and the history."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, compiled, data, fit, lm, number_of
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import prompt_of
from synalinks.rewards import Score
from synalinks.rewards.score import feedback_of, weighted
from synalinks.testing import ScriptedProvider


def test_it_is_a_number() -> None:
    score = Score(0.5, "half")
    assert score == 0.5 and score + 0.5 == 1.0 and sum([score, score]) == 1.0 and feedback_of(score) == "half"
    assert feedback_of(0.5) is None and Score(1).feedback is None
    for twin in (copy.deepcopy(score), pickle.loads(pickle.dumps(score))):
        assert (twin, twin.feedback) == (0.5, "half")


def test_a_score_outside_its_range_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"lies in \[0, 1\]"):
        asyncio.run(synalinks.rewards.get(lambda y, p: Score(2, "too good"))(None, Answer(answer=1)))


def test_words_of_several_rewards_come_together() -> None:
    found = weighted([Score(1.0, "right"), Score(0.0, "long"), 1.0], [1, 1, 2])
    assert (found, feedback_of(found)) == (0.75, "right\nlong")
    assert type(weighted([1.0, 0.0], [1, 1])) is float


def test_exact_match_says_what_differs() -> None:
    class Two(synalinks.DataModel):
        city: str
        year: int | None = None

    found = asyncio.run(synalinks.ExactMatch()(Two(city="Rome", year=753), Two(city="Roma", year=753)))
    assert (found, feedback_of(found)) == (0.0, 'city: expected "Rome", got "Roma"')
    assert feedback_of(asyncio.run(synalinks.ExactMatch()(Two(city="a"), Two(city="a")))) is None


def test_a_judge_gives_its_critique() -> None:
    judge = synalinks.rewards.LMAsJudge(language_model="ollama/judge")
    with synalinks.use_provider(ScriptedProvider([{"critique": "Too short.", "reward": 0.5}])):
        found = asyncio.run(judge(None, Answer(answer=3)))
    assert (found, feedback_of(found)) == (0.5, "Too short.")


@pytest.mark.parametrize("optimizer", ["omega", "prompt_racing"])
def test_words_reach_proposers_and_the_history(optimizer: str) -> None:
    async def even(y_true: Any, y_pred: Any) -> Score:
        return Score(y_pred.get("answer") % 2 == 0, "only even numbers please")

    prompts: list[str] = []

    def rule(call: Call) -> Any:
        if "current_variable" in prompt_of(call.request):
            prompts.append(prompt_of(call.request))
            return {"thinking": "?", "instructions": f"Attempt {len(prompts)}."}
        return {"answer": number_of(call)}

    made = synalinks.optimizers.get(optimizer)
    made.language_model = lm()
    if optimizer == "omega":
        made.algorithm = "ga"
    program = compiled(optimizer=made, reward=even)
    history = fit(program, ScriptedProvider(rule), *data(30), calls=120)
    assert prompts and all('"feedback":"only even numbers please"' in prompt for prompt in prompts)
    row = history.feedback[-1]
    assert list(row)[:6] == ["epoch", "step", "phase", "sample", "reward", "feedback"]
    assert row["feedback"] == "only even numbers please"
    for row in history.feedback:  # the calls that it is about
        place = {name: row[name] for name in ("epoch", "step", "phase", "sample")}
        assert history.ledger.filter(**place).total.calls >= 1
