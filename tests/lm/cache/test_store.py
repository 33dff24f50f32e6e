"""Stores of answers: what they keep, what they refuse, and what they do when the disk doesn't play along."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import synalinks
from lm.redis_server import redis_server
from synalinks.lm.cache import disk_store as module
from synalinks.lm.cache.disk_store import DATABASE, DiskStore
from synalinks.lm.cache.location import cache_disabled, default_directory
from synalinks.lm.cache.store import MANY, UNREADABLE, MemoryStore, Store, StoreBusy
from synalinks.lm.cache.stores import open_store

SOURCE = str(Path(synalinks.__file__).parent.parent)
MODE_RAW, MODE_BINARY, MODE_PICKLE = 1, 2, 4


@pytest.fixture(params=["disk", "memory", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "redis":
        with redis_server() as server:
            yield open_store(server.url)
    else:
        yield DiskStore(tmp_path / "cache") if request.param == "disk" else MemoryStore()


def filled(directory: Path, entries: int = 1) -> None:
    """A closed database in `directory` with entries `k0`, `k1`, ..."""
    store = DiskStore(directory)
    for number in range(entries):
        store.add(f"k{number}", b"x" * 500)
    store.close()


def plant(directory: Path, key: object, raw: int, mode: int, filename: str | None, value: object) -> None:
    """A row that this library would never write."""
    with closing(sqlite3.connect(directory / DATABASE)) as connection, connection:
        connection.execute(
            "INSERT INTO Cache (key, raw, store_time, mode, filename, value) VALUES (?, ?, 0, ?, ?, ?)",
            (key, raw, mode, filename, value),
        )


def damage(directory: Path) -> None:
    """Overwrite all but the first pages of a database, those with its schema and settings."""
    with (directory / DATABASE).open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for page in range(20 * 4096, size, 4096):
            file.seek(page)
            file.write(b"\xff" * 4096)


class Evil:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (os.mkdir, (str(self.trace),))


def test_values_come_back_as_they_were(store: Store) -> None:
    value = bytes(range(256)) * 1000
    assert store.get("k") is None
    assert store.add("k", value)
    assert store.get("k") == value


def test_add_is_refused_where_something_is(store: Store) -> None:
    assert store.add("k", b"first")
    assert not store.add("k", b"second")
    assert store.get("k") == b"first"
    assert not store.add("k", store.get("k") or b"")


def test_replace_overwrites(store: Store) -> None:
    store.add("k", b"first")
    assert store.add("k", b"second", replace=True)
    assert store.get("k") == b"second"
    assert store.add("new", b"third", replace=True)
    assert store.get("new") == b"third"


def test_nothing_is_made_before_first_use(tmp_path: Path) -> None:
    DiskStore(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_values_outlive_the_store_and_lie_in_one_private_place(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "cache"
    store = DiskStore(directory)
    store.add("big", b"x" * 1_000_000)
    store.close()
    assert DiskStore(directory).get("big") == b"x" * 1_000_000
    assert {path.name for path in directory.iterdir()} <= {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"}
    if os.name == "posix":
        assert directory.stat().st_mode & 0o077 == 0


def test_nothing_is_ever_evicted(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.add("k", b"x")
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        settings = dict(connection.execute("SELECT key, value FROM Settings").fetchall())
    assert settings["eviction_policy"] == "none"
    assert settings["cull_limit"] == 0
    assert settings["statistics"] == 0


def test_a_planted_pickle_is_not_opened(tmp_path: Path) -> None:
    filled(tmp_path)
    trace = tmp_path / "trace"
    payload = pickle.dumps(Evil(trace))
    (tmp_path / "planted.val").write_bytes(payload)
    plant(tmp_path, "inline", 1, MODE_PICKLE, None, payload)
    plant(tmp_path, "in a file", 1, MODE_PICKLE, "planted.val", None)
    plant(tmp_path, payload, 0, MODE_RAW, None, b"x")
    store = DiskStore(tmp_path)
    assert store.get("inline") == UNREADABLE
    assert store.get("in a file") == UNREADABLE
    assert len(list(store._cache.iterkeys())) == 4  # walks over the pickled key, too
    assert not trace.exists()
    assert store.add("inline", b"mended", replace=True)
    assert store.get("inline") == b"mended"


def test_a_planted_row_reads_no_file_and_no_other_type(tmp_path: Path) -> None:
    filled(tmp_path / "cache")
    (tmp_path / "secret").write_bytes(b"secret")
    plant(tmp_path / "cache", "file", 1, MODE_BINARY, "../secret", None)
    plant(tmp_path / "cache", "text", 1, MODE_RAW, None, "text")
    plant(tmp_path / "cache", "number", 1, MODE_RAW, None, 5)
    store = DiskStore(tmp_path / "cache")
    assert [store.get(key) for key in ("file", "text", "number")] == [UNREADABLE] * 3


def test_a_planted_disk_setting_does_not_matter(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection, connection:
        connection.execute("INSERT INTO Settings VALUES ('disk_nonsense', 1)")
    assert DiskStore(tmp_path).get("k0") == b"x" * 500


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database " * 1000)
    store = DiskStore(tmp_path)
    with pytest.warns(RuntimeWarning, match=r"is damaged .*renamed to cache\.db\.damaged-1") as caught:
        assert store.get("k") is None
    assert store.add("k", b"x")
    assert store.get("k") == b"x"
    assert len(caught) == 1
    assert (tmp_path / "cache.db.damaged-1").read_bytes().startswith(b"no database")


def test_damage_found_later_is_set_aside_too_and_earlier_ones_are_kept(tmp_path: Path) -> None:
    (tmp_path / "cache.db.damaged-1").write_bytes(b"earlier")
    filled(tmp_path, entries=200)
    damage(tmp_path)
    store = DiskStore(tmp_path)
    with pytest.warns(RuntimeWarning, match="damaged-2") as caught:
        assert store.add("new", b"x")
        found = [store.get(f"k{number}") for number in range(200)]
        assert store.add("newer", b"x")
    assert len(caught) == 1
    assert found[-1] is None
    assert store.get("newer") == b"x"
    assert (tmp_path / "cache.db.damaged-1").read_bytes() == b"earlier"


def test_two_stores_on_a_damaged_database_set_it_aside_once(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database " * 1000)
    first, second = DiskStore(tmp_path), DiskStore(tmp_path)
    with pytest.warns(RuntimeWarning) as caught:
        first.add("k", b"x")
    assert second.get("k") == b"x"
    assert len(caught) == 1


def test_what_another_process_began_anew_is_not_set_aside(tmp_path: Path) -> None:
    filled(tmp_path, entries=200)
    mine, other = DiskStore(tmp_path), DiskStore(tmp_path)
    assert mine.get("none") is None  # opened, but most of it not yet read
    damage(tmp_path)
    with pytest.warns(RuntimeWarning, match="damaged-1") as caught:
        assert [other.get(f"k{number}") for number in range(200)][-1] is None
        other.add("fresh", b"x")
        assert [mine.get(f"k{number}") for number in range(200)][-1] is None
    assert len(caught) == 1
    assert mine.get("fresh") == b"x"
    assert not (tmp_path / "cache.db.damaged-2").exists()


def test_another_database_under_our_name_is_set_aside(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection, connection:
        connection.execute("CREATE TABLE Cache (something TEXT)")
    store = DiskStore(tmp_path)
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert store.add("k", b"x")
    assert store.get("k") == b"x"


def test_an_unwritable_directory_means_memory_and_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = DiskStore(tmp_path / "file" / "cache")
    with pytest.warns(RuntimeWarning, match="SYNALINKS_CACHE_DIR") as caught:
        assert store.get("k") is None
        assert store.add("k", b"x")
        assert not store.add("k", b"y")
        assert store.add("k", b"z", replace=True)
    assert store.get("k") == b"z"
    assert len(caught) == 1
    assert str(tmp_path / "file" / "cache") in str(caught[0].message)


def test_a_full_disk_keeps_what_is_there_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore(tmp_path)
    store.add("old", b"x")
    (pages,) = store._cache._sql("PRAGMA page_count").fetchone()
    store._cache._sql(f"PRAGMA max_page_count = {pages}").fetchall()
    with pytest.warns(RuntimeWarning, match="full") as caught:
        assert store.add("new", b"y" * 100_000)
        assert store.add("newer", b"y" * 100_000)
    assert len(caught) == 1
    assert store.get("old") == b"x"
    assert store.get("new") == b"y" * 100_000
    assert not store.add("new", b"z")


def test_who_must_not_wait_is_told_so(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    with pytest.raises(StoreBusy):
        store.get("k", wait=False)  # opening may have to wait
    store.add("k", b"x")
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.get("k", wait=False) == b"x"  # readers are never locked out
        with pytest.raises(StoreBusy):
            store.add("new", b"y", wait=False)
        other.execute("ROLLBACK")
    assert store.add("new", b"y", wait=False)


def test_who_may_wait_outlasts_another_writer(tmp_path: Path) -> None:
    filled(tmp_path)
    store = DiskStore(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done: list[bool] = []
        thread = threading.Thread(target=lambda: done.append(store.add("new", b"y")))
        thread.start()
        thread.join(0.05)
        assert done == []
        other.execute("COMMIT")
        thread.join(10)
    assert done == [True]


def test_a_lock_that_is_never_released_means_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG_WAIT", 0.01)
    store = DiskStore(tmp_path)
    store.add("k", b"x")
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.warns(RuntimeWarning, match="locked"):
            assert store.add("new", b"y")
        assert store.get("new") == b"y"


def test_threads_share_a_store_and_leave_no_connection_open(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    wins: list[int] = []

    def work() -> None:
        wins.extend(number for number in range(50) if store.add(str(number), b"x"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == list(range(50))
    store.close()
    # SQLite removes the log when the last connection closes.
    assert not (tmp_path / f"{DATABASE}-wal").exists()


def test_a_store_may_be_dropped_on_any_thread(tmp_path: Path) -> None:
    stores = [DiskStore(tmp_path)]
    stores[0].add("k", b"x")
    # A connection that could not be closed there would be reported, which fails the test.
    thread = threading.Thread(target=stores.clear)
    thread.start()
    thread.join()
    assert not (tmp_path / f"{DATABASE}-wal").exists()


WRITER = """
import sys
from synalinks.lm.cache.disk_store import DiskStore
store = DiskStore(sys.argv[1])
won = [n for n in range(100) if store.add(f"k{n}", b"%d" % n)]
assert all(store.get(f"k{n}") == b"%d" % n for n in range(100))
print(*won)
"""


def test_eight_processes_write_one_directory(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", WRITER, str(tmp_path / "cache")]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    writers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    outputs = [writer.communicate(timeout=60)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8
    # Each key was added by exactly one of them.
    assert sorted(int(word) for output in outputs for word in output.split()) == list(range(100))


def test_a_killed_process_loses_nothing_it_stored(tmp_path: Path) -> None:
    script = WRITER.replace("print(*won)", "print('ready', flush=True); sys.stdin.read()")
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        writer.kill()
    store = DiskStore(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(store.get(f"k{number}") == b"%d" % number for number in range(100))


def test_the_environment_chooses_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "chosen"))
    assert default_directory() == tmp_path / "chosen"
    monkeypatch.delenv("SYNALINKS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_directory().name == "lm"
    assert "synalinks" in default_directory().parts
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("value", "off"), [("off", True), ("OFF ", True), ("0", True), ("on", False)])
def test_the_environment_switches_the_cache_off(value: str, off: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE", value)
    assert cache_disabled() is off


def test_the_cache_is_on_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNALINKS_CACHE", raising=False)
    assert not cache_disabled()


# --- leases ------------------------------------------------------------------------------------------------------


def test_a_lease_has_one_owner(store: Store) -> None:
    assert store.claim(["a", "b"], "me", 60.0) == ["a", "b"]
    assert store.claim(["b", "c"], "you", 60.0) == ["c"]
    assert store.claim(["b", "c"], "me", 60.0) == ["b"]  # its own, as after a reply that was lost
    store.extend(["a", "b"], "you", 0.0)
    assert store.claim(["a", "b"], "you", 60.0) == []
    store.extend(["a"], "me", 0.0)
    store.extend(["a"], "me", 60.0)  # it has none any more, and gets none
    assert store.claim(["a", "b"], "you", 60.0) == ["a"]
    assert store.get("a") is None  # leases are no answers


def test_a_lease_ends_by_itself(store: Store) -> None:
    store.claim(["a", "b"], "me", 0.05)
    store.extend(["b"], "me", 600.0)
    until = time.monotonic() + 60.0
    while not store.claim(["a"], "you", 600.0):
        assert time.monotonic() < until
    store.extend(["a"], "me", 0.0)
    assert store.claim(["a", "b"], "another", 600.0) == []


def test_a_lease_that_was_left_is_no_obstacle_to_who_uses_the_store(store: Store) -> None:
    store.claim(["a", "b"], "me", 600.0)
    store.leave(["a"], "me")
    assert store.claim(["a"], "you", 600.0) == ["a"]
    store.leave(["a", "b"], "another")  # it has none of them
    assert store.claim(["a", "b"], "another", 600.0) == []


def test_the_next_lease_takes_the_place_of_one_that_was_left(tmp_path: Path) -> None:
    store, other = DiskStore(tmp_path), DiskStore(tmp_path)
    store.claim(["a"], "me", 600.0)
    store.leave(["a"], "me")
    assert other.claim(["a"], "you", 600.0) == []  # whose call looks for the answer, and finds it
    assert store.claim(["b"], "me too", 600.0) == ["b"]
    assert keys_in(tmp_path / module.LEASES, "Lease") == ["b"]
    assert other.claim(["a", "b"], "you", 600.0) == ["a"]


def test_a_lease_that_was_left_takes_no_place_of_another_process(tmp_path: Path) -> None:
    store, other = DiskStore(tmp_path), DiskStore(tmp_path)
    other.claim(["b"], "you", 600.0)
    store.claim(["a"], "me", 600.0)
    store.leave(["a"], "me")
    assert store.claim(["b"], "me too", 600.0) == []
    assert keys_in(tmp_path / module.LEASES, "Lease") == ["b"]  # that on `a` has ended
    store.claim(["a"], "me", 0.0)
    store.leave(["a"], "me")
    assert other.claim(["a"], "you", 600.0) == ["a"]  # it had ended
    assert store.claim(["c"], "me", 600.0) == ["c"]
    assert keys_in(tmp_path / module.LEASES, "Lease") == ["a", "b", "c"]


def test_a_lease_ends_now_where_its_answer_is_in_memory_only(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.claim(["a"], "me", 600.0)
    store._memory = MemoryStore()  # as on a full disk
    store.leave(["a"], "me")
    assert DiskStore(tmp_path).claim(["a"], "you", 600.0) == ["a"]


def test_leases_leave_no_answers_behind(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.claim(["a", "b"], "me", 0.001)
    store.claim(["c"], "me", 60.0)
    store.add("answer", b"x")
    store.close()
    time.sleep(0.01)
    store = DiskStore(tmp_path)
    store.claim(["d"], "me", 60.0)
    store.close()
    assert keys_in(tmp_path, "Cache") == ["answer"]
    assert keys_in(tmp_path / module.LEASES, "Lease") == ["c", "d"]  # what ended is gone


def keys_in(directory: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(directory / DATABASE)) as connection:
        return [key for (key,) in connection.execute(f"SELECT key FROM {table} ORDER BY key")]


def test_a_clock_that_was_set_back_holds_no_lease_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore(tmp_path)
    with monkeypatch.context() as patch:
        now = time.time()
        patch.setattr(time, "time", lambda: now + 86400)
        store.claim(["a"], "me", 30.0)
    assert store.claim(["a"], "you", 30.0) == ["a"]


def test_many_leases_are_left_to_a_thread(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.claim(["opened"], "me", 60.0)
    assert store.claim(["a"], "me", 60.0, wait=False) == ["a"]
    with pytest.raises(StoreBusy):
        store.claim([str(number) for number in range(MANY)], "me", 60.0, wait=False)


def test_where_nothing_can_be_written_all_leases_are_granted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = DiskStore(tmp_path / "file" / "cache")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.claim(["a"], "me", 60.0) == ["a"]
        assert store.claim(["a"], "you", 60.0) == ["a"]
        store.extend(["a"], "me", 0.0)
