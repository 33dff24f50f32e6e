"""The Ollama dialect against recordings of a real server, played through httpx."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from contextlib import nullcontext

import httpx
import pytest
from tests.lm.providers import wire

from synalinks import errors
from synalinks.lm.core.call import Call, Delta, Reply, Request, Schema
from synalinks.lm.providers.common.vectors import float32_bytes
from synalinks.lm.providers.ollama.provider import OllamaProvider
from synalinks.lm.providers.ollama.requests import chat_payload
from synalinks.lm.providers.ollama.responses import chat_reply, usage

ENDPOINT = "http://127.0.0.1:11434"


def ask(request: Request, transport: httpx.MockTransport, sink=None, **settings) -> Reply:
    provider = OllamaProvider(ENDPOINT, transport=transport, **settings)
    return asyncio.run(provider(Call(request, sink=sink)))


def as_recorded(exchange: wire.Exchange) -> Request:
    """The request of ours that should lead to the recorded one."""
    body = exchange.body
    options = dict(body.get("options", {}))
    if "num_predict" in options:
        options["max_tokens"] = options.pop("num_predict")
    options |= {name: body[name] for name in ("think", "truncate", "shift", "logprobs", "top_logprobs") if name in body}
    schema = body.get("format")
    return Request(
        "chat",
        f"ollama/{body['model']}",
        messages=body.get("messages", ()),
        schema=Schema(schema) if isinstance(schema, dict) else None,
        tools=[tool["function"] for tool in body.get("tools", ())],
        options=options,
    )


CHATS = [
    "chat_plain",
    "chat_schema",
    "chat_schema_stream",
    "chat_schema_truncated",
    "chat_stream",
    "chat_tools",
    "chat_after_tool",
    "chat_logprobs",
    "chat_too_long",
    "err_busy_2",
    "err_chat_model_missing",
    "err_chat_think_unsupported",
]


@pytest.mark.parametrize("name", CHATS)
def test_request_is_encoded_as_recorded(name: str) -> None:
    exchange = wire.ollama(name)
    seen: list[httpx.Request] = []
    streamed = exchange.body.get("stream", False)
    cut = name == "chat_too_long"  # the server left out the beginning of this prompt, and said so by its count only
    with contextlib.suppress(errors.LMError), pytest.warns(RuntimeWarning, match="num_ctx") if cut else nullcontext():
        ask(as_recorded(exchange), wire.transport(exchange, seen), (lambda delta: None) if streamed else None)
    assert seen[0].url.path == exchange.path
    assert json.loads(seen[0].content) == {"stream": False, "truncate": False, **exchange.body}


@pytest.mark.parametrize("name", ["chat_plain", "chat_schema", "chat_schema_truncated", "chat_after_tool"])
def test_reply_and_usage(name: str) -> None:
    exchange = wire.ollama(name)
    said = exchange.json
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    assert reply.text == said["message"]["content"]
    assert reply.finish == said["done_reason"]
    assert reply.usage.input_fresh == said["prompt_eval_count"]
    assert reply.usage.output_text == said["eval_count"]
    assert reply.usage.input_cache_read is None
    assert reply.usage.raw == {name: said[name] for name in ("prompt_eval_count", "eval_count")}
    assert reply.model == "tiny-gsm"
    assert reply.chunks is None


def test_only_text_counts_and_finish_survive_so_that_two_recordings_differ_in_little() -> None:
    exchange = wire.ollama("chat_plain")
    kept = json.dumps(ask(as_recorded(exchange), wire.transport(exchange)).to_dict())
    assert "duration" not in kept and "created_at" not in kept


@pytest.mark.parametrize("name", ["chat_stream", "chat_schema_stream"])
def test_stream_feeds_the_sink_and_keeps_its_pieces(name: str) -> None:
    exchange = wire.ollama(name)
    pieces: list[Delta] = []
    reply = ask(as_recorded(exchange), wire.transport(exchange), pieces.append)
    texts = [line["message"]["content"] for line in exchange.lines]
    assert [piece.text for piece in pieces] == [text for text in texts if text]
    assert reply.chunks == tuple(pieces)
    assert reply.text == "".join(texts)
    assert reply.usage.output_text == exchange.lines[-1]["eval_count"]
    assert reply.finish == exchange.lines[-1]["done_reason"]


def test_tool_calls() -> None:
    exchange = wire.ollama("chat_tools")
    reply = ask(as_recorded(exchange), wire.transport(exchange))
    assert reply.tool_calls == ({"id": "call_pofpvn5w", "name": "calculator", "arguments": {"expression": "2*2"}},)
    assert reply.finish == "tool_calls"


def test_a_tool_call_without_an_id_gets_the_same_one_every_time() -> None:
    body = {"message": {"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}, "done": True}
    request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "x"}])
    assert chat_reply(body, request).tool_calls == chat_reply(body, request).tool_calls
    assert chat_reply(body, request).tool_calls[0]["id"] == "call_1_0"


def test_embedding_many_texts_in_one_request() -> None:
    exchange = wire.ollama("embed_many")
    seen: list[httpx.Request] = []
    request = Request("embed", "ollama/all-minilm", texts=exchange.body["input"])
    reply = ask(request, wire.transport(exchange, seen))
    assert json.loads(seen[0].content) == {"truncate": False, **exchange.body}
    assert len(seen) == 1
    numbers = exchange.json["embeddings"]
    assert [struct.unpack(f"<{len(v) // 4}f", v) for v in reply.vectors] == [
        struct.unpack(f"<{len(row)}f", struct.pack(f"<{len(row)}f", *row)) for row in numbers
    ]
    assert reply.usage.input_fresh == 21
    assert reply.usage.output_text is None


def test_a_text_that_was_cut_is_told() -> None:
    """`truncate: false` has a server refuse it; one that cuts all the same is found out by its count, if by much."""
    for words in ("the input length exceeds the context length", "input length exceeds maximum context length"):
        with pytest.raises(errors.SampleRefused, match="num_ctx") as caught:
            ask(Request("embed", "ollama/e", texts=["x"]), wire.answering(400, json.dumps({"error": words})))
        assert caught.value.kind == "context_length"
    exchange = wire.ollama("embed_too_long_truncated")
    request = Request("embed", "ollama/all-minilm", texts=["word " * 4000])
    with pytest.warns(RuntimeWarning, match="512 tokens of texts of 20,000 bytes: .* the end of a text .* num_ctx"):
        ask(request, wire.transport(exchange))


def test_vectors_are_little_endian_float32() -> None:
    assert float32_bytes([1.0, -2.5]) == struct.pack("<2f", 1.0, -2.5)


ERRORS = [
    ("err_busy_2", errors.ServerError, 503, "server busy"),
    ("err_chat_bad_format_type", errors.RequestError, 500, 'invalid format: "\\"yaml\\""'),
    ("err_chat_bad_option", errors.RequestError, 500, 'option "temperature" must be of type float32'),
    ("err_chat_bad_schema", errors.RequestError, 400, "unrecognized type nosuch"),
    ("err_chat_embed_model", errors.RequestError, 400, '"all-minilm" does not support chat'),
    ("err_chat_image", errors.RequestError, 400, "model does not support multimodal requests"),
    ("err_chat_model_missing", errors.ModelNotFound, 404, "ollama pull nosuch"),
    ("err_chat_no_model", errors.RequestError, 400, "model is required"),
    ("err_chat_think_unsupported", errors.RequestError, 400, "does not support thinking"),
    ("err_chat_too_long_no_truncate", errors.SampleRefused, 400, "exceeds the available context size"),
    ("err_chat_wrong_type", errors.RequestError, 400, "cannot unmarshal string"),
    ("err_runner_killed", errors.ServerError, 500, "unexpected EOF"),
    ("err_404_path", errors.RequestError, 404, "api_base is the server's root"),
    ("err_405_method", errors.RequestError, 405, "api_base is the server's root"),
]
HELLO = Request("chat", "ollama/nosuch", messages=[{"role": "user", "content": "hello"}])


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("name", "kind", "status", "words"), ERRORS)
def test_errors_of_a_real_server(name: str, kind: type, status: int, words: str, streamed: bool) -> None:
    exchange = wire.ollama(name)
    with pytest.raises(errors.LMError) as caught:
        ask(HELLO, wire.transport(exchange), (lambda delta: None) if streamed else None)
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert words in str(error)
    assert ENDPOINT in str(error)


def test_context_length_is_a_refused_sample() -> None:
    with pytest.raises(errors.SampleRefused) as caught:
        ask(HELLO, wire.transport(wire.ollama("err_chat_too_long_no_truncate")))
    assert caught.value.kind == "context_length"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("embed_with_chat_model", errors.RequestError),
        ("err_embed_bad_type", errors.RequestError),
        ("err_embed_model_missing", errors.ModelNotFound),
    ],
)
def test_errors_of_embedding(name: str, kind: type) -> None:
    with pytest.raises(kind) as caught:
        ask(Request("embed", "ollama/nosuch", texts=["x"]), wire.transport(wire.ollama(name)))
    assert not caught.value.retryable


def test_an_error_in_the_middle_of_a_stream() -> None:
    exchange = wire.ollama("err_runner_killed_stream")
    pieces: list[Delta] = []
    with pytest.raises(errors.ServerError, match="broke off its answer") as caught:
        ask(HELLO, wire.transport(exchange), pieces.append)
    assert caught.value.uncertain
    assert len(pieces) > 100


def test_a_stream_that_ends_before_its_last_line() -> None:
    exchange = wire.ollama("chat_stream")
    cut = wire.Exchange(exchange.path, None, 200, exchange.headers, exchange.chunks[:5])
    with pytest.raises(errors.ConnectionFailed, match="before the answer was whole") as caught:
        ask(HELLO, wire.transport(cut), lambda delta: None)
    assert caught.value.uncertain


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "body", ['{"message": {"content": "tw', "", "<html>", "[1, 2]", '"x"', "null", '{"error": {"a": 1}}']
)
def test_answers_that_cannot_be_read(body: str, streamed: bool) -> None:
    with pytest.raises((errors.ServerError, errors.ConnectionFailed)) as caught:
        ask(HELLO, wire.answering(200, body), (lambda delta: None) if streamed else None)
    assert caught.value.uncertain


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("body", ["[]", '"busy"', "null", "17", "", "busy", '{"error": {"message": "busy"}}'])
def test_odd_error_bodies(body: str, streamed: bool) -> None:
    with pytest.raises(errors.ServerError) as caught:
        ask(HELLO, wire.answering(503, body), (lambda delta: None) if streamed else None)
    assert caught.value.status == 503


@pytest.mark.parametrize("streamed", [False, True])
def test_retry_after_is_read_from_the_headers(streamed: bool) -> None:
    transport = wire.answering(429, '{"error":"slow down"}', {"Retry-After": "7"})
    with pytest.raises(errors.RateLimited) as caught:
        ask(HELLO, transport, (lambda delta: None) if streamed else None)
    assert caught.value.retry_after == 7.0


def test_no_key_for_the_cloud() -> None:
    with pytest.raises(errors.AuthenticationError, match="OLLAMA_API_KEY"):
        ask(HELLO, wire.answering(401, '{"error":"unauthorized"}'))


FAULTS = [
    (lambda: httpx.ConnectError("refused"), errors.ConnectionFailed, False),
    (lambda: httpx.ConnectTimeout("slow"), errors.ConnectionFailed, False),
    (lambda: httpx.ReadError("reset"), errors.ConnectionFailed, True),
    (lambda: httpx.RemoteProtocolError("disconnected"), errors.ConnectionFailed, True),
    (lambda: httpx.ReadTimeout("slow"), errors.CallTimeout, True),
    (lambda: httpx.DecodingError("gzip"), errors.ConnectionFailed, True),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("fault", "kind", "uncertain"), FAULTS)
def test_faults_of_the_connection(fault, kind: type, uncertain: bool, streamed: bool) -> None:
    with pytest.raises(kind) as caught:
        ask(HELLO, wire.failing(fault), (lambda delta: None) if streamed else None)
    assert caught.value.retryable
    assert caught.value.uncertain is uncertain


def test_a_connection_that_breaks_inside_the_body() -> None:
    transport = wire.answering(200, '{"message"', fault=httpx.ReadError("reset"))
    with pytest.raises(errors.ConnectionFailed, match="connection broke"):
        ask(HELLO, transport)


def test_nobody_listening_says_what_to_do() -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        provider = OllamaProvider(f"http://127.0.0.1:{port}")
        with pytest.raises(errors.ConnectionFailed) as caught:
            await provider(Call(HELLO))
        for words in (str(port), "ollama serve", "ollama pull nosuch", "--cassette", "use_cassette"):
            assert words in str(caught.value)

    asyncio.run(main())


def messages_of(*messages: dict, **options) -> dict:
    return chat_payload(Request("chat", "ollama/org/m:latest", messages=messages, options=options), False)


def test_the_model_keeps_all_but_its_prefix() -> None:
    assert messages_of({"role": "user", "content": "x"})["model"] == "org/m:latest"


def test_images_travel_as_base64_and_texts_are_joined() -> None:
    content = [
        {"type": "text", "text": "what is"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
        {"type": "text", "text": "this?"},
    ]
    assert messages_of({"role": "user", "content": content})["messages"] == [
        {"role": "user", "content": "what is\nthis?", "images": ["aGVsbG8="]}
    ]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "image_url", "image_url": "https://example.com/cat.png"}, "not by address"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}, "without base64"),
        ({"type": "input_audio"}, "'input_audio'"),
    ],
)
def test_parts_that_ollama_does_not_take(part: dict, words: str) -> None:
    with pytest.raises(errors.RequestError, match=words):
        messages_of({"role": "user", "content": [part]})


def test_a_text_that_names_a_file_is_never_read_from_disk(tmp_path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_text("secret")
    request = Request(
        "chat", "ollama/m", messages=[{"role": "user", "content": [{"type": "image", "data": str(secret)}]}]
    )
    seen: list[httpx.Request] = []
    ask(request, wire.transport(wire.Exchange("", None, 200, {}, ('{"done":true}',)), seen))
    assert json.loads(seen[0].content)["messages"][0]["images"] == [str(secret)]


@pytest.mark.parametrize(
    ("effort", "think"),
    [
        ("none", False),
        ("disable", False),
        ("minimal", "low"),
        ("low", "low"),
        ("high", "high"),
        ("max", "high"),
    ],
)
def test_reasoning_effort_becomes_think(effort: str, think: bool | str) -> None:
    assert messages_of({"role": "user", "content": "x"}, reasoning_effort=effort)["think"] == think


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(errors.RequestError, match="'extreme'"):
        messages_of({"role": "user", "content": "x"}, reasoning_effort="extreme")


def test_options_go_where_ollama_wants_them() -> None:
    payload = messages_of(
        {"role": "user", "content": "x"},
        temperature=0.5,
        max_tokens=9,
        stop="END",
        seed=3,
        num_ctx=512,
        keep_alive="10m",
        top_p=None,
    )
    assert payload["options"] == {
        "temperature": 0.5,
        "num_predict": 9,
        "stop": ["END"],
        "seed": 3,
        "num_ctx": 512,
    }
    assert payload["keep_alive"] == "10m"


def test_a_conversation_with_tools_in_either_spelling() -> None:
    ours = {"id": "a", "name": "f", "arguments": {"x": 1}}
    theirs = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    for call in (ours, theirs):
        said = messages_of(
            {"role": "developer", "content": "be brief"},
            {"role": "assistant", "content": None, "tool_calls": [call], "reasoning": "hm"},
            {"role": "tool", "content": "2", "tool_call_id": "a", "name": "f"},
        )["messages"]
        assert said == [
            {"role": "system", "content": "be brief"},
            {
                "role": "assistant",
                "content": "",
                "thinking": "hm",
                "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}],
            },
            {"role": "tool", "content": "2", "tool_name": "f", "tool_call_id": "a"},
        ]


def test_no_messages_is_a_wrong_program() -> None:
    with pytest.raises(errors.RequestError, match="no messages"):
        messages_of()


def test_properties_of_a_schema_keep_their_order() -> None:
    schema = Schema({"type": "object", "properties": {"thinking": {}, "answer": {}}})
    payload = chat_payload(
        Request("chat", "ollama/m", messages=[{"role": "user", "content": "x"}], schema=schema), False
    )
    assert list(payload["format"]["properties"]) == ["thinking", "answer"]


def test_absent_counts_are_none_and_cached_ones_are_taken_out_of_the_prompt() -> None:
    assert usage({}).total_tokens is None
    found = usage({"prompt_eval_count": 100, "prompt_eval_cached_count": 60, "eval_count": 5})
    assert (found.input_fresh, found.input_cache_read, found.input_tokens) == (40, 60, 100)
    assert usage({"prompt_eval_count": 3}).output_tokens is None


def test_thinking_is_kept_apart() -> None:
    body = {"message": {"content": "4", "thinking": "2+2"}, "done": True, "done_reason": "stop"}
    reply = ask(HELLO, wire.answering(200, json.dumps(body)))
    assert (reply.text, reply.reasoning) == ("4", "2+2")


def test_a_raising_sink_ends_the_stream() -> None:
    class Enough(Exception):
        pass

    def sink(delta: Delta) -> None:
        raise Enough

    with pytest.raises(Enough):
        ask(HELLO, wire.transport(wire.ollama("chat_stream")), sink)


def test_keys_and_credentials_are_sent() -> None:
    exchange = wire.Exchange("", None, 200, {}, ('{"done":true}',))
    for settings, start in (({"api_key": "k"}, "Bearer k"), ({"auth": ("user", "pass")}, "Basic ")):
        seen: list[httpx.Request] = []
        ask(HELLO, wire.transport(exchange, seen), **settings)
        assert seen[0].headers["authorization"].startswith(start)


def test_a_redirect_is_not_followed_and_names_its_target() -> None:
    seen: list[httpx.Request] = []
    exchange = wire.Exchange("", None, 307, {"location": "http://other.example/api/chat"}, ())
    with pytest.raises(errors.RequestError, match=r"it redirects to http://other\.example/api/chat"):
        ask(HELLO, wire.transport(exchange, seen))
    assert len(seen) == 1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_without_a_location(status: int, streamed: bool) -> None:
    with pytest.raises(errors.ServerError, match="a redirect without a Location") as caught:
        ask(HELLO, wire.answering(status, ""), (lambda delta: None) if streamed else None)
    assert caught.value.status == status


def test_arguments_of_a_tool_call_as_text_are_an_object() -> None:
    call = {"function": {"name": "look", "arguments": '{"what": "sun"}'}}
    body = {"message": {"tool_calls": [call]}, "done": True, "done_reason": "stop"}
    assert ask(HELLO, wire.answering(200, json.dumps(body))).tool_calls[0]["arguments"] == {"what": "sun"}


def test_arguments_that_are_no_object_are_a_bad_reply() -> None:
    call = {"function": {"name": "look", "arguments": "the sun"}}
    body = {"message": {"tool_calls": [call]}, "done": True, "done_reason": "stop", "eval_count": 3}
    with pytest.raises(errors.BadReply, match="'look' are no JSON object: 'the sun'") as caught:
        ask(HELLO, wire.answering(200, json.dumps(body)))
    assert caught.value.reply is not None and caught.value.reply.usage.output_text == 3


def test_counters_as_text_are_read() -> None:
    body = {"message": {"content": "4"}, "done": True, "prompt_eval_count": "12", "eval_count": "many"}
    usage = ask(HELLO, wire.answering(200, json.dumps(body))).usage
    assert (usage.input_fresh, usage.output_text) == (12, None)


def test_null_in_a_vector_names_it() -> None:
    transport = wire.answering(200, json.dumps({"embeddings": [[None, 0.5]]}))
    with pytest.raises(errors.ServerError, match="a vector holds something that is no number"):
        ask(Request("embed", "ollama/e", texts=["x"]), transport)


def test_thinking_in_tags_is_kept_apart_in_streams_too() -> None:
    parts = ["<thi", "nk>2", "+2</think>", "\n", "4"]
    lines = [{"message": {"content": part}, "done": False} for part in parts] + [{"done": True, "done_reason": "stop"}]
    pieces: list[Delta] = []
    reply = ask(HELLO, wire.answering(200, "".join(json.dumps(line) + "\n" for line in lines)), pieces.append)
    assert (reply.text, reply.reasoning) == ("4", "2+2")
    assert pieces == [Delta(reasoning="2"), Delta(reasoning="+2"), Delta("4")]


@pytest.mark.parametrize(
    ("size", "read", "cached", "cut"),
    [
        (150_000, 2_050, None, True),
        (150_000, 2_050, 30_000, False),
        (150_000, 30_000, None, False),
        (8_000, 1, None, False),
    ],
)
def test_a_prompt_that_the_server_cut_is_told_once_a_model(size: int, read: int, cached: int | None, cut: bool) -> None:
    request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "x" * size}])
    body = {
        "message": {"content": "1"},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": read,
        "eval_count": 1,
    }
    if cached is not None:
        body["prompt_eval_cached_count"] = cached
    provider = OllamaProvider("http://127.0.0.1:1")
    if cut:
        with pytest.warns(RuntimeWarning, match=r"read 2,050 tokens of a prompt of 150,000 bytes.*num_ctx"):
            provider.reply(body, request)
    provider.reply(body, request)  # warnings are errors here
