"""Where the files of public datasets come from: a directory of the user's, or a download with a checksum."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from synalinks._files import replacing
from synalinks.errors import DataError, OfflineError
from synalinks.lm import current_run

#: Seconds for connecting, and for each part of the file.
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that can be downloaded.

    Attributes:
        dataset: name of the dataset, and of its folder.
        name: name of the file.
        url: where it is published.
        sha256: of its content, in hexadecimal.
    """

    dataset: str
    name: str
    url: str
    sha256: str


def cache_directory() -> Path:
    """Where downloads are kept: `datasets` in the user's cache directory."""
    import platformdirs  # needed once in a process, and not at all where the data are at hand

    return Path(platformdirs.user_cache_dir("synalinks", appauthor=False)) / "datasets"


def local_file(remote: Remote) -> Path:
    """The file on this machine: from `SYNALINKS_DATA_DIR`, else an earlier download, else downloaded now.

    A file of the user's is taken as it is; a download must have the published checksum.

    Raises:
        DataError: it is not there and can't be downloaded, or the download is not what was published.
        OfflineError: it is not there and the network is forbidden.
    """
    chosen = os.environ.get("SYNALINKS_DATA_DIR")
    if chosen:
        for place in (Path(chosen) / remote.dataset / remote.name, Path(chosen) / remote.name):
            if place.is_file():
                return place
    kept = cache_directory() / remote.dataset / remote.name
    if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == remote.sha256:
        return kept
    if current_run().offline:
        raise OfflineError(f"{_missing(remote, chosen)} The network is forbidden in this run.")
    content = _fetch(remote, chosen)
    found = hashlib.sha256(content).hexdigest()
    if found != remote.sha256:
        raise DataError(
            f"{remote.url} gave {len(content)} bytes with the SHA-256 {found}; {remote.sha256} was expected. "
            f"{_advice(remote, chosen)}"
        )
    return _keep(content, kept, remote, chosen)


def _fetch(remote: Remote, chosen: str | None) -> bytes:
    import httpx  # 80 ms, for a download that happens once

    try:
        reply = httpx.get(remote.url, timeout=TIMEOUT, follow_redirects=True)
        reply.raise_for_status()
    except (httpx.HTTPError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{_missing(remote, chosen)} The download failed: {reason}.") from error
    return reply.content


def _keep(content: bytes, kept: Path, remote: Remote, chosen: str | None) -> Path:
    """Write under another name first: a download cut short must not look like a file."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as file:
            file.write(content)
    except OSError as error:
        raise DataError(f"can't write {kept} ({error.strerror}). {_advice(remote, chosen)}") from error
    return kept


def _missing(remote: Remote, chosen: str | None) -> str:
    place = f"neither in SYNALINKS_DATA_DIR={chosen} nor" if chosen else "not"
    return (
        f"{remote.name} of the dataset {remote.dataset} is {place} among earlier downloads. {_advice(remote, chosen)}"
    )


def _advice(remote: Remote, chosen: str | None) -> str:
    if chosen:
        return f"Put {remote.url} at {Path(chosen) / remote.dataset / remote.name}."
    return (
        f"Put {remote.url} at {remote.dataset}/{remote.name} in a directory of yours and set SYNALINKS_DATA_DIR to "
        f"that directory, or put it at {cache_directory() / remote.dataset / remote.name}."
    )
