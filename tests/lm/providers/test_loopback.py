"""A server on this machine, whatever API it speaks: free, with a local server's limits, and its idle connections."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from synalinks.lm import Budget, Client, Limits, Request, RetryPolicy, set_price, use_budget, use_ledger
from synalinks.lm.providers.registry import LOCAL_LIMITS
from synalinks.lm.providers.transport import http

ANSWER = {
    "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080/v1", "http://localhost:1234/v1", "http://[::1]:9/v1"])
def test_it_is_free_and_has_local_limits(base: str) -> None:
    client = Client("openai/gpt-4o", api_base=base)
    price = client.price("openai/gpt-4o")
    assert price is not None and price.is_free
    assert client.limits == LOCAL_LIMITS
    assert Client("openai/gpt-4o", api_base=base, limits=Limits(concurrency=9)).limits.concurrency == 9


def test_servers_elsewhere_are_not() -> None:
    for base in (None, "https://gateway.example.com/v1", "http://192.168.1.5:8080/v1"):
        client = Client("openai/gpt-4o", api_base=base)
        price = client.price("openai/gpt-4o")
        assert price is None or not price.is_free
        assert client.limits.concurrency is None
    assert Client("hosted_vllm/m").limits.concurrency is None, "it batches calls"


def test_a_stated_price_holds_there_too() -> None:
    set_price("openai/priced-here", input=1, output=2)
    client = Client("openai/priced-here", api_base="http://127.0.0.1:8080/v1")
    price = client.price("openai/priced-here")
    assert price is not None and price.output == Decimal(2)


class Server:
    """Answers chat completions on loopback, and closes a connection that was idle for so many seconds."""

    def __init__(self, idle: float) -> None:
        self.idle, self.connections, self.answered = idle, 0, 0

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aexit__(self, *_: Any) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.idle)
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                body = json.dumps(ANSWER).encode()
                self.answered += 1
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def request(number: int) -> Request:
    return Request("chat", "openai/m", messages=[{"role": "user", "content": f"{number}"}])


def test_no_call_fails_on_a_connection_that_the_server_closes_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """As llama.cpp after 5 s, at a tenth of the time; each attempt counts, so that none is repeated unseen."""
    monkeypatch.setattr(http, "LOCAL_KEEP_ALIVE_SECONDS", http.LOCAL_KEEP_ALIVE_SECONDS / 10)

    async def main() -> None:
        server = Server(idle=0.5)
        async with server as base:
            client = Client("openai/m", api_base=base, cache="off", retry=RetryPolicy(attempts=1, timeout=5))
            with use_ledger() as ledger, use_budget(Budget(usd=1)):
                for number, pause in enumerate((0.0, 0.1, 0.45, 0.49, 0.5, 0.51, 0.55, 0.7)):
                    await asyncio.sleep(pause)
                    assert (await client.send(request(number))).text == "hi"
            total = ledger.total
            assert (total.calls, total.failed, total.billed.exact) == (8, 0, 0)
        assert server.answered == 8 and server.connections < 8, "connections are kept where that is safe"

    asyncio.run(main())


def test_the_margin_to_what_llama_cpp_does() -> None:
    assert http.LOCAL_KEEP_ALIVE_SECONDS <= 2.5 < 5
