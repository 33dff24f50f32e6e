"""Tests that a program is trained by one fit at a time."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, provider_of, right
from synalinks.callbacks import Callback
from synalinks.errors import ConfigurationError, DataError


def test_a_second_fit_is_refused_while_one_is_under_way() -> None:
    program = compiled()
    x, y = data(4)
    outcomes: list[Any] = []

    class Nested(Callback):
        async def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            with pytest.raises(ConfigurationError, match="is being trained.*deepcopy"):
                await self.program.fit(x, y, verbose=0)
            outcomes.append("refused")

    first = fit(program, provider_of(right), x, y, callbacks=[Nested()])
    assert outcomes == ["refused"] and program.history is first and not program.in_fit
    assert fit(program, provider_of(right), x, y).epoch == [0]
    with pytest.raises(DataError):
        fit(program, provider_of(right), [], [])
    assert not program.in_fit and copy.deepcopy(program).in_fit is False


def test_of_two_side_by_side_one_trains() -> None:
    class Yields(Callback):
        async def on_train_begin(self, logs: Any = None) -> None:
            await asyncio.sleep(0)

    program = compiled()
    x, y = data(4)

    async def main() -> list[Any]:
        tasks = [asyncio.ensure_future(program.fit(x, y, verbose=0, callbacks=[Yields()])) for _ in range(2)]
        await asyncio.wait(tasks)
        return [task.exception() for task in tasks]

    with synalinks.use_provider(provider_of(right)):
        first, second = asyncio.run(main())
    assert first is None and isinstance(second, ConfigurationError)
