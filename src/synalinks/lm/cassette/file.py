"""The file of a cassette: JSON Lines, a header and then one row per call; gzip if its name ends in `.gz`.

    {"synalinks_cassette":1,"request_format":1}
    {"digest":"5e...","scope":{"epoch":0},"draw":0,"request":{...},"reply":{...}}

While a first recording is unfinished, the header says `"recording":true`. A row is one write at the end
of the file (one gzip member, if compressed), so a killed process can tear the last line at most. A
finished recording is rewritten with its rows sorted by place, in one step (`os.replace`).
"""

from __future__ import annotations

import gzip
import io
import os
import threading
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from synalinks import _json
from synalinks._base.files import PRIVATE, made
from synalinks.lm.cassette.check import depth_problem, problem_of
from synalinks.lm.cassette.disk import WHAT_TO_DO, Lines, Lock, opened, read_at, refuse_link, rewrite, warn
from synalinks.lm.cassette.rows import CANCELLED, Row, event_of, is_row, parse
from synalinks.lm.core.call import REQUEST_FORMAT, Request
from synalinks.lm.core.errors import CassetteError, CassetteFormatError
from synalinks.lm.core.place import Scope, place_of

#: Version of the file format: what this code writes, and the newest it reads.
FORMAT = 2
MARK = "synalinks_cassette"


def header(recording: bool = False) -> bytes:
    """The first line of a cassette."""
    value: dict[str, Any] = {MARK: FORMAT, "request_format": REQUEST_FORMAT}
    if recording:
        value["recording"] = True
    return _json.dumps(value).encode() + b"\n"


class CassetteFile:
    """A cassette's rows on disk: found by number, parsed when asked for, appended one by one.

    In memory are the offsets of the lines and the index of digests (a quarter of a kilobyte per row); of a
    compressed cassette, the lines too.

    Attributes:
        by_digest: numbers of the rows of each request; a bare number where there is one only.
        cancelled: numbers of the rows of calls that were cancelled.
        events: numbers of the rows that say that a budget ended something; those are no calls.
        embeds: numbers of the rows that hold embeddings.
        capped: numbers of the rows whose answer a budget cut short.
        refused: numbers, by digest, of the rows of calls that a budget refused; those are no answers and stand
            nowhere else.
        dropped: numbers of the rows that the finished cassette will not have.
        homes: places that rows will have on the finished cassette, where those are not their present ones.
        unfinished: whether its first recording was never closed.
        stale: whether its digests are of an older request format; they are then computed anew.

    Args:
        path: the file.
        write: whether rows will be appended; takes the lock.
        repair: whether a torn end is dropped from the file too, or only left out.

    Raises:
        CassetteFormatError: not a cassette, or a broken one, naming the line.
        CassetteInUse: another writer has it.
        CassetteError: the file can't be opened.
    """

    def __init__(self, path: Path, *, write: bool = False, repair: bool = True) -> None:
        self.path = path
        self.by_digest: dict[str, int | list[int]] = {}
        self.embeds: list[int] = []
        self.capped: set[int] = set()
        self.cancelled: set[int] = set()
        self.events: dict[int, None] = {}  # in order
        self.refused: dict[str, list[int]] = {}
        self.dropped: set[int] = set()
        self.homes: dict[int, tuple[Scope, int]] = {}
        self.unfinished = self.stale = False
        self._repairs = repair
        self._zipped = path.suffix == ".gz"
        self._offsets = array("q", [0])  # of every line, the header included, and of the end
        self._lines: list[bytes] = []  # of a compressed cassette
        self._mutex = threading.Lock()
        self._file: io.FileIO | None = None
        self._writer: int | None = None
        self._lock: Lock | None = None
        try:
            if path.is_dir():
                raise CassetteFormatError(f"{path} is a directory, not a cassette. Give the path of a file, *.jsonl")
            if write:
                refuse_link(path)
                self._lock = Lock(path)
            self._load()
            if write:
                self._open_writer()
        except OSError as error:
            self.close()
            raise CassetteError(f"the cassette {path} can't be {'written' if write else 'read'}: {error}") from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path) -> CassetteFile:
        """A new cassette, open for recording; folders are made as needed.

        Raises:
            CassetteError: the file can't be made.
        """
        first = gzip.compress(header(True), mtime=0) if path.suffix == ".gz" else header(True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with made(path, PRIVATE) as file:
                file.write(first)
        except FileExistsError:  # another writer was quicker; the lock shows whether it is still open
            pass
        except OSError as error:
            raise CassetteError(f"the cassette {path} can't be written: {error}") from error
        return cls(path, write=True)

    def __len__(self) -> int:
        return max(0, len(self._offsets) - 2)

    def _load(self) -> None:
        """Read the file once: check every line, note where it is, index it by digest."""
        with ExitStack() as stack:
            reader = stack.enter_context(opened(self.path))
            lines = Lines(self.path, reader)
            torn = self._index_lines(lines) or lines.cut
            if not self._zipped:
                self._file = reader.detach()  # type: ignore[assignment]  # the FileIO that `opened` made
                stack.pop_all()
        if torn:
            self._repair()

    def _index_lines(self, lines: Iterable[bytes]) -> bool:
        """Note all lines; whether the last one is torn, and left out."""
        number, end, zipped = -1, 0, self._zipped
        for number, line in enumerate(lines):
            try:
                if number:
                    self._index_row(number, line)
                else:
                    self._read_header(line)
            except ValueError as error:
                if number and not line.endswith(b"\n"):
                    return True
                raise CassetteFormatError(_broken(self.path, number, line, error)) from error
            self._offsets.append(end := end + len(line))
            if zipped:
                self._lines.append(line)
        if number < 0:
            raise CassetteFormatError(f"{self.path} is empty, not a cassette. {WHAT_TO_DO}")
        return False

    def _read_header(self, line: bytes) -> None:
        value = parse(line)
        version = value.get(MARK) if isinstance(value, dict) else None
        if not isinstance(version, int):
            raise ValueError(f"the first line has no {MARK!r}")
        request_format = value.get("request_format", REQUEST_FORMAT)
        if not isinstance(request_format, int):
            raise ValueError(f"its request_format is no whole number, got {request_format!r:.80}")
        if version > FORMAT or request_format > REQUEST_FORMAT:
            raise CassetteFormatError(
                f"{self.path} is a cassette of format {version} (requests {request_format}); this version of "
                f"synalinks-replay reads up to format {FORMAT} (requests {REQUEST_FORMAT}). "
                "Upgrade synalinks-replay, or record the cassette again"
            )
        self.unfinished = bool(value.get("recording"))
        self.stale = request_format != REQUEST_FORMAT

    def _index_row(self, number: int, line: bytes) -> None:
        value = parse(line)
        if not is_row(value):
            raise CassetteFormatError(
                f"{self.path}, line {number + 1}: JSON, but no row of a cassette (digest, scope, draw, request, "
                "and reply or error). Restore the line from version control, or delete it and record again"
            )
        if ("event" in value or "refused" in value) and event_of(value) is not None:
            if (problem := depth_problem(line, value) or problem_of(value)) is not None:
                raise CassetteFormatError(_wrong(self.path, number, problem))
            self.events[number - 1] = None
            return
        digest = value["digest"] if not self.stale else self._digest_of(number - 1, value)
        if "refused" in value:
            self.refused.setdefault(digest, []).append(number - 1)
        else:
            cancelled = "error" in value and value["error"].get("kind") == CANCELLED
            self._index(number - 1, digest, value["request"]["kind"] == "embed", "capped" in value, cancelled)

    def _index(self, index: int, digest: str, embed: bool, capped: bool, cancelled: bool) -> int:
        """Note a row; how many rows answer its request now."""
        before = self.by_digest.setdefault(digest, index)
        if isinstance(before, list):
            before.append(index)
        elif before != index:
            self.by_digest[digest] = [before, index]
        if embed:
            self.embeds.append(index)
        if capped:
            self.capped.add(index)
        if cancelled:
            self.cancelled.add(index)
        return 1 if before == index else len(self.by_digest[digest])  # type: ignore[arg-type]

    def hide(self, index: int, digest: str) -> None:
        """Let a row answer no more calls; it stays on the cassette."""
        rows = self.by_digest[digest]
        left = [] if isinstance(rows, int) else [other for other in rows if other != index]
        if left:
            self.by_digest[digest] = left
        else:
            del self.by_digest[digest]

    def _repair(self) -> None:
        """Drop a torn end from the file too, unless it is being recorded elsewhere or it is read-only."""
        if not self._repairs:
            warn(f"{self.path}: its recording was cut off; the torn end is left out. {len(self)} rows are whole")
            return
        where = ""
        try:
            with ExitStack() as stack:
                if self._lock is None:
                    stack.callback(Lock(self.path).release)
                self._cut_end()
        except (CassetteError, OSError):
            where = " in memory only (the file is being recorded, or is read-only)"
        warn(f"{self.path}: its recording was cut off; dropped the torn end{where}. {len(self)} rows are whole")

    def _cut_end(self) -> None:
        refuse_link(self.path)
        if not self._zipped:
            os.truncate(self.path, self._offsets[-1])
            return
        rewrite(self.path, self._lines)
        if self._lock is not None:  # the lock belongs to the file that was replaced
            self._lock.release()
            self._lock = Lock(self.path)

    def _open_writer(self) -> None:
        self._writer = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        if not self.line(len(self) - 1).endswith(b"\n"):  # as some editors leave a file
            os.write(self._writer, self._packed(b"\n"))
            self._offsets[-1] += 1
            if self._zipped:
                self._lines[-1] += b"\n"

    def _packed(self, line: bytes) -> bytes:
        return gzip.compress(line, mtime=0) if self._zipped else line

    def line(self, index: int) -> bytes:
        """A row's line as it is in the file."""
        if self._file is None:
            return self._lines[index + 1]
        start, end = self._offsets[index + 1], self._offsets[index + 2]
        return read_at(self._file, end - start, start)

    def value(self, index: int) -> Any:
        """A row as JSON."""
        return parse(self.line(index))

    def row(self, index: int) -> Row:
        """A row with its place.

        Raises:
            CassetteFormatError: a field of it can't be what was recorded, naming file, line and field.
        """
        line = self.line(index)
        value = parse(line)
        problem = depth_problem(line, value) if _json.may_be_deep(line) else None
        if problem is not None or (problem := problem_of(value)) is not None:
            raise CassetteFormatError(_wrong(self.path, index + 1, problem))
        digest = self._digest_of(index, value) if self.stale else value["digest"]
        return Row(index + 2, digest, place_of(value["scope"]), value["draw"], value)

    def _digest_of(self, index: int, value: Any) -> str:
        """The digest of a row in a file whose own digests are of an older form."""
        if (problem := problem_of(value)) is not None:
            raise CassetteFormatError(_wrong(self.path, index + 1, problem))
        return Request.from_dict(value["request"]).digest

    def rows(self) -> Iterator[Row]:
        """The rows of all calls, in the order of the file."""
        return (self.row(index) for index in range(len(self)) if index not in self.events)

    def finished(self, index: int) -> Row:
        """A row as it will be on the finished cassette."""
        row = self.row(index)
        if (home := self.homes.get(index)) is None:
            return row
        scope, draw = home
        return Row(row.line, row.digest, scope, draw, {**row.value, "scope": scope.to_dict(), "draw": draw})

    def order(self, index: int) -> tuple[Any, ...]:
        """The sort key of a row in a finished cassette; that of an event has the event's name in place of a digest."""
        if index not in self.events:
            return self.finished(index).order
        value = self.value(index)
        event = event_of(value)
        assert event is not None, "the index holds events only"
        return (place_of(value["scope"]).sort_key, 0, event["name"])

    @property
    def calls(self) -> int:
        """How many rows are calls."""
        return len(self) - len(self.events)

    def append(
        self,
        line: bytes,
        digest: str = "",
        *,
        embed: bool = False,
        capped: bool = False,
        cancelled: bool = False,
        refused: bool = False,
    ) -> tuple[int, int]:
        """Write a row through to the system. Without a digest it is an event.

        Returns:
            Its number, and how many rows answer its request now.

        Raises:
            CassetteError: the file can't be written, e.g. the disk is full; what was in it is still whole.
        """
        data = self._packed(line)
        with self._mutex:
            if self._writer is None:
                raise CassetteError(f"the cassette {self.path} is closed, and an answer came that belongs on it")
            size = os.fstat(self._writer).st_size
            try:
                written = 0
                while written < len(data):
                    written += os.write(self._writer, data[written:])
            except OSError as error:
                os.ftruncate(self._writer, size)
                raise CassetteError(f"the cassette {self.path} can't be written: {error}") from error
            index, answers = len(self), 0
            self._offsets.append(self._offsets[-1] + len(line))
            if self._zipped:
                self._lines.append(line)
            if not digest:
                self.events[index] = None
            elif refused:
                self.refused.setdefault(digest, []).append(index)
            else:
                answers = self._index(index, digest, embed, capped, cancelled)
        return index, answers

    def close(self, replace: Iterable[bytes] | None = None) -> None:
        """Let go of the file; with `replace`, put these lines in its place first."""
        try:
            if self._writer is not None:
                os.close(self._writer)
                self._writer = None
            if replace is not None:
                rewrite(self.path, replace)
        finally:
            if self._file is not None:
                self._file.close()
            if self._lock is not None:
                self._lock.release()


def _wrong(path: Path, number: int, problem: str) -> str:
    """What is wrong with a row, and what to do."""
    return (
        f"{path}, line {number + 1}: {problem}. Restore the line from version control, or delete it and record its "
        'call again with record_mode="new_episodes"'
    )


def _broken(path: Path, number: int, line: bytes, error: ValueError) -> str:
    """What is wrong with a line, and what to do."""
    try:
        line.decode()
        what = f"not JSON ({error})" if line.strip() else "blank"
    except UnicodeDecodeError:
        what = "not UTF-8 text"
    if number == 0:
        zipped = line.startswith(b"\x1f\x8b")
        hint = "It looks compressed: a compressed cassette's name ends in .jsonl.gz" if zipped else WHAT_TO_DO
        what = "not a header" if what.startswith("not JSON") else what
        return f"{path} is not a cassette: its first line is {what}. {hint}"
    return (
        f"{path}, line {number + 1}: {what}. Restore the line from version control, or delete it and "
        'record its call again with record_mode="new_episodes"'
    )
