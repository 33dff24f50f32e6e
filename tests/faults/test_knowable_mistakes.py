"""Mistakes that can be known before a call are told before one is paid for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import synalinks
from synalinks.testing import ScriptedProvider


class Ask(synalinks.DataModel):
    ask: str


class Say(synalinks.DataModel):
    say: str


def array(values: list[Any]) -> Any:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


X = array([Ask(ask=str(n)) for n in range(4)])
Y = array([Say(say="1") for _ in X])


def batches() -> Iterator[Any]:
    for start in (0, 2):
        yield X[start : start + 2], Y[start : start + 2]


def singles() -> Iterator[Any]:
    yield from zip(X, Y, strict=True)


class Other(synalinks.DataModel):
    other: str


OTHERS = array([Other(other="1") for _ in X])


async def judge(y_true: Any, y_pred: Any) -> float:
    return 1.0


#: A reward that needs no targets, with a metric that does.
JUDGED = {"reward": judge, "metrics": ["f1_score"]}


async def run(what: str, *data: Any, compiled: dict[str, Any] | None = None, **options: Any) -> Any:
    inputs = synalinks.Input(data_model=Ask)
    outputs = await synalinks.Generator(data_model=Say, language_model="ollama/m")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    if compiled != {}:
        program.compile(**{"reward": "exact_match", "optimizer": "random_few_shot", **(compiled or {})})
    return await getattr(program, what)(*data, verbose=0, **options)


@pytest.mark.parametrize(
    ("what", "data", "options", "message"),
    [
        ("fit", lambda: (X,), {}, "'exact_match' compares each prediction with its target"),
        ("evaluate", lambda: (X,), {}, "'exact_match' compares each prediction with its target"),
        ("fit", lambda: (batches(),), {"epochs": 2}, "x is a generator, which is used up after one pass, and 2 are"),
        ("fit", lambda: (singles,), {}, "yields batches, got a single Ask"),
        ("evaluate", lambda: (singles(),), {}, "yields batches, got a single Ask"),
        ("fit", lambda: (iter([(Ask, Ask)]),), {}, "yields batches, got <class .*Ask"),
        ("fit", lambda: (iter([(None, None)]),), {}, "yields batches, got None"),
        ("evaluate", lambda: (iter([([Ask(ask="?")], 5)]),), {}, r"y of a batch is a int \(5\)"),
        ("fit", lambda: (X, Y), {"validation_data": (X, OTHERS)}, "share no field: the targets of validation_data"),
        ("fit", lambda: (X, Y), {"test_data": (X, OTHERS)}, "share no field: the targets of test_data"),
        ("fit", lambda: (X, Y), {"test_data": (X, None)}, "test_data have no targets"),
        ("evaluate", lambda: (X,), {"compiled": JUDGED}, "the metric 'f1_score' compares .* have no targets"),
        ("fit", lambda: (X,), {"compiled": JUDGED}, "the metric 'f1_score' compares .* have no targets"),
    ],
)
def test_no_call_is_made(what: str, data: Callable[[], tuple[Any, ...]], options: dict[str, Any], message: str) -> None:
    provider = ScriptedProvider(lambda call: '{"say": "1"}')
    with synalinks.use_provider(provider), pytest.raises(synalinks.DataError, match=message):
        asyncio.run(run(what, *data(), **options))
    assert provider.calls == []


@pytest.mark.parametrize("what", ["fit", "evaluate"])
def test_a_program_that_was_not_compiled_makes_no_call(what: str) -> None:
    provider = ScriptedProvider(lambda call: '{"say": "1"}')
    with synalinks.use_provider(provider), pytest.warns(UserWarning, match=r"nothing to .*; write program\.compile\("):
        asyncio.run(run(what, X, Y, compiled={}))
    assert provider.calls == []


@pytest.mark.parametrize("name", ["epochs", "batch_size", "steps_per_epoch"])
def test_a_bool_is_no_number(name: str) -> None:
    with pytest.raises(synalinks.ConfigurationError, match=f"{name}=True"):
        asyncio.run(run("fit", X, Y, **{name: True}))


@pytest.mark.parametrize("epochs", [0, -1, 1.5, "2", None])
def test_epochs_are_a_whole_number_from_1(epochs: Any) -> None:
    provider = ScriptedProvider(lambda call: '{"say": "1"}')
    with synalinks.use_provider(provider), pytest.raises(synalinks.ConfigurationError, match="epochs="):
        asyncio.run(run("fit", X, Y, epochs=epochs))
    assert provider.calls == []


@pytest.mark.parametrize("options", [{"epochs": 1}, {"epochs": 2, "steps_per_epoch": 1}])
def test_a_generator_that_lasts_is_taken(options: dict[str, Any]) -> None:
    with synalinks.use_provider(ScriptedProvider(lambda call: '{"say": "1"}')):
        history = asyncio.run(run("fit", batches(), **options))
    assert len(history.history["reward"]) == options["epochs"]


def test_a_tool_call_in_place_of_an_answer_is_handed_on() -> None:
    call = {"id": "1", "name": "look", "arguments": {"for": "it"}}
    reply = synalinks.lm.Reply(text="", tool_calls=(call,), finish="tool_calls")
    tool = {"name": "look", "description": "look it up", "parameters": {"type": "object", "properties": {}}}

    async def main() -> Any:
        inputs = synalinks.Input(data_model=Ask)
        generator = synalinks.Generator(data_model=Say, language_model="ollama/m", tools=[tool])
        return await synalinks.Program(inputs=inputs, outputs=await generator(inputs))(Ask(ask="x"))

    with synalinks.use_provider(ScriptedProvider(lambda call: reply)):
        answer = asyncio.run(main())
    (made,) = answer["tool_calls"]
    assert (made["function"]["name"], json.loads(made["function"]["arguments"])) == ("look", {"for": "it"})
