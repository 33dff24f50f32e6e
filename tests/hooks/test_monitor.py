"""Tests of calls as traces of MLflow, in a database of SQLite."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question
from synalinks.callbacks.monitor import Span
from synalinks.errors import ConfigurationError
from synalinks.hooks import Monitor, stop_everywhere, trace_context, use_everywhere
from synalinks.testing import ScriptedProvider


@pytest.mark.filterwarnings("ignore")
def test_a_program_is_a_trace_with_a_span_for_each_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    before = mlflow.get_tracking_uri()
    monitor = Monitor(f"sqlite:///{tmp_path / 'mlflow.db'}", "traced")

    class Fails(synalinks.Module):
        async def call(self, inputs: Any) -> Any:
            raise ValueError("no")

    async def main() -> None:
        inputs = synalinks.Input(data_model=Question)
        model = synalinks.LanguageModel(model=MODEL, name="lm")
        outputs = await synalinks.Generator(data_model=Answer, language_model=model, name="gen")(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs, name="prog")
        whom = trace_context(user_id="ann", session_id="7", tags={"part": "search"})
        with whom, synalinks.use_provider(ScriptedProvider(['{"answer": 4}'])):
            await program(Question(question="2 + 2?"))
        with pytest.raises(ValueError, match="no"):
            await Fails(name="fails")(Question(question="?"))

    use_everywhere(Monitor, lambda: monitor)
    try:
        asyncio.run(main())
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name("traced").experiment_id
        traces = {one.data.spans[0].name: one for one in client.search_traces(locations=[experiment])}
    finally:
        stop_everywhere(Monitor)
        mlflow.set_tracking_uri(before)
    assert sorted(traces) == ["fails", "prog"]
    spans = {one.name: one for one in traces["prog"].data.spans}
    assert sorted(spans, key=lambda name: spans[name].start_time_ns) == ["prog", "gen", "lm"]
    assert spans["gen"].parent_id == spans["prog"].span_id and spans["lm"].parent_id == spans["gen"].span_id
    assert spans["lm"].span_type == "CHAT_MODEL" and spans["prog"].outputs == [{"answer": 4}]
    assert spans["prog"].inputs == [{"question": "2 + 2?"}]
    said = spans["lm"].attributes
    assert said["synalinks.cost"] == 0.0 and said["synalinks.success"] is True
    assert said["synalinks.parent_call_id"] == spans["gen"].attributes["synalinks.call_id"]
    info = traces["prog"].info
    assert (info.trace_metadata["mlflow.trace.user"], info.trace_metadata["mlflow.trace.session"]) == ("ann", "7")
    assert info.tags["part"] == "search"
    (failed,) = traces["fails"].data.spans
    assert failed.attributes["synalinks.exception"] == "ValueError: no" and failed.status.status_code.name == "ERROR"
    assert set(Span.get_schema()["properties"]) >= {"call_id", "cost", "success"}


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"hooks.Monitor needs MLflow: .*\[mlflow\]"):
        Monitor()
