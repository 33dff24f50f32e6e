"""The table of sentences names tests that exist, and every sentence has one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROW = re.compile(r"\| ([A-Z]\d+(?:\.\d+)?) \| (.+?) \| (.+) \|")
ROWS = [ROW.fullmatch(line) for line in (HERE / "README.md").read_text(encoding="utf-8").splitlines()]
SENTENCES = [(row[1], row[3].split(", ")) for row in ROWS if row is not None]
#: Sentences in each part; a sentence more needs a row more.
COUNTS = {"S1": 34, "S3": 31, "S4": 10, "S6": 4, "V": 9, "T": 6, "P": 7, "B": 9, "L": 4, "E1": 7, "E2": 3, "E3": 4,
          "E4": 3, "E5": 7, "E6": 5, "E7": 6, "E8": 3, "E9": 7, "E10": 4, "E11": 4, "E12": 2, "E13": 3, "E14": 3,
          "E15": 1, "E16": 2, "E18": 1, "D": 18}  # fmt: skip


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def path_of(module: str) -> Path:
    if "/" not in module:
        return HERE / f"{module}.py"
    return HERE.parent / f"{module}.py"


def test_every_test_that_is_named_exists() -> None:
    for sentence, tests in SENTENCES:
        for test in tests:
            module, _, name = test.partition("::")
            assert path_of(module).is_file(), f"{sentence}: there is no {path_of(module)}"
            assert name.startswith("test_") and name in names_in(path_of(module)), f"{sentence}: {module} has no {name}"


def test_no_sentence_is_left_out() -> None:
    wanted = [f"{part}.{n}" if part[-1].isdigit() else f"{part}{n}" for part, most in COUNTS.items()
              for n in range(1, most + 1)]  # fmt: skip
    assert [sentence for sentence, _ in SENTENCES] == wanted


def test_every_test_of_this_folder_is_in_the_table() -> None:
    named = {test for _, tests in SENTENCES for test in tests}
    for path in sorted(HERE.glob("test_*.py")):
        if path.name != Path(__file__).name:
            here = {f"{path.stem}::{name}" for name in names_in(path) if name.startswith("test_")}
            assert here <= named, f"not in the table: {sorted(here - named)}"
