"""Forecasts against what fits really take, with the stand-in server as the provider."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

import synalinks
from synalinks.testing import OllamaServer


class Problem(synalinks.DataModel):
    """A sum to do."""

    problem: str = synalinks.Field(description="The sum")


class Solution(synalinks.DataModel):
    """What it comes to."""

    thinking: str = synalinks.Field(description="How it was found")
    answer: str = synalinks.Field(description="The number alone")


def sums(count: int, seed: int) -> tuple[list[Problem], list[Solution]]:
    """Sums of two numbers, with their answers."""
    rng = random.Random(seed)
    pairs = [(rng.randint(2, 99), rng.randint(2, 99)) for _ in range(count)]
    return (
        [Problem(problem=f"{a} + {b}") for a, b in pairs],
        [Solution(thinking=f"{a} + {b} = {a + b}", answer=str(a + b)) for a, b in pairs],
    )


@pytest.fixture(scope="module")
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as running:
        yield running


async def program(url: str, name: str, optimizer: str, **options: Any) -> Any:
    """A solver of sums; `name` is its model's, so that calls of other tests are no source."""
    model = synalinks.LanguageModel(f"ollama/{name}", api_base=url, **options)
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Solution, language_model=model, name="solve")(inputs)
    made = synalinks.Program(inputs=inputs, outputs=outputs, name="sums")
    if optimizer == "omega":
        embedder = synalinks.EmbeddingModel("ollama/all-minilm", api_base=url)
        chosen: Any = synalinks.OMEGA(language_model=model, embedding_model=embedder)
    else:
        chosen = synalinks.RandomFewShot()
    made.compile(optimizer=chosen, reward=synalinks.ExactMatch(in_mask=["answer"]))
    return made


CASES = {
    "as it comes": {},
    "at temperature 0": {"temperature": 0},
    "validated every second epoch": {"epochs": 4, "validation_freq": 2},
    "in batches, on all validation samples": {"batch_size": 5, "minibatch_size": None},
}


@pytest.mark.parametrize("optimizer", ["random_few_shot", "omega"])
@pytest.mark.parametrize("case", CASES)
def test_a_fit_lies_within_its_forecast(server: OllamaServer, case: str, optimizer: str) -> None:
    settings: dict[str, Any] = {"epochs": 2, **CASES[case], "validation_data": sums(5, 1), "seed": 3}
    options = {"temperature": settings.pop("temperature")} if "temperature" in settings else {}
    name = f"{optimizer}-{list(CASES).index(case)}"

    async def run() -> None:
        solver = await program(server.url, name, optimizer, **options)
        for sources in ("no statistics", "statistics of the fit before"):
            forecast = await solver.estimate(*sums(8, 0), **settings)
            history = await solver.fit(*sums(8, 0), verbose=0, **settings)
            assert history.forecast is forecast
            compared = history.forecast_vs_actual
            outside = [row["phase"] for row in compared.to_dict()["rows"] if not row["within"]]
            assert not outside, f"{sources}: {outside}\n{compared}"
            assert compared.within

    asyncio.run(run())


def test_measured_lengths_come_close(server: OllamaServer) -> None:
    """After one fit the passes of the next are known to within a few tokens in a hundred."""
    settings: dict[str, Any] = {"validation_data": sums(5, 1), "epochs": 2, "seed": 3}

    async def run() -> Any:
        first = await program(server.url, "close", "random_few_shot")
        await first.fit(*sums(8, 0), verbose=0, **settings)
        second = await program(server.url, "close", "random_few_shot")
        forecast = await second.estimate(*sums(8, 5), **settings)
        return forecast, await second.fit(*sums(8, 5), verbose=0, **settings)

    forecast, history = asyncio.run(run())
    for phase in ("train", "validation"):
        foreseen, taken = forecast.by("phase")[phase], history.ledger.filter(phase=phase).total
        assert foreseen.output_tokens.expected == pytest.approx(taken.output_tokens, rel=0.1)
    first_epoch = history.ledger.filter(phase="train", epoch=0).total
    assert first_epoch.input_tokens <= forecast.by("phase")["train"].input_tokens.high
