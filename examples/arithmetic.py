"""The main job: an arithmetic solver, trained for two epochs; its rewards, and what they cost.

    synalinks run examples/arithmetic.py --cassette cassettes/examples/arithmetic.jsonl --offline

To run it against a model of your own, leave `--offline` out and add `--record-mode all`.
"""

import asyncio

import numpy as np

import synalinks

TRAIN = [
    ("12 + 7", 19), ("9 * 6", 54), ("81 - 26", 55), ("48 / 6", 8), ("15 + 28", 43),
    ("7 * 8 - 5", 51), ("100 - 37", 63), ("6 * 7", 42), ("72 / 8", 9), ("33 + 19", 52),
    ("14 * 3", 42), ("90 - 45 + 5", 50), ("64 / 4", 16), ("18 + 24", 42), ("11 * 5", 55),
    ("50 - 23", 27), ("8 * 9 + 1", 73), ("36 / 3", 12), ("27 + 46", 73), ("13 * 4", 52),
]  # fmt: skip
TEST = [
    ("16 + 25", 41), ("7 * 12", 84), ("95 - 38", 57), ("56 / 7", 8), ("21 + 34", 55), ("9 * 9", 81),
    ("70 - 17", 53), ("84 / 4", 21), ("5 * 6 + 8", 38), ("44 + 18", 62), ("15 * 3", 45), ("60 - 24", 36),
]  # fmt: skip


class Problem(synalinks.DataModel):
    """A sum to work out."""

    problem: str = synalinks.Field(description="The sum")


class Answer(synalinks.DataModel):
    """The worked answer."""

    thinking: str = synalinks.Field(description="The sum worked out in steps")
    answer: str = synalinks.Field(description="The number alone")


def arrays(problems):
    # Object arrays: NumPy would otherwise try to look inside the data models.
    x = [Problem(problem=text) for text, _ in problems]
    y = [Answer(thinking=f"{text} = {value}", answer=str(value)) for text, value in problems]
    return np.array(x, dtype="object"), np.array(y, dtype="object")


async def main():
    model = synalinks.LanguageModel(model="ollama/llama3.2:latest")
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model, name="solver")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="arithmetic")
    program.compile(
        optimizer=synalinks.optimizers.RandomFewShot(nb_min_examples=2, nb_max_examples=3),
        # Only the number counts: there are many good ways to word the thinking.
        reward=synalinks.ExactMatch(in_mask=["answer"]),
    )
    x, y = arrays(TRAIN)
    x_test, y_test = arrays(TEST)

    before = await program.evaluate(x_test, y_test, verbose=0)
    history = await program.fit(x, y, epochs=2, validation_split=0.3, verbose=2)
    after = await program.evaluate(x_test, y_test, verbose=0)

    print(f"on 12 problems never seen: {before['reward']:.2f} before training, {after['reward']:.2f} after")

    print("\nWhat the optimizer chose to show the model:")
    for example in program.trainable_variables[0].get("examples"):
        print(f"  {example['inputs']['problem']} -> {example['outputs']['answer']}")

    # A local model costs time, not money: `synalinks run` prints the whole bill at the end. `read_the_bill.py` puts a
    # price on such calls.
    bill = history.ledger.total
    print(f"\n{bill.calls} calls and {bill.tokens:,} tokens to train")


if __name__ == "__main__":
    asyncio.run(main())
