"""Tests of CSVLogger: columns, missing values, appending, files that are no logs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from programs_under_test import compiled, data, fit, provider_of, right
from synalinks.callbacks import CSVLogger
from synalinks.errors import ConfigurationError


def logged(logger: CSVLogger, *rows: dict[str, Any]) -> list[str]:
    logger.on_train_begin()
    for epoch, logs in enumerate(rows):
        logger.on_epoch_end(epoch, logs)
    return logger.filepath.read_text().splitlines()


def test_a_row_per_epoch_of_a_fit(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "fit.csv"
    history = fit(
        compiled(), provider_of(right), *data(6), epochs=3, validation_split=0.34, callbacks=[CSVLogger(path)]
    )
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert {name: [float(row[name]) for row in rows] for name in history.history} == history.history


def test_columns_in_alphabetical_order_with_room_for_validation(tmp_path: Path) -> None:
    lines = logged(CSVLogger(tmp_path / "l.csv"), {"reward": 0.5, "f1": 0.25}, {"reward": 1.0, "val_reward": 0.1})
    assert lines == ["epoch,f1,reward,val_f1,val_reward", "0,0.25,0.5,NA,NA", "1,NA,1.0,NA,0.1"]


def test_values_with_commas_are_quoted_and_the_separator_is_yours(tmp_path: Path) -> None:
    assert logged(CSVLogger(tmp_path / "l.csv"), {"f1": [0.5, 1.0]})[1] == '0,"[0.5, 1.0]",NA'
    assert logged(CSVLogger(tmp_path / "l.tsv", separator="\t"), {"f1": [0.5, 1.0]})[1] == "0\t[0.5, 1.0]\tNA"


def test_a_file_is_begun_anew_or_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    logged(CSVLogger(path), {"reward": 0.5}, {"reward": 0.6})
    assert len(logged(CSVLogger(path), {"reward": 0.7})) == 2
    lines = logged(CSVLogger(path, append=True), {"reward": 0.8, "val_reward": 0.1, "more": 1.0})
    assert lines == ["epoch,reward,val_reward", "0,0.7,NA", "0,0.8,0.1"]


def test_appending_to_nothing_writes_the_header(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    for name in ("none.csv", "empty.csv"):
        assert logged(CSVLogger(tmp_path / name, append=True), {"reward": 0.5})[0] == "epoch,reward,val_reward"


def test_bad_arguments(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("name,age\nx,3\n")
    with pytest.raises(ConfigurationError, match=r"is no file of logs, its header is \['name', 'age'\]"):
        logged(CSVLogger(path, append=True), {"reward": 0.5})
    with pytest.raises(ConfigurationError, match="one character is needed"):
        CSVLogger(path, separator="")
