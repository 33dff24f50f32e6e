"""Tasks that fail together, locks and slots across threads, objects of one event loop, and time as an argument."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from synalinks.lm.core.errors import SynalinksError

T = TypeVar("T")


async def run_all(jobs: Iterable[Coroutine[object, object, T]]) -> list[T]:
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


class DeferringLock:
    """A lock for work that may come while the same thread holds it: that work is done at the end of the block.

    The clean-up of a call that is lost and collected comes so: Python may collect it at any allocation, also inside a
    `with` block of this very lock, where waiting for the lock would never end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._late: deque[Callable[[], object]] = deque()

    def __enter__(self) -> None:
        self._mine.held = True
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        try:
            while self._late:
                self._late.popleft()()
        finally:
            self._lock.release()
            self._mine.held = False
        if self._late:  # it came between the last look and the release
            self.run(lambda: None)

    def run(self, work: Callable[[], object]) -> None:
        """Do work under the lock: now, or at the end of the block in which this thread holds it."""
        if getattr(self._mine, "held", False):
            self._late.append(work)
            return
        with self:
            work()


class Slots:
    """A number of slots that tasks of all event loops and threads share, first come, first served.

    Attributes:
        count: how many there are.
        free: how many of them are not taken; below 0 while more are taken than there are since `resize`.
    """

    def __init__(self, count: int) -> None:
        self.count = self.free = count
        self._waiting: OrderedDict[_Waiter, None] = OrderedDict()
        self._lock = DeferringLock()

    async def acquire(self) -> None:
        """Wait for a slot, and take it."""
        with self._lock:
            if self.free > 0 and not self._waiting:  # as in `_take`, without the call
                self.free -= 1
                return
        await first_free((self,))

    def try_acquire(self) -> bool:
        """Take a slot, if there is a free one that nothing else waits for."""
        with self._lock:
            return self._take()

    def _take(self) -> bool:
        if self.free <= 0 or self._waiting:
            return False
        self.free -= 1
        return True

    def release(self) -> None:
        """Give a slot back: to the first who waits, if there is one."""
        self._lock.run(self._hand_on)

    def resize(self, count: int) -> None:
        """Change how many there are. Slots that are taken stay so; where there are fewer, those given back are kept."""
        self._lock.run(partial(self._resize, count))

    def _resize(self, count: int) -> None:
        more, self.count = count - self.count, count
        if more < 0:
            self.free += more
        for _ in range(more):
            self._hand_on()

    def join(self, waiter: _Waiter) -> None:
        """Give a slot to a waiter, now or in its turn."""
        with self._lock:
            if not self._take():
                self._waiting[waiter] = None
            elif not waiter.give(self):
                self._hand_on()

    def leave(self, waiter: _Waiter) -> None:
        """Have a waiter wait no longer; a slot that it was given meanwhile goes to the next."""
        self._lock.run(partial(self._leave, waiter))

    def _leave(self, waiter: _Waiter) -> None:
        if waiter in self._waiting:
            del self._waiting[waiter]
        elif waiter.slots is self:
            self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and self.free >= 0:
            if self._waiting.popitem(last=False)[0].give(self):
                return
        self.free += 1


class _Waiter:
    """A task that waits for one slot, of any of several `Slots`.

    Attributes:
        future: its result is the `Slots` of which it was given one.
        slots: the same, as soon as it was given.
    """

    __slots__ = ("_loop", "_open", "future", "slots")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Slots] = self._loop.create_future()
        self.slots: Slots | None = None
        self._open = [True]

    def give(self, slots: Slots) -> bool:
        """Give it a slot; False if it has one already, or its event loop is closed."""
        try:
            self._open.pop()  # one of the threads that try this at the same moment succeeds
        except IndexError:
            return False
        self.slots = slots
        try:
            self._loop.call_soon_threadsafe(_set_result, self.future, slots)
        except RuntimeError:  # its loop was closed
            self.slots = None
        return self.slots is not None


def _set_result(future: asyncio.Future[Slots], slots: Slots) -> None:
    if not future.done():
        future.set_result(slots)


async def first_free(choices: Sequence[Slots]) -> Slots:
    """Wait for a slot of any of these, and take it; the first of those that have one."""
    for slots in choices:
        if slots.try_acquire():
            return slots
    waiter = _Waiter()
    for slots in choices:
        slots.join(waiter)
    try:
        taken = await waiter.future
    except BaseException:
        for slots in choices:
            slots.leave(waiter)
        raise
    for slots in choices:
        if slots is not taken:
            slots.leave(waiter)
    return taken


async def until(job: Coroutine[Any, Any, object], seconds: float | None) -> None:
    """Run a coroutine to its end, but no longer than so many seconds; then it is cancelled. None is no limit."""
    if seconds is None:
        await job
        return
    try:
        async with asyncio.timeout(seconds) as limit:
            await job
    except TimeoutError:
        if not limit.expired():
            raise


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

    #: Seconds since some fixed moment.
    now = staticmethod(time.perf_counter)

    async def sleep(self, seconds: float) -> None:
        """Wait, letting other tasks run."""
        await asyncio.sleep(seconds)
