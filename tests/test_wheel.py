"""The wheel: it has what the package needs and nothing else, and its command runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from synalinks.version import __version__

ROOT = Path(__file__).resolve().parent.parent
#: Endings of the files that the package is made of: code, types, tables, and the parts of a report's page.
NEEDED = {".py", ".pyi", ".typed", ".css", ".html", ".js", ".json"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (found,) = folder.glob("*.whl")
    return Path(found)


def test_it_has_what_the_package_needs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"synalinks_replay-{__version__}.dist-info/"
    files = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*") if path.suffix in NEEDED}
    assert {name for name in names if not name.startswith(info)} == files
    own = {name.removeprefix(info) for name in names if name.startswith(info)}
    assert own == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_a_file_to_read_variables_from_is_an_extra(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        said = Parser().parsestr(archive.read(f"synalinks_replay-{__version__}.dist-info/METADATA").decode())
    dotenv = [one for one in said.get_all("Requires-Dist", []) if one.startswith("python-dotenv")]
    assert dotenv and all("extra ==" in one for one in dotenv)


def test_its_command_runs(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-m", "synalinks", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == f"synalinks, version {__version__}\n", done.stderr
