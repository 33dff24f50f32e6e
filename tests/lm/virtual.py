"""An event loop whose time jumps to the next timer instead of waiting, and a clock that reads it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs timers in their order, at once."""

    _ahead = 0.0

    def time(self) -> float:
        return super().time() + self._ahead

    def _run_once(self) -> None:
        timers = self._scheduled  # type: ignore[attr-defined]
        while timers and timers[0]._cancelled:  # or the loop would wait from there to the next one in earnest
            heapq.heappop(timers)._scheduled = False
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._ahead += max(0.0, self._scheduled[0]._when - self.time())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class StillLoop(VirtualLoop):
    """The same, of time that all but stands still while anybody works: whatever the machine is busy with, a run takes
    the same seconds to the last digit. Whoever looks at it makes it go on a little, or a wait of less than the last
    digit would never end."""

    def time(self) -> float:
        self._ahead += 1e-9
        return self._ahead


class LoopClock:
    """The time of the running loop."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(job: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(job)


def run_still(job: Coroutine[Any, Any, T]) -> T:
    """Run to the end in time that passes only while everybody waits."""
    with asyncio.Runner(loop_factory=StillLoop) as runner:
        return runner.run(job)
