"""Local models: their options, limits, prices by the hour, embeddings, and a model to fall back to.

synalinks run examples/guides/local_models.py --cassette cassettes/guides/local_models.jsonl --offline
"""

import asyncio

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


async def main():
    # Ollama's options are keywords. A context that is too small is cut by the server, with a warning here.
    model = synalinks.LanguageModel(model=MODEL, temperature=0, num_ctx=8192, concurrency=2, timeout=120)
    synalinks.set_default_language_model(model)

    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(
        data_model=Answer, instructions="Calculate step by step, check the sign, and give only the number."
    )(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    result = await program(problem="31 + 11")
    print("answer:", None if result is None else result.answer)

    # At most two calls are under way, whatever the number of samples: a small machine does no more at once.
    predictions = await program.predict([{"problem": f"{n} + {n}"} for n in range(1, 7)], verbose=0)
    print("doubles:", [None if one is None else one.answer for one in predictions])

    # Vectors come from the same server, and the same text is sent once.
    embedder = synalinks.EmbeddingModel(model="ollama/nomic-embed-text:latest")
    vectors = await embedder(["a lamp", "a lamp", "the sea"])
    if vectors is not None:
        first, second, third = vectors.get("embeddings")
        print("vectors:", len(first), first == second, first == third)

    # A first model that is not there, and the one that answers in its place.
    first_choice = synalinks.LanguageModel(
        model="hosted_vllm/large", api_base="http://127.0.0.1:9/v1", retry=1, fallback=model
    )
    message = synalinks.ChatMessage(role="user", content="What is 8 * 4?")
    with synalinks.use_ledger() as ledger:
        reply = await first_choice(synalinks.ChatMessages(messages=[message]))
    print("fallback:", None if reply is None else reply.get("content"))
    print("calls:", {name: totals.calls for name, totals in ledger.by("model").items()})


if __name__ == "__main__":
    asyncio.run(main())
