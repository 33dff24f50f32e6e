"""Tests of datasets in files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import synalinks
from programs_under_test import Answer, Question
from synalinks.datasets import CSVDataset, JSONDataset, JSONLDataset
from synalinks.errors import ConfigurationError, DataError

MODELS = {"input_data_model": Question, "output_data_model": Answer}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (JSONLDataset, '{"question": "a", "answer": 1}\n\n{"question": "ü", "answer": 2}\n'),
        (JSONDataset, '[{"question": "a", "answer": 1}, {"question": "ü", "answer": 2}]'),
        (CSVDataset, "question,answer\na,1\nü,2\n"),
    ],
)
def test_rows_become_examples(tmp_path: Path, kind: type[JSONLDataset], text: str) -> None:
    path = tmp_path / "rows"
    path.write_text(text, encoding="utf-8")
    x, y = kind(path, **MODELS).materialize()
    assert [one.question for one in x] == ["a", "ü"]
    assert [one.answer for one in y] == [1, 2]


def test_csv_with_its_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("'a;b';1\n", encoding="utf-8")
    data = CSVDataset(path, delimiter=";", quotechar="'", column_names=["question", "answer"], **MODELS)
    [(x, _)] = list(data)
    assert x[0].question == "a;b"


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (JSONLDataset, '{"question": "a"}\n{oops\n', "line 2 is no JSON"),
        (JSONLDataset, "[1]\n", "row 1 is a list"),
        (JSONDataset, "{}", "holds a dict; a list of objects is wanted"),
        (JSONDataset, "{", "is no JSON"),
        (CSVDataset, "question,answer\na\n", "line 2 has not the 2 columns"),
        (CSVDataset, "question,answer\na,1,2\n", "line 2 has not the 2 columns"),
    ],
)
def test_a_broken_file_is_named_with_the_place(
    tmp_path: Path, kind: type[JSONLDataset], text: str, message: str
) -> None:
    path = tmp_path / "rows"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"rows.*{message}"):
        list(kind(path, input_data_model=Question))


def test_a_column_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text('{"question": "a"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"row 1 lacks the columns \['answer'\]; it has \['question'\]"):
        list(JSONLDataset(path, columns=["question", "answer"], **MODELS))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file .*absent"):
        JSONLDataset(tmp_path / "absent", **MODELS)


def test_a_file_that_is_gone_at_the_pass(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text('{"question": "a", "answer": 1}\n', encoding="utf-8")
    data = JSONLDataset(path, **MODELS)
    path.unlink()
    with pytest.raises(DataError, match="rows can't be read"):
        list(data)


def test_an_encoding_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no encoding 'utf-9'"):
        JSONLDataset(path, encoding="utf-9", **MODELS)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf_8_sig"])
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (JSONLDataset, '{"question": "a", "answer": 1}\n'),
        (JSONDataset, '[{"question": "a", "answer": 1}]'),
        (CSVDataset, "question,answer\na,1\n"),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_text(
    tmp_path: Path, kind: type[JSONLDataset], text: str, encoding: str
) -> None:
    path = tmp_path / "rows"
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + text.encode())
        ((x, y),) = kind(path, encoding=encoding, **MODELS)
        assert (x[0].get_json(), y[0].get_json()) == ({"question": "a"}, {"answer": 1})


class Person(synalinks.DataModel):
    name: str
    nickname: str | None = None
    age: int | None


def test_an_empty_cell_is_null_where_the_field_admits_null(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,nickname,age\n,,\nAnn,An,3\n", encoding="utf-8")
    people = [x[0].get_json() for (x,) in CSVDataset(path, input_data_model=Person)]
    assert people == [{"name": ""}, {"name": "Ann", "nickname": "An", "age": 3}]
    path.write_text('{"name": "", "nickname": "", "age": 1}\n', encoding="utf-8")
    ((x,),) = JSONLDataset(path, input_data_model=Person)
    assert x[0].get_json()["nickname"] == "", "JSON has a null of its own"


def test_a_long_cell_is_read_and_the_limit_of_the_process_stays(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\n" + "x" * 200_000 + ",1\n", encoding="utf-8")
    before = csv.field_size_limit()
    ((x, _),) = CSVDataset(path, **MODELS)
    assert len(x[0].get_json()["question"]) == 200_000 and csv.field_size_limit() == before


def test_several_files_one_after_another(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"question,answer\n{name},1\n", encoding="utf-8")
    x, _ = CSVDataset([tmp_path / "a", str(tmp_path / "b")], **MODELS).materialize()
    assert [one.question for one in x] == ["a", "b"]
    with pytest.raises(ConfigurationError, match="list of files is empty"):
        CSVDataset([], **MODELS)
    with pytest.raises(FileNotFoundError, match="there is no file .*absent"):
        CSVDataset([tmp_path / "a", tmp_path / "absent"], **MODELS)
    (tmp_path / "b").write_text("question\nb\n", encoding="utf-8")
    with pytest.raises(DataError, match="b: row 1 lacks the columns"):
        CSVDataset([tmp_path / "a", tmp_path / "b"], columns=["question", "answer"], **MODELS).materialize()


@pytest.mark.parametrize(("line", "cells"), [("a", 1), ("a,1,2", 3), ("a,1,2,3", 4)])
def test_a_row_of_csv_with_other_cells_is_named(tmp_path: Path, line: str, cells: int) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f'question,answer\n"x\ny",1\n{line}\n', encoding="utf-8")
    with pytest.raises(DataError, match=f"line 4 has not the 2 columns .*: row 2 has {cells} cells"):
        list(CSVDataset(path, **MODELS))


def test_an_unknown_keyword() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'input_template'"):
        CSVDataset("rows.csv", inputs_template="{}")  # type: ignore[call-arg]
