"""The bill: which epoch, phase and module each call, token and dollar went to.

synalinks run examples/read_the_bill.py --cassette cassettes/examples/read_the_bill.jsonl --offline
"""

import asyncio

import numpy as np

import synalinks

MODEL = "ollama/llama3.2:latest"
SUMS = {"14 + 9": 23, "8 * 7": 56, "63 - 28": 35, "45 / 9": 5, "26 + 17": 43, "12 * 4": 48}


class Problem(synalinks.DataModel):
    """A sum to work out."""

    problem: str = synalinks.Field(description="The sum")


class Working(synalinks.DataModel):
    """How to get to the answer."""

    thinking: str = synalinks.Field(description="The sum worked out in steps")


class Answer(synalinks.DataModel):
    """The answer."""

    answer: str = synalinks.Field(description="The number alone")


async def main():
    # A model on one's own machine is free unless a price is stated. With one, the bill says what the same
    # calls would cost at a provider that charges so much (dollars per million tokens).
    synalinks.set_price(MODEL, input=2.50, output=10.00)

    model = synalinks.LanguageModel(model=MODEL)
    inputs = synalinks.Input(data_model=Problem)
    working = await synalinks.Generator(data_model=Working, language_model=model, return_inputs=True, name="think")(
        inputs
    )
    answer = await synalinks.Generator(data_model=Answer, language_model=model, name="conclude")(working)
    program = synalinks.Program(inputs=inputs, outputs=answer, name="two_steps")
    program.compile(optimizer="random_few_shot", reward=synalinks.ExactMatch(in_mask=["answer"]))

    x = np.array([Problem(problem=text) for text in SUMS], dtype="object")
    y = np.array([Answer(answer=str(value)) for value in SUMS.values()], dtype="object")
    history = await program.fit(x, y, epochs=2, validation_split=0.3, verbose=0)

    print(history.ledger.table("epoch", "phase"))

    # Every figure is a query on the ledger, by any fields of a call and its place in the run.
    print("\nby module:")
    for module, totals in history.ledger.by("module").items():
        print(f"  {module:9} {totals.calls:3} calls {totals.tokens:6,} tokens  {totals.as_if} as if live")

    search = history.ledger.filter(phase="candidate").total
    print(f"\ncomparing candidates took {search.as_if} of {history.ledger.total.as_if}")

    # The same rows as data, for a spreadsheet or a test.
    first = history.costs[0]
    print(f"first row of history.costs: epoch {first['epoch']}, {first['phase']}, {first['calls']} calls")

    # Billed is what this run paid, "as if" what the same calls cost live. Unknown prices would be
    # counted apart: unknown is not zero.
    total = history.ledger.total
    print(f"billed {total.billed}, saved {total.saved}")


if __name__ == "__main__":
    asyncio.run(main())
