"""Tests of datasets in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from programs_under_test import Answer, Question
from synalinks.datasets import CSVDataset, JSONDataset, JSONLDataset
from synalinks.errors import DataError

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
        list(JSONLDataset(tmp_path / "absent", **MODELS))
