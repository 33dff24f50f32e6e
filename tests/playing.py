"""Runs example scripts in this process, with the network out of reach, and reads what Markdown files show."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

import synalinks
from synalinks.lm import pricing

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
TAPES = ROOT / "cassettes"
#: Opens its tape itself.
OPENS_ITS_OWN = "tape_a_run"

#: Seconds and steps per second, which no two runs share.
_TIMES = re.compile(r"\d+s \d+(?:us|ms|s)/step")


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


def replay(name: str) -> tuple[str, synalinks.Ledger]:
    """What an example prints when it is replayed from its tape, offline, and the calls it made."""
    with contextlib.ExitStack() as around:
        around.enter_context(no_network())
        around.enter_context(synalinks.offline())
        if name != OPENS_ITS_OWN:
            tape = TAPES / "examples" / f"{name}.jsonl"
            around.enter_context(synalinks.use_cassette(tape, record_mode="none", strict=True))
        ledger = around.enter_context(synalinks.use_ledger())
        return run(EXAMPLES / f"{name}.py"), ledger


def timeless(text: str) -> list[str]:
    """The lines of an output, without what differs from run to run."""
    return [_TIMES.sub("* */step", line.rstrip()) for line in text.strip().splitlines()]


def blocks(text: str, mark: str, language: str) -> list[tuple[str, str]]:
    """The fenced blocks that stand after `<!-- mark: argument -->`: pairs of argument and content."""
    pattern = rf"^<!-- {mark}(?:: (.+?))? -->\n```{language}\n(.*?)^```$"
    return [(found[1] or "", found[2]) for found in re.finditer(pattern, text, re.DOTALL | re.MULTILINE)]
