"""Tests of the built-in benchmark sets: made records in the form of the published ones."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.datasets import bbh, bbq, boolq, download, hotpotqa, lambada, mmlu
from synalinks.datasets.built_in.table import BENCHMARKS
from synalinks.errors import ConfigurationError, DataError, OfflineError

PASSAGE = "Ann has 2 cats."
#: By set: a published record, and the input and the answer that it makes.
RECORDS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "arc_challenge": (
        {"id": "1", "question": "What melts ice?", "choices": {"text": ["heat", "cold"], "label": ["1", "2"]},
         "answerKey": "1"},
        {"question": "What melts ice?\n1) heat\n2) cold"}, {"answer": "1"},
    ),
    "bbh": ({"input": "not ( True ) is", "target": "False"}, {"question": "not ( True ) is"}, {"answer": False}),
    "bbq": (
        {"context": PASSAGE, "question": "Who is old?", "choices": ["Ann", "Bob", "Unknown"], "answer": 2},
        {"question": f"{PASSAGE}\nWho is old?\nA) Ann\nB) Bob\nC) Unknown"}, {"answer": "C"},
    ),
    "boolq": (
        {"passage": PASSAGE, "question": "has ann cats", "answer": True},
        {"question": f"{PASSAGE}\n\nQuestion: has ann cats?"}, {"answer": True},
    ),
    "drop": (
        {"passage": PASSAGE, "question": "How many?", "answers_spans": {"spans": ["2", "two"], "types": []}},
        {"question": f"{PASSAGE}\n\nQuestion: How many?"}, {"answer": "2"},
    ),
    "gsm8k": (
        {"question": "1,000 + 1?", "answer": "Add.\n#### 1,001"},
        {"question": "1,000 + 1?"}, {"thinking": "Add.", "answer": 1001.0},
    ),
    "hellaswag": (
        {"ctx": "He pours milk and", "endings": ["sings", "drinks", "runs", "flies"], "label": "1"},
        {"question": "He pours milk and\nA) sings\nB) drinks\nC) runs\nD) flies"}, {"answer": "B"},
    ),
    "hotpotqa": (
        {"question": "Which river?", "answer": "Elbe", "level": "hard",
         "context": {"title": ["Elbe", "Dresden"], "sentences": [["A river.", "It is long."], ["A town."]]}},
        {"question": "Which river?"}, {"answer": "Elbe"},
    ),
    "humaneval": (
        {"task_id": "HumanEval/0", "prompt": "def f(x):\n", "canonical_solution": "    return x\n", "test": "..."},
        {"prompt": "def f(x):\n"}, {"completion": "    return x\n"},
    ),
    "ifeval": ({"key": 1, "prompt": "Write in capitals."}, {"prompt": "Write in capitals."},
               {"response": "Write in capitals."}),
    "lambada": ({"text": "She opened the  door."}, {"question": "She opened the ___"}, {"answer": "door."}),
    "logiqa": (
        {"context": PASSAGE, "question": "So?", "options": ["A. Yes", "B. No", "C. Or", "D. And"], "answer": "A"},
        {"question": f"{PASSAGE}\n\nQuestion: So?\nA. Yes\nB. No\nC. Or\nD. And"}, {"answer": "A"},
    ),
    "mmlu": (
        {"question": "2 + 2?", "choices": ["1", "2", "3", "4"], "subject": "arithmetic", "answer": 3},
        {"question": "2 + 2?", "choices": ["1", "2", "3", "4"], "subject": "arithmetic"}, {"answer": "D"},
    ),
    "squad": (
        {"context": PASSAGE, "question": "Who?", "answers": {"text": ["Ann", "Ann."], "answer_start": [0, 0]}},
        {"question": f"{PASSAGE}\n\nQuestion: Who?"}, {"answer": "Ann"},
    ),
    "truthfulqa": (
        {"question": "Largest ocean?", "mc1_targets": {"choices": ["Atlantic", "Pacific"], "labels": [0, 1]}},
        {"question": "Largest ocean?\nA) Atlantic\nB) Pacific"}, {"answer": "B"},
    ),
    "winogrande": (
        {"sentence": "It is on the _.", "option1": "table", "option2": "shelf", "answer": "2"},
        {"question": "It is on the _.\n1) table\n2) shelf"}, {"answer": 2},
    ),
}  # fmt: skip


def put(folder: Path, name: str, split: str, records: list[dict[str, Any]]) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / f"{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with five records in each split that `load_data` reads, and no cache."""
    for name, row in BENCHMARKS.items():
        for split in {row.train, row.test or row.train}:
            put(tmp_path, name, split, [RECORDS[name][0]] * 5)
    monkeypatch.setenv("SYNALINKS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(download, "cache_directory", lambda: tmp_path / "cache")
    return tmp_path


def test_every_set_has_a_record_here() -> None:
    assert RECORDS.keys() == BENCHMARKS.keys()


@pytest.mark.parametrize("name", RECORDS)
def test_a_published_record_becomes_an_example(data: Path, name: str) -> None:
    module = importlib.import_module(f"synalinks.datasets.{name}")
    (x_train, y_train), (x_test, y_test) = module.load_data()
    assert (len(x_train), len(x_test)) == ((5, 5) if BENCHMARKS[name].test else (4, 1))
    assert x_train.dtype == y_train.dtype == object
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert type(x[0]) is module.get_input_data_model() and type(y[0]) is module.get_output_data_model()
        assert (x[0].get_json(), y[0].get_json()) == RECORDS[name][1:]
    stream = module.iterable_dataset(repeat=2, batch_size=2, limit=2)
    assert isinstance(stream, synalinks.Dataset)
    assert [(len(x), x[0] is x[1]) for x, _ in stream] == [(2, True), (2, True)]
    assert len(list(stream())) == len(stream) == 2


@pytest.mark.parametrize("name", RECORDS)
def test_the_functions_are_those_of_the_module(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"from synalinks.datasets.{name} import load_data, iterable_dataset\nimport synalinks.datasets.{name}", scope)
    module = importlib.import_module(f"synalinks.datasets.{name}")
    assert scope["load_data"] is module.load_data and scope["load_data"].__name__ == "load_data"
    assert scope["load_data"].__module__ == f"synalinks.datasets.{name}"
    assert {"load_data", "iterable_dataset", "get_input_data_model"} <= set(dir(module))
    assert "SYNALINKS_DATA_DIR" in (inspect.getdoc(module.load_data) or "")
    with pytest.raises(AttributeError, match=f"module 'synalinks.datasets.{name}' has no attribute 'load_dta'"):
        module.load_dta  # noqa: B018


def test_the_table_is_read_when_a_set_is_used() -> None:
    code = (
        "import sys, synalinks.datasets as d\n"
        "assert 'synalinks.datasets.built_in.table' not in sys.modules\n"
        "from synalinks.datasets.mmlu import load_data\n"
        "assert 'synalinks.datasets.built_in.table' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_fraction_for_testing(data: Path) -> None:
    (x_train, _), (x_test, _) = lambada.load_data(validation_split=0.4)
    assert (len(x_train), len(x_test)) == (3, 2)


def test_categories(data: Path) -> None:
    put(data, "bbq", "religion", [RECORDS["bbq"][0]] * 2)
    (x_train, _), (x_test, _) = bbq.load_data(category="religion", validation_split=0.5)
    assert (len(x_train), len(x_test)) == (1, 1)
    assert len(bbq.iterable_dataset(category="religion")) == 2
    with pytest.raises(ConfigurationError, match="got '../mmlu/test'"):
        bbq.load_data(category="../mmlu/test")


def test_an_unknown_split(data: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"boolq has the splits \['train', 'validation'\], got 'test'"):
        boolq.iterable_dataset(split="test")


def test_parquet_files_are_read(data: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    record = RECORDS["mmlu"][0]
    table = pyarrow.table({column: [value] * 3 for column, value in record.items()})
    parquet.write_table(table, data / "mmlu" / "dev.parquet")
    x, y = mmlu.iterable_dataset(split="dev").materialize()
    assert (len(x), x[2].choices, y[2].answer) == (3, ["1", "2", "3", "4"], "D")


def test_records_that_are_none_are_named(data: Path) -> None:
    put(data, "boolq", "train", [RECORDS["boolq"][0], {"question": "?"}])
    with pytest.raises(DataError, match=r"boolq/train.jsonl: record 2 lacks \['passage'\]; it has \['question'\]"):
        boolq.load_data()
    put(data, "bbh", "test", [{"input": "x", "target": "maybe"}])
    with pytest.raises(DataError, match="record 1: the target is True or False, got 'maybe'"):
        bbh.load_data()
    put(data, "mmlu", "test", [{**RECORDS["mmlu"][0], "answer": -1}])
    with pytest.raises(DataError, match="record 1: there is no choice -1"):
        mmlu.load_data()


def test_a_file_that_is_missing_is_told_at_construction(data: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    for file in (data / "boolq").iterdir():
        file.unlink()
    with synalinks.offline(), pytest.raises(OfflineError) as caught:
        boolq.iterable_dataset()
    message = str(caught.value)
    assert "huggingface.co/datasets/google/boolq/resolve/refs%2Fconvert%2Fparquet/default/train/0000.parquet" in message
    assert f"at {data / 'boolq' / 'train.parquet'}" in message
    assert "train.jsonl" in message


def test_files_of_another_set_are_not_taken_for_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    monkeypatch.setenv("SYNALINKS_DATA_DIR", str(data / "boolq"))
    assert len(boolq.load_data()[0][0]) == 5
    with synalinks.offline(), pytest.raises(OfflineError):
        importlib.import_module("synalinks.datasets.squad").load_data()


def test_a_split_in_several_files() -> None:
    source = BENCHMARKS["hotpotqa"].source
    assert [one.name for one in source.files("hotpotqa", "train")] == ["train-0000.parquet", "train-0001.parquet"]
    assert [one.url.rsplit("/", 3)[1:] for one in source.files("hotpotqa", "train")][1] == [
        "fullwiki", "train", "0001.parquet",
    ]  # fmt: skip
    assert [one.name for one in source.files("hotpotqa", "validation")] == ["validation.parquet"]


def test_the_paragraphs_of_hotpotqa(data: Path) -> None:
    found = hotpotqa.load_knowledge()
    assert [one.get_json() for one in found] == [
        {"title": "Elbe", "text": "A river.\nIt is long."},
        {"title": "Dresden", "text": "A town."},
    ], "five questions have the same paragraphs"
    assert type(found[0]) is hotpotqa.get_knowledge_data_model()
    put(data, "hotpotqa", "train", [{"question": "?"}])
    with pytest.raises(DataError, match="record 1 has no paragraphs"):
        hotpotqa.load_knowledge()
