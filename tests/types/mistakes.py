"""A program as an editor reads it. `# error` stands where a type checker reports; `# is X` where it reveals a type.

Not run: the lines with errors are wrong on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import reveal_type

import synalinks
from synalinks import Genrator  # error
from synalinks.data import StreamingIterator
from synalinks.datasets.mmlu import load_data
from synalinks.modules import SQLAgent  # error
from synalinks.rewards import ExactMatch


class Query(synalinks.DataModel):
    """A question."""

    query: str = synalinks.Field(description="The question")
    hint: str | None = synalinks.Field(default=None, description="A hint")


class Answer(synalinks.DataModel):
    """Its answer."""

    answer: str = synalinks.Field(description="The answer")
    sources: list[str] = synalinks.Field(default_factory=list, description="Where it was found")


class Shout(synalinks.Module):
    """A module of one's own."""

    def __init__(self, times: int = 1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.times = times

    async def call(self, inputs: synalinks.JsonDataModel, training: bool = False) -> synalinks.JsonDataModel:
        return inputs


class Halves(synalinks.Module[tuple[synalinks.JsonDataModel, synalinks.JsonDataModel]]):
    """A module of one's own with two outputs."""

    async def call(
        self, inputs: synalinks.JsonDataModel, training: bool = False
    ) -> tuple[synalinks.JsonDataModel, synalinks.JsonDataModel]:
        return inputs, inputs


class Noting(synalinks.callbacks.Callback):
    """A callback of one's own; logs are a dict, by any annotation of one."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None: ...

    def on_train_end(self, logs: Mapping[str, object] | None = None) -> None: ...


class QA(synalinks.Program):
    """A program of one's own."""


async def right() -> None:
    model = synalinks.LanguageModel(model="ollama/llama3.2", temperature=0.2)
    reveal_type(model)  # is LanguageModel
    inputs = synalinks.Input(data_model=Query)
    reveal_type(inputs)  # is SymbolicDataModel
    generator = synalinks.Generator(data_model=Answer, language_model=model)
    reveal_type(generator)  # is Generator[JsonDataModel | None]
    reveal_type(synalinks.Branch(question="Hard?", labels=["yes", "no"], branches=[generator]))  # is Branch
    agent = synalinks.FunctionCallingAgent(language_model=model, tools=[])
    reveal_type(agent)  # is FunctionCallingAgent[JsonDataModel | None]
    outputs = await generator(inputs)
    reveal_type(outputs)  # is SymbolicDataModel
    reveal_type(await synalinks.Or()([outputs, inputs]))  # is SymbolicDataModel
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="qa")
    reveal_type(program)  # is Program[JsonDataModel | None]
    reveal_type(QA())  # is QA
    reveal_type(Shout(times=2))  # is Shout
    reveal_type(await Shout()(Query(query="1 + 1")))  # is JsonDataModel | None
    reveal_type(await Halves()(Query(query="1 + 1")))  # is tuple[JsonDataModel, JsonDataModel]
    reveal_type(await generator(Query(query="1 + 1")))  # is JsonDataModel | None
    reveal_type(await synalinks.Branch(branches=[generator])({"query": "1"}))  # is tuple[JsonDataModel | None, ...]
    reveal_type(await synalinks.Branch(branches=[generator])(inputs))  # is tuple[SymbolicDataModel, ...]
    reveal_type(await model(synalinks.ChatMessages()))  # is JsonDataModel | None
    reveal_type(await model(synalinks.ChatMessages(), streaming=True))  # is StreamingIterator | None
    writer: synalinks.Generator[StreamingIterator | None] = synalinks.Generator(streaming=True)
    reveal_type(await writer(Query(query="1 + 1")))  # is StreamingIterator | None
    reveal_type(synalinks.Program.load("qa.json"))  # is Program[JsonDataModel | None]
    reveal_type(QA.load("qa.json", custom_objects={}))  # is QA
    reveal_type(QA().load("qa.json"))  # is QA
    program.compile(optimizer=synalinks.optimizers.RandomFewShot(), reward=ExactMatch(in_mask=["answer"]))
    history = await program.fit(x=[Query(query="1 + 1")], y=[Answer(answer="2")], epochs=2)
    reveal_type(history)  # is History
    reveal_type(Query(query="1 + 1").query)  # is str
    reveal_type(synalinks.ChatMessage(role="user", content="hello"))  # is ChatMessage
    synalinks.ChatMessage(role="user", content=["What is this?", synalinks.Image(url="https://example.com/a.png")])
    reveal_type(await program(Query(query="1 + 1")))  # is JsonDataModel | None
    reveal_type(await synalinks.Program.load("qa.json")(query="1 + 1"))  # is JsonDataModel | None
    both: synalinks.Program[list[synalinks.JsonDataModel | None]] = synalinks.Program(inputs=inputs, outputs=[1, 2])
    reveal_type(await both(query="1 + 1"))  # is list[JsonDataModel | None]
    _answer, _other = await both(query="1 + 1")
    reveal_type(await program.evaluate(x=[Query(query="1 + 1")]))  # is dict[str, float]
    reveal_type(await program.evaluate(x=[Query(query="1 + 1")], return_dict=False))  # is float | list[float]
    reveal_type(await program.train_on_batch(0, [Query(query="1")]))  # is float | list[float]
    reveal_type(await program.train_on_batch(0, [Query(query="1")], return_dict=True))  # is dict[str, float]
    reveal_type(await program.test_on_batch([Query(query="1")]))  # is float | list[float]
    reveal_type(await program.test_on_batch([Query(query="1")], return_dict=True))  # is dict[str, float]
    reveal_type(await program.predict_on_batch([Query(query="1")]))  # is list[JsonDataModel | None]
    reveal_type(await program.predict(x=[Query(query="1 + 1")]))  # is ndarray[Any, Any]
    reveal_type(load_data()[0][0])  # is ndarray[Any, Any]
    await program({"query": "1 + 1"})
    await program(query="1 + 1")


async def wrong(program: synalinks.Program, generator: synalinks.Generator, query: Query) -> None:
    synalinks.Generator(data_modl=Answer)  # error
    synalinks.ChainOfThought(data_model=Answer, retrun_inputs=True)  # error
    synalinks.SelfCritique(return_rewards=True)  # error
    synalinks.Decision(question="Hard?", label=["yes", "no"])  # error
    synalinks.FunctionCallingAgent(tool=[])  # error
    synalinks.Sequential(module=[])  # error
    synalinks.Program(input=query)  # error
    synalinks.LanguageModel(model=3)  # error
    synalinks.optimizers.OMEGA(population=3)  # error
    ExactMatch(in_masks=["answer"])  # error
    synalinks.ChatMessage(role="user", content=3)  # error
    Shout(time=2)  # error
    program.compile(rewards=ExactMatch())  # error
    await program.fit(x=[query], epoch=2)  # error
    await program.fit(x=[query], epochs="two")  # error
    await program.evaluate(x=[query], batchsize=2)  # error
    program.fit(x=[query])  # error
    program(query)  # error
    generator(query)  # error
    program.sumary()  # error
    (await generator(query)).get("answer")  # error
    (await program.train_on_batch(0, [query])).items()  # error
    await program.test_on_batch([query], returndict=True)  # error
    (await program(query)).get("answer")  # error
    print((await program.evaluate(x=[query])).reward)  # error
    load_data(3)  # error
    synalinks.Generatr()  # error
    synalinks.KnowledgeBase()  # error
    Query()  # error
    Query(quer="1 + 1")  # error
    Query(query=3)  # error
    print(query.qurey)  # error
    synalinks.enable_logging(level="info")  # error
    synalinks.config.set_seed("one")  # error
