"""A call that is cancelled ends at once wherever it is, hangs up on the server, and leaves a client that works."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks._concurrency import Clock, SystemClock
from synalinks.errors import RateLimited
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Request, Trace, stack
from synalinks.lm.pricing.pricing import PriceLayer, price_of
from synalinks.lm.providers import make, resolve
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy
from synalinks.lm.validate import ValidateLayer

#: Seconds in which a cancelled call must be gone; a fraction of what everything here would else take.
PROMPT = 10.0
MODELS = ("openai/m", "anthropic/m", "gemini/m", "ollama/m")
WHOLE = {
    "openai/m": {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]},
    "anthropic/m": {"content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn"},
    "gemini/m": {"candidates": [{"content": {"parts": [{"text": "ok"}]}, "finishReason": "STOP"}]},
    "ollama/m": {"message": {"content": "ok"}, "done": True, "done_reason": "stop"},
}
FIRST_PIECE = {
    "openai/m": 'data: {"choices":[{"delta":{"content":"o"}}]}\n\n',
    "anthropic/m": 'data: {"type":"message_start","message":{"usage":{"input_tokens":1}}}\n\n'
    'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"o"}}\n\n',
    "gemini/m": 'data: {"candidates":[{"content":{"parts":[{"text":"o"}]}}]}\n\n',
    "ollama/m": '{"message":{"content":"o"},"done":false}\n',
}


class Server:
    """Answers a request that says `answer`; is silent, or stops after the first piece, on any other."""

    def __init__(self, model: str, streams: bool) -> None:
        self.model, self.streams = model, streams
        self.asked = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line
                )
                body = await reader.readexactly(length)
                self.asked.set()
                if b"answer" in body:
                    text = json.dumps(WHOLE[self.model]).encode()
                    kind = b"application/json\r\ncontent-length: %d" % len(text)
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\n\r\n" + text)
                    continue
                if self.streams:
                    piece = FIRST_PIECE[self.model].encode()
                    writer.write(
                        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                    )
                    writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                if not await reader.read(1):
                    self.hung_up.set()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(model: str, streams: bool = False) -> AsyncIterator[Server]:
    server = Server(model, streams)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


def whole(provider: Handler, limits: Limits | None = None, clock: Clock | None = None) -> Handler:
    """The stack from the limiter down."""
    clock = clock or SystemClock()
    account = Account(limits or Limits(), clock)
    retry = RetryLayer(RetryPolicy(), account, clock, random.Random(0))
    return stack(provider, RateLimitLayer(account), retry, ValidateLayer(), PriceLayer(price_of, clock))


def asking(model: str, text: str = "be silent", sink: list[Delta] | None = None) -> Call:
    request = Request("chat", model, messages=[{"role": "user", "content": text}])
    return Call(request, sink=None if sink is None else sink.append, trace=Trace())


async def cancelled(task: asyncio.Task[Reply]) -> None:
    task.cancel()
    async with asyncio.timeout(PROMPT):
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_a_request_in_flight(model: str, streams: bool) -> None:
    async def main() -> None:
        async with serving(model, streams) as server:
            provider = make(resolve(model)[0], server.url, api_key="k")
            handler = whole(provider)
            pieces: list[Delta] = []
            call = asking(model, sink=pieces if streams else None)
            task = asyncio.create_task(handler(call))  # type: ignore[arg-type]
            await server.asked.wait()
            while streams and not pieces:
                await asyncio.sleep(0.001)
            await cancelled(task)
            async with asyncio.timeout(PROMPT):
                await server.hung_up.wait()
            assert call.trace is not None and call.trace.sent == 1
            assert (await handler(asking(model, "answer"))).text == "ok", "the client still works"
            await provider.close()  # type: ignore[attr-defined]

    asyncio.run(main())


@pytest.mark.parametrize("limits", [Limits(concurrency=1), Limits(rpm=1), Limits(tpm=1)], ids=["slot", "rpm", "tpm"])
def test_a_call_in_the_queue_of_the_limiter(limits: Limits) -> None:
    async def main() -> None:
        async def silent(call: Call, /) -> Reply:
            await asyncio.sleep(1000)
            return Reply(text="never")

        handler = whole(silent, limits, LoopClock())
        first, second = (asyncio.create_task(handler(asking("ollama/m"))) for _ in range(2))  # type: ignore[arg-type]
        await asyncio.sleep(1)
        await cancelled(second)
        await cancelled(first)

    run(main())


def test_a_call_between_two_attempts() -> None:
    async def main() -> None:
        asked = asyncio.Event()

        async def refusing(call: Call, /) -> Reply:
            asked.set()
            raise RateLimited("slow down", status=429, retry_after=50.0)

        task = asyncio.create_task(whole(refusing, clock=LoopClock())(asking("ollama/m")))  # type: ignore[arg-type]
        await asked.wait()
        await asyncio.sleep(1)  # into the back-off
        await cancelled(task)

    run(main())


def test_a_call_held_back_by_a_pause_of_its_account() -> None:
    async def main() -> None:
        account = Account(Limits(), LoopClock())
        account.slow_down(50.0)
        task = asyncio.create_task(RateLimitLayer(account)(whole(None, clock=LoopClock()))(asking("ollama/m")))  # type: ignore[arg-type]
        await asyncio.sleep(1)
        await cancelled(task)

    run(main())
