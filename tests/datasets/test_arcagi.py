"""Tests of ARC-AGI: made tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import synalinks
from synalinks.datasets import arcagi, download
from synalinks.errors import ConfigurationError, DataError, OfflineError

TASK = {
    "train": [
        {"input": [[0, 1], [1, 0]], "output": [[1, 0], [0, 1]]},
        {"input": [[2, 2]], "output": [[2]]},
        {"input": [[5]], "output": [[5, 5]]},
    ],
    "test": [{"input": [[3, 3]], "output": [[3, 3]]}],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "task.json"
    path.write_text(json.dumps(TASK), encoding="utf-8")
    return path


def test_each_pair_is_shown_with_the_others_the_smallest_solution_first(file: Path) -> None:
    (x_train, y_train), (x_test, y_test) = arcagi.load_data("any", filepath=file)
    assert [one.output_grid for one in y_train] == [[[2]], [[5, 5]], [[1, 0], [0, 1]]]
    assert [len(one.examples) for one in x_train] == [2, 2, 2] and len(x_test[0].examples) == 3
    assert x_train[0].input_grid == [[2, 2]] and x_train[0].examples[0].output_grid == [[1, 0], [0, 1]]
    assert y_test[0].output_grid == [[3, 3]]
    assert type(x_train[0]) is arcagi.get_input_data_model() and type(y_test[0]) is arcagi.get_output_data_model()


def test_the_order_of_the_file(file: Path) -> None:
    (_, y_train), _ = arcagi.load_data("any", filepath=file, curriculum_learning=False)
    assert [one.output_grid for one in y_train] == [one["output"] for one in TASK["train"]]


def test_examples_in_every_order(file: Path) -> None:
    (x_train, _), _ = arcagi.load_data("any", filepath=file, permutation=True, curriculum_learning=False)
    assert len(x_train) == 6
    assert x_train[0].examples == x_train[1].examples[::-1]


def test_pairs_alone_each_as_often_as_wanted(file: Path) -> None:
    (x_train, _), (x_test, _) = arcagi.load_data("any", filepath=file, one_leave_out=False, repeat=2)
    assert len(x_train) == 6, "each pair is there twice"
    assert x_train[0] is x_train[1] and x_train[0].examples == x_test[0].examples == []
    with pytest.raises(ConfigurationError, match="at least 1"):
        arcagi.load_data("any", filepath=file, repeat=0)


def test_an_empty_grid(file: Path) -> None:
    file.write_text(json.dumps({**TASK, "train": [{"input": [[1]], "output": []}]}), encoding="utf-8")
    (_, y_train), _ = arcagi.load_data("any", filepath=file)
    assert y_train[0].output_grid == []


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "no task of ARC-AGI"), ('{"train": []}', "there is no 'test'"),
     ('{"train": [{"input": [[11]], "output": []}], "test": []}', "no task of ARC-AGI")],
)  # fmt: skip
def test_a_file_that_is_no_task(file: Path, text: str, message: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        arcagi.load_data("any", filepath=file)


def test_names_and_what_is_none(tmp_path: Path) -> None:
    names = [
        arcagi.get_arcagi1_training_task_names(), arcagi.get_arcagi1_evaluation_task_names(),
        arcagi.get_arcagi2_training_task_names(), arcagi.get_arcagi2_evaluation_task_names(),
    ]  # fmt: skip
    assert [len(set(one)) for one in names] == [400, 400, 1000, 120]
    assert "62c24649" in names[0] and {len(name) for one in names for name in one} == {8}
    with pytest.raises(ConfigurationError, match="not recognized"):
        arcagi.load_data("nothing", arc_version=2)
    with pytest.raises(ConfigurationError, match="`arc_version` is 1 or 2, got 3"):
        arcagi.load_data("nothing", arc_version=3)
    with pytest.raises(FileNotFoundError, match="Could not find"):
        arcagi.load_data("any", filepath=tmp_path / "absent.json")
    assert "input grid" in arcagi.default_instructions()


def test_tasks_of_the_data_directory(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(download, "cache_directory", lambda: tmp_path / "cache")
    name = arcagi.get_arcagi2_evaluation_task_names()[0]
    with synalinks.offline(), pytest.raises(OfflineError, match=f"ARC-AGI-2/.*evaluation/{name}.json at .*{name}.json"):
        arcagi.load_data(name, arc_version=2)
    (tmp_path / "arcagi" / "2" / "evaluation").mkdir(parents=True)
    file.rename(tmp_path / "arcagi" / "2" / "evaluation" / f"{name}.json")
    assert len(arcagi.load_data(name, arc_version=2)[0][0]) == 3


def test_pictures(tmp_path: Path, file: Path) -> None:
    pytest.importorskip("matplotlib")
    (x, y), _ = arcagi.load_data("any", filepath=file)
    both = arcagi.plot_task(x=x[0], y_true=y[0], y_pred=y[1], task_name="t", to_folder=tmp_path)
    assert both == tmp_path / "t.png" and both.read_bytes().startswith(b"\x89PNG")
    one = arcagi.plot_task(x=x[0].get_json(), y_pred={"output_grid": []}, to_folder=tmp_path, to_file="one.svg")
    assert "Prediction" not in both.name and one.read_text(encoding="utf-8").count("<svg") == 1
    with pytest.raises(ValueError, match="y_true or y_pred"):
        arcagi.plot_task(x=x[0])
