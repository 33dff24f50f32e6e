"""What the proofs share: a program that does sums, a provider that answers in a random order, and a run's outcome."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import synalinks
from synalinks import _json
from synalinks.callbacks import History
from synalinks.lm.core.call import Call, Reply, Usage
from synalinks.testing import ArithmeticModel, ChatRequest


class Sum(synalinks.DataModel):
    """A sum to do."""

    question: str = synalinks.Field(description="The sum")


class Result(synalinks.DataModel):
    """What it comes to."""

    thinking: str = synalinks.Field(description="How it was found")
    answer: str = synalinks.Field(description="The number alone")


def sums(count: int, first: int = 0) -> tuple[list[Sum], list[Result]]:
    """Questions with their answers."""
    pairs = [(n + 3, 2 * n + 1) for n in range(first, first + count)]
    return (
        [Sum(question=f"{a} + {b}") for a, b in pairs],
        [Result(thinking=f"{a} + {b} = {a + b}", answer=str(a + b)) for a, b in pairs],
    )


def some_twice(count: int) -> tuple[list[Sum], list[Result]]:
    """Questions with their answers, a quarter of them asked twice: alike as requests, but two samples."""
    x, y = sums(count - count // 4)
    return x + x[: count // 4], y + y[: count // 4]


async def solver(model: str = "ollama/sums", instructions: str | None = None, **settings: Any) -> synalinks.Program:
    """The program, as a new session makes it."""
    synalinks.clear_session(free_memory=False)
    inputs = synalinks.Input(data_model=Sum)
    outputs = await synalinks.Generator(
        data_model=Result, language_model=synalinks.LanguageModel(model, **settings), instructions=instructions
    )(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    reward = synalinks.ExactMatch(in_mask=["answer"])
    program.compile(
        optimizer=synalinks.optimizers.RandomFewShot(nb_max_examples=3),
        reward=reward,
        metrics=[synalinks.metrics.MeanMetricWrapper(fn=reward, name="mean_reward")],
    )
    return program


async def chain(model: str = "ollama/sums", **settings: Any) -> synalinks.Program:
    """A program that asks three times for each sample: two answers side by side, and a last one that is shown both."""
    synalinks.clear_session(free_memory=False)
    language_model = synalinks.LanguageModel(model, **settings)
    inputs = synalinks.Input(data_model=Sum)
    first = await synalinks.Generator(data_model=Result, language_model=language_model)(inputs)
    second = await synalinks.Generator(data_model=Result, language_model=language_model)(inputs)
    last = await synalinks.Generator(data_model=Result, language_model=language_model)(inputs & first & second)
    program = synalinks.Program(inputs=inputs, outputs=last, name="chain")
    program.compile(
        optimizer=synalinks.optimizers.RandomFewShot(nb_max_examples=3),
        reward=synalinks.ExactMatch(in_mask=["answer"]),
    )
    return program


@dataclass(frozen=True)
class Outcome:
    """What a fit leaves behind, as bytes: its history, its bill, its program."""

    history: bytes
    ledger: list[dict[str, Any]]
    program: bytes

    def bill(self, *without: str) -> bytes:
        """The ledger without some of its columns."""
        return _json.canonical([{k: v for k, v in row.items() if k not in without} for row in self.ledger])


def outcome(history: History, program: synalinks.Program, folder: Path) -> Outcome:
    """The outcome of a fit; its program is saved in `folder` on the way."""
    path = folder / "saved.json"
    program.save(path)
    told = {"history": history.history, "epoch": history.epoch, "stopped_by": history.stopped_by}
    return Outcome(_json.dumps(told).encode(), history.ledger.to_dicts(timings=False), path.read_bytes())


Builder = Callable[..., Coroutine[Any, Any, synalinks.Program]]


async def train(
    folder: Path,
    *,
    build: Builder = solver,
    count: int = 16,
    epochs: int = 2,
    batch_size: int = 8,
    budget: Any = None,
    **settings: Any,
) -> Outcome:
    """Train a program and say what came of it."""
    program = await build(**settings)
    x, y = some_twice(count)
    history = await program.fit(
        x, y, batch_size=batch_size, epochs=epochs, validation_split=0.25, verbose=0, seed=7, budget=budget
    )
    return outcome(history, program, folder)


class Shuffled:
    """A provider that does sums by the rule of the stand-in server, and answers in an order drawn from `seed`.

    Attributes:
        order: the calls' numbers, in the order in which they were answered.
        most: the most calls that were open at one time.
    """

    name = "shuffled"

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._rule = ArithmeticModel()
        self._asked: dict[str, int] = {}
        self._open = self._number = self.most = 0
        self.order: list[int] = []

    async def __call__(self, call: Call, /) -> Reply:
        self._number += 1
        number, request = self._number, call.request
        self._open += 1
        self.most = max(self.most, self._open)
        for _ in range(self._rng.randrange(40)):
            await asyncio.sleep(0)
        self._open -= 1
        self.order.append(number)
        asked = self._asked.get(request.digest, 0)
        self._asked[request.digest] = asked + 1
        schema = None if request.schema is None else request.schema.value
        question = ChatRequest(request.model, request.messages, schema, request.options, asked=asked)
        text = str(self._rule.reply(question))
        usage = Usage(input_fresh=len(request.canonical) // 4, output_text=len(text) // 4)
        return Reply(text=text, finish="stop", usage=usage)
