"""DiskStore: answers in a folder, for the processes of one machine.

It is diskcache with everything that could run code or lose entries switched off: only plain bytes go
in and come out. diskcache itself unpickles whatever a row says is pickled, so that an attacker who can write to
the directory could run code in every reader (CVE-2025-69872, not fixed upstream); here such a row reads as
unreadable.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from synalinks._base.files import PRIVATE, made
from synalinks._base.warning import warn
from synalinks.lm.cache.lease_table import LeaseTable
from synalinks.lm.cache.store import MANY, UNREADABLE, MemoryStore, Store, StoreBusy

#: How long, in seconds, SQLite may wait for another writer before a caller that must not block gets an error.
SHORT_WAIT = 0.005
#: How long, in seconds, a caller that may block waits for other writers in all.
LONG_WAIT = 60.0
#: After so many damaged databases in one process the fault lies elsewhere.
MOST_SET_ASIDE = 3
#: The file that diskcache keeps inside its directory.
DATABASE = "cache.db"
#: The folder in it for leases, a database of its own: answers and leases don't wait for each other's commits.
LEASES = "leases"
#: Nothing is ever thrown out, counted or moved to files of its own; a commit survives the death of the
#: process (WAL, synchronous=NORMAL). No memory map: a file cut short under one ends the process by SIGBUS.
SETTINGS: dict[str, Any] = {
    "eviction_policy": "none",
    "cull_limit": 0,
    "size_limit": 2**62,
    "statistics": 0,
    "tag_index": 0,
    "sqlite_auto_vacuum": 0,
    "sqlite_cache_size": 2**13,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 0,
    "sqlite_synchronous": 1,
}

#: Settings that end with a connection to SQLite.
PER_CONNECTION = ("cache_size", "mmap_size", "synchronous")

#: A row of diskcache's table of answers, and one where the key has none.
GET = "SELECT mode, value FROM Cache WHERE key = ? AND raw = 1"
ADD = "INSERT INTO Cache (key, raw, store_time, size, mode, value) VALUES (?, 1, ?, 0, ?, ?) ON CONFLICT DO NOTHING"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
#: SQLITE_ERROR is what a missing table or column gives: a database, but not this one.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


@cache
def _plain_disk() -> Any:
    """The diskcache `Disk` that has only string keys and bytes values, both as they are."""
    import diskcache  # 20 ms, and not needed until the first answer

    class PlainDisk(diskcache.Disk):  # type: ignore[misc]
        """No pickle, and no files beside the database; what is read passes `PlainCache.get`."""

        def __init__(self, directory: str, **settings: Any) -> None:
            # The settings come out of the database; one that was planted there must have no effect.
            super().__init__(directory)

        def put(self, key: str) -> tuple[str, bool]:
            return key, True

        def get(self, key: Any, raw: bool) -> str:
            return key if raw and type(key) is str else ""

        def store(self, value: bytes, read: bool, key: Any = None) -> tuple[int, int, None, bytes]:
            return 0, diskcache.core.MODE_RAW, None, value

    return PlainDisk


class _Owner:
    """Dies with its thread or with its cache, and has a connection closed then; diskcache leaves that to chance.

    By a finalizer of its own rather than `__del__`: where both are garbage of one cycle, Python may finalize the
    connection first, and warn that it was not closed.
    """

    __slots__ = ("__weakref__",)


def _lenient(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@cache
def _plain_cache() -> Any:
    """The diskcache `Cache` whose connections are closed in time, from whatever thread that happens."""
    import diskcache  # 20 ms, and not needed until the first answer

    class PlainCache(LeaseTable, diskcache.Cache):  # type: ignore[misc]
        """One connection per thread and process, with settings of its own."""

        @property
        def _con(self) -> sqlite3.Connection:
            local = self._local
            if getattr(local, "pid", None) != (pid := os.getpid()):  # a connection must not cross a fork
                self.close()
                local.pid = pid
            connection: sqlite3.Connection | None = getattr(local, "con", None)
            if connection is None:
                connection = local.con = sqlite3.connect(
                    os.path.join(self._directory, DATABASE),
                    timeout=self._timeout,
                    isolation_level=None,
                    check_same_thread=False,  # the garbage collector runs in any thread
                )
                local.owner = owner = _Owner()
                weakref.finalize(owner, connection.close)
                # We write no text, but text from elsewhere must read as unreadable, not as a broken database.
                connection.text_factory = _lenient
                for name in PER_CONNECTION:
                    connection.execute(f"PRAGMA {name} = {SETTINGS['sqlite_' + name]}").fetchall()
            return connection

        def get(self, key: str) -> bytes | None:
            """The value, None if there is none, or `UNREADABLE` if something else than bytes is there."""
            found = self._con.execute(GET, (key,)).fetchone()
            if found is None:
                return None
            mode, value = found
            return value if mode == diskcache.core.MODE_RAW and type(value) is bytes else UNREADABLE

        def add(self, key: str, value: bytes) -> bool:
            """Store a value where there is none, in one statement; diskcache takes four."""
            row = (key, time.time(), diskcache.core.MODE_RAW, value)
            return bool(self._con.execute(ADD, row).rowcount)

    return PlainCache


class DiskStore(Store):
    """A directory of answers, opened on first use.

    It never stands in the way of a run: a damaged database is set aside and a new one begun; where nothing
    can be written, answers are kept in memory. Each is said once, as a `RuntimeWarning`.

    Args:
        directory: made at the first use.
        of_leases: whether it holds the leases of the store in the folder above, and no answers.
    """

    def __init__(self, directory: str | Path, *, of_leases: bool = False) -> None:
        self.directory = Path(directory).expanduser()
        self._of_leases = of_leases
        self._cache: Any = None
        self._identity: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._memory: MemoryStore | None = None  # where answers can't be written
        self._leases: DiskStore | None = None
        self._usable = True
        self._set_asides = 0
        self._warned = False

    def __repr__(self) -> str:
        return f"DiskStore({str(self.directory)!r})"

    def get(self, key: str, *, wait: bool = True) -> bytes | None:
        """The value, None if there is none, or `UNREADABLE` if something else than bytes is there."""
        value: bytes | None
        opened = self._cache
        try:
            value = self._attempt("get", (key,), wait) if opened is None else opened.get(key)
        except sqlite3.DatabaseError:
            value = self._attempt("get", (key,), wait)
        if value is None and self._memory is not None:
            return self._memory.get(key)
        return value

    def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
        """Store the value; False, and nothing done, if the key is there already and `replace` is False."""
        if self._memory is not None and not replace and self._memory.get(key) is not None:
            return False
        done: bool | None = self._attempt("set" if replace else "add", (key, value), wait)
        if done is not None:
            return done
        with self._lock:
            if self._memory is None:
                self._memory = MemoryStore()
            memory = self._memory
        return memory.add(key, value, replace=replace)

    def claim(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> list[str]:
        """Take a lease on each key that no other owner has one on; the keys that were taken."""
        taken: list[str] | None = self._lease("claim", (keys, owner, seconds), wait)
        return list(keys) if taken is None else taken

    def extend(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> None:
        """Let the owner's leases on these keys end in so many seconds; with 0 they end now."""
        self._lease("extend", (keys, owner, seconds), wait)

    def leave(self, keys: Sequence[str], owner: str, *, wait: bool = True) -> None:
        """Let leases end, with the next ones that are taken; now where the answers are in memory only."""
        if self._memory is None:
            self._lease("leave", (keys, owner), wait)
        else:
            self.extend(keys, owner, 0.0, wait=wait)

    def _lease(self, method: str, arguments: tuple[Any, ...], wait: bool) -> Any:
        """What the database of leases says; None, unsaid, where there can't be one: answers then are in memory too."""
        if not self._usable:
            return None
        if not wait and len(arguments[0]) >= MANY:
            raise StoreBusy
        with self._lock:
            if self._leases is None:
                self._leases = DiskStore(self.directory / LEASES, of_leases=True)
                self._leases._warned = True
        return self._leases._attempt(method, arguments, wait)

    def close(self) -> None:
        """Let go of this thread's connections; the next use opens others."""
        for opened in (self._cache, self._leases):
            if opened is not None:
                opened.close()

    def _attempt(self, method: str, arguments: tuple[object, ...], wait: bool) -> Any:
        """What diskcache says, after the waiting and mending that may be needed; None if it can't."""
        deadline = time.monotonic() + LONG_WAIT
        while self._usable:
            opened = None
            try:
                opened = self._opened(wait) if self._cache is None else self._cache
                return getattr(opened, method)(*arguments)
            except (sqlite3.DatabaseError, OSError, _timeout()) as error:
                cause = error.__context__ if isinstance(error, _timeout()) else error
                code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
                if code in _BUSY and time.monotonic() < deadline:
                    if not wait:
                        raise StoreBusy from None
                elif code in _DAMAGED and self._set_asides < MOST_SET_ASIDE:
                    self._set_aside(opened, cause)
                else:
                    self._do_without(opened, method, cause)
                    return None
        return None

    def _opened(self, wait: bool) -> Any:
        """The diskcache, opened now if it isn't yet."""
        if self._cache is None and not wait:
            raise StoreBusy  # opening writes, and diskcache may wait a minute for other writers
        with self._lock:
            if self._cache is None:
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _make_private(self.directory / DATABASE)
                # Before opening: what is then found damaged was this file, or has been replaced already.
                self._identity = self._identify()
                opened = _plain_cache()(str(self.directory), timeout=SHORT_WAIT, disk=_plain_disk(), **SETTINGS)
                if self._of_leases:
                    opened.make_leases()
                self._cache = opened
                self._identity = self._identify()
            return self._cache

    def _identify(self) -> tuple[int, int] | None:
        try:
            found = (self.directory / DATABASE).stat()
        except OSError:
            return None
        return (found.st_dev, found.st_ino)

    def _set_aside(self, opened: object, cause: BaseException | None) -> None:
        """Rename the database, unless another thread or process has done so, and have it opened anew."""
        with self._lock:
            if opened is not None and opened is not self._cache:
                return
            if opened is not None:
                opened.close()
            self._cache = None
            if self._identify() != self._identity:
                return
            self._set_asides += 1
            try:
                aside = self._rename()
            except OSError as error:
                cause, aside = error, None
                self._usable = False
        if aside is None:
            self._warn(f"is damaged and can't be renamed ({cause}); answers are kept in memory only")
        else:
            self._warn(f"is damaged ({cause}); it was renamed to {aside.name} and a new one begun")

    def _rename(self) -> Path:
        number = 1
        while (aside := self.directory / f"{DATABASE}.damaged-{number}").exists():
            number += 1
        for suffix in ("-wal", "-shm"):
            part = self.directory / (DATABASE + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        return (self.directory / DATABASE).rename(aside)

    def _do_without(self, opened: object, method: str, cause: BaseException | None) -> None:
        """Carry on in memory: altogether if the store can't be opened or read, else for what's new."""
        with self._lock:
            warned, self._warned = self._warned, True
            if opened is None or method == "get":
                self._usable = False
        if not warned:
            self._warn(
                f"can't be used ({cause}); new answers are kept in memory for this run only. Make the "
                "directory writable, choose another with SYNALINKS_CACHE_DIR, or set SYNALINKS_CACHE=off"
            )

    def _warn(self, what: str) -> None:
        warn(f"the answer cache at {self.directory} {what}", RuntimeWarning)


def _make_private(path: Path) -> None:
    """Make the database, empty, where it is not there, for its owner to read only; SQLite's files beside it are alike.

    Raises:
        OSError: it can't be made, or is a symbolic link.
    """
    if path.is_symlink():
        raise OSError(f"{path} is a symbolic link, and a cache follows none")
    with suppress(FileExistsError):
        made(path, PRIVATE).close()


@cache
def _timeout() -> Any:
    import diskcache  # 20 ms, and not needed until the first answer

    return diskcache.Timeout
