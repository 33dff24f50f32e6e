"""Warnings of failed calls, folded: the first of a kind in full, of the others their number."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from synalinks._base.warning import warn


class LMWarning(UserWarning):
    """The warning of calls that failed for good: their samples go on without an answer."""


class FoldedWarnings:
    """Failures of calls by model and kind.

    Example:
        >>> import warnings
        >>> from synalinks.modules.models.folding import FoldedWarnings
        >>> folded = FoldedWarnings()
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     for _ in range(118):
        ...         folded.add("ollama/m", "connection", "no server answers")
        ...     folded.close()
        >>> [str(one.message) for one in caught]
        ['no server answers', 'ollama/m: 117 more calls failed like this (connection)']
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, model: str, kind: str, message: str, tenfold: bool = False) -> None:
        """Warn of a failure if it is the first of its kind.

        Args:
            tenfold: whether the 10th, the 100th and so on are a warning too, which says how many there were.
        """
        self._counts[model, kind] += 1
        count = self._counts[model, kind]
        if count == 1:
            warn(message, LMWarning)
        elif tenfold and str(count).strip("0") == "1":
            warn(f"{_more(model, count - 1, kind)}. The last: {message}", LMWarning)

    def close(self) -> None:
        """One warning a kind of how many more there were."""
        for (model, kind), count in self._counts.items():
            if count > 1:
                with suppress(LMWarning):  # where warnings are errors the first was one, and the end of a run is none
                    warn(_more(model, count - 1, kind), LMWarning)


_folded: ContextVar[FoldedWarnings | None] = ContextVar("synalinks_folded_warnings", default=None)


@contextmanager
def folded_warnings() -> Iterator[None]:
    """A block at whose end failures after the first of a kind are one warning; an inner block joins the outer one.

    Where an error ends the block there is no such warning: the error says what is the matter.
    """
    if _folded.get() is not None:
        yield
        return
    folded = FoldedWarnings()
    token = _folded.set(folded)
    try:
        yield
    finally:
        _folded.reset(token)
    folded.close()


#: Receives model, kind and message of failures in place of warnings, or None.
_received: ContextVar[Callable[[str, str, str], None] | None] = ContextVar("synalinks_failures", default=None)


@contextmanager
def use_failures(receive: Callable[[str, str, str], None]) -> Iterator[None]:
    """A block whose failures are no warnings but are handed to `receive`: model, kind and message of each."""
    token = _received.set(receive)
    try:
        yield
    finally:
        _received.reset(token)


#: Failures outside such blocks, by event loop: each `asyncio.run` begins anew.
_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, FoldedWarnings] = WeakKeyDictionary()


def warn_of_failure(model: str, kind: str, message: str) -> None:
    """Warn of a call that failed for good, inside an event loop."""
    if (receive := _received.get()) is not None:
        receive(model, kind, message)
        return
    block = _folded.get()
    if block is None:
        loop = asyncio.get_running_loop()
        _of_loops.setdefault(loop, FoldedWarnings()).add(model, kind, message, tenfold=True)
    else:
        block.add(model, kind, message)


def _more(model: str, count: int, kind: str) -> str:
    return f"{model}: {count:,} more {'call' if count == 1 else 'calls'} failed like this ({kind})"
