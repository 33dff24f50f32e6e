"""The stand-in server in OpenAI's dialect: answers, schemas, tools, streams, vectors, errors; and its pace."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import synalinks
from synalinks.errors import ModelNotFound, ServerError
from synalinks.testing import Fault, ModelReply, OllamaServer

SUM = synalinks.ChatMessage(role="user", content="What is 12 + 30?")


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as running:
        yield running


def model(server: OllamaServer, **more: Any) -> synalinks.LanguageModel:
    return synalinks.LanguageModel("openai/any", api_base=f"{server.url}/v1", api_key="k", caching=False, **more)


async def calculate(expression: str) -> float:
    """Calculate a sum.

    Args:
        expression: numbers and `+`.
    """
    return sum(map(float, expression.split("+")))


class Answer(synalinks.DataModel):
    answer: float


def test_answers_streams_and_counts_are_those_of_the_native_dialect(server: OllamaServer) -> None:
    native = synalinks.LanguageModel("ollama/any", api_base=server.url, caching=False, temperature=0)
    ours = model(server, temperature=0)

    async def both() -> list[Any]:
        found = []
        for one in (native, ours):
            whole = await one(SUM)
            stream = await one(SUM, streaming=True)
            pieces = [piece["content"] async for piece in stream]
            assert "".join(pieces) == whole.get("content")
            assert len(pieces) > 2
            found.append((whole.get("content"), pieces, one.cumulated_tokens))
        return found

    first, second = asyncio.run(both())
    assert first == second
    assert server.requests.models["any"].calls == 4


def test_an_agent_with_a_schema_runs_over_http_in_both_dialects(server: OllamaServer) -> None:
    for one in (model(server), synalinks.LanguageModel("ollama/any", api_base=server.url, caching=False)):
        agent = synalinks.FunctionCallingAgent(data_model=Answer, tools=[calculate], language_model=one)
        found = asyncio.run(agent(SUM))
        assert found.get("answer") == 42
        (call,) = found.get("messages")[1]["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == {"expression": "12 + 30"}
        assert found.get("messages")[2]["content"] == {"result": 42.0}


def test_tool_calls_and_thinking_in_a_stream() -> None:
    def reply(request: Any) -> ModelReply:
        return ModelReply("ok", thinking="Let me see." if request.think else "", tool_calls=[("look", {"at": "é"})])

    async def main(server: OllamaServer) -> Any:
        stream = await model(server, reasoning_effort="low")(SUM, streaming=True, tools=[{"name": "look"}])
        return [piece async for piece in stream], (await stream.aconsume()).get_json()

    with OllamaServer(model=reply) as server:
        pieces, whole = asyncio.run(main(server))
        raw = httpx.post(
            f"{server.url}/v1/chat/completions",
            json={"model": "any", "messages": [{"role": "user", "content": "x"}], "tools": [{"name": "look"}]},
        ).json()
    assert pieces[0] == {"role": "assistant", "reasoning_content": "Let me see."}
    assert whole["reasoning_content"] == "Let me see."
    assert json.loads(whole["tool_calls"][0]["function"]["arguments"]) == {"at": "é"}
    assert raw["choices"][0]["finish_reason"] == "tool_calls"
    assert raw["usage"]["total_tokens"] == raw["usage"]["prompt_tokens"] + raw["usage"]["completion_tokens"]


def test_vectors_and_models(server: OllamaServer) -> None:
    native = synalinks.EmbeddingModel("ollama/e", api_base=server.url, caching=False)
    ours = synalinks.EmbeddingModel("openai/e", api_base=f"{server.url}/v1", api_key="k", caching=False)
    assert asyncio.run(native.embed(["a text"])) == asyncio.run(ours.embed(["a text"]))
    listed = asyncio.run(synalinks.lm.supported_models("llama_cpp", f"{server.url}/v1"))
    assert listed == ["llama_cpp/stand-in:latest"]


def test_errors_have_openais_form() -> None:
    with OllamaServer(models=["here"], faults=[Fault(at=3, status=503, message="busy")]) as server:
        url = f"{server.url}/v1/chat/completions"
        missing = httpx.post(url, json={"model": "gone", "messages": [{"role": "user", "content": "x"}]})
        empty = httpx.post(url, json={"model": "here", "messages": []})
        assert (missing.status_code, empty.status_code) == (404, 400)
        assert missing.json() == {
            "error": {"message": "model 'gone' not found", "type": "not_found_error", "param": None, "code": None}
        }
        assert empty.json()["error"]["message"] == "[] is too short - 'messages'"
        with pytest.raises(ServerError, match="busy"):
            asyncio.run(model(server, on_error="raise", retry=1)(SUM))
        with pytest.raises(ModelNotFound):
            asyncio.run(model(server)(SUM))


def test_a_stream_that_breaks_off_is_an_error_and_begins_anew() -> None:
    async def main(server: OllamaServer) -> list[Any]:
        stream = await model(server, retry=2, retry_max_wait=0.0)(SUM, streaming=True)
        return [piece async for piece in stream]

    for fault in (Fault(at=1, midway=True, drop=True), Fault(at=1, midway=True, status=500, message="overloaded")):
        with OllamaServer(model=lambda request: "one two three four", faults=[fault]) as server:
            pieces = asyncio.run(main(server))
        begun = [place for place, piece in enumerate(pieces) if piece.get("restart")]
        assert len(begun) == 1
        assert "".join(piece["content"] for piece in pieces[begun[0] + 1 :]) == "one two three four"


@pytest.mark.parametrize("name", ["openai/any", "ollama/any"])
def test_a_slow_stream_that_is_left_is_settled_and_the_server_goes_on(name: str) -> None:
    async def main(server: OllamaServer) -> tuple[Any, float]:
        base = f"{server.url}/v1" if name.startswith("openai") else server.url
        slow = synalinks.LanguageModel(name, api_base=base, api_key="k", caching=False, max_tokens=200)
        begun = time.perf_counter()
        async with await slow(SUM, streaming=True) as stream:
            piece = await anext(stream)
        return piece, time.perf_counter() - begun

    with (
        OllamaServer(model=lambda request: "one two three four five", pace=30.0) as server,
        synalinks.use_ledger() as ledger,
        synalinks.use_budget(synalinks.Budget(tokens=10_000)) as budget,
    ):
        piece, seconds = asyncio.run(main(server))
        assert httpx.get(f"{server.url}/api/version").status_code == 200
    assert piece["content"] == "one"
    assert seconds < 25  # the second piece was not waited for
    (entry,) = ledger
    assert entry.error == "cancelled"
    assert budget.settled.tokens >= 200
    assert budget.settled.tokens + budget.left.tokens == 10_000
