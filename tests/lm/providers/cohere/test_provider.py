"""The Cohere dialect: what is sent, and what answers, streams and refusals become."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tests.lm.providers.openai.test_provider import HI, SCHEMA, TOOL, ask

from synalinks import errors
from synalinks.lm.core.call import Delta, Request
from synalinks.lm.pricing.pricing import price_of
from synalinks.lm.providers.cohere.requests import ANSWER_TOOL, chat_payload, embed_payloads
from synalinks.lm.providers.cohere.responses import usage

MODEL = "cohere/command-a-03-2025"
USAGE = {"billed_units": {"input_tokens": 7, "output_tokens": 3}, "tokens": {"input_tokens": 70, "output_tokens": 3}}


def sent(**more: Any) -> dict[str, Any]:
    return chat_payload(Request("chat", MODEL, **{"messages": HI, **more}))


def answer(*parts: dict[str, Any], finish: str = "COMPLETE", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": list(parts), **message}
    return {"id": "1", "message": said, "finish_reason": finish, "usage": USAGE}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def event(kind: str, index: int = 0, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": message}}


def stream(*events: dict[str, Any], end: bool = True) -> str:
    last = [{"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}}] if end else []
    return "".join(f"data: {json.dumps(each)}\n\n" for each in [*events, *last])


def test_a_conversation() -> None:
    history = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": ["look", {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]},
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "I need f.",
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"x": 1}}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": {"found": 2}},
    ]
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    assert sent(messages=history)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [text("look"), {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "I need f."}], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"found":2}'},
    ]
    with pytest.raises(errors.RequestError, match="text and images"):
        sent(messages=[{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA"}}]}])


def test_options() -> None:
    options = {"max_tokens": 50, "top_p": 0.5, "top_k": 3, "stop": "END", "seed": 4, "reasoning_effort": "none"}
    body = sent(options={**options, "extra_body": {"safety_mode": "NONE"}}, tools=[TOOL])
    assert body["max_tokens"] == 50 and (body["p"], body["k"], body["seed"]) == (0.5, 3, 4)
    assert body["stop_sequences"] == ["END"] and body["thinking"] == {"type": "disabled"}
    assert body["safety_mode"] == "NONE" and body["tools"] == [{"type": "function", "function": TOOL}]
    assert sent(tools=[TOOL], options={"tool_choice": "required"})["tool_choice"] == "REQUIRED"
    assert "tool_choice" not in sent(tools=[TOOL], options={"tool_choice": "auto"})
    with pytest.raises(errors.RequestError, match="single tool"):
        sent(tools=[TOOL], options={"tool_choice": {"type": "function", "function": {"name": "f"}}})
    assert chat_payload(Request("chat", MODEL, messages=HI), output_cap=9)["max_tokens"] == 9


def test_a_schema_alone_and_beside_tools() -> None:
    alone = sent(schema=SCHEMA)
    assert alone["response_format"]["type"] == "json_object" and "tools" not in alone
    assert alone["response_format"]["json_schema"]["required"] == ["answer"]
    both = sent(schema=SCHEMA, tools=[TOOL])
    assert "response_format" not in both and both["tool_choice"] == "REQUIRED"
    assert [tool["function"]["name"] for tool in both["tools"]] == ["f", ANSWER_TOOL]
    assert "tools" not in sent(schema=SCHEMA, tools=[TOOL], options={"tool_choice": "none"})
    call = {"id": "a", "function": {"name": ANSWER_TOOL, "arguments": '{"answer": 5}'}}
    reply = ask(MODEL, answer(finish="TOOL_CALL", tool_calls=[call]), schema=SCHEMA, tools=[TOOL])
    assert (reply.text, reply.finish, reply.tool_calls) == ('{"answer": 5}', "stop", ())


def test_a_whole_answer() -> None:
    seen: list[Any] = []
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x": 2}'}}
    body = answer({"type": "thinking", "thinking": "Hm."}, text("Well"), finish="TOOL_CALL", tool_calls=[call])
    reply = ask(MODEL, body, seen=seen)
    assert str(seen[0].url) == "https://api.cohere.com/v2/chat"
    assert (reply.text, reply.reasoning, reply.finish) == ("Well", "Hm.", "tool_calls")
    assert reply.tool_calls == ({"id": "c", "name": "f", "arguments": {"x": 2}},)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 3), "the tokens that are billed"
    assert ask(MODEL, answer(text("Once"), finish="MAX_TOKENS")).finish == "length"
    with pytest.raises(errors.ServerError, match="broke off"):
        ask(MODEL, answer(finish="ERROR"))
    with pytest.raises(errors.ServerError, match="content must be a list"):
        ask(MODEL, answer() | {"message": {"content": 3}})
    assert usage({}).total_tokens is None


def test_a_streamed_answer() -> None:
    pieces: list[Delta] = []
    events = (
        event("message-start", role="assistant"),
        event("content-start", content={"type": "thinking", "thinking": ""}),
        event("content-delta", content={"thinking": "Hm."}),
        event("content-start", 1, content={"type": "text", "text": ""}),
        event("content-delta", 1, content={"text": "On"}),
        event("content-delta", 1, content={"text": "ce"}),
        event("tool-call-start", 0, tool_calls={"id": "c", "function": {"name": "f", "arguments": ""}}),
        event("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"x": 2}'}}),
    )
    reply = ask(MODEL, stream(*events), sink=pieces.append)
    assert (reply.text, reply.reasoning) == ("Once", "Hm.") and [piece.text for piece in pieces] == ["", "On", "ce"]
    assert reply.tool_calls == ({"id": "c", "name": "f", "arguments": {"x": 2}},) and reply.usage.total_tokens == 10
    with pytest.raises(errors.ConnectionFailed, match="before the answer was whole"):
        ask(MODEL, stream(*events, end=False), sink=pieces.append)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (429, "You are using a Trial key, which is limited to 10 API calls / minute", errors.RateLimited),
        (401, "invalid api token", errors.AuthenticationError),
        (404, "model 'x' not found", errors.ModelNotFound),
        (400, "too many tokens: size limit exceeded by 11 tokens", errors.SampleRefused),
        (402, "your trial is over", errors.QuotaExhausted),
        (500, "internal server error", errors.ServerError),
    ],
)
def test_refusals(status: int, words: str, kind: type[errors.LMError]) -> None:
    with pytest.raises(kind, match=words[:20]):
        ask(MODEL, {"id": "1", "message": words}, status)


def test_embeddings() -> None:
    request = Request("embed", "cohere/embed-v4.0", texts=[f"{n}" for n in range(100)], options={"dimensions": 2})
    first, second = embed_payloads(request)
    assert (len(first["texts"]), len(second["texts"])) == (96, 4)
    assert first["output_dimension"] == 2 and first["input_type"] == "search_document"
    assert first["embedding_types"] == ["float"]
    body = {"embeddings": {"float": [[0.5, 1.0], [2.0, -1.0]]}, "meta": {"billed_units": {"input_tokens": 4}}}
    from tests.lm.providers import wire

    from synalinks._concurrency import run_sync
    from synalinks.lm.core.call import Call
    from synalinks.lm.providers import make, resolve

    handler = make(resolve("cohere/m")[0], api_key="k" * 20, transport=wire.answering(200, json.dumps(body)))

    async def embed() -> Any:
        return await handler(Call(Request("embed", "cohere/embed-v4.0", texts=["a", "b"])))

    reply = run_sync(embed())
    assert [list(np.frombuffer(vector, "<f4")) for vector in reply.vectors] == [[0.5, 1.0], [2.0, -1.0]]
    assert reply.usage.input_tokens == 4


def test_prices_are_known() -> None:
    assert price_of(MODEL) is not None and price_of("cohere/embed-v4.0") is not None
