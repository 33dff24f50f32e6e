"""An optimizer of one's own: a class with one method, `propose`. No server, no cassette: a rule plays the model.

python examples/own_optimizer.py
"""

import asyncio
import json

import synalinks
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of

WORDS = ("hi", "no", "yes", "bye")
TASKS = {f"{how} {word}": write(word)
         for word in WORDS
         for how, write in {"say": str, "shout": str.upper, "whisper": "{}...".format}.items()}  # fmt: skip


class Task(synalinks.DataModel):
    """Something to say, and how."""

    task: str = synalinks.Field(description="What to say and how")


class Said(synalinks.DataModel):
    """What is said."""

    text: str = synalinks.Field(description="The words as they are said")


class Phrasebook(synalinks.optimizers.Optimizer):
    """Adds one phrase of a list to the instructions at a time; training keeps what helps.

    Args:
        phrases: what may be added.
    """

    def __init__(self, phrases=(), **options):
        super().__init__(**options)
        self.phrases = list(phrases)

    async def propose(self, variable, step):
        """The variable holds the parent; return the fields that the child has otherwise, or None for no child."""
        text = variable.get("instructions")
        unused = [phrase for phrase in self.phrases if phrase not in text]
        if not unused or all(record["reward"] == 1.0 for record in step.records):
            return None
        return {"instructions": f"{text} {unused[int(step.rng.integers(len(unused)))]}"}

    def get_config(self):
        return {"phrases": self.phrases, **super().get_config()}


def rule(call):
    """What the model would do: it follows its instructions to the letter."""
    prompt = prompt_of(call.request)
    how, word = json.loads(prompt.split("<input>")[-1].split("</input>")[0])["task"].split()
    if how == "shout" and "capitals" in prompt:
        word = word.upper()
    return {"text": f"{word}..." if how == "whisper" and "dots" in prompt else word}


async def main():
    inputs = synalinks.Input(data_model=Task)
    outputs = await synalinks.Generator(data_model=Said, language_model="ollama/any", instructions="Say it.")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="speaker")
    phrases = ["Be polite.", "Write what is shouted in capitals.", "End what is whispered with three dots."]
    program.compile(optimizer=Phrasebook(phrases, update_freq="batch"), reward=synalinks.ExactMatch())

    x, y = [Task(task=task) for task in TASKS], [Said(text=text) for text in TASKS.values()]
    with synalinks.use_provider(ScriptedProvider(rule)):
        before = await program.evaluate(x, y, verbose=0)
        history = await program.fit(
            x, y, epochs=4, batch_size=3, minibatch_size=None, validation_data=(x, y), seed=0, verbose=0
        )
    print(f"reward before: {before['reward']:.2f}, after: {history.history['val_reward'][-1]:.2f}")
    print(program.trainable_variables[0].get("instructions"))


if __name__ == "__main__":
    asyncio.run(main())
