"""Every recording of Ollama's native API, in the folders `ollama` and `ollama-local`, by what it is a recording of.

What else they show (schemas on the wire, the words of errors, images) is in test_ollama.py.
"""

from __future__ import annotations

import asyncio
import functools
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.lm.providers import recordings, wire

from synalinks import errors
from synalinks.cli.doctor.servers import query_server
from synalinks.lm.core.call import Call, Delta, Reply, Request
from synalinks.lm.providers import make, resolve
from synalinks.lm.providers.common.vectors import float32_bytes
from synalinks.lm.providers.ollama.responses import chat_reply, embed_reply, usage

HELLO = Request("chat", "ollama/m", messages=[{"role": "user", "content": "hello"}])
#: Answers to `/api/chat`: prompt tokens, answer tokens, reason to finish, names of tools called, and
#: characters of thinking.
CHATS: dict[str, tuple[int | None, int | None, str, list[str], int]] = {
    "ollama/openllmetry__test_ollama_chat_legacy": (17, 66, "stop", [], 0),
    "ollama/prism__generate-text-with-a-prompt-1": (33, 57, "stop", [], 0),
    "ollama/prism__generate-text-with-done-reason-length-1": (33, 57, "length", [], 0),
    "ollama/prism__generate-text-with-multiple-tools-1": (235, 111, "tool_calls", ["search", "weather"], 0),
    "ollama/prism__structured-1": (360, 42, "stop", [], 0),
    "ollama/prism__text-with-thinking-enabled-1": (69, 67, "stop", [], 235),
    "ollama-local/chat_after_tool": (248, 120, "length", [], 0),
    "ollama-local/chat_json_mode": (64, 73, "stop", [], 0),
    "ollama-local/chat_load_empty": (None, None, "load", [], 0),
    "ollama-local/chat_logprobs": (64, 3, "length", [], 0),
    "ollama-local/chat_plain": (64, 73, "stop", [], 0),
    "ollama-local/chat_schema": (64, 73, "stop", [], 0),
    "ollama-local/chat_schema_truncated": (64, 12, "length", [], 0),
    "ollama-local/chat_too_long": (2050, 5, "length", [], 0),
    "ollama-local/chat_tools": (195, 30, "tool_calls", ["calculator"], 0),
    "ollama-local/chat_unload": (None, None, "unload", [], 0),
}
#: Streams of `/api/chat`, likewise, and their pieces.
STREAMS: dict[str, tuple[int, int, str, int, int]] = {
    "ollama/openllmetry__test_ollama_streaming_chat_legacy": (17, 50, "stop", 0, 49),
    "ollama/prism__stream-basic-text-1": (37, 37, "stop", 0, 36),
    "ollama/prism__stream-with-thinking-enabled-1": (69, 76, "stop", 225, 66),
    "ollama-local/chat_schema_stream": (64, 73, "stop", 0, 72),
    "ollama-local/chat_stream": (64, 40, "length", 0, 40),
}
#: Answers to `/api/embed`: prompt tokens (of all texts together), vectors, numbers in each.
EMBEDDINGS: dict[str, tuple[int | None, int, int]] = {
    "ollama/prism__embeddings-multiple-inputs-1": (522, 2, 1024),
    "ollama/prism__embeddings-with-dimensions-1": (10, 1, 256),
    "ollama-local/embed_empty_list": (None, 0, 0),
    "ollama-local/embed_many": (21, 3, 384),
    "ollama-local/embed_one": (9, 1, 384),
    "ollama-local/embed_too_long_truncated": (512, 1, 384),
}
#: Refusals: class, status, whether another attempt is made, whether it may be billed. No server says how long to wait.
ERRORS: dict[str, tuple[type[errors.LMError], int | None, bool, bool]] = {
    "ollama-local/embed_with_chat_model": (errors.RequestError, 501, False, False),
    "ollama-local/err_404_path": (errors.RequestError, 404, False, False),
    "ollama-local/err_405_method": (errors.RequestError, 405, False, False),
    "ollama-local/err_busy_2": (errors.ServerError, 503, True, False),
    "ollama-local/err_busy_3": (errors.ServerError, 503, True, False),
    "ollama-local/err_chat_bad_format_type": (errors.RequestError, 500, False, False),
    "ollama-local/err_chat_bad_json": (errors.RequestError, 400, False, False),
    "ollama-local/err_chat_bad_option": (errors.RequestError, 500, False, False),
    "ollama-local/err_chat_bad_schema": (errors.RequestError, 400, False, False),
    "ollama-local/err_chat_embed_model": (errors.RequestError, 400, False, False),
    "ollama-local/err_chat_empty_body": (errors.RequestError, 400, False, False),
    "ollama-local/err_chat_image": (errors.RequestError, 400, False, False),
    "ollama-local/err_chat_model_missing": (errors.ModelNotFound, 404, False, False),
    "ollama-local/err_chat_no_model": (errors.RequestError, 400, False, False),
    "ollama-local/err_chat_think_unsupported": (errors.RequestError, 400, False, False),
    "ollama-local/err_chat_too_long_no_truncate": (errors.SampleRefused, 400, False, False),
    "ollama-local/err_chat_wrong_type": (errors.RequestError, 400, False, False),
    "ollama-local/err_embed_bad_type": (errors.RequestError, 400, False, False),
    "ollama-local/err_embed_model_missing": (errors.ModelNotFound, 404, False, False),
    "ollama-local/err_runner_killed": (errors.ServerError, 500, True, False),
    "ollama-local/err_runner_killed_stream": (errors.ServerError, 500, True, True),
}
#: Of APIs that we don't speak: `/api/generate`, which has no messages, and the old `/api/embeddings`, of one text.
#: Their counters have the names of those we read, so what can be said is that usage would be right: prompt and answer
#: tokens.
GENERATED = {
    "ollama/openllmetry__test_ollama_generation_legacy": (17, 63),
    "ollama/openllmetry__test_ollama_streaming_generation_legacy": (17, 71),
    "ollama-local/generate": (11, 20),
}
OLD_EMBEDDINGS = {
    "ollama/openllmetry__test_ollama_embeddings_legacy": 4096,
    "ollama-local/embeddings_legacy": 384,
}
#: What a server says of itself; `synalinks doctor` reads three of them, two are read by nobody here.
LISTS = ("ollama-local/version", "ollama-local/tags", "ollama-local/v1_models")
UNREAD = ("ollama-local/ps", "ollama-local/show")
#: Ollama's imitation of OpenAI's API; the others are in test_openai_recordings.py.
V1_ERRORS = {
    "ollama-local/err_v1_bad_json": (errors.RequestError, 400),
    "ollama-local/err_v1_model_missing": (errors.ModelNotFound, 404),
    "ollama-local/err_v1_no_messages": (errors.RequestError, 400),
}
V1_ELSEWHERE = tuple(
    f"ollama-local/{name}" for name in ("v1_chat", "v1_chat_stream_usage", "v1_embeddings", "v1_embeddings_base64")
)
#: All of the above, for test_every_recording.py.
TESTED = {
    *CHATS, *STREAMS, *EMBEDDINGS, *ERRORS, *GENERATED, *OLD_EMBEDDINGS, *LISTS, *UNREAD, *V1_ERRORS, *V1_ELSEWHERE
}  # fmt: skip


def exchange_of(name: str) -> wire.Exchange:
    folder, _, stem = name.partition("/")
    return wire.ollama(stem) if folder == "ollama-local" else recordings.one(folder, stem)


def play(exchange: wire.Exchange, request: Request = HELLO, sink: Callable[[Delta], None] | None = None) -> Reply:
    handler = make(resolve("ollama/m")[0], transport=wire.transport(exchange))
    return asyncio.run(handler(Call(request, sink=sink)))


@pytest.mark.parametrize("name", CHATS)
def test_a_chat(name: str) -> None:
    prompt, answer, finish, tools, thinking = CHATS[name]
    said = exchange_of(name).json
    reply = play(exchange_of(name))
    assert (reply.usage.input_fresh, reply.usage.output_text) == (prompt, answer)
    assert reply.usage.input_cache_read is None and reply.usage.output_reasoning is None
    assert reply.finish == finish
    assert [call["name"] for call in reply.tool_calls] == tools
    calls = said["message"].get("tool_calls") or ()
    assert [call["arguments"] for call in reply.tool_calls] == [call["function"]["arguments"] for call in calls]
    assert len(reply.reasoning or "") == thinking
    assert reply.reasoning == said["message"].get("thinking")
    assert reply.text == said["message"]["content"]
    assert reply.model == said["model"]
    assert reply.chunks is None


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_with_its_pieces_cut_anywhere(name: str) -> None:
    prompt, answer, finish, thinking, count = STREAMS[name]
    exchange = exchange_of(name)
    messages = [line["message"] for line in exchange.lines]
    pieces: list[Delta] = []
    reply = play(exchange, sink=pieces.append)
    said = [Delta(message.get("content") or "", message.get("thinking") or "") for message in messages]
    assert pieces == [piece for piece in said if piece.text or piece.reasoning]
    assert len(pieces) == count
    assert reply.chunks == tuple(pieces)
    assert (reply.usage.input_fresh, reply.usage.output_text, reply.finish) == (prompt, answer, finish)
    assert reply.text == "".join(message.get("content") or "" for message in messages)
    assert len(reply.reasoning or "") == thinking
    for step in (7, 1000):
        parts = tuple(exchange.text[at : at + step] for at in range(0, len(exchange.text), step))
        assert play(replace(exchange, chunks=parts), sink=lambda delta: None) == reply


@pytest.mark.parametrize("name", [name for name in (*CHATS, *STREAMS) if "openllmetry" in name])
def test_what_is_sent_is_what_ollamas_own_client_sends(name: str) -> None:
    """But for what that client sends empty. The requests of the folder `ollama-local` are in test_ollama.py."""
    exchange = exchange_of(name)
    body = {key: value for key, value in exchange.body.items() if value not in ("", {}, None)}
    request = Request("chat", f"ollama/{body['model']}", messages=body["messages"])
    seen: list[httpx.Request] = []
    handler = make(resolve("ollama/m")[0], transport=wire.transport(exchange, seen))
    asyncio.run(handler(Call(request, sink=(lambda delta: None) if body["stream"] else None)))
    assert json.loads(seen[0].content) == {"truncate": False, **body}, "but for what has a long prompt refused, not cut"
    assert seen[0].url.path == exchange.path


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embeddings(name: str) -> None:
    prompt, count, width = EMBEDDINGS[name]
    exchange = exchange_of(name)
    reply = play(exchange, Request("embed", "ollama/m", texts=[str(n) for n in range(max(1, count))]))
    assert [len(vector) for vector in reply.vectors] == [4 * width] * count
    for vector, numbers in zip(reply.vectors, exchange.json["embeddings"], strict=True):
        assert vector == struct.pack(f"<{width}f", *numbers)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (prompt, None)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal(name: str, streamed: bool) -> None:
    kind, status, retryable, uncertain = ERRORS[name]
    if name.endswith("_stream") and not streamed:
        pytest.skip("it broke off a stream")
    with pytest.raises(errors.LMError) as caught:
        play(exchange_of(name), sink=(lambda delta: None) if streamed else None)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.retryable, error.uncertain, error.retry_after) == (status, retryable, uncertain, None)


@pytest.mark.parametrize("name", GENERATED)
def test_the_api_without_messages_counts_alike(name: str) -> None:
    """We don't speak it: a chat reads no text from it. Its counters are those of a chat."""
    last = exchange_of(name).lines[-1]
    found = usage(last)
    assert (found.input_tokens, found.output_tokens) == GENERATED[name]
    reply = chat_reply(last, HELLO)
    assert (reply.text, reply.usage) == ("", found)
    assert "".join(line["response"] for line in exchange_of(name).lines)


@pytest.mark.parametrize("name", OLD_EMBEDDINGS)
def test_the_old_api_of_embeddings_gives_no_counts(name: str) -> None:
    """We don't speak it: an answer in its form has no vectors for us, and no tokens, which are unknown and not 0."""
    body = exchange_of(name).json
    assert len(float32_bytes(body["embedding"])) == 4 * OLD_EMBEDDINGS[name]
    reply = embed_reply(body)
    assert (reply.vectors, reply.usage.total_tokens) == ((), None)


def test_what_a_server_says_of_itself_is_read_by_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    version, tags, v1_models = (exchange_of(name) for name in LISTS)
    answers = {"/api/version": version, "/api/tags": tags, "/v1/models": v1_models}

    def answer(request: httpx.Request) -> httpx.Response:
        exchange = answers[request.url.path]
        return httpx.Response(exchange.status, headers=exchange.headers, text=exchange.text)

    client = functools.partial(httpx.Client, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "Client", client)
    native = query_server(resolve("ollama/m")[0], "http://127.0.0.1:11434", None)
    imitated = query_server(resolve("vllm/m")[0], "http://127.0.0.1:11434/v1", None)
    assert native.models is not None and imitated.models is not None
    assert [one.name for one in native.models] == [one.name for one in imitated.models]
    assert [str(one) for one in native.models] == [
        "all-minilm:latest (22.57M, F16, 46.2 MB, context 512)",
        "tiny-gsm:latest (2.02M, F16, 4.1 MB, context 4,096)",
    ]
    assert (native.version, imitated.version, native.problem, imitated.problem) == ("0.0.0", None, None, None)
    assert native.has("tiny-gsm") and not native.has("nosuch")


@pytest.mark.parametrize("name", UNREAD)
def test_what_nobody_here_reads_would_be_no_answer_to_a_chat(name: str) -> None:
    reply = chat_reply(exchange_of(name).json, HELLO)
    assert (reply.text, reply.finish, reply.usage.total_tokens) == ("", None, None)


@pytest.mark.parametrize("name", V1_ERRORS)
def test_a_refusal_in_openais_form(name: str) -> None:
    kind, status = V1_ERRORS[name]
    handler: Any = make(resolve("openai/m")[0], "http://127.0.0.1:11434", transport=wire.transport(exchange_of(name)))
    request = Request("chat", "openai/nosuch", messages=HELLO.messages)
    with pytest.raises(errors.LMError) as caught:
        asyncio.run(handler(Call(request)))
    assert (type(caught.value), caught.value.status, caught.value.retry_after) == (kind, status, None)
