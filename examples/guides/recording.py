"""Recording and testing: a cassette, what a changed prompt looks like, and answers without a model.

synalinks run examples/guides/recording.py --offline
"""

import asyncio
from pathlib import Path

import synalinks
from synalinks.testing import ScriptedProvider, SyntheticModel

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens
CASSETTE = Path(__file__).parents[2] / "cassettes" / "guides" / "recording.jsonl"


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


async def solver():
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL)(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="solver")


async def answers(program, problem, times=1):
    """The answers to one problem, which differ at a temperature above 0."""
    results = [await program(problem=problem) for _ in range(times)]
    return [None if result is None else result.answer for result in results]


async def main():
    program = await solver()

    # "once" records where there is no cassette, and replays where there is one: to the same answers, in their order.
    with synalinks.use_cassette(CASSETTE, record_mode="once") as cassette:
        print(await answers(program, "18 * 7", times=3))
        print(cassette.played, "played,", cassette.recorded, "recorded")

    # "none" is for tests: what is not on the cassette is an error, never a guess.
    with synalinks.use_cassette(CASSETTE, record_mode="none"):
        try:
            await answers(program, "18 * 8")
        except synalinks.CassetteMiss as miss:
            print("miss:", *[line for line in str(miss).splitlines() if line.startswith(("-{", "+{"))])

    # Answers from a list or a function take the place of every model, e.g. in unit tests.
    with synalinks.use_provider(ScriptedProvider([{"answer": "126"}])):
        print("scripted:", await answers(program, "18 * 7"))
    # And answers that obey their schema and mean nothing, to run a program through.
    with synalinks.use_provider(SyntheticModel(seed=1)):
        result = await program(problem="18 * 7")
        print("synthetic:", [type(value).__name__ for value in result.get_json().values()])
    # Without any of them, offline() refuses to reach for a model.
    with synalinks.offline():
        try:
            await answers(program, "18 * 7")
        except synalinks.OfflineError:
            print("offline: refused")


if __name__ == "__main__":
    asyncio.run(main())
