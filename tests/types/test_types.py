"""What type checkers and editors report of a program: the lines marked in `mistakes.py`, and no others."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from playing import ROOT

SOURCE = ROOT / "src"
PROGRAM = Path(__file__).with_name("mistakes.py")
#: What a checker reports: the lines of errors, and the types revealed, without modules, by line.
Report = tuple[set[int], dict[int, str]]


def mypy(folder: Path) -> Report:
    pytest.importorskip("mypy", reason="mypy is of the extra `dev`")
    config = folder / "mypy.ini"
    config.write_text(
        f"[mypy]\nstrict = true\nmypy_path = {SOURCE}\nfollow_imports = silent\nenable_error_code = unused-awaitable\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(folder), str(PROGRAM)]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    found = re.findall(rf"^.*{PROGRAM.name}:(\d+): (error|note): (.*)$", printed, flags=re.M)
    assert found, printed
    revealed = {int(line): name for line, _, text in found if (name := _type(r'Revealed type is "(.*)"', text))}
    return {int(line) for line, kind, _ in found if kind == "error"}, revealed


def pyright(folder: Path) -> Report:
    """BasedPyright, which is Pyright with its Node from PyPI: nothing is downloaded when it runs."""
    pytest.importorskip("basedpyright", reason="basedpyright is of the extra `dev`")
    config = folder / "pyrightconfig.json"
    settings = {"typeCheckingMode": "standard", "extraPaths": [str(SOURCE)], "include": [str(PROGRAM)]}
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "-p", str(config), "--pythonpath", sys.executable, "--outputjson"]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    found = [
        (one["range"]["start"]["line"] + 1, one["severity"], one["message"])
        for one in json.loads(printed)["generalDiagnostics"]
    ]
    revealed = {line: name for line, _, text in found if (name := _type(r'Type of ".*" is "(.*)"', text))}
    return {line for line, kind, _ in found if kind == "error"}, revealed


def _type(pattern: str, text: str) -> str:
    """The type that a message reveals, each name in it without its module; empty where it reveals none."""
    found = re.search(pattern, text)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", found[1]) if found else ""


def marked() -> Report:
    lines = dict(enumerate(PROGRAM.read_text(encoding="utf-8").splitlines(), start=1))
    errors = {number for number, line in lines.items() if line.endswith("# error")}
    return errors, {number: found[1] for number, line in lines.items() if (found := re.search(r"\)  # is (.+)$", line))}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_a_checker_reports_what_is_wrong_and_nothing_else(checker: object, tmp_path: Path) -> None:
    errors, types = marked()
    assert len(errors) > 20 and len(types) > 10
    found, revealed = checker(tmp_path)  # type: ignore[operator]
    assert found == errors
    assert {line: revealed.get(line) for line in types} == types


def test_attributes_that_are_found_at_run_time_are_hidden_from_checkers() -> None:
    """A `__getattr__` of a module, seen by a checker, gives every misspelt name a type. A stub hides it as well."""
    shown = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if not path.with_suffix(".pyi").exists()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
    ]
    assert shown == []
