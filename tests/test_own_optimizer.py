"""The example of an optimizer of one's own: short, offline, and it learns."""

from __future__ import annotations

import ast
import re
from typing import Any

from playing import EXAMPLES, no_network, run
from synalinks.optimizers import Optimizer

SCRIPT = EXAMPLES / "own_optimizer.py"


def test_it_learns_offline() -> None:
    with no_network():
        printed = run(SCRIPT)
    before, after = map(float, re.findall(r"\d\.\d\d", printed))
    assert (before, after) == (0.33, 1.0)
    assert "capitals" in printed and "three dots" in printed


def test_a_users_optimizer_takes_thirty_lines_at_the_most() -> None:
    source = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    bases: list[Any] = [node for node in source.body if isinstance(node, ast.ClassDef) and node.name == "Phrasebook"]
    assert 0 < bases[0].end_lineno - bases[0].lineno + 1 <= 30
    written = {node.name for node in bases[0].body if hasattr(node, "name")}
    assert written == {"__init__", "propose", "get_config"} and Optimizer.propose.__doc__
