"""Tests of agents that judge: tools, what they see, their scale, saving, training with one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, data, fit, number_of, phases, solver
from synalinks import rewards
from synalinks.data import ChatMessage, ChatMessages, Rating
from synalinks.lm import Reply
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.rewards import AgentAsJudge

JUDGE = "ollama/judge"
ADD = {"id": "1", "name": "add_up", "arguments": {"first": 2, "second": 2}}


@synalinks.saving.register_synalinks_serializable("Tests")
async def add_up(first: int, second: int) -> int:
    """Add two numbers.

    Args:
        first: one number.
        second: the other one.
    """
    return first + second


def judge(**options: Any) -> AgentAsJudge:
    return AgentAsJudge(**{"language_model": synalinks.LanguageModel(JUDGE, retry=1), "tools": [add_up], **options})


def score(reward: Any, y_true: Any, y_pred: Any, *answers: Any) -> tuple[float, ScriptedProvider]:
    provider = ScriptedProvider(list(answers))
    with synalinks.use_provider(provider):
        return asyncio.run(reward(y_true, y_pred)), provider


def test_it_calls_tools_and_scores_on_twenty_steps() -> None:
    script = [Reply(tool_calls=(ADD,)), "It is four.", {"critique": "right", "reward": 20}]
    value, provider = score(judge(), Answer(answer=4), Answer(answer=4), *script)
    assert value == 1.0 and len(provider.calls) == 3
    assert '"gold_answer":4,"answer":4' in prompt_of(provider.calls[0].request).replace(" ", "")
    assert any('"result": 4' in str(one) or '"result":4' in str(one) for one in provider.calls[1].request.messages)
    schema = provider.calls[2].request.schema
    assert schema is not None and schema.value["properties"]["reward"]["enum"] == list(range(1, 21))


def test_the_lowest_step_is_0_and_scales_may_be_others() -> None:
    assert score(judge(), None, Answer(answer=4), "done", {"critique": "", "reward": 1})[0] == 0.0
    rated = judge(score_type=Rating)
    assert score(rated, None, Answer(answer=4), "done", {"critique": "", "reward": 3})[0] == 0.5


def test_a_trajectory_is_what_is_judged_and_no_part_of_the_judges_own() -> None:
    talk = ChatMessages(
        messages=[ChatMessage(role="user", content="2 + 2?"), ChatMessage(role="assistant", content="5")]
    )
    _, provider = score(judge(), None, talk, "done", {"critique": "wrong", "reward": 1})
    messages = provider.calls[0].request.messages
    assert [message["role"] for message in messages] == ["system", "user"]
    assert "judged_messages" in messages[1]["content"] and "2 + 2?" in messages[1]["content"]


@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
def test_a_failed_judgement_is_worth_nothing_and_an_empty_prediction_costs_nothing() -> None:
    assert score(judge(), Answer(answer=4), Answer(answer=4), "done", "no JSON")[0] == 0.0
    value, provider = score(judge(), None, None)
    assert value == 0.0 and not provider.calls


def test_it_is_saved_and_loaded() -> None:
    made = judge(instructions="Be strict.", score_type=Rating, max_iterations=2, in_mask=["answer"], name="strict")
    again = rewards.get(rewards.serialize(made))
    assert type(again) is AgentAsJudge and again.get_config() == made.get_config()
    script = [Reply(tool_calls=(ADD,)), "four", {"critique": "right", "reward": 5}]
    value, provider = score(again, None, Answer(answer=4), *script)
    assert value == 1.0 and "Be strict." in prompt_of(provider.calls[0].request)


def test_without_tools_it_has_one_turn_and_scores() -> None:
    value, provider = score(AgentAsJudge(JUDGE), None, Answer(answer=4), "It is even.", {"critique": "", "reward": 20})
    assert value == 1.0 and not any(call.request.tools for call in provider.calls)


def test_a_program_is_trained_by_it() -> None:
    def answer(call: Any) -> Any:
        if call.scope.phase != "reward":
            return {"answer": number_of(call)}
        return {"critique": "fine", "reward": 20} if call.request.schema is not None else "done"

    program, provider = solver(), ScriptedProvider(answer)
    program.compile(optimizer="random_few_shot", reward=judge())
    history = fit(program, provider, data(4)[0], batch_size=2, validation_split=0.5)
    assert history.history["reward"] == [1.0] and phases(provider)["reward"] > 0
