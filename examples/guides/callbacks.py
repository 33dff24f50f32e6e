"""Callbacks: stopping early, keeping the best program, logs, and hooks of one's own.

synalinks run examples/guides/callbacks.py --cassette cassettes/guides/callbacks.jsonl --offline
"""

import asyncio
import tempfile
from pathlib import Path

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens
SUMS = {
    "12 + 7": 19, "9 * 6": 54, "81 - 26": 55, "48 / 6": 8, "15 + 28": 43, "6 * 7": 42, "90 - 45": 45, "7 * 8": 56,
}  # fmt: skip


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


class Watch(synalinks.callbacks.Callback):
    """Any of the hooks, sync or async; `self.program` is the program that is trained."""

    def __init__(self):
        super().__init__()
        self.steps = 0

    def on_train_begin(self, logs=None):
        print("training", self.program.name)

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1

    async def on_epoch_end(self, epoch, logs=None):
        examples = len(self.program.trainable_variables[0].get("examples"))
        print(f"  epoch {epoch + 1}: val_reward {logs['val_reward']:.2f} with {examples} examples")


async def main():
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    program.compile(optimizer="random_few_shot", reward="exact_match")
    x = [Problem(problem=text) for text in SUMS]
    y = [Answer(answer=str(value)) for value in SUMS.values()]

    with tempfile.TemporaryDirectory() as folder:
        best, log = Path(folder) / "best.json", Path(folder) / "log.csv"
        watch = Watch()
        history = await program.fit(
            x,
            y,
            epochs=10,
            batch_size=2,
            validation_split=0.25,
            verbose=0,
            callbacks=[
                watch,
                synalinks.callbacks.EarlyStopping(monitor="val_reward", patience=2, stop_at=None),
                synalinks.callbacks.ProgramCheckpoint(best, monitor="val_reward", save_best_only=True),
                synalinks.callbacks.CSVLogger(log),
            ],
        )
        print(f"{len(history.epoch)} of 10 epochs, {watch.steps} steps")
        print("columns of the log:", log.read_text(encoding="utf-8").splitlines()[0])
        print("of the best epoch:", await program_at(best, x[0]))


async def program_at(path, problem):
    result = await synalinks.Program.load(path)(problem)
    return None if result is None else result.answer


if __name__ == "__main__":
    asyncio.run(main())
