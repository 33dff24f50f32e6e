"""What a client meets when a fault strikes, and that nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import ollama
import pytest

from synalinks.testing import ArithmeticModel, Fault, Law, OllamaServer

CERTAIN = ArithmeticModel(Law(base=1.0, ceiling=1.0, spread=0.0))


def body(stream: bool = False, text: str = "9 + 1") -> dict[str, Any]:
    return {"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}


def strike(fault: Fault, stream: bool = False) -> tuple[httpx.Response, OllamaServer]:
    """The answer to a first request that the fault strikes; the second one must be whole."""
    with OllamaServer(model=CERTAIN, faults=[fault]) as server, httpx.Client(base_url=server.url) as client:
        try:
            return client.post("/api/chat", json=body(stream)), server
        finally:
            after = client.post("/api/chat", json=body()).json()
            assert after["message"]["content"] == "9 + 1 = 10"


def test_a_status_with_its_headers() -> None:
    fault = Fault(at=1, status=429, retry_after=1.5, headers={"x-ratelimit-remaining-requests": "0"})
    reply, server = strike(fault)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1.5")
    assert reply.headers["x-ratelimit-remaining-requests"] == "0"
    assert "slow down" in reply.json()["error"]
    assert (server.requests.number, server.requests.models["m"].calls) == (2, 1)
    assert (server.requests[0].fault, server.requests[0].answered) == (fault, False)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(at=1, status=503), "server busy"),
        (Fault(at=1, status=500), "an error was encountered"),
        (Fault(at=1, status=502), "bad gateway"),
        (Fault(at=1, status=529), "status 529"),
        (Fault(at=1, status=402, message="pay first"), "pay first"),
    ],
)
def test_the_words_of_a_status(fault: Fault, words: str) -> None:
    reply, _ = strike(fault, stream=True)
    assert reply.status_code == fault.status
    assert words in reply.json()["error"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("midway", [False, True])
def test_a_dropped_connection(stream: bool, midway: bool) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        strike(Fault(at=1, drop=True, midway=midway), stream)


def test_a_dropped_call_is_not_billed() -> None:
    with OllamaServer(faults=[Fault(at=1, drop=True, midway=True)]) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(server.url + "/api/chat", json=body(stream=True))
        assert server.requests.models == {}


def test_a_stream_that_fails_midway_ends_in_an_error_line() -> None:
    with OllamaServer(faults=[Fault(at=1, status=500, midway=True)]) as server:
        client = ollama.Client(host=server.url)
        got = []
        with pytest.raises(ollama.ResponseError, match="an error was encountered") as caught:
            for piece in client.chat("m", body()["messages"], stream=True):
                got.append(piece.message.content)
        client._client.close()
        assert caught.value.status_code == -1
        assert got
        assert server.requests.models == {}


def test_broken_text_is_an_answer_and_billed() -> None:
    reply, server = strike(Fault(at=1, broken_json=True))
    value = reply.json()
    with pytest.raises(json.JSONDecodeError):
        json.loads(value["message"]["content"])
    assert value["done_reason"] == "stop"
    assert server.requests[0].answered
    counts = server.requests.models["m"]
    assert counts.completion_tokens == value["eval_count"] + 5
    assert counts.calls == 2


def test_a_broken_body_is_not_json() -> None:
    reply, server = strike(Fault(at=1, broken_body=True))
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert not server.requests[0].answered


@pytest.mark.parametrize("stream", [False, True])
def test_a_truncated_answer(stream: bool) -> None:
    reply, server = strike(Fault(at=1, truncate=True), stream)
    last = json.loads(reply.text.splitlines()[-1])
    assert (last["done_reason"], last["eval_count"]) == ("length", 2)
    assert server.requests[0].answered


def test_a_delay_alone_is_late_and_right() -> None:
    with OllamaServer(model=CERTAIN, faults=[Fault(at=1, delay=0.2)]) as server:
        reply = httpx.post(server.url + "/api/chat", json=body())
        assert reply.json()["message"]["content"] == "9 + 1 = 10"
        assert reply.json()["total_duration"] >= 200_000_000


def test_embeddings_fail_too() -> None:
    faults = [Fault(at=1, status=500, path="/api/chat"), Fault(at=2, drop=True, path="/api/embed")]
    with OllamaServer(faults=faults) as server:
        url, given = server.url + "/api/embed", {"model": "e", "input": "x"}
        assert httpx.post(url, json=given).status_code == 200
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            httpx.post(url, json=given)


def test_failures_change_no_answer_that_comes() -> None:
    def answers(faults: list[Fault]) -> tuple[list[str], int]:
        found = []
        with OllamaServer(faults=faults) as server, httpx.Client(base_url=server.url) as client:
            for _ in range(20):
                while (reply := client.post("/api/chat", json=body(text="13 * 7"))).status_code != 200:
                    pass
                found.append(reply.json()["message"]["content"])
            return found, server.requests.number

    clean, calls = answers([])
    stormy, more = answers([Fault(every=3, status=429), Fault(probability=0.3, seed=5, status=500)])
    assert stormy == clean
    assert len(set(clean)) > 1
    assert calls == 20 < more
