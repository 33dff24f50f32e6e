"""Warnings that name the line of the user's program that they come from."""

from __future__ import annotations

import sys
import sysconfig
import warnings
from pathlib import Path


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the nearest line that is not of a library: the `await` in a program, or the `asyncio.run` of it."""
    warnings.warn(message, category, stacklevel=_users_level())


def _users_level() -> int:
    """The `stacklevel` of that line for `warn`; that of its caller where there is none, as on a thread."""
    paths = sysconfig.get_paths()
    libraries = (
        str(Path(__file__).parents[1]),
        *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    )
    frame, level = sys._getframe(1), 1
    while frame.f_code.co_filename.startswith((*libraries, "<frozen")):
        if frame.f_back is None:
            return 2
        frame, level = frame.f_back, level + 1
    return level
