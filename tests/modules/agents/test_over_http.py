"""An agent trained against the stand-in server over HTTP, recorded, and replayed byte for byte."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import synalinks
from synalinks.saving import register_synalinks_serializable
from synalinks.testing import OllamaServer


class Query(synalinks.DataModel):
    query: str


class Answer(synalinks.DataModel):
    answer: float


@register_synalinks_serializable(package="over_http")
async def calculate(expression: str) -> dict[str, float]:
    """Calculate a sum.

    Args:
        expression: numbers and `+`.
    """
    return {"result": sum(map(float, expression.split("+")))}


QUESTIONS = [Query(query=f"What is {n} + {n + 1}?") for n in range(6)]
ANSWERS = [Answer(answer=2 * n + 1) for n in range(6)]


async def trained(path: Path, batch_size: int) -> tuple[Any, Path]:
    synalinks.clear_session()
    inputs = synalinks.Input(data_model=Query)
    outputs = await synalinks.FunctionCallingAgent(
        data_model=Answer, tools=[calculate], language_model="ollama/m", return_inputs_with_trajectory=False
    )(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    program.compile(reward="exact_match", optimizer="random_few_shot")
    fitted = {"epochs": 2, "verbose": 0, "validation_split": 0.34, "batch_size": batch_size}
    history = await program.fit(QUESTIONS, ANSWERS, **fitted)  # type: ignore[arg-type]
    program.save(path)
    return history.history, path


def as_files(run: tuple[Any, Path]) -> tuple[Any, bytes]:
    return run[0], run[1].read_bytes()


def test_a_fit_of_an_agent_is_recorded_and_replayed(tmp_path: Path) -> None:
    cassette, saved = tmp_path / "cassette.jsonl", tmp_path / "program.json"
    with OllamaServer(env=True) as server, synalinks.use_cassette(cassette):
        recorded = as_files(asyncio.run(trained(saved, 2)))
        assert len(server.requests) > 3 * len(QUESTIONS)  # turns and answers
    assert recorded[0]["val_reward"] == [1.0, 1.0]
    with synalinks.use_cassette(cassette, record_mode="none"):
        assert as_files(asyncio.run(trained(saved, 2))) == recorded


def test_a_budget_ends_it_with_a_program_that_is_saved(tmp_path: Path) -> None:
    with OllamaServer(env=True), synalinks.use_budget(synalinks.Budget(calls=12)) as budget:
        _, saved = asyncio.run(trained(tmp_path / "program.json", 2))
    assert budget.settled.calls <= 12
    assert saved.is_file()
