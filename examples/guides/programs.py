"""Programs: four ways to write one, summaries, programs inside programs, files.

synalinks run examples/guides/programs.py --cassette cassettes/guides/programs.jsonl --offline
"""

import asyncio
import tempfile
from pathlib import Path

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Working(synalinks.DataModel):
    thinking: str = synalinks.Field(description="The sum worked out in steps")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


async def functional():
    """A graph: symbols go through modules, and a program is what lies between two of them."""
    inputs = synalinks.Input(data_model=Problem)
    working = await synalinks.Generator(data_model=Working, language_model=MODEL, name="think")(inputs)
    answer = await synalinks.Generator(data_model=Answer, language_model=MODEL, name="conclude")(inputs + working)
    return synalinks.Program(inputs=inputs, outputs=answer, name="functional")


def sequential():
    """A chain: each module gets what the one before it returned."""
    return synalinks.Sequential(
        [
            synalinks.Input(data_model=Problem),
            synalinks.Generator(data_model=Working, language_model=MODEL, return_inputs=True, name="think"),
            synalinks.Generator(data_model=Answer, language_model=MODEL, name="conclude"),
        ],
        name="chain",
        description="A sum, worked out and then answered.",
    )


class Careful(synalinks.Program):
    """A class: `call` is plain Python, and may loop and branch as it likes."""

    def __init__(self, tries=3, name=None):
        super().__init__(name=name)
        self.tries = tries
        self.solve = synalinks.ChainOfThought(data_model=Answer, language_model=MODEL)

    async def call(self, inputs, training=False):
        answers = [await self.solve(inputs, training=training) for _ in range(self.tries)]
        given = [answer for answer in answers if answer is not None]
        return max(given, key=lambda one: sum(one["answer"] == other["answer"] for other in given), default=None)

    async def compute_output_spec(self, inputs, training=False):
        return await self.solve(inputs)

    def get_config(self):
        return {"tries": self.tries, "name": self.name}


class Mixed(synalinks.Program):
    """A class whose graph is made when it first gets its inputs."""

    async def build(self, inputs):
        outputs = await synalinks.ChainOfThought(data_model=Answer, language_model=MODEL)(inputs)
        super().__init__(inputs=inputs, outputs=outputs, name=self.name)


async def main():
    problem = Problem(problem="14 * 3 - 8")
    for program in (await functional(), sequential(), Careful(name="careful"), Mixed(name="mixed")):
        result = await program(problem)
        print(f"{program.name}: {None if result is None else result.answer}")

    # A program is a module: it may be a part of another, and is counted once wherever it is shared.
    inner = await functional()
    inputs = synalinks.Input(data_model=Problem)
    checked = await synalinks.SelfCritique(language_model=MODEL)(inputs + await inner(inputs))
    outer = synalinks.Program(inputs=inputs, outputs=checked, name="outer")
    outer.summary(line_length=80)
    print([variable.name for variable in outer.trainable_variables])
    result = await outer(problem)
    if result is not None:
        print(result.answer, "with critique:", result.critique)

    # A file of a program is JSON, and loading one runs no code from it.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inner.json"
        inner.save(path)
        copy = synalinks.Program.load(path)
        copy.save(Path(folder) / "copy.json")
        print("same file:", path.read_bytes() == (Path(folder) / "copy.json").read_bytes())


if __name__ == "__main__":
    asyncio.run(main())
