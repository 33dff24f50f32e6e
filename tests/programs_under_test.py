"""Programs under test: data models, a rule in place of a model, and small programs that call it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import synalinks
from synalinks.data import Variable, is_data_model, is_record, record
from synalinks.data.convert import as_operand
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.optimizers import Optimizer, Step
from synalinks.trainers.data.data import Source
from synalinks.trainers.data.data import source_of as data_of_program

MODEL = "ollama/test"


class PlainReader:
    """Reads data for no program: a dict has the schema that it shows."""

    def as_input(self, value: Any) -> Any:
        return record(value) if is_record(value) else synalinks.tree.map_structure(_plain, value)

    as_target = as_input


def _plain(value: Any) -> Any:
    return as_operand(value) if is_data_model(value) else value


def source_of(x: Any, y: Any = None) -> Source:
    """Training data for no program."""
    return data_of_program(x, y, PlainReader())


@synalinks.saving.register_synalinks_serializable("Tests")
class Question(synalinks.DataModel):
    """A question about a number."""

    question: str = synalinks.Field(description="The question")


@synalinks.saving.register_synalinks_serializable("Tests")
class Answer(synalinks.DataModel):
    """A number."""

    answer: int = synalinks.Field(description="The answer")


@synalinks.saving.register_synalinks_serializable("Tests")
class Persona(synalinks.Trainable):
    """How to speak."""

    persona: str = synalinks.Field(default="friendly", description="The tone")


@synalinks.saving.register_synalinks_serializable("Tests")
class Speaker(synalinks.Module):
    """Answers by its persona, without a model; leaves evidence as the guide on variables asks."""

    def __init__(self, persona: str = "friendly", name: str | None = None, trainable: bool = True) -> None:
        super().__init__(name=name, trainable=trainable)
        self.persona = persona
        self.state = self.add_variable(
            initializer=Persona(persona=persona).get_json(), data_model=Persona, name=f"persona_{self.name}"
        )

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if inputs is None:
            return None
        answer = Answer(answer=len(self.state.get("persona")))
        if training:
            record = {"inputs": inputs.get_json(), "outputs": answer.get_json(), "reward": None}
            self.state.get("current_predictions").append(record)
        return answer

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Answer)


@synalinks.saving.register_synalinks_serializable("Tests")
class Add(synalinks.Module):
    """Adds a number to the answer it is given; has no get_config of its own."""

    def __init__(self, number: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return None if inputs is None else Answer(answer=inputs.get("answer") + self.number)

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Answer)


@synalinks.saving.register_synalinks_serializable("Tests")
class Pipeline(synalinks.Program):
    """Answers, then adds."""

    def __init__(self, model: Any = None, number: int = 1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.model = model
        self.number = number
        self.answer = synalinks.Generator(data_model=Answer, language_model=model)
        self.add = Add(number)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return await self.add(await self.answer(inputs, training=training))


@synalinks.saving.register_synalinks_serializable("Tests")
class Mixed(synalinks.Program):
    """A graph made in build."""

    def __init__(self, model: Any = None) -> None:
        super().__init__(name="mixed")
        self.model = model

    async def build(self, inputs: Any) -> None:
        generator = synalinks.Generator(data_model=Answer, language_model=self.model, name="g")
        super().__init__(inputs=inputs, outputs=await generator(inputs), name=self.name, description=self.description)


def number_of(call: Call) -> int:
    """The number that a call's question ends in."""
    text = prompt_of(call.request).rpartition("<input>\n")[2].partition("\n")[0]
    return int(json.loads(text)["question"].rpartition(" ")[2])


def provider_of(rule: Callable[[int, Call], Any], shift: int = 0, **options: Any) -> ScriptedProvider:
    """A provider that answers by a rule of the question's number, moved by `shift`."""
    return ScriptedProvider(lambda call: rule(number_of(call) + shift, call), **options)


def right(number: int, call: Call) -> Any:
    """Always the right answer."""
    return {"answer": number}


def has_examples(call: Call) -> bool:
    """Whether the prompt shows examples."""
    return "<examples>" in prompt_of(call.request)


def learner(number: int, call: Call) -> Any:
    """Right with examples in the prompt; without, right about even numbers only."""
    return {"answer": number if has_examples(call) or number % 2 == 0 else -1}


def data(count: int, start: int = 0) -> tuple[list[Question], list[Answer]]:
    """Questions and right answers."""
    numbers = range(start, start + count)
    return [Question(question=f"number {n}") for n in numbers], [Answer(answer=n) for n in numbers]


def lm(**options: Any) -> synalinks.LanguageModel:
    """A model that gives up after the first attempt."""
    return synalinks.LanguageModel(model=MODEL, **{"retry": 1, **options})


def make(build: Callable[[], Any]) -> Any:
    """Run an async function of no arguments."""
    return asyncio.run(build())


def solver(model: Any = None, name: str = "solver", **options: Any) -> synalinks.Program:
    """A program of one generator."""

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question, name=f"{name}_input")
        generator = synalinks.Generator(
            data_model=Answer, language_model=model or lm(), name=f"{name}_generator", **options
        )
        return synalinks.Program(inputs=inputs, outputs=await generator(inputs), name=name, description="Solves.")

    return make(build)  # type: ignore[no-any-return]


def compiled(program: Any = None, **options: Any) -> Any:
    """A solver ready to be trained."""
    program = program or solver()
    program.compile(**{"optimizer": synalinks.RandomFewShot(), "reward": synalinks.ExactMatch(), **options})
    return program


def fit(program: Any, provider: Any, x: Any = None, y: Any = None, **options: Any) -> Any:
    """Train with a provider in place, silently."""
    with synalinks.use_provider(provider):
        return asyncio.run(program.fit(x, y, **{"verbose": 0, "seed": 1, **options}))


def phases(provider: ScriptedProvider) -> dict[str, int]:
    """Calls that arrived, by phase."""
    found: dict[str, int] = {}
    for call in provider.calls:
        found[str(call.scope.phase)] = found.get(str(call.scope.phase), 0) + 1
    return found


@synalinks.saving.register_synalinks_serializable("Tests")
class Fresh(Optimizer):
    """Proposes instructions nobody has seen before; costs nothing."""

    count = 0

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
        self.count += 1
        return {"instructions": f"attempt {self.count}"}


def readable(prompt: str) -> str:
    """A prompt with the JSON of its input over several lines."""
    before, mark, rest = prompt.rpartition("<input>\n")
    line, _, after = rest.partition("\n")
    return f"{before}{mark}{json.dumps(json.loads(line), indent=2)}\n{after}"
