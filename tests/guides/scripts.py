"""Running the guides' scripts as a user would: in a process of their own, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"

#: Runs a script under a cassette: `python -c UNDER_A_CASSETTE SCRIPT CASSETTE MODE`.
UNDER_A_CASSETTE = """
import runpy, sys
import synalinks
script, cassette, mode = sys.argv[1:]
with synalinks.use_cassette(cassette, record_mode=mode):
    runpy.run_path(script, run_name="__main__")
"""
#: Runs a script in a process whose sockets can't connect to anything.
WITHOUT_NETWORK = """
import runpy, socket, sys

def refuse(*arguments):
    raise AssertionError(f"the script tried to connect: {arguments[1:]}")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = refuse
runpy.run_path(sys.argv[1], run_name="__main__")
"""
_KEYS = re.compile(r"_API_KEY$|^OLLAMA_|^SYNALINKS_")


def run(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """What `python ...` prints; no key, no server and no cache but those of `env`."""
    kept = {name: value for name, value in os.environ.items() if not _KEYS.search(name)}
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, arguments)],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(SRC), "SYNALINKS_CACHE": "off", **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_timings(printed: str) -> str:
    """Progress lines without seconds: `6/6 - 24s 4s/step - reward: 1.0000` becomes `6/6 - reward: 1.0000`."""
    return re.sub(r"(?m)^(\d+/\d+) - \S+ \S+/step - ", r"\1 - ", printed)


def expected_output(guide: str) -> str:
    """The block of a guide that shows what its script prints, from its first rule to the end of its last section."""
    block = guide[guide.index("Expected output") :]
    return block[block.index("=" * 60) :]
