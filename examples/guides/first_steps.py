"""First steps: one call to a model, a program around it, and a question that the model gets wrong.

synalinks run examples/guides/first_steps.py --cassette cassettes/guides/first_steps.jsonl --offline
"""

import asyncio

import synalinks

MODEL = "ollama/llama3.2:latest"
# Dollars per million tokens, as a small hosted model costs; a model on one's own machine costs 0 without this line.
synalinks.set_price(MODEL, input=0.15, output=0.60)


class Question(synalinks.DataModel):
    question: str = synalinks.Field(description="What to answer")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


async def main():
    model = synalinks.LanguageModel(model=MODEL)

    # A model is called with messages, and answers with a message.
    reply = await model(synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="What is 6 * 7?")]))
    if reply is not None:
        print("a message:", reply["content"])

    # A program is called with data, and answers with data.
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="first_steps")
    for question in ("What is 12 + 30?", "What is 9 * 8 - 3?"):
        result = await program(question=question)
        # None: the call failed for good, after retries.
        print(question, "->", None if result is None else result.answer)


if __name__ == "__main__":
    asyncio.run(main())
