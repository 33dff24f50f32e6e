"""`api_base` as a list, over real HTTP: three stand-in servers of different speed, one of which is killed meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError, ConnectionFailed
from synalinks.lm import Client, Limits, Reply, Request, RetryPolicy, use_cassette, use_ledger
from synalinks.lm.process import PROCESS
from synalinks.lm.providers import bases_of, resolve
from synalinks.testing import Capacity, Fault, OllamaServer

MODEL = "ollama/m"
SPEEDS = (0.02, 0.03, 0.12)


def request(number: int) -> Request:
    return Request(
        "chat", MODEL, messages=[{"role": "user", "content": f"{number} + 1?"}], options={"temperature": 0.0}
    )


@pytest.fixture
def servers() -> Iterator[list[OllamaServer]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(OllamaServer(latency=seconds, model=lambda asked: "4", capacity=Capacity(parallel=2)))
            for seconds in SPEEDS
        ]


def client_of(servers: list[OllamaServer], **settings: Any) -> Client:
    settings = {"limits": Limits(concurrency=2), "cache": "off", **settings}
    return Client(MODEL, api_base=[server.url for server in servers], **settings)


async def ask(client: Client, numbers: range, **also: Any) -> list[Reply]:
    return await asyncio.gather(*(client.send(request(number)) for number in numbers))


def counts(servers: list[OllamaServer]) -> list[int]:
    return [server.requests.total for server in servers]


def test_a_faster_server_answers_more_and_none_gets_more_at_once_than_its_limit(servers: list[OllamaServer]) -> None:
    asyncio.run(ask(client_of(servers), range(120)))
    first, second, third = counts(servers)
    assert first + second + third == 120 and first > third and second > third
    assert [server.max_in_flight for server in servers] == [2, 2, 2]


def test_a_server_that_is_killed_meanwhile_costs_no_call_and_is_used_again_when_it_is_back(
    servers: list[OllamaServer],
) -> None:
    client = client_of(servers, retry=RetryPolicy(first_wait=0.01))

    async def main() -> tuple[list[Reply], int, int]:
        answers = asyncio.create_task(ask(client, range(300)))
        while counts(servers)[0] < 20:
            await asyncio.sleep(0.005)
        servers[0].stop()
        found = await answers
        before = counts(servers)[0]
        servers[0]._address = ("127.0.0.1", int(servers[0].url.rpartition(":")[2]))
        servers[0].start()
        number = 1000
        while counts(servers)[0] == before:
            await client.send(request(number))
            number += 1
        return found, before, number

    with use_ledger() as ledger:
        found, before, _ = asyncio.run(asyncio.wait_for(main(), 60))
    assert len(found) == 300 and all(reply.text == "4" for reply in found)
    assert before < 300 and ledger.total.failed == 0
    assert max(reply.attempts for reply in found) <= 3


def test_the_cache_and_a_cassette_hold_an_answer_whichever_server_gave_it(
    servers: list[OllamaServer], tmp_path: Path
) -> None:
    stored = tmp_path / "cache"
    asyncio.run(ask(client_of(servers, cache="use", cache_dir=stored), range(30)))
    assert sum(counts(servers)) == 30 and min(counts(servers)) > 0
    alone = Client(MODEL, api_base=servers[0].url, cache_dir=stored)
    with use_ledger() as ledger:
        asyncio.run(ask(alone, range(30)))
    assert ledger.total.hits == 30, "the first server names them"

    cassette = tmp_path / "c.jsonl"
    with use_cassette(cassette):
        asyncio.run(ask(client_of(servers), range(30)))
    for server in servers:
        server.stop()
    with use_cassette(cassette, "none"), use_ledger() as ledger:
        asyncio.run(ask(client_of(servers[::-1]), range(30)))
    assert ledger.total.hits == 30
    assert not any(server.url in cassette.read_text("utf-8") for server in servers)


def test_what_local_servers_can_do_at_once_is_found_for_each(servers: list[OllamaServer]) -> None:
    client = Client(MODEL, api_base=[server.url for server in servers], cache="off")
    asyncio.run(ask(client, range(200)))
    clock = synalinks.lm.runtime.OUTSIDE.clock
    accounts = [
        PROCESS.account("ollama", endpoint, "", client.limits, clock, adaptive=True) for endpoint in client.endpoints
    ]
    assert all(account.adaptive is not None for account in accounts)
    assert len({id(account.slots) for account in accounts}) == 3
    assert sum(counts(servers)) == 200 and all(account.slots.free == account.slots.count for account in accounts)  # type: ignore[union-attr]


def test_when_no_server_is_there_the_error_names_all(servers: list[OllamaServer]) -> None:
    for server in servers:
        server.stop()
    with pytest.raises(ConnectionFailed) as failed:
        asyncio.run(client_of(servers).send(request(1)))
    assert all(server.url in str(failed.value) for server in servers)


def test_a_server_that_refuses_too_many_is_left_alone_for_as_long_as_it_says() -> None:
    busy = OllamaServer(model=lambda asked: "4", faults=[Fault(first=1, status=429, retry_after=3)])
    with busy, OllamaServer(model=lambda asked: "4") as free:
        asyncio.run(ask(client_of([busy, free], limits=Limits(concurrency=1)), range(20)))
        assert counts([busy, free]) == [1, 20]


def test_a_budget_of_calls_counts_over_all_servers(servers: list[OllamaServer]) -> None:
    client = client_of(servers)

    async def main() -> list[Any]:
        return await asyncio.gather(*(client.send(request(number)) for number in range(20)), return_exceptions=True)

    with synalinks.use_budget(synalinks.Budget(calls=7)) as tracker:
        found = asyncio.run(main())
    assert sum(isinstance(one, Reply) for one in found) == 7 == sum(counts(servers)) and tracker.settled.calls == 7


def test_a_model_keeps_its_servers_when_it_is_saved_and_copied(servers: list[OllamaServer]) -> None:
    urls = [server.url for server in servers]
    model = synalinks.LanguageModel(MODEL, api_base=[urls[0].replace("http://", "http://user:pass@"), *urls[1:]])
    saved = json.loads(json.dumps(model.get_config()))
    assert saved["api_base"] == urls
    assert synalinks.LanguageModel.from_config(saved).client.endpoints == tuple(urls) == model.clone().client.endpoints
    assert all(url in repr(model) for url in urls)
    assert synalinks.EmbeddingModel(MODEL, api_base=urls).client.endpoints == tuple(urls)


@pytest.mark.parametrize("wrong", [[], [""], [7], 7, {"a": 1}, ["http://a:1", "http://a:1/"]])
def test_what_is_no_list_of_servers_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"server|twice"):
        synalinks.LanguageModel(MODEL, api_base=wrong)


def test_a_variable_of_the_environment_may_name_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "10.0.0.1, http://10.0.0.2:9")
    assert synalinks.LanguageModel(MODEL).client.endpoints == ("http://10.0.0.1:11434", "http://10.0.0.2:9")
    assert synalinks.LanguageModel(MODEL).api_base == ["http://10.0.0.1:11434", "http://10.0.0.2:9"]
    assert bases_of(resolve(MODEL)[0], "http://b") == ("http://b",)
    synalinks.set_api_base(["http://c:1", "http://d:2"])
    assert synalinks.EmbeddingModel(MODEL).client.endpoints == ("http://c:1", "http://d:2")
    synalinks.set_api_base(None)


def test_the_example_of_the_how_to_shares_its_calls(servers: list[OllamaServer]) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, str(root / "examples" / "cluster" / "hosts.py"), *(server.url for server in servers)],
        env={**os.environ, "PYTHONPATH": str(root / "src"), "SYNALINKS_CACHE": "off"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert sum(server.requests.total for server in servers) >= 60
    assert min(server.requests.total for server in servers) > 0
