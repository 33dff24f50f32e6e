"""The Ollama provider over real connections, against the stand-in server and its failures."""

from __future__ import annotations

import asyncio
import gc
import random
import warnings

import pytest

from synalinks import _json, errors
from synalinks._concurrency import SystemClock
from synalinks.lm.attempt import AttemptLayer
from synalinks.lm.core.call import Call, Delta, Handler, Request, Schema, stack
from synalinks.lm.pricing.pricing import PriceLayer, price_of
from synalinks.lm.providers import make, resolve
from synalinks.lm.providers.ollama.provider import OllamaProvider
from synalinks.lm.providers.transport.per_loop import _OPEN
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy
from synalinks.lm.validate import ValidateLayer
from synalinks.testing import Fault, OllamaServer

SCHEMA = Schema(
    {
        "type": "object",
        "properties": {"thinking": {"type": "string"}, "answer": {"type": "string"}},
        "required": ["thinking", "answer"],
        "additionalProperties": False,
    }
)


def call(text: str = "9 + 1", **more) -> Call:
    request = Request(
        "chat", "ollama/m", messages=[{"role": "user", "content": text}], schema=SCHEMA, options={"seed": 1}
    )
    return Call(request, **more)


def whole(url: str, **policy) -> Handler:
    """The stack from the limiter down, as the runtime composes it."""
    account = Account(Limits(concurrency=16))
    retry = RetryLayer(RetryPolicy(first_wait=0.01, **policy), account, rng=random.Random(0))
    return stack(
        make(resolve("ollama/m")[0], url),
        RateLimitLayer(account),
        retry,
        AttemptLayer(policy.get("timeout"), account),
        ValidateLayer(),
        PriceLayer(price_of, SystemClock()),
    )


def test_an_answer_with_its_counts() -> None:
    with OllamaServer() as server:
        reply = asyncio.run(whole(server.url)(call()))
    assert set(_json.loads(reply.text)) == {"thinking", "answer"}
    assert reply.usage.input_fresh and reply.usage.output_text
    assert reply.finish == "stop"
    assert reply.seconds is not None and reply.seconds > 0


def test_a_stream_gives_the_same_answer() -> None:
    pieces: list[Delta] = []

    async def main(handler: Handler) -> tuple[str, str]:
        return (await handler(call())).text, (await handler(call(sink=pieces.append))).text

    with OllamaServer() as server:
        plain, streamed = asyncio.run(main(whole(server.url)))
    assert plain == streamed == "".join(piece.text for piece in pieces)


def test_embeddings() -> None:
    request = Request("embed", "ollama/m", texts=["one", "two", "one"])
    with OllamaServer() as server:
        reply = asyncio.run(whole(server.url)(Call(request)))
    assert len(reply.vectors) == 3
    assert reply.vectors[0] == reply.vectors[2] != reply.vectors[1]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(at=1, status=500),
        Fault(at=1, status=503),
        Fault(at=1, status=429, retry_after=0.05),
        Fault(at=1, drop=True),
        Fault(at=1, drop=True, midway=True),
        Fault(at=1, broken_json=True),
        Fault(at=1, broken_body=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_failure_is_outlived(fault: Fault, streamed: bool) -> None:
    with OllamaServer(faults=[fault]) as server:
        reply = asyncio.run(whole(server.url)(call(sink=(lambda delta: None) if streamed else None)))
    assert reply.attempts == 2
    assert _json.loads(reply.text)["answer"]


def test_a_server_that_is_too_slow() -> None:
    with (
        OllamaServer(faults=[Fault(first=9, delay=0.5)]) as server,
        pytest.raises(errors.CallTimeout, match=r"within 0\.05 s") as caught,
    ):
        asyncio.run(whole(server.url, timeout=0.05, attempts=2)(call()))
    assert caught.value.attempts == 2


def test_an_answer_cut_short() -> None:
    with (
        OllamaServer(faults=[Fault(at=1, truncate=True)]) as server,
        pytest.raises(errors.SampleRefused) as caught,
    ):
        asyncio.run(whole(server.url)(call()))
    assert caught.value.kind == "length"


def test_calls_out_at_once_are_bounded_and_connections_kept() -> None:
    async def main(handler: Handler) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(handler(call(f"{number} + 1")))

    with OllamaServer() as server:
        asyncio.run(main(whole(server.url)))
        assert server.max_in_flight <= 16


def test_several_event_loops_leave_no_connection_behind() -> None:
    async def main(handler: Handler) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(handler(call(f"{number} + 2")))

    with OllamaServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        provider = OllamaProvider(server.url)
        for _ in range(3):
            asyncio.run(main(provider))
        assert not _OPEN
        gc.collect()


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_models_dropped_just_before_their_loop_ends_leave_no_connection_behind(steps: int) -> None:
    """Needs closing that the end of the loop waits for: else "unclosed transport"."""

    async def main(url: str) -> None:
        for number in range(3):
            await OllamaProvider(url)(call(f"{number} + 2"))
        gc.collect()
        for _ in range(steps):
            await asyncio.sleep(0)

    with OllamaServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main(server.url))
        gc.collect()
        assert not _OPEN


def test_cancelling_a_call_leaves_a_working_client() -> None:
    async def main(url: str) -> None:
        provider = OllamaProvider(url)
        task = asyncio.create_task(provider(call()))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await provider(call())).text

    with OllamaServer(faults=[Fault(at=1, delay=0.4)]) as server:
        asyncio.run(main(server.url))
