"""The command as a whole: version, help, and how quickly they come."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.helpers import SOURCE, call, command
from synalinks.cli import COMMANDS
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
    for words in (
        *([name] for name in COMMANDS),
        ["cassette", "ls"],
        ["cassette", "show"],
        ["cassette", "stats"],
        ["cache", "clear"],
    ):
        done = call(*words, "--help")
        assert done.exit_code == 0 and done.output.startswith(f"Usage: synalinks {' '.join(words)} ")


def test_an_error_of_the_library_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_text("hello\n")
    done = call("cassette", "ls", tmp_path / "no.jsonl")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ") and "is not a cassette" in done.output and "Traceback" not in done.output


def test_a_script_without_run_names_it() -> None:
    done = call("train.py", "--budget", "1")
    assert done.exit_code == 2 and "A script is run by: synalinks run train.py" in done.output


def test_variables_come_from_a_named_file_and_those_that_are_set_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dotenv", reason="the extra dotenv is not installed")
    (tmp_path / ".env").write_text("FROM_FILE_ONLY=1\nSET_BEFORE=file\n")
    script = tmp_path / "script.py"
    script.write_text("import os; print(os.environ.get('FROM_FILE_ONLY'), os.environ.get('SET_BEFORE'))\n")
    said = command("--env-file", tmp_path / ".env", "run", script, "--quiet", cwd=tmp_path, SET_BEFORE="environment")
    assert said.stdout == "1 environment\n", said.stderr
    said = command("run", script, "--quiet", cwd=tmp_path, SET_BEFORE="environment")
    assert said.stdout == "None environment\n", "a file that is not named is not read"
    monkeypatch.setitem(sys.modules, "dotenv", None)
    done = call("--env-file", tmp_path / ".env", "doctor")
    assert done.exit_code == 1 and "pip install 'synalinks-replay[dotenv]'" in done.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str, tmp_path: Path) -> None:
    # the name of the program decides the variable's, so the installed command's is given
    program = "import sys; sys.argv[0] = 'synalinks'; from synalinks.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "_SYNALINKS_COMPLETE": f"{shell}_source"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "_SYNALINKS_COMPLETE" in done.stdout, done.stderr
    environment |= {"_SYNALINKS_COMPLETE": f"{shell}_complete", "COMP_WORDS": "synalinks ca", "COMP_CWORD": "1"}
    environment |= {"COMP_WORDS": "synalinks ca"} if shell != "fish" else {"COMP_CWORD": "ca"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "cassette" in done.stdout and "cache" in done.stdout and "doctor" not in done.stdout
