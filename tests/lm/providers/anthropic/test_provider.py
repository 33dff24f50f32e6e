"""The Anthropic provider against recordings of the real server, played through httpx."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.lm.providers import recordings, wire

from synalinks import errors
from synalinks.lm.core.call import Call, Delta, Reply, Request, Schema
from synalinks.lm.providers import make, resolve
from synalinks.lm.validate import ValidateLayer

SPEC = resolve("anthropic/m")[0]
KEY = "sk-ant-not-a-key"
RECORDED = (
    "auth_error",
    "prompt_cache_round-trip",
    "context_length_exceeded",
    "extended_thinking",
    "with_schema",
)
HELLO = Request("chat", "anthropic/claude-haiku-4-5", messages=[{"role": "user", "content": "Hello"}])


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
    marked = [
        {"role": "system", "content": block["text"], "cache_control": block["cache_control"]}
        for block in body.get("system", ())
    ]
    spoken = [{"role": message["role"], "content": message["content"][0]["text"]} for message in body["messages"]]
    options: dict[str, Any] = {"max_tokens": body["max_tokens"]}
    if "thinking" in body:
        assert body["thinking"]["budget_tokens"] == 1024
        options["reasoning_effort"] = "low"
    schema = body.get("output_config", {}).get("format", {}).get("schema")
    return Request(
        "chat",
        f"anthropic/{body['model']}",
        messages=[*marked, *spoken],
        schema=Schema({key: value for key, value in schema.items() if key != "additionalProperties"})
        if schema
        else None,
        options=options,
    )


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_request_is_what_we_send(name: str) -> None:
    for exchange in recordings.read("anthropic", name):
        seen: list[httpx.Request] = []
        try:
            ask(as_recorded(exchange), wire.transport(exchange, seen))
        except errors.LMError:
            assert exchange.status >= 400
        assert json.loads(seen[0].content) == exchange.body
        assert seen[0].method == "POST"
        assert (seen[0].url.host, seen[0].url.path) == ("api.anthropic.com", exchange.path)
        assert seen[0].headers["anthropic-version"] == "2023-06-01"
        assert seen[0].headers["x-api-key"] == KEY
        assert KEY not in str(seen[0].url)


def test_recorded_structured_answer() -> None:
    exchange = recordings.one("anthropic", "with_schema")
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    assert json.loads(reply.text) == {"name": "John", "age": 30}
    assert (reply.finish, reply.refusal, reply.tool_calls, reply.reasoning) == ("stop", None, (), None)
    assert reply.model == "claude-haiku-4-5-20251001"
    assert reply.usage.to_dict() == {
        "input_fresh": 181,
        "input_cache_read": 0,
        "input_cache_write_5m": 0,
        "input_cache_write_1h": 0,
        "output_text": 12,
        "raw": exchange.json["usage"],
    }


def test_recorded_thinking() -> None:
    exchange = recordings.one("anthropic", "extended_thinking")
    thought, said = exchange.json["content"]
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    assert reply.reasoning == thought["thinking"]
    assert reply.text == said["text"]
    assert reply.extra == {"thinking_blocks": [thought]}
    assert (reply.usage.output_text, reply.usage.output_reasoning) == (755 - 456, 456)
    assert reply.usage.output_tokens == 755


def test_recorded_cache_write_then_read() -> None:
    wrote, read = recordings.read("anthropic", "prompt_cache_round-trip")
    first, second = (ask(as_recorded(one), wire.transport(one)) for one in (wrote, read))
    assert (first.text, second.text) == ("OK", "OK")
    assert (first.usage.input_fresh, first.usage.input_cache_write_5m, first.usage.input_cache_read) == (10, 7351, 0)
    assert (second.usage.input_fresh, second.usage.input_cache_write_5m, second.usage.input_cache_read) == (10, 0, 7351)
    assert first.usage.input_tokens == second.usage.input_tokens == 7361


def test_recorded_errors() -> None:
    bad_key = recordings.one("anthropic", "auth_error")
    error = fault(wire.transport(bad_key))
    assert type(error) is errors.AuthenticationError
    assert error.status == 401
    assert "invalid x-api-key" in str(error)
    long = recordings.one("anthropic", "context_length_exceeded")
    error = fault(wire.transport(long), as_recorded(long))
    assert type(error) is errors.SampleRefused
    assert (error.kind, error.status) == ("context_length", 400)
    assert "3333404 tokens > 200000 maximum" in str(error)


def test_a_missing_key_is_named_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []
    error = fault(wire.transport(recordings.one("anthropic", "with_schema"), seen), api_key=None)
    assert type(error) is errors.AuthenticationError
    assert "ANTHROPIC_API_KEY" in str(error)
    assert "cassette" in str(error)
    assert seen == []
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-the-environment")
    ask(HELLO, wire.transport(recordings.one("anthropic", "with_schema"), seen), api_key=None)
    assert seen[0].headers["x-api-key"] == "from-the-environment"


@pytest.mark.parametrize("key", ["sk-\nant", "sk-änt"])
def test_a_key_that_no_header_can_hold_is_not_shown(key: str) -> None:
    error = fault(wire.answering(200, "{}"), api_key=key)
    assert type(error) is errors.AuthenticationError
    assert key not in str(error)


def test_a_key_that_the_server_repeats_is_hidden() -> None:
    body = json.dumps({"type": "error", "error": {"type": "authentication_error", "message": f"{KEY} is unknown"}})
    assert "<secret> is unknown" in str(fault(wire.answering(401, body)))
    assert "<secret>" in str(fault(wire.answering(200, f"[{KEY}")))


def test_an_endpoint_with_its_version() -> None:
    seen: list[httpx.Request] = []
    exchange = recordings.one("anthropic", "with_schema")
    ask(HELLO, wire.transport(exchange, seen), api_base="https://proxy.example/claude/v1/")
    assert str(seen[0].url) == "https://proxy.example/claude/v1/messages"


def test_basic_authentication_does_without_a_key() -> None:
    seen: list[httpx.Request] = []
    exchange = recordings.one("anthropic", "with_schema")
    ask(HELLO, wire.transport(exchange, seen), api_key=None, api_base="https://u:p@proxy.example")
    assert seen[0].headers["authorization"].startswith("Basic ")
    assert "x-api-key" not in seen[0].headers


def test_no_embeddings() -> None:
    error = fault(wire.answering(200, "{}"), Request("embed", "anthropic/m", texts=["a"]))
    assert type(error) is errors.RequestError
    assert "no embeddings" in str(error)


# No recording holds a stream or these faults, so the bodies below are written after the API's reference
# ("Streaming messages", "Errors").
def event(kind: str, **rest: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **rest})}\n\n"


def delta(index: int, **rest: Any) -> str:
    return event("content_block_delta", index=index, delta=rest)


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "role": "assistant",
        "content": [],
        "model": "claude-x",
        "stop_reason": None,
        "usage": {"input_tokens": 25, "cache_read_input_tokens": 3, "output_tokens": 1},
    },
)


def ending(reason: str, **usage: Any) -> str:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage) + event("message_stop")


def streamed(*events: str, request: Request = HELLO) -> tuple[Reply, list[Delta]]:
    got: list[Delta] = []
    transport = wire.transport(wire.Exchange("", None, 200, {"content-type": "text/event-stream"}, events))
    return ask(request, transport, sink=got.append), got


def test_stream() -> None:
    reply, got = streamed(
        START,
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        event("ping"),
        delta(0, type="thinking_delta", thinking="Two "),
        delta(0, type="thinking_delta", thinking="words."),
        delta(0, type="signature_delta", signature="abc="),
        event("content_block_stop", index=0),
        event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
        delta(1, type="text_delta", text="Good "),
        delta(1, type="text_delta", text="day\u2028"),
        event("content_block_stop", index=1),
        ending("end_turn", output_tokens=15, output_tokens_details={"thinking_tokens": 9}),
    )
    assert got == [Delta("", "Two "), Delta("", "words."), Delta("Good "), Delta("day\u2028")]
    assert reply.chunks == tuple(got)
    assert (reply.text, reply.reasoning, reply.finish, reply.model) == (
        "Good day\u2028",
        "Two words.",
        "stop",
        "claude-x",
    )
    assert reply.extra == {"thinking_blocks": [{"type": "thinking", "thinking": "Two words.", "signature": "abc="}]}
    usage = reply.usage
    assert (usage.input_fresh, usage.input_cache_read, usage.output_text, usage.output_reasoning) == (25, 3, 6, 9)
    assert (usage.input_cache_write_5m, usage.input_cache_write_1h) == (None, None)


def test_stream_of_parallel_tool_calls() -> None:
    reply, got = streamed(
        START,
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        delta(0, type="text_delta", text="Both."),
        event("content_block_start", index=1, content_block={"type": "tool_use", "id": "a", "name": "f", "input": {}}),
        delta(1, type="input_json_delta", partial_json=""),
        delta(1, type="input_json_delta", partial_json='{"x": '),
        delta(1, type="input_json_delta", partial_json="1}"),
        event("content_block_start", index=2, content_block={"type": "tool_use", "id": "b", "name": "g", "input": {}}),
        delta(2, type="input_json_delta", partial_json=""),
        ending("tool_use", output_tokens=40),
    )
    assert got == [Delta("Both.")]
    assert reply.tool_calls == (
        {"id": "a", "name": "f", "arguments": {"x": 1}},
        {"id": "b", "name": "g", "arguments": {}},
    )
    assert reply.finish == "tool_calls"


def test_stream_of_broken_arguments() -> None:
    start = event("content_block_start", index=0, content_block={"type": "tool_use", "id": "a", "name": "f"})
    half = delta(0, type="input_json_delta", partial_json='{"x": ')
    with pytest.raises(errors.SampleRefused, match="'f' are no JSON object") as cut:
        streamed(START, start, half, ending("max_tokens", output_tokens=4))
    assert cut.value.kind == "length"
    with pytest.raises(errors.BadReply, match="'f' are no JSON object") as caught:
        streamed(START, start, half, ending("tool_use", output_tokens=4))
    assert caught.value.reply is not None
    assert caught.value.reply.usage.output_text == 4  # it was paid for


def test_stream_of_an_answer_by_tool() -> None:
    request = Request(
        "chat",
        "anthropic/claude-3-5-haiku-20241022",
        messages=HELLO.messages,
        schema=Schema({"type": "object", "properties": {"n": {"type": "integer"}}}),
    )
    reply, got = streamed(
        START,
        event("content_block_start", index=0, content_block={"type": "tool_use", "id": "a", "name": "give_answer"}),
        delta(0, type="input_json_delta", partial_json='{"n":'),
        delta(0, type="input_json_delta", partial_json=" 7}"),
        ending("tool_use", output_tokens=4),
        request=request,
    )
    assert got == [Delta('{"n":'), Delta(" 7}")]
    assert (reply.text, reply.tool_calls, reply.finish) == ('{"n": 7}', (), "stop")


def test_an_error_inside_a_stream() -> None:
    late = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    with pytest.raises(errors.ServerError, match=r"broke off its answer .*Overloaded") as caught:
        streamed(START, late)
    assert caught.value.uncertain
    assert caught.value.status == 529


def test_a_stream_that_stops_short() -> None:
    with pytest.raises(errors.ConnectionFailed, match="before the answer was whole") as caught:
        streamed(START, delta(0, type="text_delta", text="Good"))
    assert caught.value.uncertain


def test_an_error_in_place_of_a_stream() -> None:
    exchange = recordings.one("anthropic", "auth_error")
    assert type(fault(wire.transport(exchange), sink=lambda delta: None)) is errors.AuthenticationError


@pytest.mark.parametrize(
    ("make_error", "kind", "uncertain"),
    [
        (lambda: httpx.ConnectError("refused"), errors.ConnectionFailed, False),
        (lambda: httpx.ConnectTimeout("slow"), errors.ConnectionFailed, False),
        (lambda: httpx.ReadTimeout("slow"), errors.CallTimeout, True),
        (lambda: httpx.ReadError("broken"), errors.ConnectionFailed, True),
        (lambda: httpx.RemoteProtocolError("bad"), errors.ConnectionFailed, True),
        (lambda: httpx.DecodingError("bad gzip"), errors.ConnectionFailed, True),
    ],
)
@pytest.mark.parametrize("sink", [None, lambda delta: None])
def test_nothing_of_httpx_comes_through(make_error: Any, kind: type, uncertain: bool, sink: Any) -> None:
    error = fault(wire.failing(make_error), sink=sink)
    assert type(error) is kind
    assert error.uncertain is uncertain
    assert error.retryable


def test_a_connection_that_breaks_in_a_stream() -> None:
    transport = wire.answering(200, START, fault=httpx.ReadError("gone"))
    error = fault(transport, sink=lambda delta: None)
    assert type(error) is errors.ConnectionFailed
    assert error.uncertain


def test_an_answer_that_is_not_json() -> None:
    error = fault(wire.answering(200, "<html>a proxy</html>"))
    assert type(error) is errors.ServerError
    assert "<html>a proxy" in str(error)
    assert error.uncertain
    assert type(fault(wire.answering(503, "<html>busy</html>"))) is errors.ServerError


def test_a_redirect_does_not_carry_the_key_away() -> None:
    error = fault(wire.answering(302, "", {"location": "https://elsewhere.example"}))
    assert type(error) is errors.RequestError


def test_one_handler_serves_several_event_loops() -> None:
    exchange = recordings.one("anthropic", "with_schema")
    handler = make(SPEC, api_key=KEY, transport=wire.transport(exchange))
    for _ in range(2):
        reply: Reply = asyncio.run(handler(Call(as_recorded(exchange))))  # type: ignore[arg-type]
        assert reply.finish == "stop"


def test_a_refusal_fails_its_sample() -> None:
    body = {"content": [], "stop_reason": "refusal", "stop_details": {"explanation": "Not this."}}
    handler = ValidateLayer()(make(SPEC, api_key=KEY, transport=wire.answering(200, json.dumps(body))))
    with pytest.raises(errors.SampleRefused, match=r"Not this\.") as caught:
        asyncio.run(handler(Call(HELLO)))  # type: ignore[arg-type]
    assert caught.value.kind == "refusal"
