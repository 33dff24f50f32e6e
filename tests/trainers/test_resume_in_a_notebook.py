"""A cell that was interrupted and is run again goes on, though automatic names count on in the session."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, lm
from synalinks.callbacks import Callback
from synalinks.testing import ScriptedProvider


class Interrupt(Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            raise KeyboardInterrupt


async def two_generators() -> Any:
    inputs = synalinks.Input(data_model=Question)
    first = await synalinks.Generator(data_model=Answer, language_model=lm())(inputs)
    outputs = await synalinks.Generator(data_model=Answer, language_model=lm())(first)
    return synalinks.Program(inputs=inputs, outputs=outputs)


def cell(folder: Path, callbacks: list[Callback]) -> Any:
    program = compiled(asyncio.run(two_generators()))
    with synalinks.use_provider(ScriptedProvider(lambda call: {"answer": 1})):
        return asyncio.run(
            program.fit(*data(6), epochs=3, seed=1, verbose=0, resume=str(folder), callbacks=callbacks)
        ), program


@pytest.mark.parametrize("made_before", [0, 8])
def test_the_same_cell_goes_on_where_it_was(tmp_path: Path, made_before: int) -> None:
    """After 8 generators, the names of the first run are `generator_8` and `generator_9`, then `generator_10`."""
    for _ in range(made_before):
        synalinks.Generator(data_model=Answer, language_model=lm())
    with pytest.raises(KeyboardInterrupt):
        cell(tmp_path / "cut", [Interrupt()])
    history, resumed = cell(tmp_path / "cut", [])
    whole, straight = cell(tmp_path / "whole", [])
    assert history.history["reward"] == whole.history["reward"]
    assert len(history.epoch) == 3
    values = [
        [value for variables in program.get_state().values() for value in variables.values()]
        for program in (resumed, straight)
    ]
    without_numbers = [re.sub(r"generator(_\d+)?", "generator", repr(value)) for value in values]
    assert without_numbers[0] == without_numbers[1]


def test_another_program_is_still_another(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cell(tmp_path, [Interrupt()])

    async def one() -> Any:
        inputs = synalinks.Input(data_model=Question)
        outputs = await synalinks.Generator(data_model=Answer, language_model=lm())(inputs)
        return synalinks.Program(inputs=inputs, outputs=outputs)

    with (
        pytest.raises(synalinks.errors.ConfigurationError, match="of another fit"),
        synalinks.use_provider(ScriptedProvider(lambda call: {"answer": 1})),
    ):
        asyncio.run(compiled(asyncio.run(one())).fit(*data(6), epochs=3, seed=1, verbose=0, resume=str(tmp_path)))
