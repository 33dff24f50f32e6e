"""Calls at once with local servers, over HTTP: llama.cpp shows its slots, Ollama does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lm.providers import llama_server

import synalinks
from synalinks.lm import Client, Limits, Request, use_cassette, use_ledger, use_provider
from synalinks.lm.process import PROCESS
from synalinks.lm.providers.openai.provider import slots_in
from synalinks.testing import Capacity, Fault, LlamaCppServer, OllamaServer, ScriptedProvider


def request(model: str, number: int) -> Request:
    return Request("chat", model, messages=[{"role": "user", "content": f"{number} + 1"}], options={"max_tokens": 8})


async def ask(client: Client, count: int) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(client.send(request(client.model, number)))


def paths(server: OllamaServer) -> list[str]:
    return [record.path for record in server.requests if not record.number]


@pytest.fixture
def server() -> Iterator[LlamaCppServer]:
    with LlamaCppServer(latency=0.02, capacity=Capacity(parallel=5)) as running:
        yield running


def test_llama_cpp_is_sent_as_many_calls_as_it_has_slots(server: LlamaCppServer) -> None:
    client = Client("llama_cpp/m", api_base=f"{server.url}/v1", cache="off")
    asyncio.run(ask(client, 40))
    assert server.max_in_flight == 5
    asyncio.run(ask(client, 5))
    assert paths(server) == ["/props"], "it is looked up once"


def test_a_limit_of_the_programs_own_wins(server: LlamaCppServer) -> None:
    client = Client("llama_cpp/m", api_base=f"{server.url}/v1", cache="off", limits=Limits(concurrency=3))
    asyncio.run(ask(client, 30))
    assert server.max_in_flight == 3


@pytest.mark.parametrize("path", ["/v1", ""])
def test_a_server_without_props_is_called_all_the_same(path: str) -> None:
    with OllamaServer(latency=0.01) as other:
        asyncio.run(ask(Client("llama_cpp/m", api_base=other.url + path, cache="off"), 6))
        assert paths(other) == ["/props"] and other.requests.statuses == {404: 1, 200: 6}


@pytest.mark.parametrize("told", [None, [], {}, {"total_slots": None}, {"total_slots": 0}, {"total_slots": True}])
def test_what_tells_no_slots(told: Any) -> None:
    assert slots_in(told) is None and slots_in({"total_slots": 4}) == 4


def test_ollama_is_asked_nothing_and_a_stated_number_is_kept_to() -> None:
    with OllamaServer(latency=0.02, capacity=Capacity(parallel=1)) as server:
        asyncio.run(ask(Client("ollama/m", api_base=server.url, cache="off"), 60))
        assert server.requests.models["m"].calls == 60 and paths(server) == []
        server.reset()
        asyncio.run(ask(Client("ollama/m", api_base=server.url, cache="off", limits=Limits(concurrency=8)), 40))
        assert server.max_in_flight == 8


@pytest.mark.parametrize(("slots", "least", "most"), [(1, 1, 2), (4, 3, 8)])
def test_calls_at_once_follow_a_server_that_does_not_tell_its_slots(slots: int, least: int, most: int) -> None:
    """With one slot the number falls from 2, where 4 gained nothing, to 1, and is tried anew now and then.

    The number follows a throughput that is measured, which other work of the machine disturbs: once of three is enough.
    """
    seen = []
    while len(seen) < 3:
        with OllamaServer(latency=0.03, capacity=Capacity(parallel=slots)) as server:
            client = Client("ollama/m", api_base=server.url, cache="off")
            asyncio.run(ask(client, 60 * slots))
            layers = client.stack.layers
            account = next(layer for layer in layers if getattr(layer, "name", "") == "rate_limit")._account
            number = account.adaptive.number
            server.reset()
            asyncio.run(ask(client, 20 * slots))
            seen.append((number, server.max_in_flight))
        if least <= number <= most and least <= seen[-1][1] <= 2 * most:
            return
    pytest.fail(f"calls at once, at the end and at most: {seen}")


def test_a_full_queue_lowers_the_number_and_every_call_is_answered() -> None:
    with OllamaServer(latency=0.01, capacity=Capacity(parallel=1), faults=[Fault(at=3, status=503)]) as server:
        client = Client("ollama/m", api_base=server.url, cache="off")
        asyncio.run(ask(client, 4))
        assert server.requests.models["m"].calls == 4


def test_nothing_is_looked_up_offline_in_replays_and_under_a_provider_of_ones_own(
    server: LlamaCppServer, tmp_path: Path
) -> None:
    def new() -> Client:
        return Client("llama_cpp/m", api_base=f"{server.url}/v1", cache="off")

    with use_provider(ScriptedProvider(["x"] * 9)):
        asyncio.run(ask(new(), 9))
    assert server.requests.total == 0
    with use_cassette(tmp_path / "c.jsonl"):
        asyncio.run(ask(new(), 4))
    recorded = (tmp_path / "c.jsonl").read_text()
    assert "/props" not in recorded and len(recorded.splitlines()) == 5
    server.reset()
    with use_cassette(tmp_path / "c.jsonl", "none"), synalinks.offline(), use_ledger() as ledger:
        asyncio.run(ask(new(), 4))
    assert ledger.total.hits == 4 and server.requests.total == 0


def test_a_stated_number_under_a_provider_of_ones_own_is_that_of_local_servers() -> None:
    client = Client("ollama/m", cache="off")
    with use_provider(ScriptedProvider(["x"] * 9)):
        layers = client._stack_for(synalinks.lm.runtime.current(), request("ollama/m", 0)).layers
        account = next(layer for layer in layers if getattr(layer, "name", "") == "rate_limit")._account
    assert account.adaptive is None and account.slots.count == 8
    key = ("ollama", client.endpoint, "", client.limits)
    assert PROCESS.account(*key, synalinks.lm.runtime.OUTSIDE.clock, adaptive=True).adaptive is not None


@pytest.mark.live
def test_a_real_llama_cpp_server_shows_its_slots() -> None:
    with llama_server.running("-np", "3") as address:
        client = Client("llama_cpp/tiny-gsm", api_base=f"{address}/v1", cache="off")
        asyncio.run(ask(client, 24))
        account = next(layer for layer in client.stack.layers if getattr(layer, "name", "") == "rate_limit")._account
        assert account.slots.count == 3 and account.slots.free == 3
