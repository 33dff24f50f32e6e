"""Control flow: parallel calls, decisions, branches, and merging what came of them.

synalinks run examples/guides/control_flow.py --cassette cassettes/guides/control_flow.jsonl --offline
"""

import asyncio

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Query(synalinks.DataModel):
    query: str = synalinks.Field(description="What to answer")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The answer alone")


class Reply(synalinks.DataModel):
    reply: str = synalinks.Field(description="A sentence to the customer")


async def side_by_side(inputs):
    """Modules with the same input run at the same time: a graph has no order but that of its arrows."""
    first = await synalinks.Generator(data_model=Answer, language_model=MODEL, name="first")(inputs)
    second = await synalinks.Generator(data_model=Answer, language_model=MODEL, name="second")(inputs)
    return synalinks.Program(inputs=inputs, outputs=first + second, name="side_by_side")


async def router(inputs):
    """A decision chooses one branch; the others are None and make no call. `|` takes the one that is there."""
    solved, replied = await synalinks.Branch(
        question="What kind of query is it?",
        labels=["arithmetic", "anything else"],
        branches=[
            synalinks.ChainOfThought(data_model=Answer, language_model=MODEL, name="solve"),
            synalinks.Generator(data_model=Reply, language_model=MODEL, name="reply"),
        ],
        language_model=MODEL,
        return_decision=False,
    )(inputs)
    return synalinks.Program(inputs=inputs, outputs=solved | replied, name="router")


async def topics(inputs):
    """Any number of labels, e.g. to tag a text."""
    outputs = await synalinks.MultiDecision(
        question="What is the query about?", labels=["billing", "delivery", "arithmetic"], language_model=MODEL
    )(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="topics")


async def main():
    program = await side_by_side(synalinks.Input(data_model=Query))
    result = await program(query="What is 17 + 25?")
    if result is not None:
        print("side by side:", result.answer, result.answer_1)

    program = await router(synalinks.Input(data_model=Query))
    for query in ("What is 17 + 25?", "My invoice is wrong."):
        with synalinks.use_ledger() as ledger:
            result = await program(query=query)
        if result is not None:
            print(f"{query} -> {result.get_json()} after {ledger.total.calls} calls")

    program = await topics(synalinks.Input(data_model=Query))
    result = await program(query="I was charged for a parcel that did not arrive.")
    if result is not None:
        print("topics:", result.choices)


if __name__ == "__main__":
    asyncio.run(main())
