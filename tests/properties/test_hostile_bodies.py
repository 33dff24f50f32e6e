"""Answers of another shape than their API documents become errors of the library, or replies of the right types."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synalinks.errors import LMError
from synalinks.lm.core.call import USAGE_BUCKETS, Call, Delta, Reply, Request, Schema
from synalinks.lm.providers import make, resolve
from synalinks.lm.validate import ValidateLayer

MODELS = {
    "ollama": "ollama/llama3.2",
    "openai": "openai/gpt-4o-mini",
    "openrouter": "openrouter/openai/gpt-4o-mini",
    "groq": "groq/llama-3.1-8b-instant",
    "mistral": "mistral/mistral-small-latest",
    "anthropic": "anthropic/claude-haiku-4-5",
    "gemini": "gemini/gemini-2.5-flash",
}
SCHEMA = Schema({"type": "object", "properties": {"say": {"type": "string"}}, "required": ["say"]})
TOOL = {"name": "look", "description": "look it up", "parameters": {"type": "object", "properties": {}}}
SAY = '{"say": "yes"}'

#: Bodies as they were recorded, shortened: chats with text, tools and thinking; embeddings; errors.
OLLAMA_USAGE = {"prompt_eval_count": 33, "eval_count": 24, "prompt_eval_cached_count": 2, "total_duration": 84}
OPENAI_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "cost": 0.0001,
    "is_byok": True,
    "cost_details": {"upstream_inference_cost": 0.0002},
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0},
}
OPENAI_CALL = {"index": 0, "id": "call_a", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
ANTHROPIC_USAGE = {
    "input_tokens": 12,
    "cache_read_input_tokens": 3,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 30,
    "output_tokens_details": {"thinking_tokens": 5},
}
GEMINI_USAGE = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 7,
    "cachedContentTokenCount": 2,
    "thoughtsTokenCount": 4,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}, {"modality": "AUDIO", "tokenCount": 4}],
}


def openai(message: str) -> dict[str, Any]:
    """A whole answer or a record of a stream, by where the message stands."""
    said = {"role": "assistant", "content": SAY, "refusal": None, "reasoning": "hm", "tool_calls": [OPENAI_CALL]}
    choice = {"index": 0, message: said, "finish_reason": "stop", "logprobs": {"content": [{"token": "a"}]}}
    return {"id": "x", "model": "gpt-4o-mini", "choices": [choice], "usage": OPENAI_USAGE, "provider": "Azure"}


OLLAMA_CHAT = {
    "model": "llama3.2",
    "message": {
        "role": "assistant",
        "content": SAY,
        "thinking": "hm",
        "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": {"a": 1}}}],
    },
    "done": True,
    "done_reason": "stop",
    **OLLAMA_USAGE,
}
ANTHROPIC_CHAT = {
    "type": "message",
    "model": "claude-haiku-4-5",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": SAY},
        {"type": "tool_use", "id": "toolu_a", "name": "look", "input": {"a": 1}},
    ],
    "stop_reason": "end_turn",
    "stop_details": {"explanation": "none"},
    "usage": ANTHROPIC_USAGE,
}
GEMINI_CHAT = {
    "candidates": [
        {
            "index": 0,
            "content": {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {"text": SAY},
                    {"functionCall": {"name": "look", "args": {"a": 1}}, "thoughtSignature": "s"},
                ],
            },
            "finishReason": "STOP",
        }
    ],
    "promptFeedback": {"safetyRatings": []},
    "usageMetadata": GEMINI_USAGE,
    "modelVersion": "gemini-2.5-flash",
}
OPENAI_RECORDS = [
    openai("delta"),
    {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]},
    {"choices": [], "usage": OPENAI_USAGE},
]
STREAMS: dict[str, list[dict[str, Any]]] = {
    "ollama": [{**OLLAMA_CHAT, "done": False}, OLLAMA_CHAT],
    "openai": OPENAI_RECORDS,
    "openrouter": OPENAI_RECORDS,
    "groq": OPENAI_RECORDS,
    "mistral": OPENAI_RECORDS,
    "anthropic": [
        {"type": "message_start", "message": {**ANTHROPIC_CHAT, "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SAY}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "look"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ],
    "gemini": [GEMINI_CHAT, GEMINI_CHAT],
}
CHATS = {
    "ollama": OLLAMA_CHAT,
    **{name: openai("message") for name in ("openai", "openrouter", "groq", "mistral")},
    "anthropic": ANTHROPIC_CHAT,
    "gemini": GEMINI_CHAT,
}
OPENAI_EMBED = {"model": "e", "data": [{"index": 0, "embedding": [0.5, 0.25]}], "usage": {"prompt_tokens": 3}}
EMBEDS = {
    "ollama": {"model": "e", "embeddings": [[0.5, 0.25]], "prompt_eval_count": 3},
    "openai": OPENAI_EMBED,
    "mistral": OPENAI_EMBED,
    "gemini": {"embeddings": [{"values": [0.5, 0.25]}], "usageMetadata": {"promptTokenCount": 3}},
}
OPENAI_ERROR = {
    "error": {
        "message": "slow down, try again in 2s",
        "type": "x",
        "code": 429,
        "metadata": {"raw": "r", "provider_name": "p", "headers": {"X-RateLimit-Reset": "1"}},
    }
}
ERRORS = {
    "ollama": {"error": {"message": "model 'x' not found"}},
    **dict.fromkeys(("openai", "openrouter", "groq", "mistral"), OPENAI_ERROR),
    "anthropic": {"type": "error", "error": {"type": "x", "message": "m", "details": {"error_code": "c"}}},
    "gemini": {
        "error": {
            "code": 429,
            "message": "m",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"reason": "r", "retryDelay": "3s", "violations": [{"quotaId": "x", "quotaValue": "0"}]}],
        }
    },
}
ODD: list[Any] = [
    None, True, False, 0, -1, 17, 1.5, 1e308, 2**70, "", "x", "12", "nan", "Infinity", [], [None], [[]], [17], ["x"],
    {}, {"a": None}, [{}], [{"a": 1}], {"error": "x"}, "\u2028", "<think>", "</think>", SAY, [0.5, None], [1e308],
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, body: Any) -> Any:
    """A body with one to three of its values replaced, removed or moved."""
    value = {"root": copy.deepcopy(body)}
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(value)[1:]))
        holder: Any = value
        for key in path:
            holder = holder[key]
        if draw(st.integers(0, 4)) or (not path):
            holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif isinstance(holder, dict):
            holder[f"{last}_"] = holder.pop(last)
        else:
            holder.append(holder[last])
    return value["root"]


def request_of(provider: str, kind: str, draw: st.DrawFn) -> Request:
    model = MODELS[provider]
    if kind == "embed":
        return Request("embed", model, texts=["one"])
    messages = [{"role": "user", "content": "x"}]
    schema = SCHEMA if draw(st.booleans()) else None
    return Request("chat", model, messages=messages, schema=schema, tools=[TOOL])


def answered(request: Request, status: int, text: str, streamed: bool) -> Reply | None:
    """The reply to a call that the server answers with `text`; None for an error of the library."""

    def respond(sent: httpx.Request) -> httpx.Response:
        kind = "text/event-stream" if streamed and "ollama" not in request.model else "application/json"
        return httpx.Response(status, headers={"content-type": kind}, content=text.encode())

    handler = ValidateLayer()(
        make(resolve(request.model)[0], api_key="sk-0123456789abcdef", transport=httpx.MockTransport(respond))
    )
    pieces: list[Delta] = []
    try:
        reply = asyncio.run(handler(Call(request, sink=pieces.append if streamed else None)))  # type: ignore[arg-type]
    except LMError as error:
        assert str(error)
        return None
    assert all(isinstance(piece.text, str) and isinstance(piece.reasoning, str) for piece in pieces)
    return reply


def assert_well_typed(reply: Reply) -> None:
    texts = (reply.text, reply.reasoning or "", reply.finish or "", reply.refusal or "", reply.model or "")
    assert all(isinstance(text, str) for text in texts)
    for call in reply.tool_calls:
        assert isinstance(call["id"], str) and isinstance(call["name"], str) and isinstance(call["arguments"], dict)
    counts = [getattr(reply.usage, name) for name in USAGE_BUCKETS]
    assert all(count is None or (type(count) is int and count >= 0) for count in counts)
    assert reply.cost is None or (reply.cost.is_finite() and reply.cost >= 0)
    assert Reply.from_dict(json.loads(json.dumps(reply.to_dict())), "cassette").text == reply.text


QUICK = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.parametrize("provider", CHATS)
@QUICK
@given(data=st.data())
def test_a_whole_answer(provider: str, data: st.DataObject) -> None:
    body = data.draw(mutated(CHATS[provider]))
    status = data.draw(st.sampled_from([200, 200, 200, 400, 302]))
    reply = answered(request_of(provider, "chat", data.draw), status, json.dumps(body), False)
    if reply is not None:
        assert_well_typed(reply)


@pytest.mark.parametrize("provider", STREAMS)
@QUICK
@given(data=st.data())
def test_a_streamed_answer(provider: str, data: st.DataObject) -> None:
    records = data.draw(mutated(STREAMS[provider]))
    lines = [json.dumps(record) for record in (records if isinstance(records, list) else [records])]
    text = "\n".join(lines) if provider == "ollama" else "".join(f"data: {line}\n\n" for line in [*lines, "[DONE] "])
    reply = answered(
        request_of(provider, "chat", data.draw), 200, text[: len(text) - data.draw(st.integers(0, 3))], True
    )
    if reply is not None:
        assert_well_typed(reply)


@pytest.mark.parametrize("provider", EMBEDS)
@QUICK
@given(data=st.data())
def test_vectors(provider: str, data: st.DataObject) -> None:
    body = data.draw(mutated(EMBEDS[provider]))
    reply = answered(request_of(provider, "embed", data.draw), 200, json.dumps(body), False)
    if reply is not None:
        assert len(reply.vectors) == 1 and isinstance(reply.vectors[0], bytes)
        assert reply.usage.input_fresh is None or type(reply.usage.input_fresh) is int


@pytest.mark.parametrize("provider", ERRORS)
@QUICK
@given(data=st.data())
def test_an_error_body(provider: str, data: st.DataObject) -> None:
    body = data.draw(mutated(ERRORS[provider]))
    status = data.draw(st.sampled_from([200, 400, 402, 403, 404, 429, 500, 503]))
    streamed = data.draw(st.booleans())
    text = json.dumps(body)
    if streamed and status == 200 and provider != "ollama":
        text = f"data: {text}\n\n"
    reply = answered(request_of(provider, "chat", data.draw), status, text, streamed)
    assert reply is None or status == 200


@pytest.mark.parametrize("provider", CHATS)
@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 200_000, '{"x": 1e999}', '{"x": NaN}', "\x00", '"\\ud800"', "{}"]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_bodies_that_are_not_json_or_too_deep(provider: str, text: str, streamed: bool) -> None:
    request = Request("chat", MODELS[provider], messages=[{"role": "user", "content": "x"}])
    sent = f"data: {text}\n\n" if streamed and provider != "ollama" else text
    assert answered(request, 200, sent, streamed) is None
    assert answered(request, 400, text, streamed) is None


@pytest.mark.parametrize("provider", CHATS)
def test_the_message_names_the_place(provider: str) -> None:
    places_of = {
        "ollama": "message.content",
        "anthropic": "content[0].text",
        "gemini": "candidates[0].content.parts[0].text",
    }
    bodies = {
        "ollama": {"message": {"content": 17}, "done": True},
        "anthropic": {"content": [{"type": "text", "text": 17}]},
        "gemini": {"candidates": [{"content": {"parts": [{"text": 17}]}}]},
    }
    body = bodies.get(provider, {"choices": [{"message": {"content": 17}}]})
    request = Request("chat", MODELS[provider], messages=[{"role": "user", "content": "x"}])
    handler = make(
        resolve(request.model)[0],
        api_key="sk-0123456789abcdef",
        transport=httpx.MockTransport(lambda sent: httpx.Response(200, json=body)),
    )
    with pytest.raises(LMError) as caught:
        asyncio.run(handler(Call(request)))  # type: ignore[arg-type]
    place = places_of.get(provider, "choices[0].message.content")
    assert f"{place} must be text" in str(caught.value) and "got 17" in str(caught.value)
