"""The OpenAI dialect against a real llama.cpp server, through two prefixes; live."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from tests.lm.providers import llama_server

from synalinks import _json, errors
from synalinks.lm.client import Client
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Request, Schema
from synalinks.lm.providers import make, resolve
from synalinks.lm.rate_limit.account import Limits

pytestmark = pytest.mark.live
PREFIXES = ("llama_cpp", "openai")
SCHEMA = Schema(
    {
        "type": "object",
        "properties": {"thinking": {"type": "string", "maxLength": 60}, "answer": {"type": "number"}},
        "required": ["thinking", "answer"],
        "additionalProperties": False,
    }
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with llama_server.running("--api-key", llama_server.KEY) as address:
        yield address


@pytest.fixture(scope="module")
def embedder() -> Iterator[str]:
    with llama_server.running("--embeddings", "--pooling", "mean") as address:
        yield address


def provider(prefix: str, address: str, key: str | None = llama_server.KEY) -> Handler:
    return make(resolve(f"{prefix}/m")[0], address, api_key=key)


def asked(prefix: str, text: str = "Tom has 3 pens and buys 4 more. How many?", **more) -> Request:
    options = {"max_tokens": 40, "temperature": 0, "seed": 1, **more.pop("options", {})}
    return Request("chat", f"{prefix}/tiny-gsm", messages=[{"role": "user", "content": text}], options=options, **more)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_chat(prefix: str, server: str) -> None:
    reply = asyncio.run(provider(prefix, server)(Call(asked(prefix))))
    assert reply.text
    assert reply.model == "tiny-gsm"
    assert reply.finish in ("stop", "length")
    assert reply.usage.input_tokens and 0 < (reply.usage.output_text or 0) <= 40
    assert reply.usage.input_fresh is not None and reply.usage.input_cache_read is not None


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_answer_that_obeys_its_schema(prefix: str, server: str) -> None:
    request = asked(prefix, schema=SCHEMA, options={"max_tokens": 200})
    reply = asyncio.run(provider(prefix, server)(Call(request)))
    assert reply.finish == "stop"
    assert list(_json.loads(reply.text)) == ["thinking", "answer"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_stream_is_the_same_answer_in_pieces(prefix: str, server: str) -> None:
    pieces: list[Delta] = []

    async def main() -> tuple[Reply, Reply]:
        handler = provider(prefix, server)
        return await handler(Call(asked(prefix))), await handler(Call(asked(prefix), sink=pieces.append))

    whole, streamed = asyncio.run(main())
    assert streamed.text == whole.text == "".join(piece.text for piece in pieces)
    assert len(pieces) > 3
    assert streamed.chunks == tuple(pieces)
    assert streamed.usage.total_tokens == whole.usage.total_tokens


def test_what_the_budget_allows_bounds_the_answer(server: str) -> None:
    reply = asyncio.run(provider("llama_cpp", server)(Call(asked("llama_cpp"), output_cap=3)))
    assert reply.usage.output_text == 3
    assert reply.finish == "length"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_embeddings(prefix: str, embedder: str) -> None:
    request = Request("embed", f"{prefix}/tiny-gsm", texts=["one pen", "two pens", "one pen"])
    reply = asyncio.run(provider(prefix, embedder, None)(Call(request)))
    assert [len(vector) for vector in reply.vectors] == [192 * 4] * 3
    assert reply.vectors[0] == reply.vectors[2] != reply.vectors[1]
    assert reply.usage.input_fresh
    assert reply.usage.output_tokens is None


def counts(address: str) -> tuple[float, float]:
    """Tokens that the server says it has read and written since it began; of the prompt those not in its cache."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    said = dict(line.split() for line in lines if line.startswith("llamacpp:"))
    return float(said["llamacpp:prompt_tokens_total"]), float(said["llamacpp:tokens_predicted_total"])


@pytest.mark.parametrize("prefix", PREFIXES)
def test_sixty_four_at_once_and_the_ledger_agrees_with_the_server_to_the_token(prefix: str) -> None:
    with llama_server.running("--metrics") as address:
        client = Client(f"{prefix}/tiny-gsm", api_base=f"{address}/v1", limits=Limits(concurrency=64), cache="off")
        pieces: list[Delta] = []

        async def main() -> list[Reply]:
            requests = [asked(prefix, f"Add {n} and 1", options={"max_tokens": 12, "seed": n}) for n in range(64)]
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(client.send(request, pieces.append if n % 2 else None))  # type: ignore[arg-type]
                    for n, request in enumerate(requests)
                ]
            return [task.result() for task in tasks]

        replies = asyncio.run(main())
        read, written = counts(address)
    assert all(reply.text and reply.attempts == 1 for reply in replies)
    assert all((reply.usage.output_text or 0) <= 12 for reply in replies)
    assert len(pieces) > 32
    total = client.ledger.total
    assert (total.calls, total.failed, total.attempts) == (64, 0, 64)
    assert total.output_tokens == written
    assert sum(reply.usage.input_fresh or 0 for reply in replies) == read
    assert total.input_tokens == sum(reply.usage.input_tokens or 0 for reply in replies) >= read


def test_a_wrong_key(server: str) -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        asyncio.run(provider("llama_cpp", server, "sk-another")(Call(asked("llama_cpp"))))
    assert "LLAMA_CPP_API_KEY" in str(caught.value)
    assert "sk-another" not in str(caught.value)


def test_a_prompt_too_long(server: str) -> None:
    with pytest.raises(errors.SampleRefused) as caught:
        asyncio.run(provider("llama_cpp", server)(Call(asked("llama_cpp", "word " * 20_000))))
    assert caught.value.kind == "context_length"
