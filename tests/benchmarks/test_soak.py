"""Memory, files, tasks, threads and the CPU of a call stay as they are, however many calls a process makes.

`SYNALINKS_SOAK=1000000` makes a million of them in place of a few thousand.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from playing import ROOT

CALLS = int(os.environ.get("SYNALINKS_SOAK", "2000"))


@pytest.mark.parametrize("options", [[], ["--live"]], ids=["scripted", "over HTTP"])
def test_nothing_grows_with_the_calls_of_a_process(options: list[str]) -> None:
    calls = CALLS // 10 if options else CALLS
    command = [sys.executable, ROOT / "benchmarks/soak.py", str(calls), *options]
    source = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(command, env=source, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert f"{calls:,} calls, 0 failed" in lines[-1] and len(lines) >= 12
