"""Tests of files from the web: kept, checked, extracted, offline."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError, DataError, OfflineError
from synalinks.utils import get_file

CONTENT = b"question,answer\n1+1,2\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNALINKS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with a file that is published."""
    folder = tmp_path / "published here"
    folder.mkdir()
    (folder / "rows.csv").write_bytes(CONTENT)
    return folder


@pytest.fixture
def server(published: Path) -> Iterator[str]:
    """The folder on a loopback port."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(published))) as http:
        thread = Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def test_a_file_is_downloaded_once_and_kept(server: str, published: Path, home: Path) -> None:
    path = get_file(origin=f"{server}/rows.csv", progbar=False)
    assert path == str(home / "datasets" / "rows.csv")
    assert Path(path).read_bytes() == CONTENT
    (published / "rows.csv").write_bytes(b"newer")
    assert Path(get_file("rows.csv", f"{server}/rows.csv")).read_bytes() == CONTENT
    forced = get_file("rows.csv", f"{server}/rows.csv", force_download=True, progbar=False)
    assert Path(forced).read_bytes() == b"newer"


def test_a_file_of_this_machine_and_other_places(published: Path, tmp_path: Path) -> None:
    origin = (published / "rows.csv").as_uri()
    assert "%20" in origin
    path = get_file("mine.csv", origin, cache_dir=tmp_path / "cache", cache_subdir="tables", file_hash=SHA256)
    assert path == str(tmp_path / "cache" / "tables" / "mine.csv")
    assert Path(path).read_bytes() == CONTENT


def test_a_kept_file_with_another_hash_is_downloaded_again(published: Path, home: Path) -> None:
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "rows.csv").write_bytes(b"damaged")
    origin = (published / "rows.csv").as_uri()
    for given in ({"file_hash": SHA256.upper()}, {"md5_hash": hashlib.md5(CONTENT).hexdigest()}):
        assert Path(get_file(origin=origin, **given)).read_bytes() == CONTENT  # type: ignore[arg-type]


def test_what_has_another_hash_is_refused_and_not_kept(published: Path, home: Path) -> None:
    with pytest.raises(DataError, match=rf"22 bytes with the sha256 {SHA256}; 0000.* was expected"):
        get_file(origin=(published / "rows.csv").as_uri(), file_hash=64 * "0")
    assert list((home / "datasets").iterdir()) == []


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_archives_are_extracted_beside_themselves(published: Path, home: Path, kind: str) -> None:
    origin = published / f"all.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(origin, "w") as packed:
            packed.write(published / "rows.csv", "in/rows.csv")
    else:
        with tarfile.open(origin, "w:gz") as archive:
            archive.add(published / "rows.csv", "in/rows.csv")
    for _ in range(2):
        folder = get_file(origin=origin.as_uri(), extract=True, progbar=False)
        assert folder == str(home / "datasets" / "all_extracted")
        assert (Path(folder) / "in" / "rows.csv").read_bytes() == CONTENT
    assert get_file(origin=origin.as_uri()) == str(home / "datasets" / f"all.{kind}")
    other = "tar" if kind == "zip" else "zip"
    with pytest.raises(DataError, match=f"no archive that can be extracted; looked for {other}"):
        get_file(origin=origin.as_uri(), extract=True, archive_format=other)


def test_an_archive_writes_nothing_outside_of_its_folder(published: Path, home: Path) -> None:
    with tarfile.open(published / "bad.tar", "w") as archive:
        entry = tarfile.TarInfo("../../escaped")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(DataError, match="can't be extracted"):
        get_file(origin=(published / "bad.tar").as_uri(), untar=True)
    assert not (home / "escaped").exists()


def test_offline_a_kept_file_is_used_and_one_that_is_missing_is_an_error(server: str) -> None:
    with synalinks.offline(), pytest.raises(OfflineError, match="rows.csv would have to be downloaded"):
        get_file(origin=f"{server}/rows.csv")
    path = get_file(origin=f"{server}/rows.csv", progbar=False)
    with synalinks.offline():
        assert get_file(origin=f"{server}/rows.csv") == path


def test_the_progress_is_shown(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    get_file(origin=f"{server}/rows.csv")
    assert capsys.readouterr().out.startswith("22/22 - 0s ")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({}, ConfigurationError, r"get_file\(origin=\.\.\.\) is missing"),
        ({"origin": "https://x.example/"}, ConfigurationError, "names no file; give a name, fname="),
        ({"origin": "ftp://x.example/a"}, ConfigurationError, "begins with https:, http: or file:"),
        ({"origin": "file:///no/where"}, DataError, "can't be read: No such file"),
        ({"origin": "file:///a", "hash_algorithm": "crc"}, ConfigurationError, "'auto' or a name of hashlib"),
        ({"origin": "file:///a", "archive_format": "rar"}, ConfigurationError, "'auto', 'tar', 'zip' or None"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        get_file(**arguments)


def test_a_server_without_the_file(server: str) -> None:
    with pytest.raises(DataError, match=r"The download of .*/nothing failed: .*404"):
        get_file(origin=f"{server}/nothing")
