"""EntryStore: the entries of a ledger in the order they were recorded; the latest as they are, older ones packed.

A packed entry takes about 100 bytes. Beyond `IN_MEMORY` chunks the oldest are moved to a file: an unnamed temporary
one, or the one whose path is given, which has a JSON object a line and can be read again.
"""

from __future__ import annotations

import os
import stat
import tempfile
import weakref
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

from synalinks import _json
from synalinks._base.files import LONGEST_LINE, PRIVATE
from synalinks._concurrency import DeferringLock
from synalinks.lm.core.amount import NO_COSTS, AttemptCosts
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.core.place import place_of
from synalinks.lm.core.reply import Usage
from synalinks.lm.ledger.entries import Entry

#: Entries that are packed together; the latest, twice as many at most, are kept as they are.
CHUNK = 512
#: Packed chunks that are kept in memory where no path is given; 65,536 entries, about 6 MB.
IN_MEMORY = 128
_MONEY = ("as_if", "billed")
#: Fields that JSON has as they are: numbers are left out where they are 0, the others where they are None.
_PLAIN = tuple(f.name for f in fields(Entry) if f.name not in (*_MONEY, "scope", "usage", "failed", "line"))
_NOT_NONE = frozenset({"latency", "first_token", "finish", "error", "error_message"})
_plain = attrgetter(*_PLAIN)
#: What an entry has where a field without a default was left out.
_LEFT_OUT = {"draw": 0, "seconds": 0.0, "attempts": 0, "caller": 0, "finish": None, "error": None}


class EntryStore:
    """Entries in the order they were recorded.

    Args:
        entries: the first ones.
        path: of a file for older entries; those that it has already go before all others.

    Raises:
        ConfigurationError: the file holds a line that is no entry.
    """

    def __init__(self, entries: Iterable[Entry] = (), path: Path | None = None) -> None:
        self._recent: list[Entry] = []
        self._chunks: list[tuple[int, bytes | tuple[int, int]]] = []  # entries, and the bytes or where they are
        self._packed = 0
        self._spilled = 0  # chunks in the file
        self._end = 0
        self._path = path
        self._file: BinaryIO | None = None
        self._lock = DeferringLock()
        if path is not None:
            self._keep(_opened(path))
            self._read_existing(path)
        for entry in entries:
            self.append(entry)

    def append(self, entry: Entry) -> None:
        """Add an entry."""
        self._recent.append(entry)
        if len(self._recent) >= 2 * CHUNK:
            self._lock.run(self._pack_full)

    def __len__(self) -> int:
        return self._packed + len(self._recent)

    def __iter__(self) -> Iterator[Entry]:
        return self.since(0)

    def since(self, begin: int) -> Iterator[Entry]:
        """The entries from number `begin` on."""
        with self._lock:
            packed, chunks, recent = self._packed, tuple(self._chunks), tuple(self._recent)
        if begin < packed:
            first = 0
            for count, data in chunks:
                if first + count > begin:
                    yield from self._unpacked(data)[max(0, begin - first) :]
                first += count
        yield from recent[max(0, begin - packed) :]

    def backwards(self) -> Iterator[Entry]:
        """All entries, the last recorded first."""
        with self._lock:
            chunks, recent = tuple(self._chunks), tuple(self._recent)
        yield from reversed(recent)
        for _, data in reversed(chunks):
            yield from reversed(self._unpacked(data))

    def clear(self) -> None:
        """Drop all entries; lines in a file of one's own stay there."""
        with self._lock:
            self._recent, self._chunks, self._packed, self._spilled = [], [], 0, 0
            if self._file is not None and self._path is None:
                self._close()
                self._file, self._end = None, 0

    def flush(self) -> None:
        """Write what is not in the file yet, where there is a path."""
        with self._lock:
            if self._path is not None and self._recent:
                self._pack(len(self._recent))
            if self._file is not None:
                self._file.flush()

    # --- packing, under the lock --------------------------------------------------------------------------------

    def _pack_full(self) -> None:
        while len(self._recent) >= 2 * CHUNK:
            self._pack(CHUNK)

    def _pack(self, count: int) -> None:
        lines = b"".join(encode(entry) + b"\n" for entry in self._recent[:count])
        self._chunks.append((count, lines if self._path is not None else zlib.compress(lines, 1)))
        self._packed += count
        del self._recent[:count]
        while len(self._chunks) - self._spilled > (0 if self._path is not None else IN_MEMORY):
            self._spill()

    def _spill(self) -> None:
        """Move the oldest chunk in memory to the file."""
        file = self._file or self._keep(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  as long as the ledger
        count, data = self._chunks[self._spilled]
        assert isinstance(data, bytes), "chunks in the file stand before those in memory"
        os.pwrite(file.fileno(), data, self._end)
        self._chunks[self._spilled] = (count, (self._end, len(data)))
        self._end += len(data)
        self._spilled += 1

    def _keep(self, file: BinaryIO) -> BinaryIO:
        """Use a file, which is open as long as the ledger is there."""
        self._file = file
        self._close = weakref.finalize(self, file.close)
        return file

    def _unpacked(self, data: bytes | tuple[int, int]) -> list[Entry]:
        if isinstance(data, tuple):
            assert self._file is not None, "a chunk in a file has a file"
            data = os.pread(self._file.fileno(), data[1], data[0])
        lines = data if self._path is not None else zlib.decompress(data)
        return [decode(line) for line in lines.splitlines()]

    def _read_existing(self, path: Path) -> None:
        """Note the lines that the file has; a last line that was cut off is removed."""
        assert self._file is not None, "it was opened"
        begin = count = at = number = 0
        while line := self._file.readline(LONGEST_LINE):
            number += 1
            if at and len(line) < LONGEST_LINE and not line.endswith(b"\n"):
                self._file.truncate(at)
                break
            try:
                decode(line if line.endswith(b"\n") else b"")
            except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError) as error:
                self._close()
                raise ConfigurationError(
                    f"{path}, line {number}: no entry of a ledger ({error!r:.200}). Give the path of a file that a "
                    "ledger wrote, or of one that is not there yet"
                ) from None
            at, count = at + len(line), count + 1
            if count == CHUNK:
                self._add_existing(count, begin, at)
                begin, count = at, 0
        if count:
            self._add_existing(count, begin, at)
        self._end = at

    def _add_existing(self, count: int, begin: int, end: int) -> None:
        self._chunks.append((count, (begin, end - begin)))
        self._packed += count
        self._spilled += 1


def encode(entry: Entry) -> bytes:
    """An entry as JSON, made once however many ledgers it is in; what is its default is left out."""
    if entry.line is not None:
        return entry.line
    value: dict[str, Any] = {
        name: found
        for name, found in zip(_PLAIN, _plain(entry), strict=True)
        if found or (found is not None and name in _NOT_NONE)
    }
    value["scope"] = entry.scope.to_dict()
    value["usage"] = entry.usage.to_dict()
    if entry.as_if is not None:
        value["as_if"] = str(entry.as_if)
    if entry.billed is not None:
        value["billed"] = str(entry.billed)
    failed = entry.failed
    if failed is not NO_COSTS and failed != NO_COSTS:
        value["failed"] = [str(failed.known_cost), failed.tokens, failed.uncertain, failed.priced]
    line = _json.dumps(value).encode()
    object.__setattr__(entry, "line", line)
    return line


def decode(line: bytes) -> Entry:
    """The entry that `encode` wrote.

    Raises:
        ValueError, KeyError, TypeError, ArithmeticError, AttributeError: it is none.
    """
    value = {**_LEFT_OUT, **_json.loads(line)}
    failed = value.get("failed")
    for name in _MONEY:
        value[name] = Decimal(value[name]) if name in value else None
    value["failed"] = NO_COSTS if failed is None else AttemptCosts(Decimal(failed[0]), *failed[1:])
    value["scope"], value["usage"] = place_of(value["scope"]), Usage.from_dict(value["usage"])
    return Entry(**value)


def _opened(path: Path) -> BinaryIO:
    """A file that only its owner may read; a link is not followed."""
    try:
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | flags, PRIVATE)
    except OSError as error:
        raise ConfigurationError(f"a ledger can't be kept in {path}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ConfigurationError(f"a ledger can't be kept in {path}: it is not a regular file")
    return os.fdopen(handle, "r+b")
