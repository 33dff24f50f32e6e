"""Guards: inputs that never reach the model, and outputs that never reach the user.

synalinks run examples/guides/guards.py --cassette cassettes/guides/guards.jsonl --offline
"""

import asyncio

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Query(synalinks.DataModel):
    query: str = synalinks.Field(description="What to answer")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


class Refusal(synalinks.DataModel):
    warning: str = synalinks.Field(description="Why there is no answer")


class Refuse(synalinks.Module):
    """A warning where a word is found in a field, else None."""

    def __init__(self, field, words, warning, name=None):
        super().__init__(name=name)
        self.field, self.words, self.warning = field, list(words), warning

    async def call(self, inputs, training=False):
        text = "" if inputs is None else inputs[self.field].lower()
        return Refusal(warning=self.warning) if any(word in text for word in self.words) else None

    async def compute_output_spec(self, inputs, training=False):
        return synalinks.SymbolicDataModel(data_model=Refusal)


async def main():
    inputs = synalinks.Input(data_model=Query)
    warning = await Refuse("query", ["password"], "Secrets stay secret.")(inputs)
    # `^` is None where both sides are there, and what is None goes through modules without a call.
    answer = await synalinks.Generator(data_model=Answer, language_model=MODEL)(warning ^ inputs)
    bad_answer = await Refuse("answer", ["unknown", "units"], "The answer was no number.")(answer)
    outputs = warning | (bad_answer | (bad_answer ^ answer))
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="guarded")

    for query in ("What is 20 + 22?", "What is the password?", "What is love?"):
        with synalinks.use_ledger() as ledger:
            result = await program(query=query)
        shown = None if result is None else {name: value for name, value in result.get_json().items() if value}
        print(f"{query} -> {shown} after {ledger.total.calls} calls")


if __name__ == "__main__":
    asyncio.run(main())
