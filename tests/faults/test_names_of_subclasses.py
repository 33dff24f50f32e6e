"""What a subclass may call its attributes: this library's own names are not in the way of a program's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question, data, provider_of, right
from synalinks.callbacks import Callback
from synalinks.hooks import Hook

MINE = {"mine": 1}
COMMON = (
    "state",
    "data",
    "rows",
    "client",
    "memory",
    "tools",
    "context",
    "settings",
    "labels",
    "logs",
    "masks",
    "steps",
)


class OwnModule(synalinks.Module):
    """Numbers, with attributes of its own."""

    def __init__(self, names: tuple[str, ...], hook: Hook) -> None:
        super().__init__(hooks=[hook])
        vars(self).update(dict.fromkeys(names, MINE))

    async def call(self, inputs: Any, training: bool = False) -> Answer:
        return Answer(answer=1)

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Answer)


class OwnProgram(synalinks.Program):
    """A generator, with attributes of its own."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.answer = synalinks.Generator(data_model=Answer, language_model=MODEL)
        for name in names:
            setattr(self, name, MINE)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return await self.answer(inputs, training=training)


class OwnReward(synalinks.rewards.Reward):
    """Always 1."""

    async def call(self, y_true: Any, y_pred: Any) -> float:
        return 1.0


class OwnMetric(synalinks.metrics.Metric):
    """How many samples there were."""

    seen = 0

    async def update_state(self, y_true: Any, y_pred: Any) -> None:
        self.seen += 1

    def result(self) -> float:
        return float(self.seen)

    def reset_state(self) -> None:
        self.seen = 0


class Rows(synalinks.Dataset):
    """Two questions."""

    def _iter_rows(self) -> Iterator[dict[str, Any]]:
        yield from ({"text": "one"}, {"text": "two"})


def named(thing: Any, *names: str) -> Any:
    for name in (*COMMON, *names):
        setattr(thing, name, MINE)
    return thing


def test_a_program_and_all_that_trains_it() -> None:
    program = OwnProgram((*COMMON, "graph", "arguments", "invocations", "generators"))
    reward, metric = named(OwnReward(in_mask=["answer"])), named(OwnMetric(name="seen"))
    optimizer, callback = named(synalinks.RandomFewShot()), named(Callback())
    x, y = data(2)

    async def train() -> Any:
        await program.build(Question)
        program.compile(optimizer=optimizer, reward=reward, metrics=[metric])
        return await program.fit(x, y, validation_data=(x, y), callbacks=[callback], verbose=0)

    with synalinks.use_provider(provider_of(right)):
        history = asyncio.run(train())
    assert history.history["val_seen"] == [2.0] and history.history["reward"] == [1.0]
    assert all(one.state == MINE for one in (program, optimizer, reward, callback)) and program.graph == MINE


def test_a_module_a_hook_and_a_dataset() -> None:
    hook = named(Hook(), "calls", "spans")
    module = OwnModule((*COMMON, "graph", "arguments", "invocations", "model"), hook)
    start = synalinks.Input(data_model=Question)
    program = synalinks.Program(inputs=start, outputs=asyncio.run(module(start)))
    assert asyncio.run(program(Question(question="?")))["answer"] == 1
    rows = named(
        Rows(input_data_model=Question, input_template='{"question": {{ text | tojson }}}', batch_size=1),
        "examples",
        "samples",
    )
    assert [batch[0][0].question for batch in rows] == ["one", "two"] and len(rows.materialize()[0]) == 2


@pytest.mark.parametrize("base", [synalinks.Dataset, synalinks.metrics.Metric, synalinks.rewards.Reward])
def test_the_names_are_free_on_the_classes(base: Any) -> None:
    assert not {"examples", "samples", "masks", "logs", "graph", "rows"} & set(dir(base))
