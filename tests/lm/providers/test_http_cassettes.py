"""Dialects over cassettes of HTTP of our own; with SYNALINKS_RECORD_HTTP set, the cassettes are recorded anew."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import vcr
from tests.lm.providers import llama_server
from tests.lm.providers.wire import ROOT

from synalinks import _json, errors
from synalinks.lm.core.call import Call, Delta, Reply, Request, Schema
from synalinks.lm.providers import make, resolve

CASSETTES = ROOT / "cassettes" / "http"
RECORDING = bool(os.environ.get("SYNALINKS_RECORD_HTTP"))
#: The address in the cassettes, whatever port the server had.
ADDRESS = "http://127.0.0.1:8080"
SCHEMA = Schema(
    {
        "type": "object",
        "properties": {
            "thinking": {"type": "string", "maxLength": 50},
            "kind": {"$ref": "#/$defs/Kind", "description": "what kind of sum"},
            "answer": {"type": "number", "default": 0},
        },
        "required": ["thinking", "kind"],
        "$defs": {"Kind": {"enum": ["addition", "other"], "type": "string"}},
    }
)
TOOL = {
    "name": "calculator",
    "description": "Evaluates an expression.",
    "parameters": {
        "type": "object",
        "properties": {"expression": {"type": "string", "maxLength": 12}},
        "required": ["expression"],
    },
}


def asked(prefix: str, **more: Any) -> Request:
    options = {"max_tokens": 120, "temperature": 0, "seed": 1, **more.pop("options", {})}
    content = more.pop("content", "Tom has 3 pens and buys 4 more. How many pens has he?")
    messages = more.pop("messages", [{"role": "user", "content": content}])
    return Request("chat", f"{prefix}/tiny-gsm", messages=messages, options=options, **more)


@dataclass
class Scene:
    """One call as it was when its cassette was played: what was sent, and what came of it."""

    reply: Reply | None = None
    error: errors.LMError | None = None
    sent: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[Delta] = field(default_factory=list)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The server to record from, or the address in the cassettes."""
    if not RECORDING:
        yield ADDRESS
        return
    with llama_server.running("--api-key", llama_server.KEY) as found:
        yield found


@contextmanager
def embedder() -> Iterator[str]:
    if not RECORDING:
        yield ADDRESS
        return
    with llama_server.running("--embeddings", "--pooling", "mean") as found:
        yield found


def play(prefix: str, name: str, request: Request, address: str, *, stream: bool = False, key: str = "") -> Scene:
    """Make a call on the cassette of this name."""
    scene = Scene()

    def of_request(sent: Any) -> Any:
        scene.sent.append(_json.loads(sent.body))
        sent.uri = ADDRESS + urlsplit(sent.uri).path
        sent.headers = {"content-type": "application/json"}
        return sent

    def of_response(response: Any) -> Any:
        kept = {name: text for name, text in response["headers"].items() if name.lower() == "content-type"}
        return {**response, "headers": kept}

    cassette = vcr.VCR(
        match_on=["method", "path", "body"],
        record_mode="all" if RECORDING else "none",
        before_record_request=of_request,
        before_record_response=of_response,
        decode_compressed_response=True,
    )
    handler = make(resolve(request.model)[0], address + "/v1", api_key=key or llama_server.KEY)
    path = CASSETTES / prefix / f"{name}.yaml"
    if RECORDING:
        path.unlink(missing_ok=True)
    with cassette.use_cassette(str(path)) as cassette:
        try:
            scene.reply = asyncio.run(handler(Call(request, sink=scene.pieces.append if stream else None)))
        except errors.LMError as error:
            scene.error = error
        if not RECORDING:
            assert cassette.all_played
    return scene


@pytest.mark.parametrize("prefix", ["llama_cpp", "openai", "hosted_vllm"])
def test_chat(prefix: str, address: str) -> None:
    scene = play(prefix, "chat", asked(prefix), address)
    assert scene.sent[0] == {
        "model": "tiny-gsm",
        "messages": [{"role": "user", "content": "Tom has 3 pens and buys 4 more. How many pens has he?"}],
        "temperature": 0,
        "seed": 1,
        "max_tokens": 120,
    }
    reply = scene.reply
    assert reply is not None and reply.text and reply.model == "tiny-gsm" and reply.chunks is None
    assert reply.usage.output_text == reply.usage.raw["completion_tokens"]  # type: ignore[index]
    assert reply.usage.input_tokens == reply.usage.raw["prompt_tokens"]  # type: ignore[index]


@pytest.mark.parametrize(("prefix", "bounded", "closed"), [("llama_cpp", True, False), ("openai", True, True)])
def test_structured_output(prefix: str, bounded: bool, closed: bool, address: str) -> None:
    scene = play(prefix, "schema", asked(prefix, schema=SCHEMA), address)
    sent = scene.sent[0]["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["properties"]["kind"] == {"$ref": "#/$defs/Kind"}
    assert ("maxLength" in sent["schema"]["properties"]["thinking"]) is bounded
    assert (sent["schema"]["required"] == ["thinking", "kind", "answer"]) is closed
    assert scene.reply is not None
    assert SCHEMA.problem(_json.loads(scene.reply.text)) is None


def test_a_stream(address: str) -> None:
    scene = play("llama_cpp", "stream", asked("llama_cpp"), address, stream=True)
    assert scene.sent[0]["stream_options"] == {"include_usage": True}
    reply = scene.reply
    assert reply is not None and len(scene.pieces) > 3 and reply.chunks == tuple(scene.pieces)
    assert reply.text == "".join(piece.text for piece in scene.pieces)
    assert reply.usage.output_text and reply.finish in ("stop", "length")


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call(stream: bool, address: str) -> None:
    request = asked("llama_cpp", tools=[TOOL], options={"tool_choice": "required"})
    scene = play("llama_cpp", "tools_stream" if stream else "tools", request, address, stream=stream)
    assert scene.reply is not None, scene.error
    assert scene.reply.finish == "tool_calls"
    call = scene.reply.tool_calls[0]
    assert call["name"] == "calculator" and call["id"] and isinstance(call["arguments"]["expression"], str)


def test_a_conversation_with_a_tool(address: str) -> None:
    messages = [
        {"role": "system", "content": "Answer the question."},
        {"role": "user", "content": [{"type": "text", "text": "3 + 4?"}]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "name": "calculator", "arguments": {"e": "3"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "7", "name": "calculator"},
    ]
    request = asked("llama_cpp", messages=messages, tools=[TOOL], options={"max_tokens": 20, "tool_choice": "none"})
    scene = play("llama_cpp", "after_tool", request, address)
    function = {"name": "calculator", "arguments": '{"e":"3"}'}
    assert scene.sent[0]["messages"][2:] == [
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "content": "7", "tool_call_id": "c1"},
    ]
    assert scene.reply is not None and scene.reply.text


def test_a_tool_call_that_was_cut(address: str) -> None:
    request = asked("llama_cpp", tools=[TOOL], options={"tool_choice": "required", "max_tokens": 20})
    error = play("llama_cpp", "tool_cut", request, address).error
    assert isinstance(error, errors.SampleRefused) and error.kind == "length"
    assert error.reply is not None and error.reply.usage.output_text == 20


@pytest.mark.parametrize("prefix", ["llama_cpp", "openai"])
def test_embeddings(prefix: str) -> None:
    request = Request("embed", f"{prefix}/tiny-gsm", texts=["one pen", "two pens"])
    with embedder() as address:
        scene = play(prefix, "embeddings", request, address)
    assert scene.sent[0]["encoding_format"] == "base64"
    assert scene.reply is not None and [len(vector) for vector in scene.reply.vectors] == [768, 768]
    assert scene.reply.usage.input_fresh == scene.reply.usage.raw["prompt_tokens"]  # type: ignore[index]


def test_errors(address: str) -> None:
    wrong = play("llama_cpp", "wrong_key", asked("llama_cpp"), address, key="sk-wrong").error
    assert isinstance(wrong, errors.AuthenticationError) and wrong.status == 401
    long = play("llama_cpp", "too_long", asked("llama_cpp", content="word " * 5000), address).error
    assert isinstance(long, errors.SampleRefused) and long.kind == "context_length"
    bad = play("llama_cpp", "bad_option", asked("llama_cpp", options={"temperature": "hot"}), address).error
    assert isinstance(bad, errors.RequestError) and "temperature" in str(bad)
    embed = play("llama_cpp", "no_embeddings", Request("embed", "llama_cpp/m", texts=["a"]), address).error
    assert isinstance(embed, errors.RequestError) and embed.status == 501


def test_no_cassette_holds_a_secret() -> None:
    cassettes = list(CASSETTES.glob("**/*.yaml"))
    assert len(cassettes) >= 10
    for cassette in cassettes:
        text = cassette.read_text("utf-8")
        assert llama_server.KEY not in text and "sk-" not in text, cassette
        assert "uthorization" not in text and "x-api-key" not in text.lower(), cassette
