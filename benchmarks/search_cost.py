"""CPU of a search a call of the program, beside what the program's call itself takes: 5,000 samples.

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


def answered(call: Call) -> dict[str, str]:
    """Right half of the time; a proposal is always another one."""
    number = next(numbers)
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
        begun = time.process_time()
        await program.evaluate(x[:CALLS], y[:CALLS], verbose=0)
        alone = (time.process_time() - begun) / CALLS
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
    print(f"evaluation: {alone * 1e3:.2f} ms a call")
    print(f"search:     {whole * 1e3:.2f} ms a call, so {(whole - alone) * 1e3:.2f} ms of its own")
    print(f"memory:     {held / 2**20:.0f} MB at the most ({traced * 1e3:.2f} ms a call while it is traced)")


if __name__ == "__main__":
    asyncio.run(main())
