"""Tests of callbacks: order, sync and async, programs and parameters, stopping, the history."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, learner, provider_of, right, solver
from synalinks.callbacks import Callback, CallbackList, History
from synalinks.errors import ConfigurationError

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


def noting(log: list[Any], asynchronous: bool) -> Callback:
    """A callback that notes every hook, sync or async."""

    def hook(name: str) -> Any:
        def note(self: Callback, *args: Any) -> None:
            log.append((name[3:], *[arg for arg in args if isinstance(arg, int)]))

        async def note_later(self: Callback, *args: Any) -> None:
            await asyncio.sleep(0)
            note(self, *args)

        return note_later if asynchronous else note

    return type("Noting", (Callback,), {name: hook(name) for name in HOOKS})()  # type: ignore[no-any-return]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_hooks_of_fit_in_order(asynchronous: bool) -> None:
    log: list[Any] = []
    x, y = data(6)
    fit(
        compiled(),
        provider_of(right),
        x,
        y,
        batch_size=2,
        epochs=2,
        validation_split=0.34,
        callbacks=[noting(log, asynchronous)],
    )
    epoch = [
        ("train_batch_begin", 0), ("train_batch_end", 0), ("train_batch_begin", 1), ("train_batch_end", 1),
        ("test_begin",), ("test_batch_begin", 0), ("test_batch_end", 0), ("test_end",),
    ]  # fmt: skip
    assert log == [
        ("train_begin",),
        ("epoch_begin", 0), *epoch, ("epoch_end", 0),
        ("epoch_begin", 1), *epoch, ("epoch_end", 1),
        ("train_end",),
    ]  # fmt: skip


@pytest.mark.parametrize("asynchronous", [False, True])
def test_hooks_of_evaluate_and_predict(asynchronous: bool) -> None:
    log: list[Any] = []
    program, told = compiled(), noting(log, asynchronous)
    x, y = data(3)
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program.evaluate(x, y, batch_size=2, callbacks=[told], verbose=0))
        batches = [("test_batch_begin", 0), ("test_batch_end", 0), ("test_batch_begin", 1), ("test_batch_end", 1)]
        assert log == [("test_begin",), *batches, ("test_end",)]
        log.clear()
        asyncio.run(program.predict(x, callbacks=[told], batch_size=3, verbose=0))
    assert log == [("predict_begin",), ("predict_batch_begin", 0), ("predict_batch_end", 0), ("predict_end",)]
    assert told.program is program


def test_callbacks_know_the_program_and_the_run() -> None:
    told = Callback()
    program = compiled()
    x, y = data(8)
    fit(program, provider_of(right), x, y, epochs=2, batch_size=3, validation_split=0.25, callbacks=[told])
    assert told.program is program
    assert {name: told.params[name] for name in ("epochs", "steps", "batch_size")} == {
        "epochs": 2,
        "steps": 2,
        "batch_size": 3,
    }


def test_logs_reach_the_hooks() -> None:
    class Logs(Callback):
        """Keeps logs."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batch = dict(logs)

        def on_test_end(self, logs: Any = None) -> None:
            self.test = dict(logs)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.epoch = dict(logs)

        def on_train_end(self, logs: Any = None) -> None:
            self.train = dict(logs)

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            self.outputs = [value.get("answer") for value in logs["outputs"]]

    logs, program = Logs(), compiled()
    x, y = data(6)
    fit(program, provider_of(right), x, y, validation_split=0.34, callbacks=[logs])
    assert logs.batch == logs.test == {"reward": 1.0}
    assert logs.epoch == logs.train == {"reward": 1.0, "val_reward": 1.0}
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program.predict(x, batch_size=6, callbacks=[logs], verbose=0))
    assert logs.outputs == [0, 1, 2, 3, 4, 5]


class StopAt(Callback):
    """Stops at a place."""

    def __init__(self, hook: str, number: int) -> None:
        super().__init__()
        self.hook, self.number = hook, number

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.hook, self.number) == ("batch", batch):
            self.program.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if (self.hook, self.number) == ("epoch", epoch):
            self.program.stop_training = True


def test_stop_training_after_an_epoch_or_a_batch() -> None:
    x, y = data(8)
    program, provider = compiled(), provider_of(learner)
    history = fit(program, provider, x, y, epochs=5, validation_split=0.25, callbacks=[StopAt("epoch", 1)])
    assert (history.epoch, history.stopped_by) == ([0, 1], "callback")
    history = fit(program, provider, x, y, epochs=5, validation_split=0.25, callbacks=[StopAt("batch", 2)])
    assert (history.epoch, history.stopped_by) == ([0], "callback")
    assert "val_reward" in history.history  # what was begun is validated
    third = fit(program, provider, x, y, epochs=2)  # the wish to stop does not outlive the run
    assert (third.epoch, third.stopped_by) == ([0, 1], None)


def test_train_end_is_told_even_when_training_fails() -> None:
    log: list[Any] = []
    x, y = data(4)
    with pytest.raises(KeyError):
        fit(compiled(), provider_of(lambda n, call: KeyError("bug")), x, y, callbacks=[noting(log, False)])
    assert log[-1] == ("train_end",)


def test_what_is_no_callback_is_refused() -> None:
    x, y = data(4)
    with pytest.raises(ConfigurationError, match="instances of synalinks"):
        fit(compiled(), provider_of(right), x, y, callbacks=[object()])
    with pytest.raises(
        ConfigurationError, match="no callback is called 'early_stoping'; did you mean 'early_stopping'"
    ):
        fit(compiled(), provider_of(right), x, y, callbacks=["early_stoping"])


def test_a_list_tells_each_in_turn() -> None:
    log: list[Any] = []
    told = CallbackList([noting(log, False), noting(log, True)], steps=3)
    asyncio.run(told.call("on_epoch_begin", 4))
    told.set_params({**told.params, "steps": 7})
    assert log == [("epoch_begin", 4), ("epoch_begin", 4)]
    assert [callback.params["steps"] for callback in told.callbacks] == [7, 7]


def test_a_history_shows_itself() -> None:
    history = History()
    history.on_epoch_end(0, {"reward": 0.5})
    history.on_epoch_end(1, {"reward": 1.0})
    history.stopped_by = "budget"
    assert history.history == {"reward": [0.5, 1.0]} and history.epoch == [0, 1]
    assert "2 epochs, stopped by budget" in repr(history)
    assert solver().history is None


def test_those_to_be_told_last_are_told_after_the_others() -> None:
    log: list[str] = []

    class Notes(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            log.append(type(self).__name__)

    class Last(Notes):
        last = True

    class Second(Notes):
        pass

    x, y = data(4)
    fit(compiled(), provider_of(right), x, y, callbacks=[Last(), Notes(), Second()])
    assert log == ["Notes", "Second", "Last"]
