"""Every recording of a provider that speaks OpenAI's chat completions: what we send, and what we make of the answer."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import struct
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.lm.providers import recordings, wire
from tests.lm.providers.openai_expected import BILLS, COUNTS, ERRORS

from synalinks import errors
from synalinks.lm.core.call import Call, Delta, Reply, Request, Schema
from synalinks.lm.providers import make, resolve
from synalinks.lm.providers.openai.responses import usage

FOLDERS = ("openai", "openrouter", "groq", "deepseek", "mistral", "azure", "ollama-v1")
KEY = "sk-secret-of-a-test"
#: Where a recording is not of its folder's own provider.
OF_ANOTHER = {"openllmetry__test_streaming_with_api_usage_capture": "deepseek"}
BASES = {"ollama-v1": "http://127.0.0.1:11434/v1", "azure": "https://rubyllm.services.ai.azure.com/models"}
#: What says the same when it is left out.
DEFAULTS: dict[str, Any] = {"stream": False, "n": 1, "tool_choice": "auto", "enable_thinking": False}


def every(*, responses_api: bool = False) -> list[Any]:
    """All exchanges, as pytest parameters; those of the Responses API, which we don't speak, or all others."""
    found = [
        pytest.param(folder, stem, index, id=f"{folder}-{stem[:70]}-{index}")
        for folder in FOLDERS
        for stem in recordings.stems(folder)
        for index, exchange in enumerate(recordings.read(folder, stem))
        if exchange.path.endswith("/responses") is responses_api
    ]
    return found or [pytest.param("", "", 0, marks=pytest.mark.skip("no recordings beside this checkout"))]


def as_asked(folder: str, stem: str, exchange: wire.Exchange) -> Request:
    """The request of ours that should lead to the recorded one."""
    prefix = OF_ANOTHER.get(stem, "openai" if folder == "ollama-v1" else folder)
    body = dict(exchange.body)
    model = f"{prefix}/{body.pop('model')}"
    if "input" in body:
        texts = body.pop("input")
        body.pop("encoding_format", None)
        return Request("embed", model, texts=[texts] if isinstance(texts, str) else texts, options=body)
    for name in ("stream", "stream_options"):
        body.pop(name, None)
    options = {name: value for name, value in body.items() if DEFAULTS.get(name) != value}
    messages = [ours(message) for message in options.pop("messages")]
    tools = [tool["function"] for tool in options.pop("tools", ())]
    schema = (options.get("response_format") or {}).get("json_schema")
    if schema is not None:
        del options["response_format"]
    if "effort" in options.get("reasoning", {}):
        options["reasoning_effort"] = options.pop("reasoning")["effort"]
    return Request(
        "chat",
        model,
        messages=messages,
        tools=tools,
        schema=None if schema is None else Schema(schema["schema"]),
        options=options,
    )


def ours(message: dict[str, Any]) -> dict[str, Any]:
    """A message of theirs as messages come from modules: content always there, arguments as objects."""
    said = {"content": "", **message}
    calls = said.pop("tool_calls", None)
    if calls:
        said["tool_calls"] = [
            {
                "id": call["id"],
                "name": call["function"]["name"],
                "arguments": json.loads(call["function"]["arguments"]),
            }
            for call in calls
        ]
    return said


def plainly(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what different clients say differently to the same effect."""
    told = {name: value for name, value in body.items() if DEFAULTS.get(name) != value}
    for name in ("stream_options", "encoding_format"):
        told.pop(name, None)
    if isinstance(told.get("input"), str):
        told["input"] = [told["input"]]
    if schema := (told.get("response_format") or {}).get("json_schema"):
        inner = {name: value for name, value in schema["schema"].items() if name != "additionalProperties"}
        told["response_format"] = inner
    told["messages"] = [
        {
            name: value
            for name, value in message.items()
            if (name, value) != ("content", "") and name != "reasoning_content"
        }
        for message in told.get("messages", ())
    ]
    return told


def play(folder: str, stem: str, index: int = 0, *, step: int | None = None, seen: list[httpx.Request] | None = None,
         pieces: list[Delta] | None = None) -> Reply:  # fmt: skip
    """Make the recorded call; `step` cuts the answer into chunks of so many characters."""
    exchange = recordings.read(folder, stem)[index]
    stem = next((name for name in OF_ANOTHER if name in stem), stem)
    if step is not None:
        text = exchange.text
        exchange = replace(exchange, chunks=tuple(text[at : at + step] for at in range(0, len(text), step)))
    request = as_asked(folder, stem, exchange)
    handler = make(resolve(request.model)[0], BASES.get(folder), api_key=KEY, transport=wire.transport(exchange, seen))
    streamed = isinstance(exchange.body, dict) and exchange.body.get("stream")
    sink = (pieces if pieces is not None else []).append if streamed else None
    return asyncio.run(handler(Call(request, sink=sink)))


@pytest.mark.parametrize(("folder", "stem", "index"), every())
def test_what_is_sent(folder: str, stem: str, index: int) -> None:
    exchange = recordings.read(folder, stem)[index]
    seen: list[httpx.Request] = []
    with contextlib.suppress(errors.LMError):
        play(folder, stem, index, seen=seen)
    sent = json.loads(seen[0].content)
    assert plainly(sent) == plainly(exchange.body)
    assert seen[0].url.raw_path.decode().endswith(exchange.path.rpartition(">")[2].removeprefix("/beta"))
    header = "api-key" if folder == "azure" else "authorization"
    assert seen[0].headers[header].removeprefix("Bearer ") == KEY


def key_of(folder: str, stem: str) -> str:
    """The row of the tables of expectations that a file has: its own name, or a part of it."""
    exact = f"{folder}/{stem}"
    if exact in COUNTS:
        return exact
    return next(key for key in COUNTS if key.startswith(f"{folder}/") and key.partition("/")[2] in stem)


def test_the_table_knows_every_recording() -> None:
    if not recordings.stems("openai"):
        pytest.skip("no recordings beside this checkout")
    files = {(param.values[0], param.values[1]) for param in every()}
    assert {key_of(*file) for file in files} == set(COUNTS)
    assert len(files) == len(COUNTS)


def streamed(exchange: wire.Exchange) -> list[dict[str, Any]]:
    lines = (line.removeprefix("data: ") for line in exchange.text.splitlines() if line.startswith("data: {"))
    return [json.loads(line) for line in lines]


def said(exchange: wire.Exchange) -> tuple[str, str, str | None, list[str]]:
    """Text, reasoning, reason to finish and names of tools called, read off a recording the simplest way."""
    if exchange.text.lstrip().startswith("{"):
        choice = exchange.json["choices"][0]
        message = choice["message"]
        names = [call["function"]["name"] for call in message.get("tool_calls") or ()]
        return message.get("content") or "", message.get("reasoning") or "", choice["finish_reason"], names
    chunks = [chunk["choices"][0] for chunk in streamed(exchange) if chunk.get("choices")]
    deltas = [chunk["delta"] for chunk in chunks]
    return (
        "".join(delta.get("content") or "" for delta in deltas),
        "".join(delta.get("reasoning") or "" for delta in deltas),
        next(chunk["finish_reason"] for chunk in reversed(chunks) if chunk["finish_reason"]),
        [
            call["function"]["name"]
            for delta in deltas
            for call in delta.get("tool_calls") or ()
            if call["function"].get("name")
        ],
    )


@pytest.mark.parametrize(("folder", "stem", "index"), every())
def test_what_is_understood(folder: str, stem: str, index: int) -> None:
    key = key_of(folder, stem)
    exchange = recordings.read(folder, stem)[index]
    pieces: list[Delta] = []
    if (key, index) in ERRORS:
        kind, word, status, wait, uncertain = ERRORS[key, index]
        with pytest.raises(kind) as caught:
            play(folder, stem, index)
        error = caught.value
        assert type(error) is kind
        assert (error.kind, error.status, error.retry_after, error.uncertain) == (word, status, wait, uncertain)
        assert KEY not in str(error)
        return
    reply = play(folder, stem, index, pieces=pieces)
    found = reply.usage
    buckets = (
        found.input_fresh,
        found.input_cache_read,
        found.input_cache_write_5m,
        found.output_text,
        found.output_reasoning,
    )
    assert buckets == COUNTS[key][index]
    cost, route = BILLS.get((key, index), (None, None))
    assert reply.cost == (None if cost is None else Decimal(cost))
    assert route is None or (reply.extra or {})["provider"] == route
    if "embedding" in exchange.path:
        return
    text, reasoning, finish, tools = said(exchange)
    if "thinking_part" not in stem and "hybrid_reasoning" not in stem:  # have tests of their own
        assert (reply.text, reply.reasoning or "") == (text, reasoning)
    assert reply.finish == finish
    assert [call["name"] for call in reply.tool_calls] == tools
    if exchange.body.get("stream"):
        assert reply.chunks == tuple(pieces)
        assert "".join(piece.text for piece in pieces) == reply.text
        assert "".join(piece.reasoning for piece in pieces) == (reply.reasoning or "")
    else:
        assert reply.chunks is None
        assert reply.model == exchange.json["model"]


@pytest.mark.parametrize(
    ("folder", "stem"),
    [
        ("openai", "test_chat_tools_streaming"),
        ("openrouter", "chat_streaming_responses"),
        ("groq", "test_chat_streaming_legacy"),
        ("deepseek", "chat_streaming_responses"),
        ("ollama-v1", "chat_streaming_responses_ollama_cloud"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 500])
def test_a_stream_may_be_cut_anywhere(folder: str, stem: str, step: int) -> None:
    assert play(folder, stem, step=step) == play(folder, stem)


def test_tool_calls_and_the_lack_of_usage() -> None:
    reply = play("openai", "test_chat_tools_streaming")
    assert reply.tool_calls == (
        {
            "id": "call_P9Ayqu3UQNYuTBVAg2sLimh9",
            "name": "get_current_weather",
            "arguments": {"location": "San Francisco"},
        },
    )
    assert reply.usage.total_tokens is None and reply.usage.raw is None
    assert reply.chunks == ()


def test_a_refusal() -> None:
    reply = play("openai", "test_parsed_refused_completion")
    assert reply.refusal == "I'm very sorry, but I can't assist with that request."
    assert reply.text == ""


def test_thinking_in_tags_is_taken_out_of_the_text() -> None:
    exchange = recordings.one("groq", "test_groq_model_thinking_part")
    raw = exchange.json["choices"][0]["message"]["content"]
    reply = play("groq", "test_groq_model_thinking_part")
    assert reply.reasoning is not None and reply.reasoning.startswith("\nOkay, so I want to make Uruguayan alfajores.")
    assert reply.text.startswith("To make Uruguayan alfajores, follow these organized steps")
    assert f"<think>{reply.reasoning}</think>\n\n{reply.text}" == raw


def test_mistral_thinks_in_a_list_of_parts() -> None:
    reply = play("mistral", "hybrid_reasoning")
    assert reply.text == "144"
    assert reply.reasoning is not None and reply.reasoning.startswith("The user is asking for the product of 12")
    assert reply.reasoning.endswith("So, the answer is 144.")


def test_an_error_in_a_stream_keeps_what_was_paid_for() -> None:
    with pytest.raises(errors.SampleRefused) as caught:
        play("openrouter", "stream_error")
    reply = caught.value.reply
    assert reply is not None
    assert reply.reasoning == "We need to respond to a greeting. The user"
    # The provider counts 11 tokens of reasoning in an answer of 10.
    assert (reply.usage.output_text, reply.usage.output_reasoning, reply.usage.total_tokens) == (0, 10, 53)
    assert (reply.cost, reply.model, (reply.extra or {})["provider"]) == (0, "minimax/minimax-m2:free", "Minimax")


def test_a_generation_that_was_no_tool_call_is_tried_again() -> None:
    with pytest.raises(errors.BadReply, match="Tool call validation failed") as caught:
        play("groq", "pydanticai__test_tool_use_failed_error")
    assert caught.value.retryable and caught.value.failed.uncertain == 1


def test_the_words_of_the_one_upstream_are_told() -> None:
    with pytest.raises(errors.RateLimited, match=r"Google: .* is temporarily rate-limited upstream"):
        play("openrouter", "test_openrouter_errors_raised")


def test_vectors_are_float32_whatever_they_came_as() -> None:
    from_text = play("openai", "test_embeddings").vectors[0]
    recorded = recordings.one("openai", "test_embeddings").json["data"][0]["embedding"]
    assert from_text == base64.b64decode(recorded)
    from_numbers = play("mistral", "embedding_basic").vectors
    rows = recordings.one("mistral", "embedding_basic").json["data"]
    assert [struct.unpack("<4f", vector[:16]) for vector in from_numbers] == [
        struct.unpack("<4f", struct.pack("<4f", *row["embedding"][:4])) for row in rows
    ]


@pytest.mark.parametrize(("folder", "stem", "index"), every(responses_api=True))
def test_the_responses_api_counts_in_other_words(folder: str, stem: str, index: int) -> None:
    """We don't speak that API; its usage and its errors come through gateways all the same."""
    exchange = recordings.read(folder, stem)[index]
    if exchange.status == 200:
        counts = exchange.json["usage"]
        found = usage(counts)
        assert found.input_tokens == counts["input_tokens"] and found.output_tokens == counts["output_tokens"]
        assert found.input_cache_read == counts["input_tokens_details"]["cached_tokens"]
        return
    handler = make(resolve("openai/m")[0], api_key=KEY, transport=wire.transport(exchange))
    request = Request("chat", "openai/m", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(errors.SampleRefused) as caught:
        asyncio.run(handler(Call(request)))
    assert caught.value.kind == "context_length"


@pytest.mark.parametrize("name", ["v1_chat", "v1_chat_stream_usage"])
def test_ollamas_own_imitation(name: str) -> None:
    exchange = wire.ollama(name)
    request = as_asked("openai", name, exchange)
    seen: list[httpx.Request] = []
    pieces: list[Delta] = []
    handler = make(resolve("openai/m")[0], "http://127.0.0.1:11434/v1", transport=wire.transport(exchange, seen))
    reply = asyncio.run(handler(Call(request, sink=pieces.append if "stream" in name else None)))
    assert plainly(json.loads(seen[0].content)) == plainly(exchange.body)
    assert "authorization" not in seen[0].headers
    assert reply.text == said(exchange)[0]
    assert reply.usage.input_fresh == 64


@pytest.mark.parametrize("name", ["v1_embeddings", "v1_embeddings_base64"])
def test_ollamas_own_embeddings(name: str) -> None:
    exchange = wire.ollama(name)
    handler = make(resolve("openai/m")[0], "http://127.0.0.1:11434", transport=wire.transport(exchange))
    given = exchange.body["input"]
    texts = [given] if isinstance(given, str) else given
    reply = asyncio.run(handler(Call(Request("embed", "openai/all-minilm", texts=texts))))
    assert [len(vector) for vector in reply.vectors] == [384 * 4] * len(texts)


@pytest.mark.parametrize(
    ("name", "kind"), [("err_v1_model_missing", errors.ModelNotFound), ("err_v1_no_messages", errors.RequestError)]
)
def test_ollamas_own_errors(name: str, kind: type[errors.LMError]) -> None:
    exchange = wire.ollama(name)
    handler = make(resolve("openai/m")[0], "http://127.0.0.1:11434", transport=wire.transport(exchange))
    request = Request("chat", "openai/nosuch", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(kind) as caught:
        asyncio.run(handler(Call(request)))
    assert type(caught.value) is kind
