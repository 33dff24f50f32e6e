"""What `use_cassette` hands on, and what surrounds a cassette: prices, sessions, a damaged cache."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest

import synalinks
from synalinks.errors import BadReply, CassetteMiss, ServerError
from synalinks.lm import Client, Request, RetryPolicy, use_cassette, use_ledger, use_provider
from synalinks.lm.blocks import use_cache_only
from synalinks.lm.cache.disk_store import DATABASE
from synalinks.lm.cassette.session import UnplayedRowsWarning
from synalinks.lm.core.call import Call, Delta, Reply, Usage
from synalinks.lm.pricing import pricing
from synalinks.testing import OllamaServer


def chat(text: str, model: str = "ollama/m", **options: object) -> Request:
    return Request("chat", model, messages=[{"role": "user", "content": text}], options=options)


def send(*requests: Request, folder: Path | None = None) -> list[Reply]:
    async def main() -> list[Reply]:
        clients = [Client(one.model, retry=RetryPolicy(attempts=1), cache_dir=folder) for one in requests]
        return [await client.send(one) for client, one in zip(clients, requests, strict=True)]

    return asyncio.run(main())


async def answers(call: Call) -> Reply:
    return Reply("yes", finish="stop")


async def fails(call: Call) -> Reply:
    raise ServerError("down")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.jsonl"


def test_strict_is_handed_on(path: Path) -> None:
    with use_provider(answers), use_cassette(path):
        send(chat("a"))
    with pytest.warns(UnplayedRowsWarning), use_cassette(path, "none", strict=True):
        pass


def test_failures_are_recorded_unless_told_otherwise(path: Path) -> None:
    with use_provider(fails), use_cassette(path, record_errors=False), pytest.raises(ServerError):
        send(chat("a"))
    with use_cassette(path, "none"), pytest.raises(CassetteMiss):
        send(chat("a"))
    with use_provider(fails), use_cassette(path, "new_episodes") as cassette:
        with pytest.raises(ServerError):
            send(chat("a"))
        assert cassette.record_errors
    with use_cassette(path, "none"), pytest.raises(ServerError) as caught:
        send(chat("a"))
    assert caught.value.source == "cassette"


@pytest.mark.parametrize(
    ("model", "options", "known"),
    [
        ("openai/gpt-4o-mini", {"max_tokens": 100}, True),
        ("openai/gpt-4o-mini", {}, True),
        ("openai/no-such-model", {}, False),
        ("ollama/by-the-hour", {}, False),
    ],
)
def test_what_a_cassette_lacks_is_priced_at_most_where_it_has_no_row_of_the_model(
    path: Path, model: str, options: dict[str, object], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setattr(pricing, "_set_by_user", {})
    synalinks.set_price("ollama/by-the-hour", per_hour=3)
    with use_cassette(path):
        pass
    with use_cassette(path, "none") as cassette:
        with pytest.raises(CassetteMiss) as caught:
            send(chat("a", model, **options))
        report = cassette.report()
    if known:
        assert report.price == report.bounded > 0
        assert ("at most $0.0" in str(caught.value)) == bool(known)
    else:
        assert report.price is None
        assert "an unknown price for 1 call" in str(caught.value)


def test_a_failure_that_was_streamed_is_streamed_again(path: Path) -> None:
    async def broken(call: Call) -> Reply:
        reply = Reply("{no", finish="stop", chunks=(Delta("{"), Delta("no", "hm")))
        if call.sink is not None:
            reply.feed(call.sink)
        raise BadReply("no JSON", reply=reply)

    async def hear() -> list[Delta]:
        heard: list[Delta] = []
        with pytest.raises(BadReply):
            await Client("ollama/m", retry=RetryPolicy(attempts=1)).send(chat("a"), heard.append)
        return heard

    with use_provider(broken), use_cassette(path):
        live = asyncio.run(hear())
    with use_cassette(path, "none"):
        assert asyncio.run(hear()) == live == [Delta("{"), Delta("no", "hm")]


def test_a_session_that_begins_again_takes_the_cached_answers_again_from_the_archive_too(
    path: Path, tmp_path: Path
) -> None:
    """Two sessions of one process got the same two answers out of the cache; so does the cassette made of it."""
    cache = tmp_path / "cache"

    def two_sessions() -> list[str]:
        texts = []
        for _ in range(2):
            synalinks.clear_session()
            texts += [reply.text for reply in send(*[chat("2 + 2?", temperature=0.9)] * 2, folder=cache)]
        return texts

    with OllamaServer(env=True) as server:
        live = two_sessions()
        assert server.requests.number == 2 and live[:2] == live[2:]
        with use_cache_only(), use_cassette(path):
            assert two_sessions() == live
        assert server.requests.number == 2
    with use_cassette(path, "none", strict=True):
        assert two_sessions() == live


def test_a_run_goes_on_over_a_damaged_cache_and_keeps_what_it_pays_for(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database at all, and long enough to look like a page" * 100)
    request = chat("2 + 2?", temperature=0)
    with OllamaServer(env=True) as server, use_ledger() as ledger:
        with pytest.warns(
            RuntimeWarning, match="is damaged .*it was renamed to cache.db.damaged-1 and a new one begun"
        ):
            send(request, folder=tmp_path)
        send(request, folder=tmp_path)
        assert server.requests.number == 1
    assert [entry.source for entry in ledger] == ["live", "cache"]
    assert (tmp_path / "cache.db.damaged-1").exists()


@pytest.mark.parametrize("kind", ["chat", "embed"])
def test_a_failure_shared_in_flight_is_counted_once_by_a_replay_too(
    tmp_path: Path, kind: Literal["chat", "embed"]
) -> None:
    content = {"messages": [{"role": "user", "content": "hi"}]} if kind == "chat" else {"texts": ["hi"]}
    options = {"temperature": 0} if kind == "chat" else {}
    request = Request(kind, "ollama/m", **content, options=options)

    async def cuts(call: Call) -> Reply:
        await asyncio.sleep(0.01)
        reply = Reply("x", usage=Usage(5, output_text=7), finish="length")
        raise BadReply("cut", kind="length", reply=reply)

    async def main() -> None:
        client = Client("ollama/m", cache="off", retry=RetryPolicy(attempts=1))
        await asyncio.gather(*(client.send(request) for _ in range(3)), return_exceptions=True)

    counted = []
    for mode in ("all", "none"):
        with use_provider(cuts), use_ledger() as ledger, use_cassette(tmp_path / "c.jsonl", mode):
            asyncio.run(main())
        counted.append((ledger.total.calls, ledger.total.attempts, ledger.total.failed_tokens))
    assert counted == [(3, 1, 12)] * 2
