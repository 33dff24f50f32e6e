"""Tests of the callback Monitor and of traces with a real tracking server of MLflow on loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question, compiled, data, fit, provider_of, right, solver
from synalinks.hooks import Monitor, OpenTelemetry, stop_everywhere, trace_context, use_everywhere
from synalinks.lm import Reply, Usage
from synalinks.testing import ScriptedProvider

pytestmark = pytest.mark.filterwarnings("ignore")
#: Seconds until the server has to answer; it takes 26 on a machine that does nothing else.
PATIENCE = 300


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a tracking server with a database of its own."""
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    folder = tmp_path_factory.mktemp("tracking")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"host": "127.0.0.1", "port": port, "workers": 1, "backend-store-uri": f"sqlite:///{folder}/mlflow.db"}
    options["artifacts-destination"] = folder / "artifacts"
    command = [sys.executable, "-m", "mlflow", "server", *(f"--{name}={value}" for name, value in options.items())]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
    log = folder / "log"
    with log.open("wb") as file:
        running = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/health", running, log)
        yield url
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(60)


def wait_for(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the tracking server does not answer at {url}:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the server."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    before = mlflow.get_tracking_uri()
    yield mlflow.MlflowClient(server)
    mlflow.set_tracking_uri(before)


async def program() -> synalinks.Program:
    """Two generators side by side."""
    inputs = synalinks.Input(data_model=Question)
    sides = [
        await synalinks.Generator(
            data_model=Answer, language_model=synalinks.LanguageModel(model=MODEL, name=f"lm_{side}"), name=side
        )(inputs)
        for side in ("left", "right")
    ]
    outputs = await synalinks.And()(sides)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="prog")


def call_once() -> None:
    async def main() -> None:
        with trace_context(user_id="ann", session_id="7"):
            await (await program())(Question(question="2 + 2?"))

    reply = Reply('{"answer": 4}', finish="stop", usage=Usage(input_fresh=100, output_text=20))
    with synalinks.use_provider(ScriptedProvider(lambda call: reply)):
        asyncio.run(main())


def spans_of(client: Any, experiment: str) -> dict[str, Any]:
    """The spans of the one trace of an experiment."""
    found = client.get_experiment_by_name(experiment).experiment_id
    (trace,) = client.search_traces(locations=[found])
    return {span.name: span for span in trace.data.spans}


def test_a_fit_is_a_run(server: str, client: Any) -> None:
    callback = synalinks.callbacks.Monitor("maths", tracking_uri=server)
    history = fit(compiled(solver(name="adder")), provider_of(right), *data(4), epochs=2, callbacks=callback)
    run = client.get_run(callback.last_run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "adder_train")
    assert run.data.metrics["reward"] == history.history["reward"][-1] and run.data.params["epochs"] == "2"
    assert {"program", "state_tree.json"} <= {one.path for one in client.list_artifacts(run.info.run_id)}


def test_calls_are_a_trace(server: str, client: Any) -> None:
    monitor = Monitor(server, "traced")
    use_everywhere(Monitor, lambda: monitor)
    try:
        call_once()
    finally:
        stop_everywhere(Monitor)
    spans = spans_of(client, "traced")
    for side in ("left", "right"):
        assert spans[side].parent_id == spans["prog"].span_id
        assert spans[f"lm_{side}"].parent_id == spans[side].span_id


def test_spans_of_opentelemetry_are_a_trace(server: str, client: Any) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel is not installed")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    experiment = client.create_experiment("otlp")
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{server}/v1/traces", headers={"x-mlflow-experiment-id": experiment})
    provider.add_span_processor(BatchSpanProcessor(exporter))
    hook = OpenTelemetry(provider, capture_content=True)
    use_everywhere(OpenTelemetry, lambda: hook)
    try:
        call_once()
    finally:
        stop_everywhere(OpenTelemetry)
        provider.shutdown()
    spans = client.search_traces(locations=[experiment])[0].data.spans
    named = {span.name: span for span in spans}
    chats = [span for span in spans if span.name == "chat test"]
    assert len(spans) == 6 and len(chats) == 2
    assert {span.parent_id for span in chats} == {named["left"].span_id, named["right"].span_id}
    assert named["left"].parent_id == named["right"].parent_id == named["invoke_workflow prog"].span_id
    for span in chats:
        assert span.attributes["gen_ai.usage.input_tokens"] == 100 and span.attributes["synalinks.cost"] == 0.0
        assert span.span_type == "CHAT_MODEL" and span.attributes["gen_ai.conversation.id"] == "7"
