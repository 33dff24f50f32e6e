"""What a cassette needs of the disk: one writer at a time, whole files or none, torn ends found."""

from __future__ import annotations

import gzip
import io
import os
import stat
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from synalinks._base import warning
from synalinks._base.files import PRIVATE, replacing
from synalinks.lm.core.errors import CassetteError, CassetteFormatError, CassetteInUse

try:
    import fcntl
except ImportError:  # Windows: cassettes work there, but two writers are not told apart
    fcntl = None  # type: ignore[assignment]

#: Bytes read at once while a cassette is opened.
CHUNK = 1 << 20
#: Bytes of the longest line; a batch of 2,048 vectors of 3,072 numbers takes 34 MB.
LONGEST_LINE = 1 << 26
#: Bytes that every compressed cassette may have as text, and how many more for each of its own.
MOST_UNZIPPED, MOST_RATIO = 1 << 24, 100
WHAT_TO_DO = 'Give the path of a cassette, or delete the file and record one with record_mode="once"'


class CassetteWarning(UserWarning):
    """Something about a cassette that was put right, or that needs its owner's attention."""


class Lock:
    """The right to write a cassette, held until released or until the process ends.

    Raises:
        CassetteInUse: another writer has it.
    """

    def __init__(self, path: Path) -> None:
        self._handle: int | None = None
        while fcntl is not None:
            handle = self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                raise CassetteInUse(
                    f"the cassette {path} is being recorded by another process, or by another open Cassette of "
                    'this one. Wait until that is closed, record to another path, or replay with mode "none"'
                ) from None
            except OSError:  # a file system without locks, e.g. a network mount: better to record than not
                return
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return
            self.release()  # the file was replaced since it was opened; lock the one that is there now

    def release(self) -> None:
        """Give the right back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


_seeking = threading.Lock()


def read_at(file: io.FileIO, size: int, offset: int) -> bytes:
    """`size` bytes at `offset`, from whatever thread."""
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), size, offset)
    with _seeking:  # Windows
        file.seek(offset)
        return file.read(size)


def opened(path: Path) -> io.BufferedReader:
    """A file to read, if it is a regular one; a device or a pipe might have no end.

    Raises:
        CassetteFormatError: it is none.
        OSError: it can't be opened.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise CassetteFormatError(f"{path} is not a regular file, so it is no cassette. {WHAT_TO_DO}")
    return io.BufferedReader(io.FileIO(handle), CHUNK)


class Lines:
    """The lines of a cassette as text, one after another; the last one may lack its end.

    Args:
        path: its name; one that ends in `.gz` is compressed.
        file: the file, open for reading.

    Attributes:
        cut: whether the end of a compressed file is missing, once its lines were read.

    Raises:
        CassetteFormatError: a line is longer than `LONGEST_LINE`, the file is damaged, or it is compressed more than
            `MOST_RATIO` times.
    """

    def __init__(self, path: Path, file: io.BufferedReader) -> None:
        self._path = path
        self._file = file
        self.cut = False

    def __iter__(self) -> Iterator[bytes]:
        if self._path.suffix != ".gz":
            yield from _limited(self._path, self._file)
            return
        room = MOST_UNZIPPED + MOST_RATIO * os.fstat(self._file.fileno()).st_size
        with gzip.GzipFile(fileobj=self._file) as unzipped:
            parts = _Parts(unzipped)
            try:
                for line in _limited(self._path, io.BufferedReader(parts, CHUNK)):
                    if (room := room - len(line)) < 0:
                        raise CassetteFormatError(
                            f"{self._path} is compressed more than {MOST_RATIO} times, as no cassette is"
                        )
                    yield line
            except (gzip.BadGzipFile, zlib.error) as error:
                raise CassetteFormatError(
                    f"{self._path} is not a cassette, or a damaged one: {error}. {WHAT_TO_DO}"
                ) from error
            self.cut = parts.cut


class _Parts(io.RawIOBase):
    """What can be read of a compressed file until its end, or until the place at which its end was cut off.

    Attributes:
        cut: whether its end is missing.
    """

    def __init__(self, file: gzip.GzipFile) -> None:
        self._unzipped = file
        self.cut = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            part = self._unzipped.read1(len(buffer))  # hands out all there is before it meets a torn end
        except EOFError:
            self.cut = True
            return 0
        buffer[: len(part)] = part
        return len(part)


def _limited(path: Path, file: io.BufferedReader) -> Iterator[bytes]:
    """The lines of a file, none of them longer than `LONGEST_LINE`, the first (a header) than `CHUNK`."""
    longest = CHUNK
    while line := file.readline(CHUNK):
        if len(line) == CHUNK and not line.endswith(b"\n"):
            line = _long(path, file, line, longest)
        longest = LONGEST_LINE
        yield line


def _long(path: Path, file: io.BufferedReader, begun: bytes, longest: int) -> bytes:
    line = bytearray(begun)
    part = begun
    while part and not part.endswith(b"\n"):
        if len(line) >= longest or b"\0" in part:
            raise CassetteFormatError(
                f"{path} is not a cassette: it has a line of more than {len(line) >> 20} MB that is none. {WHAT_TO_DO}"
            )
        part = file.readline(CHUNK)
        line += part
    return bytes(line)


def refuse_link(path: Path) -> None:
    """Refuse to write to a cassette by a symbolic link; one is followed to replay only.

    Raises:
        CassetteError: the path is a link.
    """
    if path.is_symlink():
        raise CassetteError(
            f"the cassette {path} is a symbolic link, and a recording follows none. Give the path that it points to: "
            f"{os.path.realpath(path)}"
        )


def rewrite(path: Path, lines: Iterable[bytes]) -> None:
    """Put a file with these lines in the place of `path`, whole or not at all.

    Raises:
        CassetteError: it can't be written, or is a symbolic link; what was there is still there.
    """
    refuse_link(path)
    try:
        with replacing(path, PRIVATE) as file:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    packed.writelines(lines)
            else:
                file.writelines(lines)
    except OSError as error:
        raise CassetteError(f"the cassette {path} can't be written: {error}. What was recorded is kept") from error


def warn(text: str) -> None:
    """Tell the owner of a cassette."""
    warning.warn(text, CassetteWarning)
