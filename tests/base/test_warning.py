"""Warnings name the line of the user's program, and no other code of the library states a level of its own."""

from __future__ import annotations

import asyncio
import re
import threading
import warnings
from pathlib import Path

import synalinks
from synalinks._base.warning import warn
from synalinks._concurrency import run_all
from synalinks.modules.models.folding import FoldedWarnings

PACKAGE = Path(synalinks.__file__).parent
#: Where the user's line is the caller.
DIRECT = {"data/models/chat.py", "_base/warning.py"}


def test_a_warning_deep_in_the_library_names_the_users_line() -> None:
    async def main() -> None:
        await run_all([deep()])

    async def deep() -> None:
        FoldedWarnings().add("ollama/m", "connection", "look here")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
    assert [one.filename for one in caught] == [__file__]


def test_on_a_thread_without_a_program_it_is_a_warning_all_the_same() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=warn, args=("alone", RuntimeWarning))
        thread.start()
        thread.join()
    assert [(str(one.message), one.category) for one in caught] == [("alone", RuntimeWarning)]


def test_all_warnings_of_the_library_are_made_so() -> None:
    stated = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"warnings\.warn\(", path.read_text(encoding="utf-8"))
    }
    assert stated == DIRECT
