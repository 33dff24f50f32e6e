"""Files put in the place of others whole: a crash leaves the old one or the new one, and no link is followed. And files
read in bounded memory."""

from __future__ import annotations

import codecs
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import IO, AnyStr

#: Bytes of the largest file that is read as a whole, and characters of the longest line of one that is read by lines.
LARGEST, LONGEST_LINE = 1 << 31, 1 << 25
#: Who may read a file that holds what a program said and was answered: its owner.
PRIVATE = 0o600


def check_size(path: Path) -> Path:
    """The path of a file that can be read as a whole.

    Raises:
        OSError: it is larger than `LARGEST`, or not there.
    """
    if (size := path.stat().st_size) > LARGEST:
        raise OSError(errno.EFBIG, f"it has {size:,} bytes, and {LARGEST:,} at most are read at once", str(path))
    return path


def read_whole(path: Path) -> bytes:
    """The bytes of a file that can be read as a whole, less a byte order mark of UTF-8.

    Raises:
        OSError: see `check_size`.
    """
    return check_size(path).read_bytes().removeprefix(codecs.BOM_UTF8)


def lines_within(file: IO[AnyStr], path: Path) -> Iterator[AnyStr]:
    """The lines of a file, none of them longer than `LONGEST_LINE`.

    Args:
        path: of the file, for messages.

    Raises:
        OSError: a line is longer.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise OSError(errno.EFBIG, f"line {number} is longer than {LONGEST_LINE:,}", str(path))
        yield line


def made(path: Path, mode: int = 0o666) -> BufferedWriter:
    """A file that was not there before, open for writing.

    Args:
        mode: the permissions, less those that the umask takes away.

    Raises:
        FileExistsError: something is there, be it a link to nowhere.
        OSError: it can't be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return BufferedWriter(FileIO(os.open(path, flags, mode), "w"))


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[BufferedWriter]:
    """A new file that takes the place of `path` where the block ends well; else the old one stays.

    The temporary file beside it is made exclusively; one that a killed process left is removed. A link at `path` is
    replaced, and what it points to is left alone.

    Args:
        mode: the permissions, less those that the umask takes away, where no regular file is there that has some.

    Raises:
        OSError: it can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.unlink(missing_ok=True)
    try:
        with made(temporary, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.is_file() and not path.is_symlink():
            temporary.chmod(path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
