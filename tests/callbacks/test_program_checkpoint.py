"""Tests of ProgramCheckpoint: file names, the best alone, frequencies, what it says, loading what was saved."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Fresh, compiled, data, fit, number_of, provider_of, right, solver
from synalinks.callbacks import Callback, EarlyStopping, ProgramCheckpoint
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider


class Logs(Callback):
    """Gives each epoch a reward and writes its number into the program."""

    def __init__(self, values: Sequence[float], name: str = "val_reward") -> None:
        super().__init__()
        self.values = values
        self.name = name

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.values[epoch]
        self.program.trainable_variables[0].update({"instructions": f"of epoch {epoch}"})


def trained(checkpoint: ProgramCheckpoint, values: Sequence[float], name: str = "val_reward", **options: Any) -> Any:
    program = compiled(metrics=options.pop("metrics", None))
    callbacks = [Logs(values, name), checkpoint]
    options = {"epochs": len(values), "validation_split": 0.34, "callbacks": callbacks, **options}
    fit(program, provider_of(right), *data(6), **options)
    return program


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def instructions(path: Path) -> str:
    return str(synalinks.Program.load(path).trainable_variables[0].get("instructions"))


def test_every_epoch_under_its_own_name(tmp_path: Path) -> None:
    trained(ProgramCheckpoint(tmp_path / "p.{epoch:02d}-{val_reward:.2f}.json"), [0.25, 0.5])
    assert names(tmp_path) == ["p.01-0.25.json", "p.02-0.50.json"]
    assert instructions(tmp_path / "p.02-0.50.json") == "of epoch 1"


def test_the_last_one_where_the_name_is_plain(tmp_path: Path) -> None:
    trained(ProgramCheckpoint(tmp_path / "new" / "folder" / "p.json"), [0.9, 0.1])
    assert instructions(tmp_path / "new" / "folder" / "p.json") == "of epoch 1"


def test_the_best_alone_and_what_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "best.json"
    checkpoint = ProgramCheckpoint(path, save_best_only=True, verbose=1)
    trained(checkpoint, [0.2, 0.6, 0.6, 0.4])
    assert instructions(path) == "of epoch 1"
    assert checkpoint.best == 0.6
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: val_reward improved from -inf to 0.20000, saving program to {path}",
        f"Epoch 2: val_reward improved from 0.20000 to 0.60000, saving program to {path}",
        "Epoch 3: val_reward did not improve from 0.60000",
        "Epoch 4: val_reward did not improve from 0.60000",
    ]


def test_a_loaded_checkpoint_puts_the_best_back(tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    program = trained(ProgramCheckpoint(path, mode="max", save_best_only=True), [0.7, 0.6])
    program.load(path)
    assert program.trainable_variables[0].get("instructions") == "of epoch 0"


def test_less_may_be_better(tmp_path: Path) -> None:
    class Errors(synalinks.metrics.Mean):
        direction = "down"

    for number, (mode, metrics) in enumerate((("min", None), ("auto", [Errors(name="errors")]))):
        path = tmp_path / f"{number}.variables.json"
        checkpoint = ProgramCheckpoint(
            path, monitor="val_errors", mode=mode, save_best_only=True, save_variables_only=True
        )
        trained(checkpoint, [0.5, 0.2, 0.3], "val_errors", metrics=metrics)
        program = solver()
        program.load_variables(path)
        assert program.trainable_variables[0].get("instructions") == "of epoch 1"


def test_a_threshold_has_to_be_beaten_first(tmp_path: Path) -> None:
    trained(ProgramCheckpoint(tmp_path / "p.json", save_best_only=True, initial_value_threshold=0.5), [0.4, 0.5])
    assert names(tmp_path) == []


def test_the_best_of_an_earlier_fit_is_still_to_be_beaten(tmp_path: Path) -> None:
    checkpoint = ProgramCheckpoint(tmp_path / "p.json", save_best_only=True)
    trained(checkpoint, [0.9])
    trained(checkpoint, [0.1, 0.3])
    assert instructions(tmp_path / "p.json") == "of epoch 0"
    assert checkpoint.best == 0.9


def test_variables_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "{epoch}.variables.json"
    trained(ProgramCheckpoint(path, save_variables_only=True, verbose=1), [0.5])
    assert capsys.readouterr().out == f"Epoch 1: saving model to {tmp_path / '1.variables.json'}\n"
    other = solver()
    other.load_variables(tmp_path / "1.variables.json")
    assert other.trainable_variables[0].get("instructions") == "of epoch 0"


def test_after_so_many_steps_over_the_epochs(tmp_path: Path) -> None:
    """Three samples in ones: three steps an epoch, and each second of nine is saved."""
    trained(ProgramCheckpoint(tmp_path / "{epoch}-{batch}.json", save_freq=2), [0.1, 0.2, 0.3], batch_size=1)
    assert names(tmp_path) == ["1-2.json", "2-1.json", "2-3.json", "3-2.json"]


def test_the_best_of_steps_is_of_the_training_logs(tmp_path: Path) -> None:
    checkpoint = ProgramCheckpoint(tmp_path / "{batch}.json", monitor="reward", save_best_only=True, save_freq=1)
    trained(checkpoint, [0.1], batch_size=1)
    assert names(tmp_path) == ["1.json"]


def test_a_log_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="ProgramCheckpoint monitors 'val_f1', which the logs don't hold"):
        trained(ProgramCheckpoint(tmp_path / "p.json", monitor="val_f1", save_best_only=True), [0.1, 0.2])
    assert names(tmp_path) == []


class Unsteady(ScriptedProvider):
    """Right about some numbers, others for each wording of the instructions: few samples make luck."""

    def __init__(self) -> None:
        super().__init__(lambda call: {"answer": number_of(call) if self.knows(call) else -1})

    def knows(self, call: Call) -> bool:
        said = f"{number_of(call)} {call.request.messages[0]['content']}"
        return hashlib.md5(said.encode()).digest()[0] % 10 < 5


@pytest.mark.parametrize("update_freq", ["epoch", "batch"])
@pytest.mark.parametrize("population_size", [1, 10])
def test_a_checkpoint_holds_the_program_that_its_name_was_measured_of(
    tmp_path: Path, update_freq: Any, population_size: int
) -> None:
    """Neither a newcomer that was lucky on four samples nor an older candidate with better evidence: every file is
    evaluated on the validation data; the best variables that EarlyStopping restores are the best file's."""
    held_out = data(20, 100)
    restored_of = []
    for seed in range(3):
        folder = tmp_path / str(seed)
        best = ProgramCheckpoint(folder / "best.json", save_best_only=True)
        stop = EarlyStopping(patience=9, restore_best_variables=True)
        program = compiled(optimizer=Fresh(population_size=population_size, update_freq=update_freq))
        history = fit(
            program,
            Unsteady(),
            *data(12),
            epochs=5,
            batch_size=4,
            minibatch_size=4,
            validation_data=held_out,
            seed=seed,
            callbacks=[ProgramCheckpoint(folder / "{epoch}.json"), best, stop],
        )

        def measured(program: Any) -> float:
            program.compile(reward=synalinks.ExactMatch())
            with synalinks.use_provider(Unsteady()):
                return float(asyncio.run(program.evaluate(*held_out, verbose=0))["reward"])

        wanted = history.history["val_reward"]
        assert [measured(synalinks.Program.load(folder / f"{n + 1}.json")) for n in range(5)] == wanted
        assert measured(synalinks.Program.load(folder / "best.json")) == max(wanted) == best.best
        assert measured(program) == max(wanted)
        restored_of.append(stop.best_epoch)
    assert any(epoch < 4 for epoch in restored_of)


def test_a_program_saved_in_the_middle_of_an_epoch_goes_on_with_what_it_had_found(tmp_path: Path) -> None:
    program = compiled(optimizer=Fresh())
    checkpoint = ProgramCheckpoint(tmp_path / "{batch}.json", save_freq=2)
    fit(program, Unsteady(), *data(12), batch_size=3, validation_data=data(5, 100), epochs=1, callbacks=[checkpoint])
    loaded = compiled(synalinks.Program.load(tmp_path / "2.json"), optimizer=Fresh(population_size=2))
    [variable] = loaded.trainable_variables
    found = {candidate["instructions"]: candidate["reward_count"] for candidate in variable.get("candidates")}
    asyncio.run(loaded.optimizer.on_train_begin([variable]))
    kept = variable.get("best_candidates")
    assert len(found) == 3 and len(kept) == 2 and variable.get("candidates") == []
    assert all(found[candidate["instructions"]] == candidate["reward_count"] > 0 for candidate in kept)


def test_bad_arguments(tmp_path: Path) -> None:
    for path, only in (("p.keras", False), ("p.json", True)):
        with pytest.raises(ConfigurationError, match=r"the path must end in \.(variables\.)?json"):
            ProgramCheckpoint(path, save_variables_only=only)
    with pytest.raises(ConfigurationError, match="pass save_variables_only=True"):
        ProgramCheckpoint("p.variables.json")
    with pytest.raises(ConfigurationError, match="write 'epoch' or a number of steps"):
        ProgramCheckpoint("p.json", save_freq=0)
    with pytest.raises(ConfigurationError, match="write 'auto', 'min' or 'max'"):
        ProgramCheckpoint("p.json", mode="best")
    for path in ("p{epoch.json", "p{}.json"):
        with pytest.raises(ConfigurationError, match="ProgramCheckpoint.filepath"):
            ProgramCheckpoint(path)
    with pytest.raises(ConfigurationError, match=r"no value for \['batch', 'f1'\]; there are \['epoch', 'reward'"):
        trained(ProgramCheckpoint(tmp_path / "{epoch}-{batch}-{f1}.json"), [0.5])


@pytest.mark.parametrize("value", [[0.5, 0.25], np.array([0.5, 0.25])])
def test_every_program_is_saved_where_the_log_has_several_values(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "{epoch}.json"
    checkpoint = ProgramCheckpoint(path, monitor="val_f1_score", save_best_only=True)
    checkpoint.set_program(solver())
    with pytest.warns(UserWarning, match=r"has several values, so that none is the best.*average='macro'"):
        checkpoint.on_epoch_end(0, {"val_f1_score": value})
    assert [one.name for one in tmp_path.iterdir()] == ["1.json"]


def test_an_array_of_one_value_is_that_value(tmp_path: Path) -> None:
    checkpoint = ProgramCheckpoint(tmp_path / "best.json", monitor="val_f1_score", save_best_only=True)
    checkpoint.set_program(solver())
    checkpoint.on_epoch_end(0, {"val_f1_score": np.array([0.5])})
    checkpoint.on_epoch_end(1, {"val_f1_score": np.float64(0.75)})
    assert checkpoint.best == 0.75
