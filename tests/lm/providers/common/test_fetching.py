"""Media by address: fetched for providers that take bytes only, from hosts that the user allows, never with a key."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.media import png, text_of, wav

from synalinks.lm import Client, Request
from synalinks.lm.core.call import Call
from synalinks.lm.core.errors import ConnectionFailed, LMError, RequestError, SampleRefused
from synalinks.lm.providers import make, resolve
from synalinks.lm.providers.common.fetching import HOSTS, fetch
from synalinks.lm.providers.common.remote import Remote

PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/a.png": (200, {"content-type": "image/png"}, png()),
    "/vague": (200, {"content-type": "application/octet-stream"}, png()),
    "/a.wav": (200, {"content-type": "audio/wav"}, wav()),
    "/page": (200, {"content-type": "text/html; charset=utf-8"}, b"<html>"),
    "/moved": (302, {"location": "/a.png"}, b""),
    "/round": (302, {"location": "/round"}, b""),
    "/away": (302, {"location": "http://10.0.0.1/a.png"}, b""),
    "/broken": (503, {}, b""),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A real server of pictures, which the user has named."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            status, headers, body = PAGES.get(self.path.partition("?")[0], (404, {}, b""))
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    seen: list[dict[str, str]] = []
    monkeypatch.setenv(HOSTS, "127.0.0.1, *.example.com")
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.seen = seen  # type: ignore[attr-defined]
    running.root = f"http://127.0.0.1:{running.server_port}"  # type: ignore[attr-defined]
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def test_what_is_there(server: Any) -> None:
    for path in ("/a.png", "/vague", "/moved"):
        found = asyncio.run(fetch(server.root + path, "image"))
        assert (found.raw, found.mime) == (png(), "image/png")
    assert asyncio.run(fetch(server.root + "/a.wav", "audio")).mime == "audio/wav"


@pytest.mark.parametrize(
    ("path", "kind", "error", "words"),
    [
        ("/page", "image", SampleRefused, "text/html, which is no image"),
        ("/a.png", "audio", SampleRefused, "image/png, which is no audio"),
        ("/none.png?token=secret", "image", SampleRefused, "none.png: no image there, the server answered 404"),
        ("/round", "image", SampleRefused, "more than 5 redirects"),
        ("/away", "image", RequestError, "10.0.0.1 is not among them"),
        ("/broken", "image", ConnectionFailed, "answered 503"),
    ],
)
def test_what_is_not_is_named(server: Any, path: str, kind: str, error: type[LMError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        asyncio.run(fetch(server.root + path, kind))
    assert "secret" not in str(caught.value)


def test_what_is_too_large_is_not_read(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_MEDIA_BYTES", "10")
    with pytest.raises(SampleRefused, match="more than 10 bytes.*SYNALINKS_MEDIA_BYTES"):
        asyncio.run(fetch(server.root + "/a.png", "image"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/a.png",
        "http://localhost/a.png",
        "http://169.254.169.254/x",
        "http://[::1]/a",
        "http://10.1.2.3/a",
    ],
)
def test_private_addresses_are_fetched_only_if_they_are_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOSTS, raising=False)
    with pytest.raises(RequestError, match="in a private network.*SYNALINKS_MEDIA_HOSTS="):
        asyncio.run(fetch(url, "image"))


def test_the_user_may_allow_nothing_or_all_below_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    found = httpx.MockTransport(lambda asked: httpx.Response(200, content=png()))
    for named in ("", "example.com"):
        monkeypatch.setenv(HOSTS, named)
        with pytest.raises(RequestError, match="from the hosts in SYNALINKS_MEDIA_HOSTS only"):
            asyncio.run(fetch("https://img.example.com/a.png", "image", found))
    monkeypatch.setenv(HOSTS, "*.example.com")
    assert asyncio.run(fetch("https://img.example.com/a.png", "image", found)).raw == png()
    with pytest.raises(RequestError, match="only addresses of http and https"):
        asyncio.run(fetch("file:///etc/passwd", "image", found))


def sent(model: str, part: dict[str, Any]) -> tuple[Any, list[httpx.Request]]:
    """What a provider sends for a message with one medium, and what was fetched before."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "GET":
            return httpx.Response(200, content=wav() if "wav" in request.url.path else png())
        return httpx.Response(500)

    spec, _ = resolve(model)
    provider = make(spec, api_key="key", transport=httpx.MockTransport(handle))
    messages = [{"role": "user", "content": [{"type": "text", "text": "What?"}, part]}]
    with pytest.raises(LMError):
        asyncio.run(provider(Call(Request("chat", model, messages=messages, options={"max_tokens": 9}))))
    return json.loads(asked[-1].content), asked[:-1]


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
AUDIO = {"type": "audio_url", "audio_url": {"url": "https://example.com/a.wav"}}
DATA = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{text_of(png())}"}}


def test_ollama_gets_the_bytes() -> None:
    body, fetched = sent("ollama/m", IMAGE)
    assert body["messages"][0]["images"] == [text_of(png())] and len(fetched) == 1
    assert "authorization" not in fetched[0].headers and "key" not in str(fetched[0].headers)
    assert sent("ollama/m", DATA)[0]["messages"][0]["images"] == [text_of(png())]


def test_openai_gets_the_address_of_a_picture_and_the_bytes_of_a_sound() -> None:
    body, fetched = sent("openai/gpt-4o", IMAGE)
    assert body["messages"][0]["content"][1] == IMAGE and fetched == []
    body, fetched = sent("openai/gpt-4o", AUDIO)
    assert body["messages"][0]["content"][1]["input_audio"] == {"data": text_of(wav()), "format": "wav"}
    assert len(fetched) == 1


def test_anthropic_and_gemini_get_the_address_in_their_own_form() -> None:
    body, fetched = sent("anthropic/claude-sonnet-4-5", IMAGE)
    assert body["messages"][0]["content"][1]["source"] == {"type": "url", "url": "https://example.com/a.png"}
    assert fetched == []
    body, _ = sent("anthropic/claude-sonnet-4-5", DATA)
    source = {"type": "base64", "media_type": "image/png", "data": text_of(png())}
    assert body["messages"][0]["content"][1]["source"] == source
    body, fetched = sent("gemini/gemini-2.5-flash", DATA)
    assert body["contents"][0]["parts"][1]["inlineData"] == {"mimeType": "image/png", "data": text_of(png())}


def test_the_digest_of_a_request_is_that_of_the_address(server: Any) -> None:
    """So a replay fetches nothing."""
    asked = Request("chat", "ollama/m", messages=[{"role": "user", "content": [IMAGE]}])
    assert asked.to_dict()["messages"][0]["content"] == [IMAGE]
    assert Client("ollama/m").spec.prefix == "ollama" and isinstance(Remote.takes_bytes_only, frozenset)
