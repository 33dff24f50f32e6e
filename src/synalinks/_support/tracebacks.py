"""Tracebacks of this library's errors: the frames of the user, and not those of the library.

In scripts and in IPython an error of this library is shown with the user's own lines and its message, and Ctrl-C during
a run with what was kept of it. Other errors are shown by Python itself, without the frames of the event loop between
the user's own; calls that this library's signatures refuse say what to write.
`SYNALINKS_TRACEBACK=full` shows everything.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any, Protocol

FULL = "SYNALINKS_TRACEBACK"
#: Packages whose frames say nothing about the user's code.
MACHINERY = frozenset(
    {"IPython", "asyncio", "click", "contextlib", "importlib", "ipykernel", "nest_asyncio", "runpy", "synalinks"}
)
#: Python's words for arguments that a function does not take.
_REFUSED = re.compile(
    r"^(?:[\w.<>]+\.)??(?:(?P<owner>\w+)\.)?(?P<name>\w+|<lambda>)\(\) "
    r"(?:takes .* positional arguments? but|missing \d+ required|got an unexpected keyword argument '(?P<key>\w+)')"
)
#: Python's words for a field of a result that is set.
_SET = re.compile(r"^'(?:Json|Symbolic)DataModel' object has no attribute '(?P<field>\w+)'")
#: Where names of the library are loaded from, and its blocks are made.
_LOADING = ("synalinks._base.lazy", "synalinks._base.with_block", "synalinks._not_here_yet")
#: Arguments of a call that a message names.
_ARGUMENTS_SHOWN = 8
#: Arguments that are shown with what they take.
_ARGUMENTS_WITH_TYPES = 2
_NOT_NAMED = ("self", "args", "kwargs")
_STANDARD_LIBRARY = os.path.dirname(os.__file__)


class Shell(Protocol):
    """What is used of IPython's shell."""

    showtraceback: Callable[..., None]

    def _get_exc_info(self, exc_tuple: object = None) -> tuple[type[BaseException], BaseException, object]: ...

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None: ...


def is_full() -> bool:
    """Whether whole tracebacks are set."""
    return os.environ.get(FULL, "").lower() == "full"


def install() -> None:
    """Show errors of this library in short, in this process; a hook that is set already stays."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _excepthook
    if "IPython" in sys.modules and (shell := _shell()) is not None:
        _install_in(shell)


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
    if _is_of_pydantic(error):
        return _listed(error, _validation(error))
    if type(error).__name__ == "PydanticUserError":  # a data model's class, of which pydantic points to its website
        return _listed(error, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
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


def _is_of_pydantic(error: BaseException) -> bool:
    return type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic")


def _validation(error: Any) -> str:
    """What pydantic found wrong with the fields of a data model, a line each."""
    from synalinks._support.keywords import did_you_mean  # for errors only

    found = error.errors(include_url=False, include_context=False)
    missing = [str(one["loc"][-1]) for one in found if one["type"] == "missing"]
    lines = []
    for one in found:
        hint = did_you_mean(str(one["loc"][-1]), missing) if one["type"] == "extra_forbidden" else None
        lines.append(f"\n  {'.'.join(map(str, one['loc']))}: {one['msg']}{f'. {hint}' if hint else ''}")
    return f"ValidationError: {error.title} can't be made of these values{''.join(lines)}"


def _listed(error: BaseException, words: str | None = None) -> str:
    import traceback  # with its parser of tokens, for errors only

    found = traceback.extract_tb(trimmed(_shown(error)))
    shown = [  # without the marks below lines, which wrap
        f'  File "{one.filename}", line {one.lineno}, in {one.name}\n' + (f"    {one.line}\n" if one.line else "")
        for one in found
    ]
    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
    head = "Traceback (most recent call last):\n" if shown else ""
    return f"{head}{''.join(shown)}{words or f'{type(error).__name__}: {error}'}{notes}"


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


def trim(error: BaseException, begin: CodeType | None = None) -> None:
    """Leave in the traceback, and in those it is chained to, the user's frames and what raised below the last.

    Args:
        begin: code whose frame, and those above, are left out, too.
    """
    _trim(error, begin, set())


def _trim(error: BaseException, begin: CodeType | None, seen: set[int]) -> None:
    if id(error) in seen:
        return
    seen.add(id(error))
    entries = below(error.__traceback__, begin)
    machinery = [is_machinery(entry.tb_frame) for entry in entries]
    last = max((i for i, hidden in enumerate(machinery) if not hidden), default=len(entries))
    if _is_explained(error):
        last = len(entries)
    kept = [
        entry
        for i, (entry, hidden) in enumerate(zip(entries, machinery, strict=True))
        if not hidden or (i > last and _says_where(entry.tb_frame))
    ]
    error.__traceback__ = trimmed(kept)
    chained = [error.__cause__, error.__context__]
    if isinstance(error, BaseExceptionGroup):
        chained += error.exceptions
    for other in chained:
        if other is not None:
            _trim(other, begin, seen)


def _is_explained(error: BaseException) -> bool:
    """Whether the library's frames say nothing more: a Ctrl-C, and arguments that the function named does not take."""
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError":
        return True
    return isinstance(error, TypeError) and _REFUSED.match(str(error)) is not None


def below(trace: TracebackType | None, begin: CodeType | None) -> list[TracebackType]:
    """The entries below the last frame of some code, or all where it is not among them."""
    entries = list(frames(trace))
    found = [i for i, entry in enumerate(entries) if entry.tb_frame.f_code is begin]
    return entries[found[-1] + 1 :] if found else entries


def make_short(error: BaseException) -> None:
    """Leave the user's lines in the traceback of an error that is not this library's; say what a refused call lacks."""
    if isinstance(error, KeyboardInterrupt) and type(error.__context__).__name__ == "CancelledError":
        error.__context__ = None  # how the event loop passes a Ctrl-C on
    trim(error)
    explain(error)


def explain(error: BaseException) -> None:
    """Add to an error of Python's, of a call that this library's signatures refuse, what to write."""
    if isinstance(error, TypeError) and (found := _REFUSED.match(str(error))) is not None:
        owner, name = found["owner"], found["name"]
        if name == "__init__":
            owner, name = None, owner
        if name == "BaseModel":
            error.add_note("Give the fields of a data model by name, e.g. Question(question='What?')")
        elif (called := _called(owner, name, error)) is not None:
            error.add_note(_arguments(called, name, found["key"]))
    elif isinstance(error, AttributeError) and (found := _SET.match(str(error))) is not None:
        change = f"{{**result.get_json(), {found['field']!r}: ...}}"
        error.add_note(f"The fields of a result are read, not set; make another value of them: {change}")


def _called(owner: str | None, name: str, error: BaseException) -> Callable[..., object] | None:
    """What refused a call: a function or class of the library, or a method of a class; None of what is not its own."""
    library, entries = sys.modules.get("synalinks"), list(frames(error.__traceback__))
    holder = owner or name
    theirs = entries[-1].tb_frame.f_globals if entries else {}
    if library is None or "<locals>" in str(error) or _is_foreign(theirs.get(holder)):
        return None
    bases = {base.__name__: base for base in library.Program.__mro__}
    modules = [module for key, module in list(sys.modules.items()) if key.startswith("synalinks.")]
    found = (one for module in modules if isinstance(one := vars(module).get(holder), type))
    called = getattr(library, holder, None) or next(found, None) or bases.get(holder)
    return getattr(called, name, None) if owner else called


def _is_foreign(thing: object) -> bool:
    """Whether something that a program calls is not of this library."""
    return str(getattr(thing, "__module__", "synalinks")).partition(".")[0] != "synalinks"


def _arguments(called: Callable[..., object], name: str, key: str | None) -> str:
    """What to write in place of an argument that has no name, or one that is not known."""
    import inspect  # for errors only

    from synalinks._support.keywords import did_you_mean

    known = {key: one for key, one in inspect.signature(called).parameters.items() if key not in _NOT_NAMED}
    if hint := did_you_mean(key or "", list(known)):
        return hint
    few = len(known) <= _ARGUMENTS_WITH_TYPES
    shown = [f"{one}={p.annotation if few else ''}" for one, p in list(known.items())[:_ARGUMENTS_SHOWN]]
    return f"Give the arguments of {name} by name: {', '.join(shown + ['...'] * (len(known) > _ARGUMENTS_SHOWN))}"


def _says_where(frame: FrameType) -> bool:
    """Whether a frame below the user's last is of use to those who look for a fault of the library."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] not in MACHINERY - {"synalinks"} and module not in _LOADING


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    text = short_text(error)
    if text is None:
        if not is_full():
            make_short(error)
        sys.__excepthook__(kind, error, error.__traceback__)
    else:
        from synalinks._support.interactive import on_screen  # for errors only

        sys.stderr.write(on_screen(text, sys.stderr) + "\n")


def _shell() -> Shell | None:
    from IPython import get_ipython  # type: ignore[import-not-found,unused-ignore]  # it is loaded

    found: Shell | None = get_ipython()
    return found


def _install_in(shell: Shell) -> None:
    """The same in a shell of IPython: of cells, and of what `%run` and other commands run."""
    show = shell.showtraceback
    if getattr(show, "__module__", None) == __name__:
        return

    def showtraceback(exc_tuple: object = None, *args: object, **kwargs: object) -> None:
        try:
            kind, error, _ = shell._get_exc_info(exc_tuple)
        except ValueError:  # there is none
            text = None
        else:
            text = short_text(error)
            if text is None and not is_full():
                explain(error)
        if text is None:
            show(exc_tuple, *args, **kwargs)
        else:
            shell._showtraceback(kind, error, text.splitlines())

    shell.showtraceback = showtraceback
