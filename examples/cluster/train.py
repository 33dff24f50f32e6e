"""Trains a program on workers of a Ray cluster: `python train.py [ADDRESS]`; on this machine without an address."""

import asyncio
import sys

import synalinks
from synalinks.distribution import Ray


class Question(synalinks.DataModel):
    """A sum to do."""

    question: str


class Answer(synalinks.DataModel):
    """What it comes to."""

    answer: str


async def main(address: str | None) -> None:
    inputs = synalinks.Input(data_model=Question)
    model = synalinks.LanguageModel("ollama/llama3.2:latest")
    outputs = await synalinks.ChainOfThought(data_model=Answer, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="sums")
    program.compile(reward=synalinks.ExactMatch(in_mask=["answer"]), optimizer=synalinks.RandomFewShot())
    x = [Question(question=f"{n} + {n + 3}") for n in range(24)]
    y = [Answer(answer=str(2 * n + 3)) for n in range(24)]

    with Ray(workers=2, address=address) as workers:
        history = await program.fit(x, y, batch_size=8, epochs=2, budget=5, verbose=0, distribution=workers)

    print(history.ledger.total.calls, "calls on", workers)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or [None]))
