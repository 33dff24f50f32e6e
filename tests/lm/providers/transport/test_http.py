"""HTTP clients: loopback, and TLS contexts, which take 22 ms each to make."""

from __future__ import annotations

import asyncio
import importlib.util
import ssl
from collections.abc import Iterator
from contextlib import aclosing

import httpx
import pytest

from synalinks.lm.providers.transport import http
from synalinks.lm.providers.transport.http import http_client, is_loopback
from synalinks.testing import OllamaServer


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://192.168.1.5", False),
        ("https://ollama.com", False),
    ],
)
def test_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """The TLS contexts made during a test."""
    made: list[object] = []

    make = ssl.SSLContext.__new__

    def counted(cls: type, *args: object, **options: object) -> ssl.SSLContext:
        made.append(cls)
        return make(cls, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "__new__", counted)
    http._context_of.cache_clear()
    yield made
    http._context_of.cache_clear()


def test_plain_http_makes_no_tls_context_however_many_connections_there_are(contexts: list[object]) -> None:
    async def main(url: str) -> None:
        async with aclosing(http_client(url, {})) as client, asyncio.TaskGroup() as group:
            for _ in range(16):
                group.create_task(client.request("GET", url + "/api/version"))

    with OllamaServer(latency=0.05) as server:
        asyncio.run(main(server.url))
    assert contexts == []


def test_all_clients_of_https_share_one_tls_context(contexts: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for url in ("https://a.example", "https://b.example"):
        http_client(url, {})
    assert len(contexts) == 1


def test_a_proxy_needs_no_further_tls_context(contexts: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    http_client("https://a.example", {})
    http_client("https://b.example", {})
    assert len(contexts) == 1


def test_sniffio_is_there_so_that_httpcore_does_not_search_for_it_at_every_request() -> None:
    assert importlib.util.find_spec("sniffio") is not None


def test_requests_to_one_url_share_headers_and_have_their_own_length() -> None:
    sent: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        request.headers["authorization"] = f"Bearer {len(sent)}"  # as sources of tokens do
        sent.append(request)
        return httpx.Response(200)

    async def main() -> None:
        client = http_client("http://host:80", {"x-own": "1"}, transport=httpx.MockTransport(answer))
        async with aclosing(client):
            for method, content in (("POST", b"four"), ("POST", b""), ("GET", b"")):
                await client.request(method, "http://host:80/path", content)

    asyncio.run(main())
    assert [one.headers.get("content-length") for one in sent] == ["4", "0", None]
    assert [one.headers["authorization"] for one in sent] == ["Bearer 0", "Bearer 1", "Bearer 2"]
    assert {(one.headers["host"], one.headers["x-own"], one.content) for one in sent[1:]} == {("host", "1", b"")}
    assert sent[0].content == b"four"
