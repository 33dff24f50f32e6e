"""Training: what a search for better examples and instructions changes, and what it took.

synalinks run examples/guides/training.py --cassette cassettes/guides/training.jsonl --offline
"""

import asyncio

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens
SUMS = {
    "12 + 7": 19, "9 * 6": 54, "81 - 26": 55, "48 / 6": 8, "15 + 28": 43, "6 * 7": 42, "90 - 45": 45, "7 * 8": 56,
    "33 + 19": 52, "14 * 3": 42,
}  # fmt: skip
TEST = {"16 + 25": 41, "7 * 12": 84, "95 - 38": 57, "56 / 7": 8, "21 + 34": 55, "9 * 9": 81}


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    thinking: str = synalinks.Field(description="The sum worked out in steps")
    answer: str = synalinks.Field(description="The number alone")


def samples(sums):
    return [Problem(problem=text) for text in sums], [{"answer": str(value)} for value in sums.values()]


async def solver():
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL, name="solve")(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="solver")


async def main():
    x, y = samples(SUMS)
    x_test, y_test = samples(TEST)

    # The examples shown to the model are chosen among its own good answers.
    program = await solver()
    reward = synalinks.ExactMatch(in_mask=["answer"])
    program.compile(optimizer=synalinks.RandomFewShot(nb_min_examples=2), reward=reward)
    print("before:", await program.evaluate(x_test, y_test, verbose=0))
    history = await program.fit(x, y, epochs=2, validation_split=0.3, verbose=0)
    print("after:", await program.evaluate(x_test, y_test, verbose=0))
    for epoch, value in enumerate(history.history["val_reward"], start=1):
        print(f"epoch {epoch}: val_reward {value:.2f}")
    examples = program.get_variable(name="state_solve").get("examples")
    print("examples:", [example["inputs"]["problem"] for example in examples])
    print(f"{history.ledger.total.calls} calls, {history.ledger.total.as_if} live")

    # The instructions are rewritten by a model that is shown what went well and what did not.
    program = await solver()
    program.compile(optimizer=synalinks.optimizers.PromptRacing(language_model=MODEL), reward=reward)
    history = await program.fit(x, y, calls=60, validation_split=0.3, verbose=0)
    print("raced:", await program.evaluate(x_test, y_test, verbose=0))
    by_phase = {phase: totals.calls for phase, totals in history.ledger.by("phase").items()}
    print("calls:", by_phase)


if __name__ == "__main__":
    asyncio.run(main())
