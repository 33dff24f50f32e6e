"""Metrics: rewards as metrics, scores of labels, figures of the ledger, and one's own.

synalinks run examples/guides/metrics.py --cassette cassettes/guides/metrics.jsonl --offline
"""

import asyncio
from typing import Literal

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Review(synalinks.DataModel):
    text: str = synalinks.Field(description="What a customer says")


class Mood(synalinks.DataModel):
    mood: Literal["positive", "negative", "neutral"] = synalinks.Field(description="The mood of the customer")


REVIEWS = {
    "I love it.": "positive",
    "A great lamp.": "positive",
    "It came broken.": "negative",
    "It is a lamp.": "neutral",
    "It is not bad at all.": "positive",
}


@synalinks.saving.register_synalinks_serializable()
class Neutral(synalinks.metrics.Metric):
    """How many predictions are neutral: state is added up over the samples, and set back before a run."""

    def __init__(self, name="neutral", **options):
        super().__init__(name=name, **options)
        self.count = 0

    async def update_state(self, y_true, y_pred):
        self.count += y_pred is not None and y_pred.get("mood") == "neutral"

    def result(self):
        return float(self.count)

    def reset_state(self):
        self.count = 0


async def main():
    inputs = synalinks.Input(data_model=Review)
    outputs = await synalinks.Generator(data_model=Mood, language_model=MODEL)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="moods")
    program.compile(
        reward="exact_match",
        metrics=[
            "accuracy",
            synalinks.metrics.F1Score(average="macro"),
            "cost",
            "total_tokens",
            "program_calls",
            Neutral(),
        ],
    )
    x, y = [Review(text=text) for text in REVIEWS], [Mood(mood=mood) for mood in REVIEWS.values()]
    logs = await program.evaluate(x, y, verbose=0)
    for name, value in logs.items():
        print(f"{name:14} {value:.6g}")

    # A metric by itself: one sample after the other.
    metric = synalinks.metrics.CategoricalAccuracy()
    for target, prediction in (("positive", "positive"), ("neutral", "negative")):
        await metric.update_state(Mood(mood=target), Mood(mood=prediction))
    print("by hand:", metric.result())


if __name__ == "__main__":
    asyncio.run(main())
