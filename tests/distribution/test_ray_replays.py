"""What is recorded on workers replays in one process and the other way round, byte for byte: every optimizer, with an
agent and its tool, embeddings in the reward, and calls that fail."""

from __future__ import annotations

import asyncio
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import synalinks
from distribution.test_dispatcher import _without_seconds, steady
from modules.agents.test_over_http import calculate
from proofs.sums import Outcome, Sum, outcome
from synalinks.distribution import Ray
from synalinks.testing import ChatRequest, OllamaServer

pytestmark = pytest.mark.ray
EPOCHS, SAMPLES = 2, 9


class Words(synalinks.DataModel):
    """What a sum comes to."""

    answer: str = synalinks.Field(description="The number")


def unreliable(asked: ChatRequest) -> Any:
    """The rule of a server that makes nothing of one of the questions, and gives the same answer each time."""
    return "nonsense" if "13 + 14" in json.dumps(asked.messages) else steady(asked)


OPTIMIZERS: dict[str, Any] = {
    "few_shot": lambda: synalinks.RandomFewShot(nb_max_examples=2),
    "omega": lambda: synalinks.OMEGA(
        language_model="ollama/proposer", embedding_model="ollama/embedder", merging_rate=0.5
    ),
    "racing": lambda: synalinks.PromptRacing("ollama/proposer"),
}


async def train(optimizer: str, folder: Path) -> Outcome:
    synalinks.clear_session(free_memory=False)
    inputs = synalinks.Input(data_model=Sum)
    outputs = await synalinks.FunctionCallingAgent(
        data_model=Words, tools=[calculate], language_model="ollama/m", return_inputs_with_trajectory=False
    )(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="agent")
    reward = synalinks.rewards.CosineSimilarity(embedding_model=synalinks.EmbeddingModel("ollama/embedder"))
    program.compile(optimizer=OPTIMIZERS[optimizer](), reward=reward)
    x = [Sum(question=f"What is {n} + {n + 1}?") for n in range(10, 10 + SAMPLES)]
    y = [Words(answer=str(2 * n + 1)) for n in range(10, 10 + SAMPLES)]
    options = {"calls": 160} if optimizer == "racing" else {"epochs": EPOCHS, "batch_size": 3}
    history = await program.fit(x, y, validation_split=0.34, verbose=0, seed=7, **options)
    return outcome(history, program, folder)


def run(optimizer: str, folder: Path, cassette: Path, distribution: Any, replays: bool = False) -> Outcome:
    mode: Any = "none" if replays else "once"
    with (
        warnings.catch_warnings(),
        synalinks.use_distribution(distribution),
        synalinks.use_cassette(cassette, mode, strict=replays),
    ):
        warnings.simplefilter("ignore", synalinks.modules.LMWarning)
        return asyncio.run(train(optimizer, folder))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_recordings_are_the_same_file_and_replay_the_other_way_round(
    ray_workers: Ray, tmp_path: Path, optimizer: str
) -> None:
    there, here = tmp_path / "there.jsonl", tmp_path / "here.jsonl"
    recorded = {}
    for cassette, distribution in ((there, ray_workers), (here, None)):
        with OllamaServer(env=True, model=unreliable):
            recorded[cassette] = run(optimizer, tmp_path, cassette, distribution)
    rows = [json.loads(line) for line in here.read_text().splitlines()[1:]]
    assert {row["request"]["kind"] for row in rows} == {"chat", "embed"}
    assert any(row.get("error") for row in rows) and any("tool_calls" in json.dumps(row) for row in rows)
    assert _without_seconds(there) == _without_seconds(here)
    assert recorded[there] == recorded[here]
    replayed = [
        run(optimizer, tmp_path, there, None, replays=True),
        run(optimizer, tmp_path, here, ray_workers, replays=True),
    ]
    assert replayed[0] == replayed[1]
    assert (replayed[0].history, replayed[0].program) == (recorded[here].history, recorded[here].program)
