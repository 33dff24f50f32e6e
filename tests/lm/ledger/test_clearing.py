"""Clearing: what is freed of a ledger, and what is not kept in it."""

from __future__ import annotations

import asyncio

import synalinks
from lm.pupil import entry
from synalinks.lm.client import Client
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.process import PROCESS
from synalinks.lm.providers.fake.scripted import ScriptedProvider


def test_a_cleared_ledger_is_empty_and_marks_stay_valid() -> None:
    ledger = Ledger([entry(n, draw=n) for n in range(3)])
    mark = ledger.mark
    ledger.record(entry(3, draw=3))
    ledger.clear()
    assert (len(ledger), ledger.mark, ledger.total.calls, list(ledger)) == (0, 4, 0, [])
    later = ledger.mark
    for n in (4, 5):
        ledger.record(entry(n, draw=n))
    assert [entry.usage.output_tokens for entry in ledger.since(mark)] == [4, 5]
    assert ledger.since(later + 1).since(later).mark == ledger.mark == 6
    assert [len(ledger.since(at)) for at in (0, later, later + 1, later + 2)] == [2, 2, 1, 0]
    assert ledger.total.calls == 2


def test_clear_session_frees_the_processs_ledger_and_its_statistics_stay() -> None:
    provider = ScriptedProvider(lambda call: "yes")
    client = Client("ollama/freed")
    metric = synalinks.metrics.OutputTokens()
    request = Request("chat", "ollama/freed", messages=({"role": "user", "content": "?"},))

    async def ask(count: int) -> None:
        for _ in range(count):
            await client.send(request)

    with synalinks.use_provider(provider), synalinks.use_ledger() as block:
        asyncio.run(ask(20))
        synalinks.clear_session(free_memory=False)
        assert (len(PROCESS.ledger), len(block), len(client.ledger)) == (0, 20, 20)
        assert PROCESS.usage_statistics.usual(Call(request)).output is not None
        asyncio.run(ask(2))
        assert (len(PROCESS.ledger), len(block)) == (2, 22)
    assert metric.result() == 2 * (block.total.output_tokens // 22)


def test_the_providers_own_usage_is_not_kept_in_entries() -> None:
    raw = {"prompt_tokens": 3, "completion_tokens": 1}

    class Provider:
        name = "raw"

        async def __call__(self, call: Call, /) -> Reply:
            return Reply(text="x", usage=Usage(3, output_text=1, raw=raw))

    client = Client("ollama/raw")
    request = Request("chat", "ollama/raw", messages=({"role": "user", "content": "?"},))
    with synalinks.use_provider(Provider()):
        reply = asyncio.run(client.send(request))
    entry = client.ledger.last()
    assert entry is not None
    assert (entry.usage.raw, entry.usage.input_tokens, reply.usage.raw) == (None, 3, raw)
