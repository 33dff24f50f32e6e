"""Tests of datasets in Parquet files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import synalinks
from programs_under_test import Answer, Question
from synalinks.datasets import ParquetDataset
from synalinks.errors import ConfigurationError, DataError

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
MODELS = {"input_data_model": Question, "output_data_model": Answer}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    columns = {"question": [f"q{i}" for i in range(5)], "answer": list(range(5)), "more": [{"deep": [1]}] * 5}
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_rows_become_examples(file: Path) -> None:
    data = synalinks.ParquetDataset(file, batch_size=2, batch_size_rows=2, limit=3, **MODELS)
    assert [[one.question for one in x] for x, _ in data] == [["q0", "q1"], ["q2"]]
    x, y = ParquetDataset([file, file], **MODELS).materialize()
    assert (len(x), y[9].answer) == (10, 4)


def test_nested_values_in_templates(file: Path) -> None:
    data = ParquetDataset(file, input_data_model=Question, input_template='{"question": "{{ more.deep[0] }}"}')
    assert next(iter(data))[0][0].question == "1"


def test_only_the_columns_that_are_kept(file: Path) -> None:
    (x, _) = ParquetDataset(file, columns=["question", "answer"], **MODELS).materialize()
    assert len(x) == 5
    with pytest.raises(DataError, match=r"rows.parquet lacks the columns \['reply'\]; it has \['question', "):
        ParquetDataset(file, columns=["reply"], **MODELS)


def test_what_is_no_parquet(tmp_path: Path, file: Path) -> None:
    file.write_text("question\n", encoding="utf-8")
    with pytest.raises(DataError, match="can't be read as Parquet"):
        ParquetDataset(file, **MODELS)
    with pytest.raises(FileNotFoundError):
        ParquetDataset(tmp_path / "absent", **MODELS)


def test_sizes(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="batch_size_rows=0"):
        ParquetDataset(file, batch_size_rows=0, **MODELS)


def test_without_pyarrow_the_extra_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r"synalinks-replay\[parquet\]"):
        ParquetDataset(file, **MODELS)
