"""A recording that asks the cache alone: the bill of the first time, a budget that counts it, and no live call."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from synalinks.errors import BudgetExceeded, OfflineError
from synalinks.lm import (
    AttemptCosts,
    Budget,
    Client,
    Request,
    RetryPolicy,
    use_budget,
    use_cassette,
    use_ledger,
    use_provider,
)
from synalinks.lm.blocks import use_cache_only
from synalinks.lm.cache.disk_store import DATABASE, DiskStore
from synalinks.lm.cache.entry import encode, key_prefix
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Reply, Usage
from synalinks.lm.runtime import current
from synalinks.scope import NOWHERE, Scope

MODEL = "ollama/m"
NOBODY = "http://127.0.0.1:9"


def chat(text: str, **options: object) -> Request:
    return Request("chat", MODEL, messages=[{"role": "user", "content": text}], options=options)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An answer that took three attempts, and two answers to another request, of two places."""
    store = DiskStore(tmp_path / "cache")
    endpoint = Client(MODEL, api_base=NOBODY).endpoint
    dear = Reply(
        "dear",
        usage=Usage(input_fresh=10, output_text=5, raw={"n": 15}),
        cost=Decimal("0.25"),
        attempts=3,
        failed=AttemptCosts(Decimal("0.5"), 30),
        seconds=1.5,
        finish="stop",
    )
    store.add(key_prefix(chat("dear"), endpoint) + "0", encode(MODEL, (NOWHERE, 0), dear))
    for number, sample in enumerate((7, 3)):
        reply = Reply(f"of sample {sample}", cost=Decimal("0.125"))
        key = key_prefix(chat("twice"), endpoint) + str(number)
        store.add(key, encode(MODEL, (Scope(sample=sample), 0), reply))
    store.close()
    yield tmp_path / "cache"
    assert current().cache_only is None


def send(*requests: Request, sample: int | None = None) -> list[Reply]:
    from synalinks import scope

    async def main() -> list[Reply]:
        client = Client(MODEL, api_base=NOBODY, retry=RetryPolicy(attempts=1))
        with scope.enter(sample=sample):
            return [await client.send(request) for request in requests]

    return asyncio.run(main())


def test_the_cassette_has_the_tokens_cost_and_attempts_of_the_first_time(folder: Path, tmp_path: Path) -> None:
    cassette = tmp_path / "t.jsonl"
    with use_ledger() as ledger, use_cache_only(folder) as archive, use_cassette(cassette):
        (reply,) = send(chat("dear"))
    assert (reply.source, reply.billed, reply.as_if) == ("cache", 0, Decimal("0.75"))
    assert archive.given == 1
    assert (ledger.total.billed.known, ledger.total.as_if.known) == (0, Decimal("0.75"))
    with Cassette(cassette) as opened:
        (row,) = opened.rows()
    kept = row.value["reply"]
    assert (kept["text"], kept["attempts"], kept["wasted"], kept["cost"]) == ("dear", 3, "0.5", "0.25")
    assert (kept["wasted_tokens"], kept["seconds"], kept["usage"]["raw"]) == (30, 1.5, {"n": 15})
    with use_cassette(cassette, "none"):
        (again,) = send(chat("dear"))
    assert (again.text, again.as_if, again.attempts, again.seconds) == ("dear", Decimal("0.75"), 3, 1.5)


def test_each_place_gets_its_own_answer(folder: Path, tmp_path: Path) -> None:
    with use_cache_only(folder), use_cassette(tmp_path / "t.jsonl"):
        assert send(chat("twice"), sample=3)[0].text == "of sample 3"
        assert send(chat("twice"), sample=1)[0].text == "of sample 7", "the one that is left"
        with pytest.raises(OfflineError, match="only 2 answers, all taken,"):
            send(chat("twice"), sample=7)


def test_a_budget_counts_all_attempts_as_it_did_then(folder: Path, tmp_path: Path) -> None:
    with use_cache_only(folder), use_cassette(tmp_path / "t.jsonl"), use_budget(Budget(tokens=20_000)) as tracker:
        send(chat("dear"))
    assert tracker.settled.usd == Decimal("0.75") and tracker.settled.calls == 3
    assert tracker.settled.tokens == 45
    with (
        use_cache_only(folder),
        use_cassette(tmp_path / "u.jsonl"),
        use_budget(Budget(calls=0)),
        pytest.raises(BudgetExceeded),
    ):
        send(chat("dear"))


def test_what_is_asked_and_where_stands_in_the_error(folder: Path, tmp_path: Path) -> None:
    cassette = tmp_path / "t.jsonl"
    with use_cache_only(folder) as archive, use_cassette(cassette), pytest.raises(OfflineError) as caught:
        send(chat("x" * 300 + " new question"), sample=5)
    said = str(caught.value)
    assert f"the cache in {folder} has no answer for a call of 'ollama/m' to {NOBODY}" in said
    assert "at sample=5, draw 0" in said and "xx new question" in said and "x" * 120 not in said
    assert "nothing was sent and nothing billed" in said
    assert archive.given == 0
    embed = Request("embed", MODEL, texts=["first text", "second"])
    with (
        use_cache_only(folder),
        use_cassette(cassette, "all"),
        pytest.raises(OfflineError, match="2 texts, the first: first t"),
    ):
        send(embed)


def test_a_stand_in_answers_before_the_archive(folder: Path, tmp_path: Path) -> None:
    async def stand_in(call: Call) -> Reply:
        return Reply("from the stand-in", finish="stop")

    with use_cache_only(folder), use_cassette(tmp_path / "t.jsonl"), use_provider(stand_in):
        assert send(chat("dear"))[0].text == "from the stand-in"


def test_nothing_is_written_to_the_cache(folder: Path, tmp_path: Path) -> None:
    def rows() -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(folder / DATABASE)) as connection:
            return connection.execute("SELECT * FROM Cache ORDER BY rowid").fetchall()

    before = rows()
    with use_cache_only(folder), use_cassette(tmp_path / "t.jsonl"):
        send(chat("dear"))
    assert len(before) == 3 and rows() == before
