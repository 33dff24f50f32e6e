"""Shares the calls of a program among several hosts: `python hosts.py http://10.0.0.1:11434 http://10.0.0.2:11434`."""

import asyncio
import sys
from collections.abc import Sequence

import synalinks


class Question(synalinks.DataModel):
    """A sum to do."""

    question: str


class Answer(synalinks.DataModel):
    """What it comes to."""

    answer: str


async def main(hosts: Sequence[str]) -> None:
    model = synalinks.LanguageModel("ollama/llama3.2:latest", api_base=hosts)
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="sums")
    found = await program.predict([Question(question=f"{n} + {n + 3}") for n in range(60)], batch_size=60, verbose=0)
    print(sum(one is not None for one in found), "answers of", ", ".join(model.client.endpoints))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
