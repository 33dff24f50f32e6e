"""get_file: a file from the web, downloaded once and kept."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from synalinks._support.download import download
from synalinks.config import synalinks_home
from synalinks.errors import ConfigurationError, DataError
from synalinks.utils.progbar import Progbar

#: Hash functions by the digits of what they give, for `hash_algorithm="auto"`.
_BY_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
_FORMATS = {"tar": tarfile.is_tarfile, "zip": zipfile.is_zipfile}


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | list[str] | None = "auto",
    cache_dir: str | Path | None = None,
    force_download: bool = False,
    progbar: bool = True,
) -> str:
    """The path of a file of the web on this machine: downloaded at the first call, kept for the next ones.

    A kept file with another hash than the given one is downloaded again. In `synalinks.offline()` a kept file is used,
    and one that is not there is an error.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> size = (folder / "rows.csv").write_text("question,answer")
        >>> origin = (folder / "rows.csv").as_uri()
        >>> path = synalinks.utils.get_file(origin=origin, cache_dir=folder / "cache", progbar=False)
        >>> pathlib.Path(path).relative_to(folder).as_posix(), pathlib.Path(path).read_text()
        ('cache/datasets/rows.csv', 'question,answer')

    Args:
        fname: its name in the cache; the last part of the URL where None.
        origin: where it is published, a URL with `https:`, `http:` or `file:`.
        untar, extract: extract it as an archive, into a folder beside it; the path of that folder is given.
        md5_hash: its MD5, for old programs; `file_hash` is better.
        file_hash: its hash, in hexadecimal.
        cache_subdir: the folder in `cache_dir`.
        hash_algorithm: a name of `hashlib`, or `"auto"`: by the length of the hash.
        archive_format: `"tar"`, `"zip"`, a list of these, or `"auto"` for both; None extracts nothing.
        cache_dir: `synalinks_home()` where None.
        force_download: download it again.
        progbar: show the progress of the download.

    Raises:
        ConfigurationError: no URL, an unknown hash algorithm or archive format.
        DataError: it could not be had, has another hash, or is no archive of a known format.
        OfflineError: it is not there and the network is forbidden.
    """
    if not origin:
        raise ConfigurationError("get_file(origin=...) is missing: the URL of the file")
    name = fname or PurePosixPath(unquote(urlsplit(origin).path)).name
    if not name:
        raise ConfigurationError(f"get_file: {origin!r} names no file; give a name, fname=...")
    checksum = file_hash or md5_hash
    algorithm = _algorithm(checksum, "md5" if md5_hash and not file_hash else hash_algorithm)
    formats = _formats(archive_format)
    path = Path(cache_dir or synalinks_home()).expanduser() / cache_subdir / name
    if force_download or not _is_kept(path, checksum, algorithm):
        download(origin, path, checksum, algorithm, _shown() if progbar else lambda done, total: None)
    return str(_extracted(path, formats)) if (extract or untar) and formats else str(path)


def _algorithm(checksum: str | None, named: str) -> str:
    algorithm = _BY_LENGTH.get(len(checksum or ""), "sha256") if named == "auto" else named
    if algorithm not in hashlib.algorithms_available:
        raise ConfigurationError(
            f"get_file(hash_algorithm={named!r}): write 'auto' or a name of hashlib, e.g. 'sha256'"
        )
    return algorithm


def _formats(named: str | list[str] | None) -> list[str]:
    formats = (
        [] if named is None else list(_FORMATS) if named == "auto" else [named] if isinstance(named, str) else named
    )
    if unknown := [one for one in formats if one not in _FORMATS]:
        raise ConfigurationError(f"get_file(archive_format={unknown[0]!r}): write 'auto', 'tar', 'zip' or None")
    return formats


def _is_kept(path: Path, checksum: str | None, algorithm: str) -> bool:
    if not path.is_file():
        return False
    if checksum is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == checksum.lower()


def _shown() -> Callable[[int, int | None], None]:
    """What draws the progress of a download; the bar is made once the size is known."""
    bars: list[Progbar] = []

    def show(done: int, total: int | None) -> None:
        if not bars:
            bars.append(Progbar(total, unit_name="byte"))
        bars[0].update(done)

    return show


def _extracted(path: Path, formats: list[str]) -> Path:
    """The folder of an archive's files, made anew where the archive is newer."""
    folder = path.with_name(f"{path.name.removesuffix('.gz').removesuffix('.tar').removesuffix('.zip')}_extracted")
    found = next((one for one in formats if _FORMATS[one](path)), None)
    if found is None:
        raise DataError(f"{path} is no archive that can be extracted; looked for {' and '.join(formats)}.")
    if folder.is_dir() and folder.stat().st_mtime >= path.stat().st_mtime:
        return folder
    try:
        if found == "tar":
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")  # refuses what would land outside of the folder
        else:
            with zipfile.ZipFile(path) as packed:
                packed.extractall(folder)  # drops the parts of names that lead outside
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path} can't be extracted to {folder}: {error}.") from error
    folder.touch()
    return folder
