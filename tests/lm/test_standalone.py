"""`synalinks.lm` published by itself: a wheel of it and the foundation files runs the programs of its README."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import synalinks
from synalinks.version import __version__

SOURCE = Path(synalinks.__file__).parent
FOUNDATION = ("_concurrency.py", "_json.py", "version.py")
FOLDERS = ("_base", "lm")
#: A Python block, and the output that the README shows below it.
PROGRAM = re.compile(
    r"^```python\n(.*?)^```\n(?:\n(?:<!-- prints -->\n)?```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE
)
PROGRAMS = PROGRAM.findall((SOURCE / "lm/README.md").read_text(encoding="utf-8"))


def wheel(folder: Path) -> Path:
    """A wheel made of the LM layer and the files that it stands on."""
    files = {"synalinks/__init__.py": b'"""The LM layer of synalinks."""\n'}
    folders = sorted(path for name in FOLDERS for path in (SOURCE / name).rglob("*"))
    for path in [*(SOURCE / name for name in FOUNDATION), *folders]:
        if path.is_file() and path.suffix != ".pyc":
            files[f"synalinks/{path.relative_to(SOURCE).as_posix()}"] = path.read_bytes()
    info = f"synalinks_lm-{__version__}.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: synalinks-lm\nVersion: {__version__}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for name, data in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = folder / f"synalinks_lm-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("standalone")
    made, target = wheel(folder), folder / "site"
    if find_spec("pip") is None:
        zipfile.ZipFile(made).extractall(target)
    else:
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            target,
            made,
        ]
        subprocess.run(install, check=True, timeout=120)
    return target


def run(installed: Path, program: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed), "SYNALINKS_CACHE": "off"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_rest_of_the_library_is_not_there_and_not_missed(installed: Path, tmp_path: Path) -> None:
    program = """
import importlib, pkgutil
import synalinks.lm
names = [name for _, name, _ in pkgutil.walk_packages(synalinks.lm.__path__, "synalinks.lm.")]
for name in names:
    importlib.import_module(name)
for name in ("errors", "scope", "session", "modules", "trainers", "data"):
    try:
        importlib.import_module(f"synalinks.{name}")
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"synalinks.{name} is there")
print(len(names) > 50, synalinks.lm.__file__)
"""
    assert run(installed, program, tmp_path).split() == ["True", str(installed / "synalinks/lm/__init__.py")]


@pytest.mark.parametrize(("program", "output"), PROGRAMS)
def test_the_programs_of_its_readme_run(installed: Path, tmp_path: Path, program: str, output: str) -> None:
    printed = run(installed, program, tmp_path)
    if output:
        assert printed.split() == output.split()


def test_any_labels_make_a_place(installed: Path, tmp_path: Path) -> None:
    program = """
import asyncio
from synalinks.lm import Client, Request, use_cassette, use_ledger, use_provider
from synalinks.lm.core import place
from synalinks.lm.providers.fake.scripted import ScriptedProvider

place.declare("night", "job")
request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "hi"}])
with use_provider(ScriptedProvider(lambda call: "yes")), use_ledger() as ledger, use_cassette("c.jsonl"):
    for night in (2, 1):
        with place.enter(night=night, job="index"):
            asyncio.run(Client("ollama/m").send(request))
print(sorted(ledger.by("night")), list(ledger.by("job")))
with use_cassette("c.jsonl", "none") as cassette:
    print([str(row.scope) for row in cassette.rows()])
"""
    printed = run(installed, program, tmp_path).splitlines()
    assert printed == ["[1, 2] ['index']", "['night=1 job=index', 'night=2 job=index']"]
