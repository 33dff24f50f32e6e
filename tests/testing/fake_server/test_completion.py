"""`/api/generate`, `/v1/completions`, `/api/pull` and one model's entry, through the `ollama` client and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import pytest

from synalinks.testing import Fault, OllamaServer


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(model=lambda request: "one two six", models=["m"], library={"big:8b": 4_000}) as running:
        yield running


@pytest.fixture
def client(server: OllamaServer) -> Iterator[ollama.Client]:
    made = ollama.Client(host=server.url)
    yield made
    made._client.close()


def post(server: OllamaServer, path: str, **body: Any) -> httpx.Response:
    return httpx.post(server.url + path, json=body)


def test_generate_in_one_piece_and_in_pieces(server: OllamaServer, client: ollama.Client) -> None:
    whole = client.generate("m", "count", system="be brief")
    pieces = list(client.generate("m", "count", system="be brief", stream=True))
    assert whole.response == "one two six" == "".join(piece.response for piece in pieces)
    assert (whole.done_reason, whole.eval_count, pieces[-1].eval_count) == ("stop", 3, 3)
    assert whole.prompt_eval_count == pieces[-1].prompt_eval_count
    raw = post(server, "/api/generate", model="m", prompt="count", stream=False).json()
    assert list(raw)[:4] == ["model", "created_at", "response", "done"] and "message" not in raw
    counts = server.requests.models["m"]
    assert (counts.calls, counts.chats) == (3, 3)


def test_generate_without_a_prompt_loads_and_unloads(server: OllamaServer, client: ollama.Client) -> None:
    assert client.generate("m").done_reason == "load"
    assert client.generate("m", keep_alive=0).done_reason == "unload"
    assert server.requests.models == {}


def test_generate_of_an_unknown_model_and_a_fault(server: OllamaServer, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="model 'gone' not found") as caught:
        client.generate("gone", "count")
    assert caught.value.status_code == 404
    with OllamaServer(faults=[Fault(at=1, status=503)]) as failing:
        assert post(failing, "/api/generate", model="m", prompt="x").status_code == 503


def test_completions_in_openais_form(server: OllamaServer) -> None:
    whole = post(server, "/v1/completions", model="m", prompt="count", max_tokens=2).json()
    assert (whole["object"], whole["id"][:5]) == ("text_completion", "cmpl-")
    assert whole["choices"] == [{"text": "one two", "index": 0, "finish_reason": "length"}]
    assert whole["usage"]["completion_tokens"] == 2
    options = {"stream": True, "stream_options": {"include_usage": True}}
    lines = post(server, "/v1/completions", model="m", prompt="count", **options).text.split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line and "[DONE]" not in line]
    assert "".join(event["choices"][0]["text"] for event in events if event["choices"]) == "one two six"
    assert events[-1]["usage"]["completion_tokens"] == 3
    refused = post(server, "/v1/completions", model="m", prompt=["count"])
    assert refused.status_code == 400 and "CompletionRequest.prompt" in refused.json()["error"]["message"]
    assert post(server, "/v1/completions", model="gone", prompt="count").status_code == 404


def test_one_model_of_the_list(server: OllamaServer) -> None:
    found, missing = httpx.get(f"{server.url}/v1/models/m:latest"), httpx.get(f"{server.url}/v1/models/gone")
    assert (found.json()["id"], found.json()["object"]) == ("m:latest", "model")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")


def test_a_model_is_pulled_and_then_there(server: OllamaServer, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="not found"):
        client.show("big:8b")
    steps = list(client.pull("big:8b", stream=True))
    assert [step.status for step in steps[:1] + steps[-3:]] == [
        "pulling manifest",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    fetched = [step.completed for step in steps if step.total]
    assert fetched == [None, 1000, 2000, 3000, 4000]
    assert client.generate("big:8b", "count").response == "one two six"
    assert {one.model: one.size for one in client.list().models}["big:8b"] == 4000


def test_what_no_library_has_is_not_pulled(server: OllamaServer, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        client.pull("nosuch")
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        list(client.pull("nosuch", stream=True))
    assert post(server, "/api/pull").status_code == 400
