"""Custom modules: a class with `call`, state that training may change, state that it may not, and a file.

synalinks run examples/guides/custom_modules.py --cassette cassettes/guides/custom_modules.jsonl --offline
"""

import asyncio
import tempfile
from pathlib import Path

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Person(synalinks.DataModel):
    name: str


class Greeting(synalinks.DataModel):
    greeting: str = synalinks.Field(description="What to say to the person")


class Manner(synalinks.Trainable):
    """How a greeting sounds: a field that an optimizer may rewrite."""

    manner: str = synalinks.Field(default="Be brief.", description="How to greet")


class Count(synalinks.DataModel):
    """How often a module ran: state that is saved and not trained."""

    calls: int = 0


@synalinks.saving.register_synalinks_serializable()
class Greeter(synalinks.Module):
    """Greets in a manner of its own, and puts a mark at the end."""

    def __init__(self, mark="!", language_model=None, name=None, description=None, trainable=True):
        super().__init__(name=name, description=description, trainable=trainable)
        self.mark = mark
        self.language_model = language_model
        self.manner = self.add_variable(initializer=Manner().get_json(), data_model=Manner, name="manner")
        self.count = self.add_variable(initializer=Count().get_json(), data_model=Count, trainable=False, name="count")
        self.write = synalinks.Generator(data_model=Greeting, language_model=language_model, name="write")

    async def call(self, inputs, training=False):
        if inputs is None:
            return None
        self.count.update({"calls": self.count.get("calls") + 1})
        greeting = await self.write(inputs + self.manner.in_mask(mask=["manner"]), training=training)
        if greeting is None:
            return None
        return Greeting(greeting=greeting["greeting"].rstrip(".") + self.mark)

    async def compute_output_spec(self, inputs, training=False):
        return synalinks.SymbolicDataModel(data_model=Greeting)


async def main():
    inputs = synalinks.Input(data_model=Person)
    outputs = await Greeter(language_model=MODEL, name="greeter")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="hello")

    for name in ("Ada", "Bob"):
        result = await program(name=name)
        print(f"{name}: {None if result is None else result.greeting}")

    print("trainable:", [variable.name for variable in program.trainable_variables])
    print("calls:", program.get_variable(name="count").get("calls"))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hello.json"
        program.save(path)
        copy = synalinks.Program.load(path)
    print("calls of the copy:", copy.get_variable(name="count").get("calls"))


if __name__ == "__main__":
    asyncio.run(main())
