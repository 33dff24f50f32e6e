"""Budgets: what a training will cost, a cap on it, and what is kept when the cap is reached.

synalinks run examples/guides/budgets.py --cassette cassettes/guides/budgets.jsonl --offline
"""

import asyncio

import synalinks

MODEL = "ollama/llama3.2:latest"
# A budget in dollars needs a price; a model on one's own machine has none but the one that is stated.
synalinks.set_price(MODEL, input=0.15, output=0.60)
SUMS = {"12 + 7": 19, "9 * 6": 54, "81 - 26": 55, "48 / 6": 8, "15 + 28": 43, "6 * 7": 42}


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


async def main():
    inputs = synalinks.Input(data_model=Problem)
    # With max_tokens the most that one call can cost is little, so many calls fit in a small budget at once.
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL, max_tokens=40)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    program.compile(optimizer="random_few_shot", reward="exact_match")
    x = [Problem(problem=text) for text in SUMS]
    y = [Answer(answer=str(value)) for value in SUMS.values()]

    # The loop is run on a copy with simulated answers: no call is made.
    forecast = await program.estimate(x, y, epochs=20, validation_split=0.3)
    print(f"20 epochs: about {forecast.calls.expected} calls and ${forecast.dollars.expected:.4f}")

    history = await program.fit(x, y, epochs=20, validation_split=0.3, verbose=0, budget="0.001")
    print(f"stopped by {history.stopped_by} after {len(history.epoch)} epochs")
    print(f"{history.ledger.total.calls} calls, {history.ledger.total.as_if} of $0.0010")

    # Caps of tokens, calls and seconds go around anything; what no longer fits is not sent.
    with synalinks.use_budget(synalinks.Budget(calls=4)) as budget:
        try:
            await program.evaluate(x, y, verbose=0)
        except synalinks.BudgetExceeded as error:
            print("refused:", str(error).splitlines()[0])
    print("settled:", budget.settled)


if __name__ == "__main__":
    asyncio.run(main())
