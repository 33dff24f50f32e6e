"""Training under a budget: never exceeded, and what was learnt before it ran out is kept.

    synalinks run examples/budgeted_training.py --cassette cassettes/examples/budgeted_training.jsonl --offline

The budget counts what the calls cost live, also in a replay: so a replay stops where the recorded run did.
"""

import asyncio

import numpy as np

import synalinks

MODEL = "ollama/llama3.2:latest"
SUMS = {
    "23 + 48": 71, "9 * 7": 63, "82 - 35": 47, "96 / 8": 12, "17 + 36": 53,
    "6 * 14": 84, "71 - 29": 42, "54 / 9": 6, "38 + 25": 63, "7 * 13": 91,
}  # fmt: skip


class Problem(synalinks.DataModel):
    """A sum to work out."""

    problem: str = synalinks.Field(description="The sum")


class Answer(synalinks.DataModel):
    """The answer."""

    thinking: str = synalinks.Field(description="The sum worked out in steps")
    answer: str = synalinks.Field(description="The number alone")


async def main():
    # A budget in dollars needs a price; a local model has none of its own.
    synalinks.set_price(MODEL, input=2.50, output=10.00)

    inputs = synalinks.Input(data_model=Problem)
    # max_tokens bounds what one call can cost. Without it the budget has to reserve for the longest answer
    # it could pay for, and calls that could run side by side wait for one another.
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL, max_tokens=100, name="solver")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="frugal")
    program.compile(optimizer="random_few_shot", reward=synalinks.ExactMatch(in_mask=["answer"]))

    x = np.array([Problem(problem=text) for text in SUMS], dtype="object")
    y = np.array([Answer(thinking=f"{text} = {n}", answer=str(n)) for text, n in SUMS.items()], dtype="object")

    cap = synalinks.Budget(usd="0.04")
    history = await program.fit(x, y, epochs=20, validation_split=0.3, verbose=2, budget=cap)

    spent = history.ledger.total
    print(f"\nstopped by: {history.stopped_by}, after epoch {history.epoch[-1] + 1} of 20")
    print(f"spent {spent.as_if} of ${cap.usd} in {spent.calls} calls")

    # An epoch begins only if it can be expected to end with its validation. The best candidate stays in the program,
    # which is ready for use.
    state = program.trainable_variables[0]
    best = state.get("best_candidates")[0]
    print(f"kept: {len(state.get('examples'))} examples, reward {best['reward']:.2f} on {best['reward_count']} samples")
    result = await program(Problem(problem="19 + 64"))
    print(f"19 + 64 = {result['answer']}")


if __name__ == "__main__":
    asyncio.run(main())
