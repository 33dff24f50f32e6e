"""A file from a URL: whole and with the right checksum, or not there at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from synalinks._base.files import replacing
from synalinks.errors import ConfigurationError, DataError, OfflineError
from synalinks.lm import current_run

#: Seconds for connecting, and for each part of the file.
TIMEOUT = 30.0
#: Bytes that are read at once from a file.
_PART = 1 << 20

#: Called with the bytes that have arrived, and those of the whole file where they are known.
Progress = Callable[[int, int | None], None]


def download(
    url: str,
    path: Path,
    checksum: str | None = None,
    algorithm: str = "sha256",
    progress: Progress = lambda done, total: None,
) -> None:
    """Put what a URL gives at a path, in the place of what is there; its folder is made.

    Args:
        url: `http:`, `https:`, or `file:` for a file of this machine.
        checksum: in hexadecimal; None for any content.
        algorithm: of the checksum, a name of `hashlib`.

    Raises:
        ConfigurationError: a URL of another scheme.
        DataError: it could not be had or written, or has another checksum.
        OfflineError: the network is forbidden in this run.
    """
    hashed, size = hashlib.new(algorithm), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _parts(url) as (parts, total), replacing(path) as file:
            for part in parts:
                file.write(part)
                hashed.update(part)
                size += len(part)
                progress(size, total)
            if checksum is not None and hashed.hexdigest() != checksum.lower():
                raise DataError(
                    f"{url} gave {size} bytes with the {algorithm} {hashed.hexdigest()}; {checksum} was expected."
                )
    except OSError as error:
        raise DataError(f"can't write {path} ({error.strerror or error}).") from error


@contextmanager
def _parts(url: str) -> Iterator[tuple[Iterator[bytes], int | None]]:
    """The parts of what a URL gives, and its size where that is known."""
    scheme = urlsplit(url).scheme
    if scheme == "file":
        with _opened(url) as parts:
            yield parts
    elif scheme not in ("http", "https"):
        raise ConfigurationError(f"can't download {url!r}: write a URL that begins with https:, http: or file:")
    elif current_run().offline:
        raise OfflineError(f"{url} would have to be downloaded, and the network is forbidden in this run.")
    else:
        import httpx  # 80 ms, for a download that happens once

        try:
            with httpx.stream("GET", url, timeout=TIMEOUT, follow_redirects=True) as reply:
                reply.raise_for_status()
                length = reply.headers.get("content-length", "")
                packed = "content-encoding" in reply.headers  # the length is that of the packed bytes then
                yield reply.iter_bytes(), int(length) if length.isdigit() and not packed else None
        except httpx.HTTPError as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"The download of {url} failed: {reason}.") from error


@contextmanager
def _opened(url: str) -> Iterator[tuple[Iterator[bytes], int | None]]:
    path = Path(url2pathname(urlsplit(url).path))
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"The file of {url} can't be read: {error.strerror}.") from error
    with file:
        yield iter(lambda: file.read(_PART), b""), path.stat().st_size
