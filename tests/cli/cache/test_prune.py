"""`synalinks cache prune`: a part goes, and what stays can still be found."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import call
from synalinks.lm.cache.disk_store import DATABASE, DiskStore
from synalinks.lm.cache.entry import encode, key_prefix
from synalinks.lm.cache.layer import CacheLayer
from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.core.draws import Draws
from synalinks.scope import NOWHERE

DAY = 86400.0


def request_of(text: str, model: str) -> Request:
    return Request("chat", model, messages=[{"role": "user", "content": text}], options={"temperature": 1})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two answers to one request, 5 and (stored again later, say) 50 days old; one of another model, 40 days old."""
    store = DiskStore(tmp_path / "cache")
    twice, once = request_of("twice", "fake/m"), request_of("once", "fake/n")
    for key, model, age in (
        (key_prefix(twice, "http://x") + "0", "fake/m", 5),
        (key_prefix(twice, "http://x") + "1", "fake/m", 50),
        (key_prefix(once, "http://x") + "0", "fake/n", 40),
    ):
        store.add(key, encode(model, (NOWHERE, 0), Reply(key[-1], cost=Decimal("0.25"))))
        with closing(sqlite3.connect(tmp_path / "cache" / DATABASE, isolation_level=None)) as connection:
            connection.execute("UPDATE Cache SET store_time = ? WHERE key = ?", (time.time() - age * DAY, key))
    store.close()
    return tmp_path / "cache"


def answers(folder: Path, text: str, model: str, number: int) -> list[str]:
    """What a run that may ask nobody gets."""

    async def main() -> list[str]:
        async def nobody(call: Call) -> Reply:
            return Reply("asked anew")

        draws = Draws()
        store = DiskStore(folder)
        handler = CacheLayer(lambda: store, "http://x", lambda call: draws, lambda call: False)(nobody)
        texts = [(await handler(Call(request_of(text, model), draw=draw))).text for draw in range(number)]
        store.close()
        return texts

    return asyncio.run(main())


def test_what_is_older_goes_and_the_answers_to_one_request_stay_together(folder: Path) -> None:
    told = call("cache", "prune", folder, "--older-than", "30d", "--dry-run")
    assert told.exit_code == 0, told.output
    assert f"To go from {folder}, stored between 20" in told.output
    assert "fake/n" in told.output and "fake/m" not in told.output
    assert "2 answers (" in told.output and "$0.5000) stay" in told.output
    refused = call("cache", "prune", folder, "--older-than", "30d", answers="n\n")
    assert refused.exit_code == 1 and "Remove them?" in refused.output
    done = call("cache", "prune", folder, "--older-than", "30", "--yes")
    assert done.output.splitlines()[-1].startswith("Removed 1 answer (")
    assert answers(folder, "twice", "fake/m", 2) == ["0", "1"]
    assert answers(folder, "once", "fake/n", 1) == ["asked anew"]


def test_a_dry_run_removes_nothing(folder: Path) -> None:
    before = (folder / DATABASE).read_bytes()
    assert call("cache", "prune", folder, "--keep", "0", "--dry-run").exit_code == 0
    assert (folder / DATABASE).read_bytes() == before


def test_answers_of_a_model_go(folder: Path) -> None:
    assert "Removed 2 answers" in call("cache", "prune", folder, "--model", "fake/m", "--yes").output
    assert answers(folder, "once", "fake/n", 1) == ["0"]
    assert "fake/m" not in call("cache", "stats", folder).output


def test_the_oldest_go_until_the_rest_fits(folder: Path) -> None:
    assert "Nothing in" in call("cache", "prune", folder, "--keep", "1GB", "--yes").output
    done = call("cache", "prune", folder, "--keep", "0.25kB", "--yes")
    assert "Removed 1 answer" in done.output, done.output
    assert answers(folder, "twice", "fake/m", 2) == ["0", "1"]
    assert "Removed 2 answers" in call("cache", "prune", folder, "--keep", "0", "--yes").output


def test_options_narrow_each_other_down(folder: Path) -> None:
    assert "Nothing in" in call("cache", "prune", folder, "--model", "fake/m", "--older-than", "1w", "--yes").output
    assert "Removed 2" in call("cache", "prune", folder, "--model", "fake/m", "--keep", "0", "--yes").output
    assert answers(folder, "once", "fake/n", 1) == ["0"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to remove: --older-than, --model or --keep"),
        (("--older-than", "a month"), "'a month' is no age; give hours, days or weeks"),
        (("--keep", "much"), "'much' is no size"),
        (("--model", "fake/z"), "the cache has no answer of 'fake/z'; its models: fake/m, fake/n"),
    ],
)
def test_what_can_not_be_meant_is_told(folder: Path, words: Any, said: str) -> None:
    told = call("cache", "prune", folder, *words)
    assert told.exit_code == 2 and said in told.output


@pytest.mark.parametrize(("text", "days"), [("12h", 0.5), ("45", 45), ("6w", 42), ("45 D", 45)])
def test_ages(folder: Path, text: str, days: float) -> None:
    told = call("cache", "prune", folder, "--older-than", text, "--dry-run").output
    gone = [line.split()[1] for line in told.splitlines() if line.startswith("total")]
    assert gone == ([] if days >= 40 else ["3"])


def test_entries_that_can_not_be_read_are_shown_as_such(folder: Path) -> None:
    store = DiskStore(folder)
    store.add("broken", b"SYL0 of an older version")
    store.close()
    assert "(can't be read)" in call("cache", "prune", folder, "--keep", "0", "--dry-run").output


def test_a_run_under_way_goes_on(folder: Path) -> None:
    store = DiskStore(folder)
    assert store.get(key_prefix(request_of("once", "fake/n"), "http://x") + "0") is not None
    assert call("cache", "prune", folder, "--keep", "0", "--yes").exit_code == 0
    assert store.get(key_prefix(request_of("once", "fake/n"), "http://x") + "0") is None
    assert store.add("new", b"value") and store.get("new") == b"value"
    store.close()


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    told = call("cache", "prune", tmp_path / "none", "--keep", "0")
    assert told.output == f"There is nothing in {tmp_path / 'none'}\n" and not (tmp_path / "none").exists()
