"""Tracebacks that show local variables, as those of error trackers and of `pytest --showlocals`, show no secrets."""

from __future__ import annotations

import asyncio
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.pretty import pretty_repr

import synalinks
from synalinks.errors import ConfigurationError, SynalinksError

QUERY, PASSWORD, KEY, SENT = "query-secret-1", "password-secret-2", "key-secret-3", "dTpwYXNzd29yZC1zZWNyZXQtM"
SECRETS = (QUERY, PASSWORD, KEY, SENT)
OURS = str(Path(synalinks.__file__).parent)
CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


def _http(status: int, body: str, header: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{header}content-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


ANSWERS = {
    "refused key": _http(401, '{"error":{"message":"no"}}'),
    "broken": _http(500, "x"),
    "HTML": _http(200, "<html>"),
    "another shape": _http(200, '{"choices":7,"message":7,"candidates":7,"output":7,"content":7}'),
    "error in the body": _http(200, '{"error":{"message":"no"}}'),
    "redirect": _http(302, "", "location: http://x\r\n"),
    "no gzip": _http(200, "zzz", "content-encoding: gzip\r\n"),
    "dropped": b"",
    "cut": _http(200, "{}")[:-1],
    "no HTTP": b"SSH-2.0-x\r\n",
}
MODELS = ["openai/m", "openai/responses/m", "azure/m", "groq/m", "anthropic/m", "gemini/m", "cohere/m", "ollama/m"]


@pytest.fixture
def server() -> Iterator[Callable[[bytes], str]]:
    """A server that answers every connection with some bytes, and closes it; called with them, it gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    answer = [b""]

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer[0])
            except OSError:
                if listening.fileno() < 0:
                    return

    threading.Thread(target=serve, daemon=True).start()

    def use(said: bytes) -> str:
        answer[0] = said
        return f"127.0.0.1:{listening.getsockname()[1]}"

    yield use
    listening.close()


def shown(error: BaseException) -> list[tuple[str, str]]:
    """Functions and local variables of this library that show a secret, in an error's and its causes' tracebacks."""
    found, waiting, seen = [], [error], set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]  # type: ignore[list-item]
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if not frame.f_code.co_filename.startswith(OURS):
                continue
            for name, value in frame.f_locals.items():
                said = repr(value) + pretty_repr(value, max_string=80, max_length=10)  # as rich's show_locals
                if any(secret in said for secret in SECRETS):
                    found.append((frame.f_code.co_qualname, name))
    return found


async def failure(model: str, address: str, streaming: bool = False, **settings: Any) -> BaseException:
    lone = synalinks.LanguageModel(model, api_base=address, on_error="raise", retry=1, **settings)
    try:
        answer = await lone(CHAT, streaming=streaming)
        async for _ in answer:
            pass
    except SynalinksError as error:
        return error
    raise AssertionError("the call did not fail")


@pytest.mark.parametrize("model", MODELS)
def test_a_call_that_fails_shows_no_secret(model: str, server: Callable[[bytes], str]) -> None:
    for answer in ANSWERS.values():
        host = server(answer)
        for streaming in (False, True):
            for address, settings in (
                (f"http://{host}/v1?key={QUERY}&x=1", {"api_key": KEY}),
                (f"http://u:{PASSWORD}@{host}/v1", {}),
            ):
                error = asyncio.run(failure(model, address, streaming, **settings))
                assert not shown(error) and not any(secret in str(error) for secret in SECRETS)


@pytest.mark.parametrize("model", MODELS)
def test_nor_does_one_that_is_not_sent(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (f"http://127.0.0.1:1/v1?key={QUERY}", f"http://u:{PASSWORD}@127.0.0.1:1/v1"):
        assert not shown(asyncio.run(failure(model, address, api_key=KEY)))
        assert not shown(asyncio.run(failure(model, address, api_key=f"{KEY}\u20ac")))
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    for address in (f"https://127.0.0.1:1/v1?key={QUERY}", f"https://u:{PASSWORD}@127.0.0.1:1/v1"):
        error = asyncio.run(failure(model, address, api_key=KEY))
        assert isinstance(error, ConfigurationError) and "/no/such/file" in str(error) and not shown(error)


@pytest.mark.parametrize("way", ["basic", "post"])
@pytest.mark.parametrize("kind", ["mac", "bearer", "none"])
def test_nor_does_one_for_a_token(way: Any, kind: str, server: Callable[[bytes], str]) -> None:
    said = {
        "mac": _http(200, f'{{"access_token":"{KEY}","token_type":"mac"}}'),
        "bearer": _http(401, f'{{"access_token":"{KEY}","token_type":"bearer"}}'),
        "none": b"",
    }
    oauth = synalinks.lm.OAuth(
        f"http://{server(said[kind])}/token", client_id="me", client_secret=PASSWORD, client_auth=way
    )
    assert not shown(asyncio.run(failure("openai/m", "http://127.0.0.1:1/v1", oauth=oauth)))


def test_nor_does_a_cancelled_one() -> None:
    async def run(address: str) -> BaseException:
        call = asyncio.ensure_future(failure("openai/m", address, api_key=KEY))
        connection, _ = await asyncio.to_thread(silent.accept)
        await asyncio.sleep(0.05)
        call.cancel()
        try:
            return await call
        except asyncio.CancelledError as error:
            return error
        finally:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = asyncio.run(run(f"http://127.0.0.1:{silent.getsockname()[1]}/v1?key={QUERY}"))
    assert isinstance(error, asyncio.CancelledError) and not shown(error)


@pytest.mark.parametrize("given", [["http://u:password-secret-2@h", ""], ["http://h?key=query-secret-1", 7], []])
def test_what_is_refused_of_several_addresses_shows_none_of_the_others(given: Any) -> None:
    for refuse in (synalinks.set_api_base, lambda bases: synalinks.LanguageModel("openai/m", api_base=bases)):
        with pytest.raises(ConfigurationError) as caught:
            refuse(given)
        assert not any(secret in str(caught.value) for secret in SECRETS)
    model = synalinks.LanguageModel("openai/m")
    with pytest.raises(AttributeError) as set_later:
        model.api_base = f"http://h?key={QUERY}"
    assert QUERY not in str(set_later.value)
