"""A cassette, opened in code: the first run records it, every later run replays it without a server.

    synalinks run examples/record_a_run.py --offline

The cassette ships with this file, so the first run has already been. Delete it to record your own model.
"""

import asyncio
from pathlib import Path

import synalinks

CASSETTE = Path(__file__).parent.parent / "cassettes" / "examples" / "record_a_run.jsonl"


class Problem(synalinks.DataModel):
    """A sum to work out."""

    problem: str = synalinks.Field(description="The sum")


class Answer(synalinks.DataModel):
    """The answer."""

    answer: str = synalinks.Field(description="The number alone")


async def ask(program, text):
    return (await program(Problem(problem=text)))["answer"]


async def main():
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model="ollama/llama3.2:latest")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)

    # "once" is the mode for daily work: record if the cassette is not there, else replay and ask nothing new.
    with synalinks.use_cassette(CASSETTE, record_mode="once") as cassette:
        # The same question three times is three answers, kept apart on the cassette and replayed in this order.
        answers = [await ask(program, "17 * 6") for _ in range(3)]
        print(f"17 * 6 = {', '.join(answers)}")
        print(f"{cassette.played} calls replayed, {cassette.recorded} recorded")

    # "none" is the mode for tests: a call that is not on the cassette is an error, never a guess.
    with synalinks.use_cassette(CASSETTE, record_mode="none"):
        try:
            await ask(program, "17 * 7")
        except synalinks.CassetteMiss as miss:
            print(f"\nA changed prompt is a miss, with the nearest row and what differs:\n{miss}")


if __name__ == "__main__":
    asyncio.run(main())
