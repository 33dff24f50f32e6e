"""The Gemini provider against recordings of the real server, played through httpx."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import httpx
import pytest
from tests.lm.providers import recordings, wire

from synalinks import errors
from synalinks.lm.core.call import Call, Delta, Reply, Request, Schema
from synalinks.lm.providers import make, resolve
from synalinks.lm.validate import ValidateLayer

SPEC = resolve("gemini/m")[0]
KEY = "AIza-not-a-key"
CHATS = (
    "basic_conversation",
    "auth_error",
    "context_length_exceeded",
    "streaming_responses",
    "extended_thinking",
    "with_schema",
)
#: All recordings: requests and answers of these are tested, but for the last two, whose requests were not recorded.
RECORDED = (*CHATS, "embedding_basic", "anyof-nullable", "use-cache-with-text-2")
HELLO = Request("chat", "gemini/gemini-2.5-flash", messages=[{"role": "user", "content": "Hello"}])


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SPEC.key_env, *SPEC.base_env):
        monkeypatch.delenv(name, raising=False)


def ask(request: Request, transport: Any, *, sink: Any = None, cap: int | None = None, **settings: Any) -> Reply:
    handler = make(SPEC, transport=transport, **{"api_key": KEY, **settings})

    async def main() -> Reply:
        return await handler(Call(request, sink=sink, output_cap=cap))

    return asyncio.run(main())


def fault(transport: Any, request: Request = HELLO, **settings: Any) -> errors.LMError:
    with pytest.raises(errors.LMError) as caught:
        ask(request, transport, **settings)
    assert KEY not in str(caught.value)
    return caught.value


def as_recorded(exchange: wire.Exchange) -> Request:
    """The request of ours that should lead to the recorded one."""
    body = exchange.body
    name = exchange.path.rpartition("/")[2].partition(":")[0]
    if "requests" in body:
        texts = [item["content"]["parts"][0]["text"] for item in body["requests"]]
        dimensions = body["requests"][0]["outputDimensionality"]
        return Request("embed", f"gemini/{name}", texts=texts, options={"dimensions": dimensions})
    config = body["generationConfig"]
    schema = config.get("responseJsonSchema")
    level = config.get("thinkingConfig", {}).get("thinkingLevel")
    roles = {"user": "user", "model": "assistant"}
    return Request(
        "chat",
        f"gemini/{name}",
        messages=[
            {"role": roles[content["role"]], "content": content["parts"][0]["text"]} for content in body["contents"]
        ],
        schema=Schema(schema) if schema else None,
        options={"reasoning_effort": level} if level else {},
    )


@pytest.mark.parametrize("name", RECORDED[:-2])
def test_every_recorded_request_is_what_we_send(name: str) -> None:
    exchange = recordings.one("gemini", name)
    seen: list[httpx.Request] = []
    streamed = "stream" in exchange.path
    try:
        ask(as_recorded(exchange), wire.transport(exchange, seen), sink=(lambda delta: None) if streamed else None)
    except errors.LMError:
        assert exchange.status >= 400
    (sent,) = seen
    assert json.loads(sent.content) == exchange.body
    assert sent.url.host == "generativelanguage.googleapis.com"
    assert sent.url.raw_path.decode() == exchange.path
    assert sent.headers["x-goog-api-key"] == KEY
    assert KEY not in str(sent.url)


def test_recorded_answer() -> None:
    exchange = recordings.one("gemini", "basic_conversation")
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    assert (reply.text, reply.finish, reply.model) == ("2 + 2 = **4**", "stop", "gemini-2.5-flash")
    assert (reply.reasoning, reply.refusal, reply.tool_calls, reply.chunks) == (None, None, (), None)
    assert reply.usage.to_dict() == {
        "input_fresh": 10,
        "output_text": 8,
        "output_reasoning": 23,
        "raw": exchange.json["usageMetadata"],
    }
    assert reply.usage.total_tokens == exchange.json["usageMetadata"]["totalTokenCount"]


def test_recorded_structured_answers() -> None:
    exchange = recordings.one("gemini", "with_schema")
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    assert json.loads(reply.text) == {"name": "John", "age": 30}
    assert reply.usage.total_tokens == 281
    nullable = recordings.one("gemini", "anyof-nullable")
    schema = Schema({"type": "object", "properties": {"value": {"anyOf": [{"type": "string"}, {"type": "null"}]}}})
    seen: list[httpx.Request] = []
    request = Request("chat", HELLO.model, messages=HELLO.messages, schema=schema)
    reply = ask(request, wire.transport(nullable, seen))
    assert json.loads(seen[0].content)["generationConfig"]["responseJsonSchema"] == schema.value
    assert json.loads(reply.text) == {"value": None}
    assert (reply.usage.input_fresh, reply.usage.output_text, reply.usage.output_reasoning) == (55, 8, None)


def test_recorded_thoughts() -> None:
    exchange = recordings.one("gemini", "extended_thinking")
    thought, said = exchange.json["candidates"][0]["content"]["parts"]
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    assert thought["thought"] is True
    assert reply.reasoning == thought["text"]
    assert reply.text == said["text"]
    assert (reply.usage.input_fresh, reply.usage.output_text, reply.usage.output_reasoning) == (44, 551, 1116)
    assert reply.usage.total_tokens == 1711


def test_recorded_cache_is_inside_the_prompt() -> None:
    exchange = recordings.one("gemini", "use-cache-with-text-2")
    reply = ask(HELLO, wire.transport(exchange))
    assert (reply.usage.input_fresh, reply.usage.input_cache_read) == (16, 88_759)
    assert reply.usage.input_tokens == 88_775
    assert reply.usage.total_tokens == 88_891
    assert reply.text.startswith("That's the Consolidated Version")


def test_recorded_stream() -> None:
    exchange = recordings.one("gemini", "streaming_responses")
    got: list[Delta] = []
    reply = ask(as_recorded(exchange), wire.transport(exchange), sink=got.append)
    assert got == [Delta("1, 2, 3")]
    assert reply.chunks == tuple(got)
    assert (reply.text, reply.finish, reply.model) == ("1, 2, 3", "stop", "gemini-2.5-flash")
    assert (reply.usage.input_fresh, reply.usage.output_text, reply.usage.output_reasoning) == (8, 7, 20)


def test_recorded_embeddings() -> None:
    exchange = recordings.one("gemini", "embedding_basic")
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    expected = [item["values"] for item in exchange.json["embeddings"]]
    assert len(reply.vectors) == len(expected) == 3
    for vector, numbers in zip(reply.vectors, expected, strict=True):
        assert vector == struct.pack(f"<{len(numbers)}f", *numbers)
        assert len(numbers) == 768
    assert reply.usage.input_tokens is None  # Google does not count them
    assert reply.text == ""


def test_recorded_wrong_key() -> None:
    error = fault(wire.transport(recordings.one("gemini", "auth_error")))
    assert type(error) is errors.AuthenticationError
    assert error.status == 400
    assert "API key not valid" in str(error)


def test_recorded_quota_of_a_minute_is_waited_for() -> None:
    """Its words are those of money that is used up; its details say that a minute's rate is."""
    exchange = recordings.one("gemini", "context_length_exceeded")
    error = fault(wire.transport(exchange), as_recorded(exchange))
    assert type(error) is errors.RateLimited
    assert (error.status, error.retry_after) == (429, 48.0)
    assert "You exceeded your current quota" in str(error)


def test_the_same_quota_of_a_day_is_not() -> None:
    exchange = recordings.one("gemini", "context_length_exceeded")
    daily = exchange.text.replace("PerModelPerMinute", "PerModelPerDay")
    assert daily != exchange.text
    error = fault(wire.answering(429, daily))
    assert type(error) is errors.QuotaExhausted
    assert not error.retryable


def test_a_missing_key_is_named_and_either_variable_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []
    transport = wire.transport(recordings.one("gemini", "basic_conversation"), seen)
    error = fault(transport, api_key=None)
    assert type(error) is errors.AuthenticationError
    assert "GEMINI_API_KEY or GOOGLE_API_KEY" in str(error)
    assert seen == []
    monkeypatch.setenv("GOOGLE_API_KEY", "second")
    ask(HELLO, transport, api_key=None)
    monkeypatch.setenv("GEMINI_API_KEY", "first")
    ask(HELLO, transport, api_key=None)
    assert [request.headers["x-goog-api-key"] for request in seen] == ["second", "first"]


@pytest.mark.parametrize(
    ("base", "model", "url"),
    [
        ("https://proxy.example/g", "gemini/x", "https://proxy.example/g/v1beta/models/x:generateContent"),
        ("https://proxy.example/v1beta/", "gemini/x", "https://proxy.example/v1beta/models/x:generateContent"),
        ("https://p.example", "gemini/tunedModels/x y", "https://p.example/v1beta/tunedModels/x%20y:generateContent"),
    ],
)
def test_addresses(base: str, model: str, url: str) -> None:
    seen: list[httpx.Request] = []
    request = Request("chat", model, messages=HELLO.messages)
    ask(request, wire.transport(recordings.one("gemini", "basic_conversation"), seen), api_base=base)
    assert str(seen[0].url) == url


def test_more_texts_than_a_batch_holds_go_out_in_order() -> None:
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        items = json.loads(request.content)["requests"]
        sizes.append(len(items))
        numbers = [float(item["content"]["parts"][0]["text"]) for item in items]
        return httpx.Response(200, json={"embeddings": [{"values": [number]} for number in numbers]})

    request = Request("embed", "gemini/e", texts=[str(number) for number in range(205)])
    reply = ask(request, httpx.MockTransport(answer))
    assert sizes == [100, 100, 5]
    assert [struct.unpack("<f", vector)[0] for vector in reply.vectors] == list(range(205))


def test_a_later_batch_that_fails_leaves_the_earlier_ones_spent() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        items = json.loads(request.content)["requests"]
        if len(items) < 100:
            return httpx.Response(503, json={"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}})
        return httpx.Response(200, json={"embeddings": [{"values": [1.0]}] * len(items)})

    texts = [str(number) for number in range(101)]
    error = fault(httpx.MockTransport(answer), Request("embed", "gemini/e", texts=texts))
    assert type(error) is errors.ServerError
    assert error.uncertain
    alone = fault(httpx.MockTransport(answer), Request("embed", "gemini/e", texts=texts[:1]))
    assert not alone.uncertain


# The recorded stream has one event; these are written after the API's reference.
def streamed(*pieces: dict[str, Any], request: Request = HELLO) -> tuple[Reply, list[Delta]]:
    got: list[Delta] = []
    chunks = tuple(f"data: {json.dumps(piece)}\r\n\r\n" for piece in pieces)
    transport = wire.transport(wire.Exchange("", None, 200, {"content-type": "text/event-stream"}, chunks))
    return ask(request, transport, sink=got.append), got


def piece(*parts: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **rest}]}


def test_stream_of_several_pieces() -> None:
    call = {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "sig"}
    reply, got = streamed(
        {**piece({"text": "Hm.", "thought": True}), "usageMetadata": {"promptTokenCount": 4}},
        piece({"text": " So."}, {"text": "Well", "thought": True}),
        piece({"text": " there"}),
        piece(call, {"functionCall": {"name": "g"}}),
        {
            **piece({"text": ""}, finishReason="STOP"),
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 9, "thoughtsTokenCount": 2},
        },
    )
    assert got == [Delta("", "Hm."), Delta(" So.", "Well"), Delta(" there")]
    assert reply.chunks == tuple(got)
    assert (reply.text, reply.reasoning, reply.finish) == (" So. there", "Hm.Well", "tool_calls")
    assert [(one["name"], one["arguments"]) for one in reply.tool_calls] == [("f", {"x": 1}), ("g", {})]
    assert len({one["id"] for one in reply.tool_calls}) == 2
    signature = {"type": "thought_signature", "id": reply.tool_calls[0]["id"], "signature": "sig"}
    assert reply.extra == {"thinking_blocks": [signature]}
    assert (reply.usage.input_fresh, reply.usage.output_text, reply.usage.output_reasoning) == (4, 9, 2)


def test_stream_of_a_blocked_prompt() -> None:
    reply, got = streamed({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})
    assert (got, reply.text, reply.finish) == ([], "", "content_filter")


def test_a_stream_that_stops_short() -> None:
    with pytest.raises(errors.ConnectionFailed) as caught:
        streamed(piece({"text": "Well"}))
    assert caught.value.uncertain


def test_an_error_inside_a_stream() -> None:
    with pytest.raises(errors.ServerError, match=r"broke off its answer .*overloaded") as caught:
        streamed(
            piece({"text": "Well"}),
            {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
        )
    assert caught.value.uncertain


def test_an_error_in_place_of_a_stream() -> None:
    exchange = recordings.one("gemini", "context_length_exceeded")
    error = fault(wire.transport(exchange), sink=lambda delta: None)
    assert type(error) is errors.RateLimited
    assert error.retry_after == 48.0


@pytest.mark.parametrize(
    ("make_error", "kind", "uncertain"),
    [
        (lambda: httpx.ConnectError("refused"), errors.ConnectionFailed, False),
        (lambda: httpx.ReadTimeout("slow"), errors.CallTimeout, True),
        (lambda: httpx.RemoteProtocolError("bad"), errors.ConnectionFailed, True),
    ],
)
def test_nothing_of_httpx_comes_through(make_error: Any, kind: type, uncertain: bool) -> None:
    for sink in (None, lambda delta: None):
        error = fault(wire.failing(make_error), sink=sink)
        assert type(error) is kind
        assert error.uncertain is uncertain


def test_the_budgets_cap_is_sent() -> None:
    seen: list[httpx.Request] = []
    transport = wire.transport(recordings.one("gemini", "basic_conversation"), seen)
    ask(HELLO, transport, cap=50)
    ask(HELLO.with_options(max_tokens=20), transport, cap=50)
    ask(HELLO.with_options(max_tokens=80), transport, cap=50)
    limits = [json.loads(request.content)["generationConfig"]["maxOutputTokens"] for request in seen]
    assert limits == [50, 20, 50]


def test_a_blocked_answer_fails_its_sample() -> None:
    for body in ({"candidates": [{"finishReason": "SAFETY"}]}, {"promptFeedback": {"blockReason": "SAFETY"}}):
        handler = ValidateLayer()(make(SPEC, api_key=KEY, transport=wire.answering(200, json.dumps(body))))
        with pytest.raises(errors.SampleRefused) as caught:
            asyncio.run(handler(Call(HELLO)))  # type: ignore[arg-type]
        assert caught.value.kind == "content_filter"
