"""Determinism, sentence by sentence (section 6): the same history, bill and program, byte for byte."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

import synalinks
from proofs.sums import Outcome, Result, Sum, outcome, some_twice, sums
from synalinks.lm.runtime import current
from synalinks.testing import OllamaServer

WIDTHS = (1, 8, 64)
KINDS = ("RandomFewShot", "OMEGA", "OMEGA batch")
#: What tells a replay's ledger from its recording's: where answers came from, what was paid, how often was asked.
OF_THE_RUN = ("source", "billed", "attempts", "answers", "billed_tokens")


class Dawdle(synalinks.Module):
    """Lets others go first, a random number of times: every run has another order of calls and answers."""

    def __init__(self, name: str = "dawdle") -> None:
        super().__init__(name=name)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        for _ in range(ORDER.randrange(30)):
            await asyncio.sleep(0)
        return inputs

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(schema=inputs.get_schema())


#: Never the same from one run to the next, on purpose.
ORDER = random.Random()


async def dawdling(y_true: Any, y_pred: Any) -> float:
    """1 for the right answer, some time later."""
    for _ in range(ORDER.randrange(30)):
        await asyncio.sleep(0)
    return float(y_true.get("answer") == y_pred.get("answer"))


def search(kind: str) -> Any:
    name, _, freq = kind.partition(" ")
    options: dict[str, Any] = {"update_freq": freq or "epoch", "name": "search"}
    if name == "RandomFewShot":
        return synalinks.RandomFewShot(**options)
    return synalinks.OMEGA("", "ollama/sums", "ollama/embedder", merging_rate=0.5, **options)


async def train(kind: str, folder: Path, width: int, seed: int = 7) -> Outcome:
    """A program of two modules that dawdle round one that asks, trained; the concurrency is not part of the outcome."""
    synalinks.clear_session(free_memory=False)
    model = synalinks.LanguageModel("ollama/sums", concurrency=width)
    inputs = synalinks.Input(data_model=Sum)
    early = await Dawdle("early")(inputs)
    answer = await synalinks.Generator(data_model=Result, language_model=model)(early)
    program = synalinks.Program(inputs=inputs, outputs=await Dawdle("late")(answer), name="solver")
    program.compile(optimizer=search(kind), reward=dawdling, metrics=["f1_score"])
    history = await program.fit(*some_twice(18), batch_size=4, epochs=3, validation_split=1 / 3, verbose=0, seed=seed)
    found = outcome(history, program, folder)
    plain = found.program.replace(b'"concurrency": %d' % width, b'"concurrency": null')
    return Outcome(found.history, found.ledger, plain)


def same(one: Outcome, two: Outcome, *without: str) -> bool:
    return (one.history, one.program, one.bill(*without)) == (two.history, two.program, two.bill(*without))


@pytest.fixture
def server() -> Any:
    with OllamaServer(latency=lambda number: ORDER.random() * 0.002, env=True) as running:
        yield running


@pytest.mark.parametrize("kind", KINDS)
def test_a_cassette_plays_the_same_run_at_any_concurrency_in_any_order(
    tmp_path: Path, kind: str, server: OllamaServer
) -> None:
    """Recorded once from answers that came as they liked; 1 and 2 of the four sentences, for both optimizers."""
    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_cassette(cassette):
        recorded = asyncio.run(train(kind, tmp_path, 8))
    asked = server.requests.number
    assert asked == len(recorded.ledger)
    replays = []
    for width in (*WIDTHS, 8):
        with synalinks.offline(), synalinks.use_cassette(cassette, record_mode="none", strict=True):
            replays.append(asyncio.run(train(kind, tmp_path, width)))
    assert all(same(replayed, replays[0]) for replayed in replays)
    assert same(replays[0], recorded, *OF_THE_RUN)
    assert server.requests.number == asked, "a replay costs nothing"
    assert {row["billed"] for row in replays[0].ledger} == {"0"}


@pytest.mark.parametrize("kind", ["RandomFewShot", "OMEGA"])
def test_a_warm_cache_gives_the_same_run_at_any_concurrency_in_any_order(
    tmp_path: Path, kind: str, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    first = asyncio.run(train(kind, tmp_path, 64))
    asked = server.requests.number
    again = [asyncio.run(train(kind, tmp_path, width)) for width in WIDTHS]
    assert server.requests.number == asked
    assert all(same(run, again[0]) for run in again)
    assert same(again[0], first, *OF_THE_RUN)


@pytest.mark.parametrize("kind", ["RandomFewShot", "OMEGA"])
def test_another_seed_is_another_run(tmp_path: Path, kind: str, server: OllamaServer) -> None:
    one, other = (asyncio.run(train(kind, tmp_path, 8, seed)) for seed in (7, 8))
    assert one.program != other.program


def test_every_row_of_a_cassette_made_at_one_batch_size_is_played_at_others(
    tmp_path: Path, server: OllamaServer
) -> None:
    """The third sentence; `strict` complains about rows that nobody played."""
    x, y = some_twice(16)

    async def run(size: int) -> Any:
        synalinks.clear_session(free_memory=False)
        inputs = synalinks.Input(data_model=Sum)
        early = await Dawdle("early")(inputs)
        program = synalinks.Program(
            inputs=inputs,
            outputs=await synalinks.Generator(data_model=Result, language_model="ollama/sums")(early),
            name="solver",
        )
        program.compile(reward=dawdling)
        logs = await program.evaluate(x, y, batch_size=size, verbose=0)
        found = await program.predict(x, batch_size=size, verbose=0)
        return logs, [prediction.get_json() for prediction in found]

    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_cassette(cassette):
        recorded = asyncio.run(run(8))
    for size in (1, 3, 32):
        with synalinks.offline(), synalinks.use_cassette(cassette, record_mode="none", strict=True):
            assert asyncio.run(run(size)) == recorded
    assert server.requests.number == 2 * len(x)


def test_three_evaluations_are_three_samples_and_the_next_run_has_the_same_three(
    tmp_path: Path, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fourth sentence, from cassette and from cache; at temperature 0 there is one sample only."""

    async def three(**options: Any) -> list[list[str]]:
        synalinks.clear_session(free_memory=False)
        inputs = synalinks.Input(data_model=Sum)
        generator = synalinks.Generator(data_model=Result, language_model="ollama/sums", **options)
        program = synalinks.Program(inputs=inputs, outputs=await generator(inputs), name="solver")
        x, _ = sums(12)
        return [[p.get("answer") for p in await program.predict(x, batch_size=12, verbose=0)] for _ in range(3)]

    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_cassette(cassette):
        recorded = asyncio.run(three())
    assert len({tuple(found) for found in recorded}) == 3
    with synalinks.offline(), synalinks.use_cassette(cassette, record_mode="none", strict=True):
        assert asyncio.run(three()) == recorded
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    cached = asyncio.run(three())
    asked = server.requests.number
    assert len({tuple(found) for found in cached}) == 3 and asyncio.run(three()) == cached
    assert server.requests.number == asked
    still = asyncio.run(three(temperature=0))
    assert len({tuple(found) for found in still}) == 1
    assert current().cassette is None
