"""Both optimizers beat the untrained program on the stand-in, by a margin that chance does not explain."""

from __future__ import annotations

import asyncio
import math
import statistics
from typing import Any

import pytest

import synalinks
from proofs.sums import Result, Sum, sums
from synalinks.testing import OllamaServer

SEEDS = range(6)
#: 97.5 % quantile of Student's t with 5 degrees of freedom (any table): two-sided intervals of 95 % from 6 seeds.
T_OF_SIX = 2.571
HELD_OUT = 40


def search(kind: str) -> Any:
    if kind == "RandomFewShot":
        return synalinks.RandomFewShot()
    return synalinks.OMEGA(language_model="ollama/sums", embedding_model="ollama/embedder")


async def made(kind: str) -> synalinks.Program:
    synalinks.clear_session(free_memory=False)
    inputs = synalinks.Input(data_model=Sum)
    outputs = await synalinks.Generator(data_model=Result, language_model="ollama/sums")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    program.compile(optimizer=search(kind), reward=synalinks.ExactMatch(in_mask=["answer"]))
    return program


async def right(program: synalinks.Program, x: list[Sum], y: list[Result]) -> list[float]:
    """1 or 0 for each held-out sum."""
    found = await program.predict(x, batch_size=len(x), verbose=0)
    return [float(p is not None and p.get("answer") == t.answer) for p, t in zip(found, y, strict=True)]


async def gains(kind: str, seed: int) -> tuple[list[float], list[float]]:
    """What each held-out sum scored before and after training."""
    program = await made(kind)
    held_out = sums(HELD_OUT, first=1000 * seed + 500)
    before = await right(program, *held_out)
    await program.fit(
        *sums(36, first=1000 * seed), batch_size=8, epochs=4, validation_split=1 / 3, verbose=0,
        seed=seed,
    )  # fmt: skip
    return before, await right(program, *held_out)


@pytest.mark.parametrize("kind", ["RandomFewShot", "OMEGA"])
def test_training_beats_the_untrained_program_beyond_chance(kind: str) -> None:
    """Paired differences over held-out sums; the interval is over seeds, each with sums and draws of its own."""
    with OllamaServer(env=True, keep=0):
        pairs = [asyncio.run(gains(kind, seed)) for seed in SEEDS]
    margins = [statistics.fmean(after) - statistics.fmean(before) for before, after in pairs]
    mean, spread = statistics.fmean(margins), statistics.stdev(margins)
    lower = mean - T_OF_SIX * spread / math.sqrt(len(margins))
    assert lower > 0, f"{kind}: {mean:.3f} on average, from {lower:.3f} on ({margins})"
    differences = [b - a for before, after in pairs for a, b in zip(before, after, strict=True)]
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    assert statistics.fmean(differences) - 1.96 * error > 0, "sample by sample as well"
