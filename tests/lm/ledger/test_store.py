"""Where a ledger's entries are: the latest as they are, older ones packed, the oldest in a file; queries see all."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import threading
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lm.pupil import entry
from synalinks.errors import ConfigurationError
from synalinks.lm import AttemptCosts, Ledger, Usage, use_ledger
from synalinks.lm.ledger import store
from synalinks.lm.ledger.ledger import Entry
from synalinks.lm.ledger.store import decode, encode
from synalinks.scope import Scope


def an_entry(number: int, **more: Any) -> Entry:
    place = Scope(epoch=number % 3, phase="train", sample=number, module="program/generator")
    values: dict[str, Any] = {"scope": place, "draw": number, "as_if": Decimal("0.0001") * number, "billed": Decimal(0)}
    return entry(number, digest=f"{number:064x}", **{**values, **more})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK", 4)
    monkeypatch.setattr(store, "IN_MEMORY", 2)


@pytest.mark.parametrize(
    "given",
    [
        an_entry(1),
        an_entry(2, as_if=None, billed=None, failed=AttemptCosts(Decimal("0.10"), 7, 2, priced=False)),
        an_entry(3, finish=None, error="timeout", error_message="no answer ü", scope=Scope(), latency=0.1 + 0.2),
        an_entry(4, usage=Usage(raw={"synthetic": True}), begun=1e-9, first_token=0.25, vectors=3, is_fallback=True),
        an_entry(5, usage=Usage(0, output_text=0), as_if=Decimal("1E-12"), attempts=0, answers=1, billed_tokens=9),
    ],
)
def test_an_entry_comes_back_as_it_was(given: Entry) -> None:
    assert decode(encode(given)) == given
    assert str(decode(encode(given)).as_if) == str(given.as_if)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kept", ["memory", "file"])
def test_every_query_is_over_all_entries(kept: str, tmp_path: Path) -> None:
    entries = [an_entry(number, caller=number % 2) for number in range(103)]
    plain, ledger = Ledger(), Ledger(path=tmp_path / "ledger.jsonl") if kept == "file" else Ledger()
    plain._entries._recent = entries  # nothing is packed
    for number, each in enumerate(entries):
        ledger.record(each)
        if number % 10 == 0:
            assert ledger.total.calls == number + 1
    assert ledger._entries._spilled > 10, "most of them are in a file"
    assert list(ledger) == list(plain) and list(ledger.recorded()) == entries
    assert ledger.total == plain.total and ledger.by("epoch", "model") == plain.by("epoch", "model")
    assert ledger.filter(epoch=1).total == plain.filter(epoch=1).total
    for mark in (0, 3, 4, 50, 101, 103):
        assert list(ledger.since(mark).recorded()) == entries[mark:]
    assert (ledger.last(), ledger.last(caller=1)) == (entries[-1], entries[101])
    assert str(ledger) == str(plain) and ledger.to_dicts() == plain.to_dicts()
    for twin in (copy.deepcopy(ledger), pickle.loads(pickle.dumps(ledger))):
        assert list(twin) == list(plain)
    ledger.clear()
    assert (len(ledger), ledger.mark, list(ledger)) == (0, 103, [])
    ledger.record(entries[0])
    assert list(ledger.since(103)) == [entries[0]]


@pytest.mark.usefixtures("small")
def test_a_file_is_read_again_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    entries = [an_entry(number) for number in range(30)]
    with use_ledger(Ledger(path=path)) as first:
        for each in entries[:21]:
            first.record(each)
    assert path.stat().st_mode & 0o077 == 0, "only its owner reads it"
    with path.open("ab") as file:
        file.write(b'{"scope":{"epo')  # the process was killed here
    with use_ledger(Ledger(path=path)) as second:
        assert second.total.calls == 21
        for each in entries[21:]:
            second.record(each)
        assert list(second.recorded()) == entries
    assert list(Ledger(path=path).recorded()) == entries
    assert len(path.read_bytes().splitlines()) == 30


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    for text in ("buy milk\n", "[]\n", "{}\n", '{"scope":{},"usage":3}\n'):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=r"notes\.txt, line 1: no entry of a ledger"):
            Ledger(path=path)
        assert path.read_text() == text
    with pytest.raises(ConfigurationError, match="can't be kept in"):
        Ledger(path=tmp_path)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(ConfigurationError, match="can't be kept in"):
        Ledger(path=tmp_path / "link")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("content", [b"[" * 1000, b'{"a": 1}', b"a note of mine", b"first\nsecond"])
def test_a_file_of_something_else_is_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="no entry of a ledger"):
        Ledger(path=path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "large"])
def test_what_is_no_regular_file_of_lines_is_refused(kind: str, tmp_path: Path) -> None:
    path = {"device": Path("/dev/zero"), "folder": tmp_path}.get(kind, tmp_path / "ledger.jsonl")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(5 << 30)
    with pytest.raises(ConfigurationError, match="regular file|directory|no entry"):
        Ledger(path=path)


def test_threads_record_at_once() -> None:
    ledger = Ledger()

    def record(first: int) -> None:
        for number in range(200):
            ledger.record(an_entry(first + number))

    threads = [threading.Thread(target=record, args=(1000 * place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger) == ledger.total.calls == 800
    assert len({each.draw for each in ledger.recorded()}) == 800


def test_memory_is_flat_and_an_entry_takes_at_most_300_bytes() -> None:
    def held(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        ledger = Ledger()
        for number in range(count):
            ledger.record(an_entry(number))
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(ledger) == count
        return size

    first, second = held(4 * store.CHUNK), held(24 * store.CHUNK)
    assert (second - first) / (20 * store.CHUNK) <= 300
