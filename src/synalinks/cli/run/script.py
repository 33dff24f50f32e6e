"""A user's script, run as `python script.py` would run it, and how it ended."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

import click

from synalinks._support import tracebacks

#: The status of a process that Ctrl-C ended, as shells have it: 128 + SIGINT.
INTERRUPTED = 130


def run_script(script: str, arguments: Sequence[str]) -> None:
    """Run a file, a folder or a zip with `__main__.py` as the program `__main__`; cwd stays as it is.

    Raises:
        BaseException: whatever ends the script, except a `SystemExit` that says success.
    """
    path = os.path.abspath(script)  # as python does, so that `__file__` outlives a change of directory
    before = sys.argv, list(sys.path)
    sys.argv = [path, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = path if os.path.isdir(path) else os.path.dirname(os.path.realpath(path))
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    finally:
        sys.argv, sys.path[:] = before


def exit_code(error: BaseException) -> int:
    """Say on standard error what ended a script, and give the status its process must end with."""
    if isinstance(error, SystemExit):
        if isinstance(error.code, int) or error.code is None:
            return error.code or 0
        click.echo(error.code, err=True)
        return 1
    if isinstance(error, KeyboardInterrupt):
        click.echo(f"\nInterrupted: {error}" if error.args else "\nInterrupted.", err=True)
        return INTERRUPTED
    if tracebacks.is_full():
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    own = tracebacks.own_error(error)
    if own is not None:
        click.echo("\n" + block(own), err=True)
        return 1
    tracebacks.trim(error, run_script.__code__)
    tracebacks.make_short(error)
    sys.excepthook(type(error), error, error.__traceback__)  # the script may have set its own
    return 1


def block(error: BaseException) -> str:
    """An error of this library as one block: what it is, what it says, and where the user's code met it."""
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]
    entries = tracebacks.below(error.__traceback__, run_script.__code__)
    users = [entry for entry in entries if tracebacks.is_users(entry.tb_frame)]
    if users:
        code = users[-1].tb_frame.f_code
        lines.append(f"at {os.path.relpath(code.co_filename)}:{users[-1].tb_lineno} in {code.co_name}")
    return "\n  ".join("\n".join(lines).splitlines())
