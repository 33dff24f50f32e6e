"""Ctrl-C during a run: the first one ends it in order, the second one at once.

After the first, calls that are not sent yet are refused (`Interrupted`), those already sent are awaited, stored and
billed, and the run raises `KeyboardInterrupt`. The second cancels the calls that are in flight. A third, for code that
never lets the event loop run, raises where it hits.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from synalinks.errors import Interrupted
from synalinks.lm import current_run

NOTE = "\nInterrupted: waiting for the calls already sent; press Ctrl-C again to cancel them.\n"
#: Whose handlers end the task that they run, as this one does.
_OWNERS = ("asyncio.runners", "ipykernel.ipkernel")
AGAIN = "\nInterrupted again: cancelling the calls that are still out.\n"


class OrderlyInterrupt:
    """A `with` block, inside a task, whose first Ctrl-C ends the run once the calls already sent are answered.

    Outside the main thread, inside another such block (whose handler is installed), or under a handler of the user's
    own it does nothing. The handler is a plain one, not one of the event loop's: those exist on Unix only, and do not
    run while code that does not await is running.

    Args:
        kept: gives what the `KeyboardInterrupt` says: what is kept, where, what it cost and how to go on.
    """

    def __init__(self, kept: Callable[[], str] = str) -> None:
        self._kept = kept
        self._before: Any = None
        self._installed = False
        self._count = 0
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> OrderlyInterrupt:
        if threading.current_thread() is not threading.main_thread():
            return self
        before = signal.getsignal(signal.SIGINT)
        if not _is_default(before):
            return self
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._before = before
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._installed = True
        return self

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 2 or self._loop is None:
            raise KeyboardInterrupt
        if self._count == 1:
            current_run().request_stop()
            sys.stderr.write(NOTE)
            self._loop.call_soon_threadsafe(lambda: None)  # the loop may be asleep
            return
        sys.stderr.write(AGAIN)
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._installed:
            return
        signal.signal(signal.SIGINT, self._before)
        current_run().withdraw_stop()
        self._installed = False
        if not self._count:
            return
        if error is None or isinstance(error, (Interrupted, asyncio.CancelledError)):
            if self._count > 1 and self._task is not None:
                self._task.uncancel()  # the cancellation was ours, and becomes the interrupt
            words = self._kept()
            raise KeyboardInterrupt(*([words] if words else [])) from error


def _is_default(handler: object) -> bool:
    """Whether Ctrl-C is handled by Python itself, by the `asyncio.run` around us, or by a notebook's kernel."""
    owner = getattr(handler, "func", handler)  # asyncio's handler is a partial of a method
    return handler is signal.default_int_handler or getattr(owner, "__module__", None) in _OWNERS
