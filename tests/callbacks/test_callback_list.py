"""Tests of CallbackList and of hooks that would fail, or never be called."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from programs_under_test import compiled, data, fit, provider_of, right, solver
from synalinks.callbacks import Callback, CallbackList, EarlyStopping, History, ProgbarLogger
from synalinks.errors import ConfigurationError


class Notes(Callback):
    def __init__(self) -> None:  # without super().__init__(), as people write them
        self.log: list[Any] = []

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.log.append(("begin", batch))

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        self.log.append(("end", batch, sorted(logs)))


def test_hooks_of_a_batch_are_called_for_each_training_step() -> None:
    notes = Notes()
    x, y = data(6)
    fit(compiled(), provider_of(right), x, y, batch_size=2, validation_split=0.34, callbacks=[notes])
    assert notes.log == [("begin", 0), ("end", 0, ["reward"]), ("begin", 1), ("end", 1, ["reward"])]


def test_super_calls_them_for_a_callback_that_has_both() -> None:
    class Both(Notes):
        async def on_batch_end(self, batch: int, logs: Any = None) -> None:
            super().on_batch_end(batch, logs)

        async def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.log.append("own")
            await super().on_train_batch_end(batch, logs)

    notes = Both()
    x, y = data(4)
    fit(compiled(), provider_of(right), x, y, batch_size=4, validation_split=0.0, callbacks=notes)
    assert notes.log == [("begin", 0), "own", ("end", 0, ["reward"])]


def test_one_callback_or_nested_ones_are_a_list() -> None:
    notes = Notes()
    nested = CallbackList([[notes], CallbackList([EarlyStopping()])])
    assert [type(one) for one in nested.callbacks] == [Notes, EarlyStopping]
    assert CallbackList(notes).callbacks == [notes] and CallbackList().callbacks == []
    with pytest.raises(ConfigurationError, match=r"got the class Notes; write Notes\(\)"):
        CallbackList([Notes])


def test_a_list_adds_history_and_progress_once() -> None:
    made = CallbackList([], add_history=True, add_progbar=True, epochs=2)
    assert [type(one) for one in made.callbacks] == [History, ProgbarLogger]
    assert all(one.params == {"epochs": 2} for one in made.callbacks)
    history = History()
    assert CallbackList([history], add_history=True).callbacks == [history]


def test_a_list_gives_program_and_params_to_what_is_appended() -> None:
    program = solver()
    made = CallbackList(program=program, steps=3)
    notes = Notes()
    made.append(notes)
    assert notes.program is program and notes.params == {"steps": 3} and made.params == {"steps": 3}


def test_hooks_of_a_list_are_called_in_turn_and_awaited_where_one_is_async() -> None:
    log: list[str] = []

    class Sync(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            log.append(f"sync {epoch} {logs}")

    class Async(Callback):
        async def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            await asyncio.sleep(0)
            log.append(f"async {epoch} {logs}")

    assert CallbackList([Sync(), Sync()]).on_epoch_end(0, logs={"reward": 1}) is None
    assert log == ["sync 0 {'reward': 1}"] * 2

    async def main() -> None:
        await CallbackList([Sync(), Async(), Sync(), Async()]).on_epoch_end(1)  # type: ignore[misc]

    asyncio.run(main())
    assert log[2:] == ["sync 1 None", "async 1 None"] * 2


def test_what_a_callback_adds_to_the_logs_is_in_the_history() -> None:
    class Adds(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["rate"] = 0.5

    x, y = data(4)
    history = fit(compiled(), provider_of(right), x, y, epochs=2, callbacks=[Adds()])
    assert history.history["rate"] == [0.5, 0.5]


def test_a_hook_of_another_arity_is_refused_before_any_call() -> None:
    class Odd(Callback):
        def on_epoch_end(self, logs: Any) -> None:  # type: ignore[override]
            """Lacks the epoch."""

    x, y = data(4)
    provider = provider_of(right)
    with pytest.raises(ConfigurationError, match=r"Odd.on_epoch_end is called with 2 arguments.*epoch, logs"):
        fit(compiled(), provider, x, y, callbacks=[Odd()])
    assert not provider.calls


def test_a_method_named_almost_as_a_hook_is_warned_of() -> None:
    class Misspelt(Callback):
        def on_epoch_ends(self, epoch: int, logs: Any = None) -> None:
            """Never called."""

        def on_fire(self) -> None:
            """A method of its own."""

    with pytest.warns(UserWarning, match=r"Misspelt.on_epoch_ends is never called.*mean on_epoch_end\?") as found:
        CallbackList([Misspelt()])
    assert len(found) == 1
