"""CPU of a search a call, and of a pool of 500 a step, beside what the program's calls themselves take: 5,000 samples.

python benchmarks/search_cost.py
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
import tracemalloc
import warnings

os.environ["SYNALINKS_CACHE"] = "off"
import synalinks
from synalinks.lm import Call
from synalinks.optimizers.racing import PromptRacing

SAMPLES, CALLS = 5_000, 2_000
#: Of the optimizers with a pool: its size, the steps of an epoch, and the samples of a step; the first epoch fills the
#: pool, the second is measured.
POOL, STEPS, BATCH = 500, 600, 8


class Question(synalinks.DataModel):
    """A question."""

    question: str


class Answer(synalinks.DataModel):
    """An answer."""

    answer: str


def words(rng: random.Random) -> str:
    """Twelve words of a vocabulary of a thousand."""
    return " ".join(f"word{rng.randrange(1000)}" for _ in range(12))


async def build() -> synalinks.Program:
    """One generator."""
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model="ollama/any", instructions="Answer.")(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs)


numbers = itertools.count()


class Clock(synalinks.callbacks.Callback):
    """CPU seconds and calls at the end of each batch, and at that of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[float, int]] = []
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Note a step."""
        self.steps.append((time.process_time(), len(self.program.run_ledger)))

    on_test_batch_end = on_train_batch_end

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        """Note the end."""
        self.ends.append(time.process_time())

    def least(self, first: int = 0, alone: float = 0.0) -> float:
        """CPU seconds of a step from one on: the least of stretches of 50, for the machine has other work to do.

        Args:
            alone: CPU seconds of a call, which are left out.
        """
        ends = self.steps[first::50]
        return min((b[0] - a[0] - alone * (b[1] - a[1])) / 50 for a, b in itertools.pairwise(ends))


async def step(
    optimizer: synalinks.optimizers.Optimizer, x: list[Question], y: list[Answer], alone: float
) -> tuple[float, float, int]:
    """CPU seconds of a step and of the end of an epoch, but for the calls of the program; and the size of the pool.

    Args:
        alone: CPU seconds of a call of the program.
    """
    program, clock = await build(), Clock()
    program.compile(optimizer=optimizer, reward="exact_match")
    await program.fit(
        x, y, epochs=2, batch_size=BATCH, steps_per_epoch=STEPS, validation_split=0.02, validation_freq=9, verbose=0,
        callbacks=[clock],
    )  # fmt: skip
    size = len(program.trainable_variables[0].get("best_candidates"))
    return clock.least(STEPS, alone), clock.ends[-1] - clock.steps[-1][0], size


def answered(call: Call) -> dict[str, str] | list[list[float]]:
    """Right half of the time; a proposal is always another one; a direction of its own for each text."""
    number = next(numbers)
    if call.request.kind == "embed":
        rng = random.Random(number)
        return [[rng.gauss(0.0, 1.0) for _ in range(384)] for _ in call.request.texts]
    if call.request.schema is not None and "instructions" in call.request.schema.value["properties"]:
        return {"thinking": "?", "instructions": f"Answer well, attempt {number}."}
    return {"answer": "yes" if number % 2 else "no"}


async def main() -> None:
    """Measure both, and the memory that the search holds."""
    warnings.simplefilter("ignore")
    rng = random.Random(0)
    x = [Question(question=words(rng)) for _ in range(SAMPLES)]
    y = [Answer(answer="yes")] * SAMPLES
    program = await build()
    provider = synalinks.testing.ScriptedProvider(answered)
    with synalinks.use_provider(provider):
        program.compile(reward="exact_match")
        clock = Clock()
        await program.evaluate(x[:CALLS], y[:CALLS], batch_size=BATCH, verbose=0, callbacks=[clock])
        alone = clock.least() / BATCH
        program.compile(optimizer=PromptRacing("ollama/any"), reward="exact_match")
        begun = time.process_time()
        tracemalloc.start()
        await program.fit(x, y, calls=CALLS, validation_split=0.02, verbose=0)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        traced = (time.process_time() - begun) / CALLS
        begun = time.process_time()
        await program.fit(x, y, calls=CALLS, validation_split=0.02, verbose=0, seed=1)
        whole = (time.process_time() - begun) / CALLS
        pooled = {
            name: await step(optimizer, x, y, alone)
            for name, optimizer in {
                "RandomFewShot": synalinks.RandomFewShot(population_size=POOL),
                "OMEGA": synalinks.OMEGA(None, "ollama/any", "ollama/vectors", population_size=POOL),
                "RandomFewShot per batch": synalinks.RandomFewShot(population_size=POOL, update_freq="batch"),
                "OMEGA per batch": synalinks.OMEGA(
                    None, "ollama/any", "ollama/vectors", population_size=POOL, update_freq="batch"
                ),
            }.items()
        }
    print(f"evaluation: {alone * 1e3:.2f} ms a call")
    print(f"search:     {whole * 1e3:.2f} ms a call, so {(whole - alone) * 1e3:.2f} ms of its own")
    print(f"memory:     {held / 2**20:.0f} MB at the most ({traced * 1e3:.2f} ms a call while it is traced)")
    for name, (cpu, end, size) in pooled.items():
        print(
            f"{name}: {cpu * 1e3:.2f} ms a step of its own, {end * 1e3:.0f} ms at the end of an epoch, pool of {size}"
        )


if __name__ == "__main__":
    asyncio.run(main())
