"""Blocks of the documents that are not Python: commands are run or read, files are parsed. No block is left out."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import synalinks
from lm.redis_server import redis_server
from playing import BLOCK, ROOT, documents, own_prices
from synalinks.cli import commands
from synalinks.lm.providers import SPECS
from synalinks.testing import OllamaServer

FENCE = re.compile(r"^```(?P<kind>\S*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
#: What may stand in the line before a Python block, and where it is tested: without a mark in `test_readme.py`.
MARKS = ("run", "run: with a server", "test: with a server", "from: ", "door: ", "mcp: ")
DOCUMENTS = {path: text for path, text in documents().items() if path != "CHANGELOG.md"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Environment variables that the library, what it is built on, or its server reads.
VARIABLES = {name for spec in SPECS for name in (*spec.key_env, *spec.base_env)} | {"OLLAMA_NUM_PARALLEL"}
PREFIXES = ("SYNALINKS_", "_SYNALINKS_COMPLETE", "OTEL_EXPORTER_OTLP_")
#: Programs of others, which are not run.
OTHERS = {
    "cd",
    "cp",
    "eval",
    "git",
    "llama-server",
    "ollama",
    "python3",
    "synalinks",
    "uvx",
    "pipx",
    "ray",
    "vllm",
    "ruff",
    "mypy",
    "lint-imports",
}


def blocks(*kinds: str) -> list[tuple[str, str, str]]:
    """The blocks of these kinds: document and line, kind, code."""
    return [
        (f"{path}:{text.count(chr(10), 0, found.start()) + 1}", found["kind"], found["code"])
        for path, text in DOCUMENTS.items()
        for found in FENCE.finditer(text)
        if found["kind"] in kinds
    ]


def lines_of(script: str) -> list[str]:
    """The commands of a script, each on a line, without comments."""
    joined = script.replace("\\\n", " ")
    return [" ".join(line.split()) for line in re.sub(r"(^|\s)#.*", "", joined).splitlines() if line.strip()]


def scripts_of(kind: str, code: str) -> Iterator[str]:
    """The commands of a block: a shell block itself, or what the jobs of a workflow run."""
    if kind == "sh":
        yield from lines_of(code)
    elif kind == "yaml":
        yaml = pytest.importorskip("yaml")
        yield from (line for script in _found("run", "script", yaml.safe_load(code)) for line in lines_of(script))


def _found(one: str, other: str, value: object) -> Iterator[str]:
    for name, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if name in (one, other):
            yield from [item] if isinstance(item, str) else item
        else:
            yield from _found(one, other, item)


COMMANDS = sorted({
    command
    for _, kind, code in blocks("sh", "yaml")
    for line in scripts_of(kind, code)
    for command in re.split(r" && | \|\| ", line)
})  # fmt: skip
OURS = [command for command in COMMANDS if re.match(r"(\S*bin/)?synalinks ", command)]


def test_each_block_is_of_a_kind_that_is_tested() -> None:
    kinds = {found["kind"] for text in DOCUMENTS.values() for found in FENCE.finditer(text)}
    assert kinds <= {"python", "text", "sh", "yaml", "toml", "json", "{eval-rst}"}


def test_each_mark_of_a_python_block_is_one_that_a_test_reads() -> None:
    marks = {
        found["before"].strip()[5:-4]
        for text in DOCUMENTS.values()
        for found in BLOCK.finditer(text)
        if found["before"].startswith("<!-- ")
    }
    starts = tuple(mark for mark in MARKS if mark.endswith(": "))
    assert [mark for mark in marks if mark not in MARKS and not mark.startswith(starts)] == []


@pytest.mark.parametrize(("place", "kind", "code"), blocks("toml", "json", "yaml"))
def test_files_are_well_formed(place: str, kind: str, code: str) -> None:
    if kind == "yaml":
        assert isinstance(pytest.importorskip("yaml").safe_load(code), dict)
    else:
        assert {"toml": tomllib, "json": json}[kind].loads(code), place


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in OURS])
def test_a_command_of_another_program_names_what_is_there(command: str) -> None:
    words = shlex.split(command)
    while words and "=" in words[0]:
        variable = words.pop(0).partition("=")[0]
        assert variable in VARIABLES or variable.startswith(PREFIXES), command
    program = words[0].rpartition("/")[2] if words else "export"
    if program == "export":
        for word in words[1:]:
            variable = word.partition("=")[0]
            assert variable in VARIABLES or variable.startswith(PREFIXES), command
    elif program in ("pip", "uvx", "pipx"):
        for extras in re.findall(r"\[([\w,]+)\]", command):
            assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]), command
        assert PROJECT["name"] in command.replace("_", "-") or " -e " in command or command.endswith(" ."), command
    elif program == "python" and words[1].endswith(".py"):
        assert (ROOT / words[1]).is_file() or words[1] in ("train.py", "solver.py"), command
    elif program == "pytest" or words[1:3] == ["-m", "pytest"]:
        options = {word for word in words if word.startswith("--")}
        assert options <= {"--record-mode"}, command
    else:
        assert program in OTHERS | {"python", "sphinx-build"}, f"{command}: enter {program} in OTHERS, or test it"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a script and cassettes of the names that the documents use."""
    made = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "examples", made / "examples")
    shutil.copytree(ROOT / "cassettes", made / "cassettes", ignore=shutil.ignore_patterns("http"))
    shutil.copy(ROOT / "examples/read_the_bill.py", made / "train.py")
    for name in ("train.jsonl", "old.jsonl", "new.jsonl"):
        shutil.copy(ROOT / "cassettes/examples/read_the_bill.jsonl", made / name)
    with contextlib.chdir(made):
        _run("synalinks run train.py --cassette train.jsonl --offline --quiet --bill bill.jsonl")
    return made


@pytest.mark.parametrize("command", OURS)
def test_a_command_of_the_library_succeeds(
    command: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of its own, with the stand-in server in the place of Ollama, and no key that works."""
    here = shutil.copytree(folder, tmp_path / "here")
    monkeypatch.chdir(here)
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SYNALINKS_CACHE")
    with contextlib.ExitStack() as servers:
        servers.enter_context(OllamaServer(env=True, models=["llama3.2:latest"]))
        if "redis://localhost" in command:
            command = command.replace("redis://localhost", servers.enter_context(redis_server()).url)
        if "from-cache" in command or ("--offline" in command and "--cassette" not in command):
            _run("synalinks run train.py --quiet")
        _run(command)


def _run(command: str) -> None:
    _, *words = shlex.split(command)
    with own_prices():
        done = CliRunner().invoke(commands, words, prog_name="synalinks", catch_exceptions=False)
    synalinks.clear_session()
    assert done.exit_code == 0, done.output
