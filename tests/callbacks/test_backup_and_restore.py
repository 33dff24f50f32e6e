"""Tests of resuming after a crash: the same program in the end, and nothing billed twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import synalinks
from callbacks import restarts
from omega_under_test import OmegaProvider, omega
from omega_under_test import program as omega_program
from programs_under_test import MODEL, Answer, Fresh, Question, compiled, data, fit, learner, provider_of, right, solver
from synalinks import _json
from synalinks.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping
from synalinks.callbacks.backup_and_restore import LATEST, PREVIOUS
from synalinks.errors import ConfigurationError
from synalinks.optimizers import Candidate
from synalinks.optimizers.evolutionary.omega.novelty_search import Descriptors
from synalinks.testing import OllamaServer

TESTS = Path(__file__).resolve().parents[1]
LEFT = ("program.json", "history.json", "log.csv", "best.json")


def start(folder: Path, server: OllamaServer, how: str, point: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(TESTS.parent / "src"), str(TESTS))),
        "OLLAMA_HOST": server.url,
        "SYNALINKS_CACHE": "on",
        "SYNALINKS_CACHE_DIR": str(folder / "cache"),
    }
    command = [sys.executable, str(TESTS / "callbacks" / "restarts.py"), str(folder), how, point]
    return subprocess.run(command, env=environment, timeout=60, check=False).returncode


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """What an uninterrupted run leaves behind, and the calls it made."""
    folder = tmp_path_factory.mktemp("whole")
    with OllamaServer() as server:
        assert start(folder, server, "none", "never") == 0
    return {name: (folder / name).read_bytes() for name in LEFT}, server.requests.number


@pytest.mark.parametrize(
    ("how", "points"),
    [
        ("backup", ["on_train_batch_end:0:1"]),
        ("backup", ["on_train_batch_end:1:2"]),
        ("backup", ["on_test_batch_end:1:0", "on_epoch_end:1:0", "on_train_batch_end:2:0"]),
        ("resume", ["on_epoch_end:0:0", "on_epoch_end:2:0"]),
    ],
)
def test_killed_and_started_again(
    tmp_path: Path, whole: tuple[dict[str, bytes], int], how: str, points: list[str]
) -> None:
    """However often it dies: the same bytes in the end, and the server saw each call once."""
    with OllamaServer() as server:
        for point in points:
            assert start(tmp_path, server, how, point) == restarts.DIED
        assert start(tmp_path, server, how, "never") == 0
    left, calls = whole
    assert {name: (tmp_path / name).read_bytes() for name in LEFT} == left
    assert server.requests.number == calls
    assert not list(tmp_path.rglob("training_state*.json"))


class CrashError(Exception):
    """Something went wrong."""


class Crashes(Callback):
    """Raises at a step of an epoch."""

    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self.at = (epoch, batch)
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.epoch, batch) == self.at:
            raise CrashError


OPTIONS: dict[str, Any] = {"batch_size": 2, "epochs": 3, "validation_split": 0.25}


def saved(program: Any, folder: Path) -> bytes:
    program.save(folder / "saved.json")
    return (folder / "saved.json").read_bytes()


def fresh(**options: Any) -> Any:
    synalinks.clear_session(free_memory=False)
    return compiled(solver(), **options)


def crash(folder: Path, epoch: int, batch: int, program: Any = None, **options: Any) -> Any:
    """A fit that raises; returns its provider."""
    provider = provider_of(learner)
    backup = BackupAndRestore(folder, **options)
    with pytest.raises(CrashError):
        fit(program or fresh(), provider, *data(12), callbacks=[backup, Crashes(epoch, batch)], **OPTIONS)
    return provider


@pytest.mark.parametrize("update_freq", ["epoch", "batch"])
def test_without_cache_whole_epochs_are_paid_for_once(tmp_path: Path, update_freq: Any) -> None:
    def made() -> Any:
        return synalinks.RandomFewShot(update_freq=update_freq, name="optimizer")

    program, provider = fresh(optimizer=made()), provider_of(learner)
    wanted_history = fit(program, provider, *data(12), **OPTIONS)
    wanted = saved(program, tmp_path)
    whole_calls = [call.scope for call in provider.calls]

    first = crash(tmp_path / "backup", 1, 2, fresh(optimizer=made()))
    program, second = fresh(optimizer=made()), provider_of(learner)
    history = fit(program, second, *data(12), callbacks=[BackupAndRestore(tmp_path / "backup")], **OPTIONS)
    assert saved(program, tmp_path) == wanted
    assert (history.history, history.epoch) == (wanted_history.history, wanted_history.epoch)
    assert [call.scope for call in second.calls] == [at for at in whole_calls if at.epoch != 0]
    assert {call.scope.epoch for call in first.calls} == {0, 1}


def test_the_same_program_goes_on_in_the_same_process(tmp_path: Path) -> None:
    """Also from a crash in the first epoch: what that had changed is put back first."""
    program = fresh()
    wanted_history = fit(program, provider_of(learner), *data(12), **OPTIONS)
    wanted = saved(program, tmp_path)
    program = fresh()
    crash(tmp_path / "backup", 0, 3, program)
    crash(tmp_path / "backup", 2, 1, program)
    history = fit(
        program, provider_of(learner), *data(12), callbacks=[BackupAndRestore(tmp_path / "backup")], **OPTIONS
    )
    assert saved(program, tmp_path) == wanted
    assert history.history == wanted_history.history


def test_omega_goes_on_and_embeds_nothing_again(tmp_path: Path) -> None:
    """Its hard-example buffer and its embeddings are saved too: without a cache, no whole epoch is billed twice."""

    def run(callbacks: list[Any]) -> Any:
        synalinks.clear_session(free_memory=False)
        program, provider = omega_program(omega(merging_rate=0.5)), OmegaProvider()
        history = None
        with contextlib.suppress(CrashError):
            history = fit(program, provider, *data(12), callbacks=callbacks, **{**OPTIONS, "epochs": 4})
        return program, provider, history

    program, whole, history = run([])
    wanted = saved(program, tmp_path)
    run([BackupAndRestore(tmp_path / "backup"), Crashes(2, 1)])
    program, second, resumed = run([BackupAndRestore(tmp_path / "backup")])
    assert saved(program, tmp_path) == wanted
    assert resumed.history == history.history
    said = [(call.scope, call.request.digest) for call in whole.calls if call.scope.epoch not in (0, 1)]
    assert [(call.scope, call.request.digest) for call in second.calls] == said
    assert second.proposals and second.embeds


def test_embeddings_that_were_paid_for_are_known_after_a_restart() -> None:
    async def nobody(texts: Any) -> Any:
        raise AssertionError(f"asked again for {texts}")

    model = type("Model", (), {"embed": staticmethod(nobody)})()
    descriptors, pooled = Descriptors(), [Candidate({"instructions": "one"}), Candidate({"instructions": "two"})]

    async def vectors(texts: Any) -> Any:
        return [[0.1, 0.2, 0.7], [0.3, 0.3, 0.1]]

    first = asyncio.run(descriptors.of(pooled, type("Model", (), {"embed": staticmethod(vectors)})()))
    restarted = Descriptors()
    restarted.set_state(_json.loads(_json.dumps(descriptors.get_state())))
    assert asyncio.run(restarted.of(pooled, model)).tobytes() == first.tobytes()


@pytest.mark.parametrize("same_session", [False, True])
def test_answers_taken_before_are_not_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_session: bool
) -> None:
    """One request has another answer in each epoch; a run that goes on must not get those of the epochs before."""
    results = []
    monkeypatch.setenv("SYNALINKS_CACHE", "on")
    for name in ("whole", "cut"):
        monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / name))
        with OllamaServer(env=True) as server:
            if name == "cut":
                with pytest.raises(CrashError):
                    drawing(tmp_path / "backup", [Crashes(1, 0)])
            program, history = drawing(tmp_path / "backup", [], begin=name == "whole" or not same_session)
            results.append((saved(program, tmp_path), history.history, server.requests.number))
    assert results[0] == results[1]


def drawing(folder: Path, callbacks: list[Any], begin: bool = True) -> Any:
    """A fit whose prompts never change, so that every epoch makes the same requests."""
    model = synalinks.LanguageModel("ollama/draws")
    if begin:
        synalinks.clear_session(free_memory=False)
    program = compiled(solver(model), optimizer=synalinks.RandomFewShot(0, 0, name="off"))
    x, y = data(12)
    callbacks = [BackupAndRestore(folder), *callbacks]
    return program, asyncio.run(program.fit(x, y, verbose=0, seed=1, callbacks=callbacks, **OPTIONS))


def test_a_cassette_goes_on_too(tmp_path: Path) -> None:
    def record(cassette: Path, callbacks: list[Any]) -> Any:
        with synalinks.use_cassette(cassette, record_mode="new_episodes"):
            return drawing(tmp_path / f"{cassette.stem}_backup", callbacks)

    with OllamaServer(env=True) as server:
        program, history = record(tmp_path / "whole.jsonl", [])
        wanted = saved(program, tmp_path), history.history
        calls = server.requests.number
    with OllamaServer(env=True) as server:
        with pytest.raises(CrashError):
            record(tmp_path / "cut.jsonl", [Crashes(1, 0)])
        program, history = record(tmp_path / "cut.jsonl", [])
        assert (saved(program, tmp_path), history.history) == wanted
        assert server.requests.number == calls
    whole, cut = ((tmp_path / name).read_bytes() for name in ("whole.jsonl", "cut.jsonl"))
    assert len(whole.splitlines()) == len(cut.splitlines())


def test_a_crash_and_the_restart_in_one_script_are_on_one_cassette(tmp_path: Path) -> None:
    """Its modules are named one after the other, so that no call of the restart is at the place of the first try."""

    async def script(folder: Path) -> Any:
        synalinks.clear_session(free_memory=False)
        x, y = data(12)
        for callbacks in ([Crashes(1, 1)], []):
            inputs = synalinks.Input(data_model=Question, name="question")
            outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL)(inputs)
            program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
            program.compile(optimizer=synalinks.RandomFewShot(0, 0, name="off"), reward="exact_match")
            callbacks = [BackupAndRestore(folder), *callbacks]
            with contextlib.suppress(CrashError):
                history = await program.fit(x, y, verbose=0, seed=1, callbacks=callbacks, **OPTIONS)
        return history.history, await program.evaluate(x, y, verbose=0), program.get_state_tree()

    path = tmp_path / "script.jsonl"
    with OllamaServer(env=True), synalinks.use_cassette(path, record_mode="once"):
        recorded = asyncio.run(script(tmp_path / "first"))
    with synalinks.use_cassette(path, record_mode="none") as cassette:
        assert asyncio.run(script(tmp_path / "second")) == recorded
    assert cassette.recorded == 0


def test_a_fit_that_ended_deletes_its_state_unless_told_not_to(tmp_path: Path) -> None:
    for delete in (True, False):
        folder = tmp_path / str(delete)
        fit(fresh(), provider_of(right), *data(4), callbacks=[BackupAndRestore(folder, delete_checkpoint=delete)])
        assert folder.exists() is not delete
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("not yours")
    fit(fresh(), provider_of(right), *data(4), callbacks=[BackupAndRestore(other)])
    assert [path.name for path in other.iterdir()] == ["mine.txt"]


def test_a_finished_state_trains_only_what_is_new(tmp_path: Path) -> None:
    options = {**OPTIONS, "epochs": 2}
    keep = BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    fit(fresh(), provider_of(learner), *data(12), callbacks=[keep], **options)
    program, provider = fresh(), provider_of(learner)
    history = fit(program, provider, *data(12), callbacks=[BackupAndRestore(tmp_path / "backup")], **OPTIONS)
    assert {call.scope.epoch for call in provider.calls} == {2}
    assert history.epoch == [0, 1, 2]
    whole = fresh()
    fit(whole, provider_of(learner), *data(12), **OPTIONS)
    assert saved(program, tmp_path) == saved(whole, tmp_path)


def test_a_larger_budget_goes_on_from_the_last_whole_epoch(tmp_path: Path) -> None:
    program, provider = fresh(), provider_of(learner)
    fit(program, provider, *data(12), **OPTIONS)
    wanted, calls = saved(program, tmp_path), len(provider.calls)
    first = sum(call.scope.epoch == 0 for call in provider.calls)
    backup = tmp_path / "backup"
    small = synalinks.Budget(calls=first + 4)
    history = fit(
        fresh(), provider_of(learner), *data(12), callbacks=[BackupAndRestore(backup)], budget=small, **OPTIONS
    )
    assert history.stopped_by == "budget"
    program, provider = fresh(), provider_of(learner)
    larger = synalinks.Budget(calls=calls)
    history = fit(program, provider, *data(12), callbacks=[BackupAndRestore(backup)], budget=larger, **OPTIONS)
    assert history.stopped_by is None
    assert saved(program, tmp_path) == wanted
    assert len(provider.calls) == calls - first


def test_a_budget_is_for_all_runs_of_a_fit_together(tmp_path: Path) -> None:
    """Also what the epoch had cost that a crash cut off; without a cache it is asked, and paid for, again."""
    sent = []

    def run(calls: int, *crash: Callback) -> Any:
        provider, budget = provider_of(learner), synalinks.Budget(calls=calls)
        try:
            callbacks = [BackupAndRestore(tmp_path), *crash]
            return fit(fresh(), provider, *data(12), callbacks=callbacks, budget=budget, **OPTIONS)
        finally:
            sent.append(len(provider.calls))

    whole = provider_of(learner)
    fit(fresh(), whole, *data(12), **OPTIONS)
    epochs = [call.scope.epoch for call in whole.calls]
    cap = epochs.count(0) + epochs.count(1) + 12
    with pytest.raises(CrashError):
        run(cap, Crashes(1, 1))
    assert 3 < sent[0] - epochs.count(0) < epochs.count(1), "it had begun the second epoch"
    resumed = run(cap)
    assert resumed.stopped_by == "budget"
    assert resumed.budget.settled.calls == sum(sent) <= cap
    more = run(10 * cap)
    assert more.stopped_by is None
    assert more.budget.settled.calls == sum(sent), "under a larger budget too"
    assert not tmp_path.exists(), "the journal goes with the state"


def test_the_state_of_another_fit_is_refused(tmp_path: Path) -> None:
    crash(tmp_path, 1, 0)
    backup = [BackupAndRestore(tmp_path)]
    with pytest.raises(ConfigurationError, match=r"of another fit: batch_size: 2 there, 3 here\. Run the fit"):
        fit(fresh(), provider_of(right), *data(12), callbacks=backup, **{**OPTIONS, "batch_size": 3})
    with pytest.raises(ConfigurationError, match="seed: 1 there, 2 here; training samples: 9 there, 6 here"):
        fit(fresh(), provider_of(right), *data(8), callbacks=backup, seed=2, **OPTIONS)
    with pytest.raises(ConfigurationError, match="the program or its compilation was changed"):
        fit(fresh(optimizer=Fresh()), provider_of(right), *data(12), callbacks=backup, **OPTIONS)


def test_a_damaged_state_is_said_and_the_one_before_serves(tmp_path: Path) -> None:
    crash(tmp_path, 2, 0, double_checkpoint=True)
    assert {path.name for path in tmp_path.iterdir()} == {LATEST, PREVIOUS}
    (tmp_path / LATEST).write_text('{"synalinks')
    provider = provider_of(learner)
    with pytest.warns(RuntimeWarning, match=f"{LATEST} is damaged"):
        fit(fresh(), provider, *data(12), callbacks=[BackupAndRestore(tmp_path)], **OPTIONS)
    assert {call.scope.epoch for call in provider.calls} == {1, 2}
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / LATEST).write_text("")
    with (
        pytest.warns(RuntimeWarning, match="damaged"),
        pytest.raises(ConfigurationError, match="no training state in .* can be read; delete"),
    ):
        fit(fresh(), provider_of(right), *data(4), callbacks=[BackupAndRestore(tmp_path)])
    (tmp_path / LATEST).write_text('{"synalinks_training_state": 99}')
    with pytest.raises(ConfigurationError, match="no training state of layout 1 .it says 99."):
        fit(fresh(), provider_of(right), *data(4), callbacks=[BackupAndRestore(tmp_path)])


def test_saved_after_so_many_steps_at_the_end_of_an_epoch(tmp_path: Path) -> None:
    """Nine samples in twos: five steps an epoch."""
    crash(tmp_path, 1, 0, save_freq=7)
    assert _json.loads((tmp_path / LATEST).read_bytes())["epoch"] == 0
    crash(tmp_path, 2, 0, save_freq=7)
    assert _json.loads((tmp_path / LATEST).read_bytes())["epoch"] == 2


def test_callbacks_go_on_too(tmp_path: Path) -> None:
    def callbacks(*more: Callback) -> list[Callback]:
        stop = EarlyStopping(patience=3, stop_at=None, restore_best_variables=True)
        return [BackupAndRestore(tmp_path / "backup"), stop, CSVLogger(tmp_path / "log.csv"), *more]

    options = {**OPTIONS, "epochs": 8}
    whole = fit(fresh(), provider_of(right), *data(12), callbacks=callbacks(), **options)
    log = (tmp_path / "log.csv").read_bytes()
    assert whole.epoch == [0, 1, 2, 3]
    with pytest.raises(CrashError):
        fit(fresh(), provider_of(right), *data(12), callbacks=callbacks(Crashes(2, 0)), **options)
    provider = provider_of(right)
    resumed = fit(fresh(), provider, *data(12), callbacks=callbacks(), **options)
    assert resumed.epoch == whole.epoch
    assert resumed.stopped_by == whole.stopped_by == "callback"
    assert {call.scope.epoch for call in provider.calls} == {2, 3}
    assert (tmp_path / "log.csv").read_bytes() == log


def test_resume_in_a_folder_and_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {**OPTIONS, "resume": tmp_path / "state"}
    with pytest.raises(CrashError):
        fit(fresh(), provider_of(learner), *data(12), callbacks=[Crashes(1, 0)], **options)
    assert (tmp_path / "state" / LATEST).exists()
    fit(fresh(), provider_of(learner), *data(12), **{**options, "verbose": 2})
    assert capsys.readouterr().out.startswith(f"Going on from the end of epoch 1 ({tmp_path / 'state'})\nEpoch 2/3\n")


def test_resume_tells_two_like_fits_of_a_script_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path))
    options = {**OPTIONS, "resume": True}

    def script(*crash: Callback) -> tuple[bytes, set[int | None]]:
        program, provider = fresh(), provider_of(learner)
        fit(program, provider, *data(12), **options)
        provider.calls.clear()
        fit(program, provider, *data(12), callbacks=list(crash), **options)
        return saved(program, tmp_path), {call.scope.epoch for call in provider.calls}

    wanted, _ = script()
    with pytest.raises(CrashError):
        script(Crashes(1, 0))
    assert script() == (wanted, {1, 2})
    assert not list(tmp_path.rglob("training_state*"))


def test_bad_arguments(tmp_path: Path) -> None:
    for frequency in (0, "batch", True, 1.5):
        with pytest.raises(ConfigurationError, match="save_freq=.*write 'epoch' or a number of steps"):
            BackupAndRestore(tmp_path, save_freq=frequency)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="give the path of a folder"):
        BackupAndRestore("")
