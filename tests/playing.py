"""Runs example scripts in this process, with the network out of reach, and the code that Markdown files show."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import os
import re
import runpy
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

import synalinks
from synalinks.lm.pricing import pricing
from synalinks.testing import OllamaServer, SyntheticModel

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
CASSETTES = ROOT / "cassettes"
#: Brings its own model, so there is nothing to cassette.
NEEDS_NO_CASSETTE = ("own_optimizer",)
#: Open their cassettes themselves.
OPEN_THEIR_OWN = ("record_a_run", "recording")

#: A command in a Markdown file with what it prints.
OUTPUT = re.compile(r"^<!-- output: (?P<line>.+?) -->\n```text\n(?P<shown>.*?)^```$", re.DOTALL | re.MULTILINE)
#: A program in a Markdown file, and what it prints where that is shown.
PROGRAM = re.compile(
    r"^<!-- run -->\n```python\n(?P<code>.*?)^```$(?:\n\n<!-- prints -->\n```text\n(?P<shown>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
#: A Python block of a page without a mark of its own, and what it prints where that is shown.
BLOCK = re.compile(
    r"^(?P<before>[^\n]*\n)```python\n(?P<code>.*?)^```$(?:\n\n<!-- prints -->\n```text\n(?P<shown>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
#: The page whose blocks run before those of a page that is marked so.
_CONTINUES = re.compile(r"^<!-- continues: (.+?) -->$", re.MULTILINE)
#: A page on models that no test can call: its calls get invented answers.
_INVENTED = "<!-- answers: invented -->"
#: Seconds and steps per second, which no two runs share.
_TIMES = re.compile(r"\d+s \d+(?:us|ms|s)/step|\btime +\d+\.\d s$")


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Any attempt to connect to anything, or to look up a name, is an error."""

    def refuse(*args: Any, **_: Any) -> NoReturn:
        raise AssertionError(f"an offline run tried to reach the network: {args[1:] or args}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket.socket, "connect_ex", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@contextlib.contextmanager
def own_prices() -> Iterator[None]:
    """Prices that a script states end with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "_set_by_user", {})
        yield


def run(script: Path) -> str:
    """What a script prints."""
    printed = io.StringIO()
    with own_prices(), contextlib.redirect_stdout(printed):
        runpy.run_path(str(script), run_name="__main__")
    return printed.getvalue()


def cassette_of(script: Path) -> Path:
    """The cassette of an example: `cassettes/examples/NAME.jsonl`, of a guide's `cassettes/guides/NAME.jsonl`."""
    return CASSETTES / script.parent.name / f"{script.stem}.jsonl"


def replay(name: str, folder: Path = EXAMPLES) -> tuple[str, synalinks.Ledger]:
    """What an example prints when it is replayed from its cassette, offline, and the calls it made."""
    script = folder / f"{name}.py"
    with contextlib.ExitStack() as around:
        around.enter_context(no_network())
        around.enter_context(synalinks.offline())
        if name not in OPEN_THEIR_OWN:
            around.enter_context(synalinks.use_cassette(cassette_of(script), record_mode="none", strict=True))
        ledger = around.enter_context(synalinks.use_ledger())
        return run(script), ledger


def timeless(text: str) -> list[str]:
    """The lines of an output, without what differs from run to run."""
    return [_TIMES.sub("*", line.rstrip()) for line in text.strip().splitlines()]


def printed_by(line: str) -> str:
    """What the command `synalinks ...` prints, run in the project's folder; without the folder's own path.

    Raises:
        subprocess.CalledProcessError: its status is not 0.
    """
    program, *arguments = shlex.split(line)
    assert program == "synalinks", f"{line!r}: only the command of this library is run"
    # Where the package is taken from a source tree, the new process needs to be told.
    found_at = {**os.environ, "PYTHONPATH": str(Path(synalinks.__file__).parent.parent)}
    process = [sys.executable, "-m", "synalinks", *arguments]
    ended = subprocess.run(process, cwd=ROOT, env=found_at, check=True, capture_output=True, text=True)
    assert ended.stderr == "", ended.stderr
    return ended.stdout.replace(f"{ROOT}{os.sep}", "")


def run_program(code: str) -> str:
    """What a program of a document prints; functions called `test_...` are called too."""
    printed = io.StringIO()
    with own_prices(), contextlib.redirect_stdout(printed):
        scope: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(code, "document", "exec"), scope)
        for name, value in scope.items():
            if name.startswith("test_"):
                value()
    return printed.getvalue()


def documents() -> dict[str, str]:
    """The Markdown files of the project by path: those of the root, of the guides, and beside the code."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "cassettes/README.md"]
    found += (ROOT / "src").rglob("*.md")
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(found)}


def blocks_of(text: str) -> list[re.Match[str]]:
    """The Python blocks of a page that run in its namespace: all but those with a mark (`<!-- run -->`)."""
    return [found for found in BLOCK.finditer(text) if not found["before"].startswith("<!-- ")]


def run_page(text: str, folder: Path) -> list[str]:
    """What each block of a page prints; all run in one namespace and in `folder`, the fake server answers.

    `await` is allowed at the top level, as in a notebook. A page marked `<!-- continues: PAGE -->` has that page's
    names, and on one marked `<!-- answers: invented -->` no call leaves the process.
    """
    scope: dict[str, Any] = {"__name__": "__main__"}
    printed: list[str] = []
    earlier = [block for name in _CONTINUES.findall(text) for block in blocks_of((ROOT / name).read_text("utf-8"))]
    synalinks.clear_session()  # names of modules are counted from the start
    with contextlib.ExitStack() as around:
        around.callback(synalinks.clear_session)
        around.enter_context(own_prices())
        around.enter_context(contextlib.chdir(folder))
        around.enter_context(OllamaServer(env=True))
        if _INVENTED in text:
            around.enter_context(synalinks.use_provider(SyntheticModel(seed=0)))
        runner = around.enter_context(asyncio.Runner())
        for block in (*earlier, *blocks_of(text)):
            code = compile(block["code"], "document", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                running = eval(code, scope)
                if inspect.iscoroutine(running):
                    runner.run(running)
            printed.append(output.getvalue())
    return printed[len(earlier) :]
