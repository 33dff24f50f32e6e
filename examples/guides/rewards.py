"""Rewards: equality, likeness, a judge, a function with words, and several together.

synalinks run examples/guides/rewards.py --cassette cassettes/guides/rewards.jsonl --offline
"""

import asyncio

import synalinks

MODEL, EMBEDDER = "ollama/llama3.2:latest", "ollama/nomic-embed-text:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens
synalinks.set_price(EMBEDDER, input=0.02, output=0)


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    thinking: str = synalinks.Field(description="The sum worked out in steps")
    answer: str = synalinks.Field(description="The number alone")


@synalinks.saving.register_synalinks_serializable()
def close(y_true, y_pred):
    """1 for the number, less the further away, with words that an optimizer can use."""
    try:
        distance = abs(float(y_true.answer) - float(y_pred.answer))
    except ValueError:
        return synalinks.rewards.Score(0.0, f"{y_pred.answer!r} is no number")
    return synalinks.rewards.Score(1 / (1 + distance), "" if distance == 0 else f"off by {distance:g}")


async def main():
    # A reward is awaited with a target and a prediction, outside of training too.
    right = Answer(thinking="12 + 30 = 42", answer="42")
    wrong = Answer(thinking="12 + 30 = 41", answer="41")
    for reward in (
        synalinks.ExactMatch(),
        synalinks.ExactMatch(in_mask=["answer"]),
        synalinks.rewards.CosineSimilarity(embedding_model=EMBEDDER, in_mask=["thinking"]),
        synalinks.rewards.LMAsJudge(language_model=MODEL, in_mask=["answer"]),
        synalinks.rewards.get(close),
        synalinks.rewards.ComposableReward([close, "exact_match"], weights=[3, 1]),
    ):
        same, other, none = [await reward(right, prediction) for prediction in (right, wrong, None)]
        print(f"{reward.name:20} {same:.2f} {other:.2f} {none:.2f}")

    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    x = [Problem(problem=text) for text in ("12 + 30", "9 * 8", "81 - 26")]
    y = [{"answer": value} for value in ("42", "72", "55")]

    program.compile(reward=close)
    print("close:", await program.evaluate(x, y, verbose=0))

    # A mask that names no field is an error before the first call, with the nearest name.
    try:
        program.compile(reward=synalinks.ExactMatch(in_mask=["anwser"]))
    except synalinks.ConfigurationError as error:
        print("refused:", error)


if __name__ == "__main__":
    asyncio.run(main())
