"""Counters of a model under the names that programs read; all of them views of the ledger."""

from __future__ import annotations

import asyncio
import copy
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from synalinks.errors import ServerError
from synalinks.lm import Delta, Reply
from synalinks.lm.core.call import Usage
from synalinks.modules.models.counters import ModelCounters
from synalinks.testing import ScriptedProvider

HELLO = synalinks.ChatMessage(role="user", content="Hello")
USAGE = Usage(input_fresh=8, input_cache_read=2, input_cache_write_5m=1, output_text=4, output_reasoning=3)
NAMES = """
    cost calls prompt_tokens completion_tokens tokens elapsed_s cached_tokens cache_creation_tokens reasoning_tokens
    streaming_calls streaming_ttft_s streaming_ttlt_s trajectory_calls trajectory_ttft_s
"""


def reply(text: str = "hi", **more: Any) -> Reply:
    return Reply(text, usage=USAGE, cost=Decimal("0.25"), finish="stop", **more)


def test_every_counter_of_every_phase_is_there_and_is_zero_without_calls() -> None:
    model = synalinks.LanguageModel("ollama/m")
    for name in NAMES.split():
        for prefix in ("", "inference_", "reward_", "optimizer_"):
            assert getattr(model, f"{prefix}cumulated_{name}") == 0, name
    for name in ("failed_calls", "fallback_activations", "cache_hits"):
        assert getattr(model, name) == getattr(model, f"cumulated_{name}") == 0
    assert model.last_call_cost is None and model.last_call_finish_reason is None
    assert str(ModelCounters.__dict__["reward_cumulated_calls"].__doc__) == "Calls for rewards and metrics."


def test_the_counters_of_calls() -> None:
    model = synalinks.LanguageModel("ollama/m")
    with synalinks.use_provider(ScriptedProvider([reply(), reply()])):
        asyncio.run(model(HELLO))
        assert model.cumulated_calls == 1
        asyncio.run(model(HELLO))
    assert (model.cumulated_calls, model.cumulated_cost, type(model.cumulated_cost)) == (2, 0.5, float)
    assert (model.cumulated_prompt_tokens, model.cumulated_completion_tokens) == (22, 14)
    assert model.cumulated_tokens == 36
    assert (model.cumulated_cached_tokens, model.cumulated_cache_creation_tokens) == (4, 2)
    assert model.cumulated_reasoning_tokens == 6
    assert model.cumulated_elapsed_s > 0
    assert (model.last_call_cost, model.last_call_tokens, model.last_call_prompt_tokens) == (0.25, 18, 11)
    assert (model.last_call_completion_tokens, model.last_call_cached_tokens) == (7, 2)
    assert (model.last_call_reasoning_tokens, model.last_call_finish_reason) == (3, "stop")
    assert model.inference_cumulated_calls == 0  # outside of any run
    counts = {"input_fresh": 16, "input_cache_read": 4, "input_cache_write_5m": 2, "output_text": 8}
    assert model.cumulated_details == {**counts, "output_reasoning": 6}
    assert model.reward_cumulated_details == {}
    assert copy.deepcopy(model).cumulated_calls == 0
    for name in ("cumulated_calls", "last_call_cost"):
        with pytest.raises(AttributeError, match="view of the ledger"):
            setattr(model, name, 0)


def test_failures_fallbacks_and_streams() -> None:
    spare = synalinks.LanguageModel("ollama/spare")
    model = synalinks.LanguageModel("ollama/m", retry=1, fallback=spare)
    with synalinks.use_provider(ScriptedProvider([ServerError("down"), reply()])):
        asyncio.run(model(HELLO))
    assert (model.failed_calls, model.fallback_activations, spare.failed_calls) == (1, 1, 0)
    assert (model.cumulated_calls, spare.cumulated_calls) == (1, 1)

    async def stream() -> None:
        found = await spare(HELLO, streaming=True)
        await found.aconsume()

    with synalinks.use_provider(ScriptedProvider([reply("hi you", chunks=(Delta("hi "), Delta("you")))])):
        asyncio.run(stream())
    assert (spare.cumulated_streaming_calls, spare.cumulated_trajectory_calls) == (1, 1)
    assert 0 <= spare.cumulated_streaming_ttft_s <= spare.cumulated_streaming_ttlt_s
    assert spare.cumulated_trajectory_ttft_s >= 0


def test_phases() -> None:
    model, judge = synalinks.LanguageModel("ollama/m"), synalinks.LanguageModel("ollama/judge")

    async def main() -> None:
        inputs = synalinks.Input(data_model=synalinks.ChatMessages)
        outputs = await synalinks.Generator(language_model=model)(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        program.compile(reward=synalinks.rewards.LMAsJudge(language_model=judge))
        data = [synalinks.ChatMessages(messages=[HELLO])] * 2
        await program.evaluate(data, [HELLO] * 2, verbose=0)
        await program(data[0])

    script = ScriptedProvider(lambda call: {"critique": "fine", "reward": 1.0} if call.request.schema else reply())
    with synalinks.use_provider(script):
        asyncio.run(main())
    assert (model.cumulated_calls, model.inference_cumulated_calls, model.reward_cumulated_calls) == (3, 2, 0)
    assert (judge.inference_cumulated_calls, judge.reward_cumulated_calls, judge.optimizer_cumulated_calls) == (0, 2, 0)


def test_embeddings_count_vectors() -> None:
    model = synalinks.EmbeddingModel("ollama/e")
    with synalinks.use_provider(ScriptedProvider([[[0.5], [1.0]]])):
        asyncio.run(model(["a", "b"]))
    assert (model.cumulated_vectors, model.last_call_vectors, model.cumulated_calls) == (2, 2, 1)
