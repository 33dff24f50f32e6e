"""The command as a whole: version, help, and how quickly they come."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli.helpers import SOURCE, call
from synalinks.version import __version__

HEAVY = (
    "diskcache",
    "httpx",
    "jinja2",
    "numpy",
    "ollama",
    "orjson",
    "pydantic",
    "rich",
    "synalinks.lm.core.call",
    "synalinks.modules",
)


def test_help_imports_nothing_heavy_and_names_the_commands(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "synalinks", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in imported
    assert [name for name in HEAVY if name in imported] == []
    for word in ("cache", "cassette", "run", "synalinks run train.py --cassette train.jsonl"):
        assert word in done.stdout


def test_version_and_help_of_every_command() -> None:
    assert call("--version").output == f"synalinks, version {__version__}\n"
    for words in (["run"], ["cassette", "ls"], ["cassette", "show"], ["cassette", "stats"], ["cache", "clear"]):
        done = call(*words, "--help")
        assert done.exit_code == 0 and done.output.startswith(f"Usage: synalinks {' '.join(words)} ")


def test_an_error_of_the_library_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_text("hello\n")
    done = call("cassette", "ls", tmp_path / "no.jsonl")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ") and "is not a cassette" in done.output and "Traceback" not in done.output
