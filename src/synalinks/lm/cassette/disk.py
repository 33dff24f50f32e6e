"""What a cassette needs of the disk: one writer at a time, whole files or none, torn ends found."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import threading
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path

from synalinks.lm.core.errors import CassetteError, CassetteFormatError, CassetteInUse

try:
    import fcntl
except ImportError:  # Windows: cassettes work there, but two writers are not told apart
    fcntl = None  # type: ignore[assignment]

#: Bytes read at once while a cassette is opened.
CHUNK = 1 << 20
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
            handle = self._handle = os.open(path, os.O_RDONLY)
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


def unzip(path: Path) -> tuple[bytes, bool]:
    """The text of a compressed file, and whether its end is missing.

    Raises:
        CassetteFormatError: not gzip, or damaged other than by a missing end.
    """
    parts: list[bytes] = []
    with gzip.open(path, "rb") as file:
        try:
            while part := file.read1(CHUNK):  # read1 hands out all there is before it meets a torn end
                parts.append(part)
        except EOFError:
            return b"".join(parts), True
        except (gzip.BadGzipFile, zlib.error) as error:
            raise CassetteFormatError(f"{path} is not a cassette, or a damaged one: {error}. {WHAT_TO_DO}") from error
    return b"".join(parts), False


def rewrite(path: Path, lines: Iterable[bytes]) -> None:
    """Put a file with these lines in the place of `path`, whole or not at all.

    Raises:
        CassetteError: it can't be written; what was there is still there.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        with open(temporary, "wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    packed.writelines(lines)
            else:
                file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CassetteError(f"the cassette {path} can't be written: {error}. What was recorded is kept") from error


def warn(text: str) -> None:
    """Tell the owner of a cassette."""
    warnings.warn(text, CassetteWarning, stacklevel=3)
