"""Tasks that fail together, objects bound to one event loop, and time as an argument."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, Protocol, TypeVar

from synalinks.lm.core.errors import SynalinksError

T = TypeVar("T")


async def run_all(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines side by side and return their results in the order given.

    A bug cancels the siblings and is raised itself, not as a group. An orderly stop (`error.orderly`) lets
    the siblings finish first; then the stop of the earliest job is raised.
    """
    coroutines = list(jobs)
    if len(coroutines) == 1:
        return [await coroutines[0]]
    stops: dict[int, SynalinksError] = {}

    async def guarded(place: int, job: Coroutine[Any, Any, T]) -> T | None:
        try:
            return await job
        except SynalinksError as error:
            if not error.orderly:
                raise
            stops[place] = error
            return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(guarded(i, job)) for i, job in enumerate(coroutines)]
    except BaseExceptionGroup as failed:
        raise first_of(failed) from None
    if stops:
        raise stops[min(stops)]
    return [task.result() for task in tasks]  # type: ignore[misc]


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to show: the first one that is not a group itself."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def run_sync(job: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from synchronous code, also inside a running event loop (on a thread)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(job)
    box: list[T] = []
    context = contextvars.copy_context()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            box.append(context.run(asyncio.run, job))
        except BaseException as error:  # noqa: BLE001  handed to the caller's thread below
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return box[0]


class LoopLocal(Generic[T]):
    """One object per running event loop, made on first use; for semaphores, limiters and HTTP clients.

    Guides call `asyncio.run` more than once, and such objects belong to the loop they were first used in.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, T] = weakref.WeakKeyDictionary()

    def get(self) -> T:
        """The object of the running loop."""
        loop = asyncio.get_running_loop()
        made = self._made.get(loop)
        if made is None:
            made = self._made[loop] = self._make()
        return made


class Clock(Protocol):
    """Time of the LM layer, in seconds."""

    def now(self) -> float:
        """Seconds on a monotonic scale."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.perf_counter()

    async def sleep(self, seconds: float) -> None:
        """Wait, letting other tasks run."""
        await asyncio.sleep(seconds)
