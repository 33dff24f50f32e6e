"""A test under a cassette: a fresh session, no disk cache, no network in a replay, and what it did."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import pytest

from synalinks import session
from synalinks.lm.blocks import use_cassette, use_ledger
from synalinks.lm.cassette import RecordMode
from synalinks.lm.cassette.disk import CassetteWarning
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.ledger.ledger import Ledger, Money
from synalinks.testing.pytest_plugin.network import no_network

_LIBRARY = os.path.dirname(session.__file__) + os.sep


@contextmanager
def recorded(
    path: Path, mode: str, *, test: str, allow_loopback: bool, record_errors: bool = True
) -> Iterator[tuple[Cassette, Ledger]]:
    """Run a test under a cassette; gives the cassette and the ledger of the test's calls.

    Args:
        path, mode, record_errors: as of `use_cassette`.
        test: its name, for messages.
        allow_loopback: let connections to this machine through in a replay.

    Raises:
        CassetteError, ConfigurationError: the cassette can't be opened, see `use_cassette`.
    """
    with _fresh_session(), ExitStack() as stack:
        with cassette_warnings_shown():
            cassette = stack.enter_context(use_cassette(path, cast(RecordMode, mode), record_errors=record_errors))
        ledger = stack.enter_context(use_ledger())
        free = cassette.recording
        with nullcontext() if free else no_network(f"{test} replays {path}", allow_loopback=allow_loopback):
            yield cassette, ledger


@contextmanager
def cassette_warnings_shown() -> Iterator[None]:
    """What a cassette warns of, such as a recording that was cut off, is shown, even where warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", CassetteWarning)
        yield


def finish(cassette: Cassette, *, failed: bool) -> None:
    """Close a test's cassette. The recording of a test that failed is cut off: the next one goes on with it. That of
    one that passed has the calls of this test, not those of versions of it that failed."""
    if cassette.recording and not failed and cassette.mode == "once":
        cassette.drop_unplayed()
    with cassette_warnings_shown():
        cassette.close(cut=failed)


@contextmanager
def _fresh_session() -> Iterator[None]:
    """Automatic names from the start, no disk cache, and settings put back that the test changes."""
    session.clear_session(free_memory=False)
    with session.isolated_settings(), pytest.MonkeyPatch.context() as patch:
        # An open cassette has the cache stand aside; this is for processes that the test starts.
        patch.setenv("SYNALINKS_CACHE", "off")
        yield


def shortened(error: BaseException) -> BaseException:
    """The error with a traceback of the user's frames only: the dozen of the library say nothing about a miss."""
    kept: TracebackType | None = None
    links = []
    link = error.__traceback__
    while link is not None:
        links.append(link)
        link = link.tb_next
    for link in reversed(links):
        if not link.tb_frame.f_code.co_filename.startswith(_LIBRARY):
            kept = TracebackType(kept, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return error.with_traceback(kept or error.__traceback__)


def figures(cassette: Cassette, ledger: Ledger) -> dict[str, Any]:
    """What a test did with its cassette, in types that survive the way from an xdist worker.

    Money is a pair of dollars, as text, and the number of calls whose price is unknown.
    """
    total = ledger.total
    return {
        "played": cassette.played,
        "recorded": cassette.recorded,
        "as_if": _pair(total.as_if),
        "billed": _pair(total.billed),
    }


def _pair(money: Money) -> tuple[str, int]:
    return f"{money.known:f}", money.unknown


def has_no_answer(ledger: Ledger) -> bool:
    """Whether no call of the ledger got an answer."""
    return all(entry.error is not None for entry in ledger)
