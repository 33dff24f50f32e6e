"""Writes what commands and programs print now into the documents that show it. Look at the diff afterwards.

python tests/refresh_documents.py
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from playing import BLOCK, OUTPUT, PROGRAM, ROOT, blocks_of, documents, printed_by, run_page, run_program, timeless


def refreshed(text: str) -> str:
    """A document with every output that it shows made anew; one that differs in times only stays as it is."""

    def output(found: re.Match[str]) -> str:
        return shown(found, printed_by(found["line"]))

    def shown(found: re.Match[str], printed: str) -> str:
        if timeless(printed) == timeless(found["shown"]):
            return found[0]
        code = found[0][: found.start("shown") - found.start()]
        return f"{code}{printed.strip()}\n```"

    def program(found: re.Match[str]) -> str:
        return found[0] if found["shown"] is None else shown(found, run_program(found["code"]))

    text = PROGRAM.sub(program, OUTPUT.sub(output, text))
    if all(found["shown"] is None for found in blocks_of(text)):
        return text
    with tempfile.TemporaryDirectory() as folder:
        printed = dict(zip((found.start() for found in blocks_of(text)), run_page(text, Path(folder)), strict=True))

    def block(found: re.Match[str]) -> str:
        here = found.start()
        return found[0] if here not in printed or found["shown"] is None else shown(found, printed[here])

    return BLOCK.sub(block, text)


def main() -> None:
    """Refresh every document."""
    os.environ["SYNALINKS_CACHE"] = "off"
    os.chdir(ROOT)
    for path in map(Path, sys.argv[1:] or documents()):
        path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
