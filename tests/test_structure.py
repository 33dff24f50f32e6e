"""Files can be read in one go, and folders be seen at a glance."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src/synalinks"
#: Lines of a file, and Python files of a folder, at the most.
MOST_LINES, MOST_FILES = 400, 15
#: Made by a script of a table.
GENERATED = {"metrics/operational/classes.py"}


def test_no_file_is_longer_than_is_read_in_one_go() -> None:
    lines = {str(path.relative_to(SOURCE)): len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    assert len(lines) > 500
    assert {name: count for name, count in lines.items() if count > MOST_LINES and name not in GENERATED} == {}


def test_no_folder_has_more_files_than_are_seen_at_a_glance() -> None:
    files = Counter(str(path.parent.relative_to(SOURCE)) for path in SOURCE.rglob("*.py"))
    assert {folder: count for folder, count in files.items() if count > MOST_FILES} == {}
