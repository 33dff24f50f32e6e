"""Writes what commands and programs print now into the documents that show it. Look at the diff afterwards.

python tests/refresh_documents.py
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from playing import OUTPUT, PROGRAM, ROOT, printed_by, run_program

DOCUMENTS = (ROOT / "README.md", ROOT / "src/synalinks/lm/README.md")


def refreshed(text: str) -> str:
    """A document with every output that it shows made anew."""

    def output(found: re.Match[str]) -> str:
        return f"<!-- output: {found['line']} -->\n```text\n{printed_by(found['line']).strip()}\n```"

    def program(found: re.Match[str]) -> str:
        if found["shown"] is None:
            return found[0]
        code = found["code"]
        shown = run_program(code).strip()
        return f"<!-- run -->\n```python\n{code}```\n\n<!-- prints -->\n```text\n{shown}\n```"

    return PROGRAM.sub(program, OUTPUT.sub(output, text))


def main() -> None:
    """Refresh every document."""
    os.environ["SYNALINKS_CACHE"] = "off"
    os.chdir(ROOT)
    for path in map(Path, sys.argv[1:] or DOCUMENTS):
        path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
