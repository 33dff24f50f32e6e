"""Tests of the script that makes classes from tables: the committed files are what it makes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = runpy.run_path(str(ROOT / "scripts/make_classes.py"))["FILES"]


@pytest.mark.parametrize("path", FILES)
def test_the_committed_file_is_what_the_script_makes(path: str) -> None:
    committed = (ROOT / "src/synalinks" / path).read_text(encoding="utf-8")
    assert committed == FILES[path](), "run: python scripts/make_classes.py"
