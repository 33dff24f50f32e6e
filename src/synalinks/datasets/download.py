"""Where the files of public datasets come from: a directory of the user's, or a download with a checksum."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from synalinks._support.download import download
from synalinks.errors import DataError, OfflineError


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that can be downloaded.

    Attributes:
        dataset: name of the dataset, and of its folder.
        name: name of the file.
        url: where it is published.
        sha256: of its content, in hexadecimal; None where it is not known.
    """

    dataset: str
    name: str
    url: str
    sha256: str | None = None


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
    if (own := own_file(remote.dataset, remote.name)) is not None:
        return own
    kept = cache_directory() / remote.dataset / remote.name
    if kept.is_file() and remote.sha256 in (None, hashlib.sha256(kept.read_bytes()).hexdigest()):
        return kept
    chosen = os.environ.get("SYNALINKS_DATA_DIR")
    try:
        download(remote.url, kept, remote.sha256)
    except (DataError, OfflineError) as error:
        raise type(error)(f"{_missing(remote, chosen)} {error} {_advice(remote, chosen)}") from error
    return kept


def own_file(dataset: str, name: str) -> Path | None:
    """The user's file of a dataset: in the folder of the dataset in `SYNALINKS_DATA_DIR`, or in that directory itself
    where it is the folder of the dataset."""
    chosen = os.environ.get("SYNALINKS_DATA_DIR")
    if not chosen:
        return None
    folder = Path(chosen)
    places = [folder / dataset / name, *([folder / name] if folder.name == dataset else [])]
    return next((place for place in places if place.is_file()), None)


def _missing(remote: Remote, chosen: str | None) -> str:
    place = f"neither in SYNALINKS_DATA_DIR={chosen} nor" if chosen else "not"
    return f"{remote.name} of the dataset {remote.dataset} is {place} among earlier downloads."


def _advice(remote: Remote, chosen: str | None) -> str:
    stem, suffix = os.path.splitext(remote.name)
    rows = f" Its rows as {stem.partition('-')[0]}.jsonl will do, too." if suffix == ".parquet" else ""
    if chosen:
        return f"Put {remote.url} at {Path(chosen) / remote.dataset / remote.name}.{rows}"
    return (
        f"Put {remote.url} at {remote.dataset}/{remote.name} in a directory of yours and set SYNALINKS_DATA_DIR to "
        f"that directory, or put it at {cache_directory() / remote.dataset / remote.name}.{rows}"
    )
