"""A user's script, run as `python script.py` would run it, and how it ended."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from types import TracebackType

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
    _trim(error, set())
    sys.excepthook(type(error), error, error.__traceback__)  # the script may have set its own
    return 1


def block(error: BaseException) -> str:
    """An error of this library as one block: what it is, what it says, and where the user's code met it."""
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]
    users = [trace for trace in _script_frames(error.__traceback__) if tracebacks.is_users(trace.tb_frame)]
    if users:
        code = users[-1].tb_frame.f_code
        lines.append(f"at {os.path.relpath(code.co_filename)}:{users[-1].tb_lineno} in {code.co_name}")
    return "\n  ".join("\n".join(lines).splitlines())


def _script_frames(trace: TracebackType | None) -> list[TracebackType]:
    """The frames below `run_script`, or all of them where it is not among them."""
    frames = list(tracebacks.frames(trace))
    ours = [i for i, frame in enumerate(frames) if frame.tb_frame.f_code is run_script.__code__]
    return frames[ours[-1] + 1 :] if ours else frames


def _trim(error: BaseException, seen: set[int]) -> None:
    """Leave in the traceback, and in those it is chained to, the user's frames and what raised below the last."""
    if id(error) in seen:
        return
    seen.add(id(error))
    frames = _script_frames(error.__traceback__)
    machinery = [tracebacks.is_machinery(frame.tb_frame) for frame in frames]
    last = max((i for i, hidden in enumerate(machinery) if not hidden), default=len(frames))
    kept = [frame for i, (frame, hidden) in enumerate(zip(frames, machinery, strict=True)) if i > last or not hidden]
    error.__traceback__ = tracebacks.trimmed(kept)
    chained = [error.__cause__, error.__context__]
    if isinstance(error, BaseExceptionGroup):
        chained += error.exceptions
    for other in chained:
        if other is not None:
            _trim(other, seen)
