"""A provider for tests of optimizers: the more hints the instructions contain, the better its answers are."""

from __future__ import annotations

import json
import re
from typing import Any

import synalinks
from programs_under_test import Answer, Question, make, number_of, solver
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of

PROPOSER, EMBEDDER = "ollama/proposer", "ollama/embedder"
#: Instructions that do something: each makes one more of ten questions come out right.
HINT = re.compile(r"hint\d+")


def inputs_of(call: Call) -> Any:
    """The JSON that a call's prompt ends in."""
    return json.loads(prompt_of(call.request).rpartition("<input>\n")[2].partition("\n")[0])


def is_proposal(call: Call) -> bool:
    return call.request.kind == "chat" and call.request.model == PROPOSER


def is_crossover(call: Call) -> bool:
    return is_proposal(call) and "other_variable" in inputs_of(call)


def one_hint_more(call: Call) -> dict[str, Any]:
    """The hints of the current instructions, those of the other parent, and the first one missing, in new words."""
    seen = inputs_of(call)
    hints = set(HINT.findall(json.dumps([seen["current_variable"], seen.get("other_variable")])))
    new = next(f"hint{n}" for n in range(100) if f"hint{n}" not in hints)
    return {"thinking": "one more", "instructions": " ".join([*sorted({*hints, new}), f"step{call.scope.step}"])}


def vector_of(text: str) -> list[float]:
    """A direction of its own for each text: nothing is near to anything else."""
    return [((hash_of(text) >> (4 * n)) % 16) - 7.5 for n in range(8)]


def hash_of(text: str) -> int:
    value = 1469598103934665603  # FNV-1a: the same in every process
    for byte in text.encode():
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value


class OmegaProvider(ScriptedProvider):
    """Program, proposer and embedding model in one.

    Args:
        propose: the proposer's answer to a call; `one_hint_more` by default.
        vector: of a text.
    """

    def __init__(self, propose: Any = one_hint_more, vector: Any = vector_of) -> None:
        def answer(call: Call) -> Any:
            if call.request.kind == "embed":
                return [vector(text) for text in call.request.texts]
            if is_proposal(call):
                return propose(call)
            number = number_of(call)
            hints = len(set(HINT.findall(str(call.request.messages[0]["content"]))))
            return {"answer": number if number % 10 < hints else -1}

        super().__init__(answer)

    @property
    def proposals(self) -> list[Call]:
        return [call for call in self.calls if is_proposal(call)]

    @property
    def embeds(self) -> list[Call]:
        return [call for call in self.calls if call.request.kind == "embed"]

    @property
    def embedded(self) -> list[str]:
        return [text for call in self.embeds for text in call.request.texts]


def proposer(**options: Any) -> synalinks.LanguageModel:
    return synalinks.LanguageModel(model=PROPOSER, **{"retry": 1, **options})


def embedder() -> synalinks.EmbeddingModel:
    return synalinks.EmbeddingModel(model=EMBEDDER, retry=1)


def omega(**options: Any) -> synalinks.OMEGA:
    """OMEGA with both models given."""
    return synalinks.OMEGA(**{"language_model": proposer(), "embedding_model": embedder(), **options})


def program(optimizer: Any, **options: Any) -> Any:
    """A solver, compiled with an optimizer."""
    made = solver(**options)
    made.compile(optimizer=optimizer, reward=synalinks.ExactMatch())
    return made


class Manner(synalinks.Trainable):
    """How to speak."""

    tone: str = synalinks.Field(default="flat", description="The tone")
    rules: list[str] = synalinks.Field(default=["be brief"], description="What to keep to")


class Speaker(synalinks.Module):
    """Answers without a model: right about numbers below the number of its rules."""

    def __init__(self, name: str | None = None, trainable: bool = True) -> None:
        super().__init__(name=name, trainable=trainable)
        self.state = self.add_variable(initializer=Manner().get_json(), data_model=Manner, name=f"manner_{self.name}")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if inputs is None:
            return None
        number = int(inputs.get("question").rpartition(" ")[2])
        answer = Answer(answer=number if number % 4 < len(self.state.get("rules")) else -1)
        if training:
            self.state.get("current_predictions").append(
                {"inputs": inputs.get_json(), "outputs": answer.get_json(), "reward": None}
            )
        return answer

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Answer)


def speaker(optimizer: Any) -> Any:
    """A program of one module with trainable state of its own, compiled."""

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Speaker(name="speaker")(inputs), name="speech")

    made = make(build)
    made.compile(optimizer=optimizer, reward=synalinks.ExactMatch())
    return made
