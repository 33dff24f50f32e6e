"""Tracebacks of this library's errors: the frames of the user, and not those of the library.

In scripts and in IPython an error of this library is shown with the user's own lines and its message, and Ctrl-C during
a run with what was kept of it. All other errors are shown as they would be without this library.
`SYNALINKS_TRACEBACK=full` shows everything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Protocol

FULL = "SYNALINKS_TRACEBACK"
#: Packages whose frames say nothing about the user's code.
MACHINERY = frozenset(
    {"IPython", "asyncio", "click", "contextlib", "importlib", "ipykernel", "nest_asyncio", "runpy", "synalinks"}
)
_STANDARD_LIBRARY = os.path.dirname(os.__file__)


class Shell(Protocol):
    """What is used of IPython's shell."""

    custom_exceptions: tuple[type[BaseException], ...]

    def set_custom_exc(self, exc_tuple: tuple[type[BaseException], ...], handler: object) -> None: ...

    def showtraceback(self, exc_tuple: object = None, tb_offset: int | None = None) -> None: ...

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None: ...


def is_full() -> bool:
    """Whether whole tracebacks are set."""
    return os.environ.get(FULL, "").lower() == "full"


def install() -> None:
    """Show errors of this library in short, in this process; a hook that is set already stays."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _excepthook
    if "IPython" in sys.modules and (shell := _shell()) is not None and not shell.custom_exceptions:
        from synalinks.errors import SynalinksError  # in a notebook only: scripts import it when they need it

        shell.set_custom_exc((SynalinksError, KeyboardInterrupt), _in_ipython)


def own_error(error: BaseException) -> BaseException | None:
    """The error itself, or the first of a group, if it holds nothing but errors of this library; else None."""
    from synalinks.errors import SynalinksError  # 50 ms, for errors only

    while isinstance(error, BaseExceptionGroup):
        if error.split(SynalinksError)[1] is not None:
            return None
        error = error.exceptions[0]
    return error if isinstance(error, SynalinksError) else None


def short_text(error: BaseException) -> str | None:
    """What is shown of an error in place of its whole traceback; None of errors that are not this library's."""
    if is_full():
        return None
    if isinstance(error, KeyboardInterrupt):
        return f"\nInterrupted: {error}" if error.args else None  # only an interrupted run has words
    own = own_error(error)
    if own is None:
        return None
    cause = own.__cause__
    begin = f"{_listed(cause)}\nwhich led to:\n\n" if cause is not None and _is_users(cause) else ""
    return begin + _listed(own)


def frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    """The entries of a traceback, the outermost first."""
    while trace is not None:
        yield trace
        trace = trace.tb_next


def is_machinery(frame: FrameType) -> bool:
    """Whether a frame is of this library, or of what runs it."""
    if frame.f_code.co_filename.startswith("<frozen "):
        return True
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in MACHINERY


def trimmed(entries: Iterable[TracebackType]) -> TracebackType | None:
    """A traceback of these entries alone."""
    kept: TracebackType | None = None
    for entry in reversed(list(entries)):
        kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def users_frames(error: BaseException) -> list[TracebackType]:
    """The entries of an error's traceback that are the user's."""
    return [entry for entry in frames(error.__traceback__) if is_users(entry.tb_frame)]


def is_users(frame: FrameType) -> bool:
    """Whether a frame is of a file that is neither this library's nor installed."""
    file = frame.f_code.co_filename
    return not is_machinery(frame) and not ("site-packages" in file or file.startswith(_STANDARD_LIBRARY))


def _listed(error: BaseException) -> str:
    import traceback  # with its parser of tokens, for errors only

    found = traceback.extract_tb(trimmed(_shown(error)))
    shown = [  # without the marks below lines, which wrap
        f'  File "{one.filename}", line {one.lineno}, in {one.name}\n' + (f"    {one.line}\n" if one.line else "")
        for one in found
    ]
    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
    head = "Traceback (most recent call last):\n" if shown else ""
    return f"{head}{''.join(shown)}{type(error).__name__}: {error}{notes}"


def _shown(error: BaseException) -> list[TracebackType]:
    """The user's entries, less the line that only starts the event loop, where there are deeper ones."""
    users = users_frames(error)
    inner = [entry for entry in users if entry.tb_next is None or not _is_asyncio(entry.tb_next.tb_frame)]
    return inner or users


def _is_asyncio(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "asyncio"


def _is_users(error: BaseException) -> bool:
    """Whether an error was raised in the user's code, so that its lines are of use."""
    entries = list(frames(error.__traceback__))
    return bool(entries) and is_users(entries[-1].tb_frame)


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    text = short_text(error)
    if text is None:
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.write(text + "\n")


def _shell() -> Shell | None:
    from IPython import get_ipython  # type: ignore[import-not-found,unused-ignore]  # it is loaded

    found: Shell | None = get_ipython()
    return found


def _in_ipython(
    shell: Shell,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    text = short_text(error)
    if text is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    else:
        shell._showtraceback(kind, error, text.splitlines())
