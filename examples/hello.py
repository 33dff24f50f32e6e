"""Hello: a data model for the question, one for the answer, a generator between them, one call.

synalinks run examples/hello.py --cassette cassettes/examples/hello.jsonl --offline
"""

import asyncio

import synalinks


class Question(synalinks.DataModel):
    """A question."""

    question: str = synalinks.Field(description="What to answer")


class Answer(synalinks.DataModel):
    """An answer with the way to it."""

    thinking: str = synalinks.Field(description="The sum worked out in steps")
    answer: str = synalinks.Field(description="The number alone")


async def main():
    inputs = synalinks.Input(data_model=Question)
    # The answer's schema goes to the model with the question, and a reply that breaks it is asked for again:
    # what comes out below always has the two fields.
    outputs = await synalinks.Generator(
        data_model=Answer,
        language_model=synalinks.LanguageModel(model="ollama/llama3.2:latest"),
    )(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="hello")

    result = await program(Question(question="What is 12 + 30?"))
    # None means that the model could not be reached, or would not answer this one question.
    if result is not None:
        print(f"{result['thinking']}, so the answer is {result['answer']}")


if __name__ == "__main__":
    asyncio.run(main())
