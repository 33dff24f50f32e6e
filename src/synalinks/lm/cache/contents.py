"""What a cache holds, to be counted, learnt from and thinned out: of a folder and of a server alike."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from synalinks.lm.cache.disk_store import DATABASE
from synalinks.lm.cache.entry import ENTRY_FORMAT, Entry, decode
from synalinks.lm.cache.location import Location, checked, is_url
from synalinks.lm.cache.stores import open_server
from synalinks.lm.core.errors import ConfigurationError

if TYPE_CHECKING:
    from synalinks.lm.cache.redis_store import RedisStore

#: Keys that are deleted in one statement; SQLite takes 999 parameters everywhere.
_AT_ONCE = 500
#: How long, in seconds, to wait for a run that is writing.
PATIENCE = 60.0


class Item(NamedTuple):
    """An answer in a cache.

    Attributes:
        id: what `Contents.remove` takes.
        key: key of the request, a space, and the number of the answer.
        stored: when, in seconds since 1970.
        entry: None if it can't be read.
        size: of the value, in bytes.
    """

    id: int | str
    key: str
    stored: float
    entry: Entry | None
    size: int


class Contents(Protocol):
    """The answers of one cache."""

    def items(self, most: int | None = None) -> Iterator[Item]:
        """Every answer, or so many: of a folder the newest."""

    def remove(self, ids: Sequence[int | str]) -> None:
        """Remove answers."""

    def size(self, answers: int) -> int:
        """Bytes that the cache takes whose answers have so many."""


class _OnDisk:
    """The answers in a folder."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection

    def items(self, most: int | None = None) -> Iterator[Item]:
        query = "SELECT rowid, key, store_time, value FROM Cache ORDER BY rowid DESC LIMIT ?"
        for row, key, stored, value in self._connection.execute(query, (-1 if most is None else most,)):
            plain = value if isinstance(value, bytes) else b""
            yield Item(row, str(key), stored or 0.0, decode(plain), len(plain))

    def remove(self, ids: Sequence[int | str]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for begin in range(0, len(ids), _AT_ONCE):
            part = ids[begin : begin + _AT_ONCE]
            self._connection.execute(f"DELETE FROM Cache WHERE rowid IN ({','.join('?' * len(part))})", part)
        self._connection.execute("COMMIT")
        self._connection.execute("VACUUM")  # gives the room back to the disk
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def size(self, answers: int) -> int:
        return sum(path.stat().st_size for path in self._folder.glob(f"{DATABASE}*") if path.is_file())


class _OnServer:
    """The answers on a Redis server."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def items(self, most: int | None = None) -> Iterator[Item]:
        for key, stored, value in islice(self._store.entries(), most):
            yield Item(key, key, stored, decode(value), len(value))

    def remove(self, ids: Sequence[int | str]) -> None:
        self._store.remove([str(key) for key in ids])

    def size(self, answers: int) -> int:
        return answers


def holds_nothing(location: Location) -> bool:
    """Whether nothing was stored in a folder yet; of a server that is not known before it is asked."""
    return not is_url(location) and not (Path(location) / DATABASE).is_file()


@contextmanager
def opened(location: Location, *, writes: bool, patience: float = PATIENCE) -> Iterator[Contents]:
    """What is in a cache, only if it is one of ours: clearing must not empty what another program keeps there.

    Args:
        location: folder or URL.
        writes: whether answers may be removed.
        patience: seconds to wait for a run that is writing to the folder.

    Raises:
        ConfigurationError: it is not a cache of this library, is damaged, or can't be reached.
    """
    location = checked(location)
    if isinstance(location, Path):
        with _connected(location / DATABASE, writes, patience) as connection:
            yield _OnDisk(location, connection)
        return
    with closing(open_server(location)) as store:
        yield _OnServer(store)


@contextmanager
def _connected(path: Path, writes: bool, patience: float) -> Iterator[sqlite3.Connection]:
    try:
        uri = f"{path.resolve().as_uri()}?mode={'rw' if writes else 'ro'}"
        with closing(sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)) as connection:
            ours = "SELECT count(*), sum(substr(value, 1, 3) = ?) FROM Cache"  # the last byte is a version
            entries, own = connection.execute(ours, (ENTRY_FORMAT[:3],)).fetchone()
            if entries and not own:
                raise ConfigurationError(f"{path} holds no answers of synalinks: another program's cache is left alone")
            yield connection
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{path} can't be used: {error}. If it is damaged, the next run sets it aside and begins a new one"
        ) from error
