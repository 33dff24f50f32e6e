"""Tests of evaluation datasets of MLflow, in a database of SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

import synalinks
from programs_under_test import Answer, Question
from synalinks.datasets import MLflowDataset, mlflow
from synalinks.errors import ConfigurationError, DataError

X = [Question(question=f"q{i}") for i in range(3)]
Y = [Answer(answer=i) for i in range(3)]


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.mark.filterwarnings("ignore")
def test_what_was_written_is_read(uri: str, tmp_path: Path) -> None:
    import mlflow as library

    before = library.get_tracking_uri()
    MLflowDataset.create("golden", X, Y, tracking_uri=uri, tags={"of": "test"})
    data = synalinks.MLflowDataset(
        "golden", tracking_uri=uri, input_data_model=Question, output_data_model=Answer, batch_size=2
    )
    x, y = data.materialize()
    assert sorted((one.question, two.answer) for one, two in zip(x, y, strict=True)) == [
        ("q0", 0),
        ("q1", 1),
        ("q2", 2),
    ]
    assert (data.name, len(data)) == ("golden", 2) and library.get_tracking_uri() == before
    again = MLflowDataset(
        dataset_id=data.dataset_id,
        tracking_uri=uri,
        input_template='{"messages": [{"role": "user", "content": {{ inputs.question | tojson }}}]}',
        limit=1,
    )
    assert len(again) == 1 and again.materialize()[0][0].messages[0].content.startswith("q")
    MLflowDataset.create("bare", X[:1], tracking_uri=uri)
    with pytest.raises(DataError, match="row 1 makes no example"):
        list(MLflowDataset("bare", tracking_uri=uri, input_data_model=Question, output_data_model=Answer))
    with pytest.raises(DataError, match=r"MLflowDataset\('nothing'\) can't be loaded"):
        MLflowDataset("nothing", tracking_uri=uri, input_data_model=Question)


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="needs name= or dataset_id="):
        MLflowDataset(input_data_model=Question)
    with pytest.raises(DataError, match="x has 3 examples and y has 2"):
        MLflowDataset.create("golden", X, Y[:2])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"synalinks-replay\[mlflow\]"):
        MLflowDataset("golden", input_data_model=Question)
    assert mlflow.__doc__
