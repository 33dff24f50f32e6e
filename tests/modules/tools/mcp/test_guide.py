"""The server and the program of the guide on agents and tools run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from playing import ROOT

pytest.importorskip("mcp", reason="needs the extra `mcp`")
BLOCK = re.compile(r"^<!-- mcp: (\S+) -->\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = re.compile(r"^<!-- mcp: program\.py -->\n.*?^<!-- prints -->\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_program_of_the_guide_prints_what_is_shown(tmp_path: Path) -> None:
    guide = (ROOT / "docs/guides/agents-and-tools.md").read_text(encoding="utf-8")
    files = dict(BLOCK.findall(guide))
    assert files.keys() == {"math_server.py", "program.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = SHOWN.search(guide)
    assert shown is not None and ended.stdout == shown[1], ended.stderr
