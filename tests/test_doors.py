"""The parts of `docs/how-to/own-parts.md`: each program runs outside the package, in at most 20 lines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import synalinks

TEXT = (Path(__file__).parents[1] / "docs/how-to/own-parts.md").read_text(encoding="utf-8")
DOORS = re.findall(
    r"<!-- door: ([\w ]+) -->\n```python\n(.*?)^```\n\n<!-- prints -->\n```text\n(.*?)^```$",
    TEXT,
    re.DOTALL | re.MULTILINE,
)


def test_there_is_a_program_for_each_door() -> None:
    assert [name for name, _, _ in DOORS] == ["provider", "layer", "optimizer", "reward and metric", "callback"]
    assert TEXT.count("<!-- door:") == len(DOORS)


@pytest.mark.parametrize(("name", "code", "printed"), DOORS, ids=[name for name, _, _ in DOORS])
def test_a_door_opens_from_outside(name: str, code: str, printed: str, tmp_path: Path) -> None:
    assert len([line for line in code.split("\n") if line.strip()]) <= 20
    (tmp_path / "outside.py").write_text(code, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_API_BASE"))},
        "PYTHONPATH": str(Path(synalinks.__file__).parents[1]),
        "SYNALINKS_CACHE": "off",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "outside.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, printed), done.stderr
