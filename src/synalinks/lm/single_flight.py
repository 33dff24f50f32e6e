"""SingleFlightLayer: one answer for identical calls in flight; the first is billed, the others get a copy.

Only requests with a single answer (temperature 0, embeddings) are shared. At a temperature above 0 two calls are two
draws, different answers by definition: one answer for both would turn three samples into one sample counted three
times.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Callable, Hashable
from dataclasses import replace

from synalinks._concurrency import LoopLocal
from synalinks.lm.core.amount import NO_COSTS, ZERO
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Sink, Trace
from synalinks.lm.core.errors import LMError, SynalinksError

_Key = tuple[str, Hashable]


class _Flight:
    """A call in flight, and the waiters for its answer."""

    __slots__ = ("aloft", "key", "paid", "sink", "task", "trace", "waiters")

    def __init__(self, sink: Sink | None, key: _Key, aloft: dict[_Key, _Flight]) -> None:
        self.key = key
        self.aloft = aloft
        self.task: asyncio.Task[Reply]
        self.waiters: list[asyncio.Future[None]] = []
        self.paid = False
        self.sink = sink
        self.trace = Trace()

    def feed(self, delta: Delta) -> None:
        """Pass a piece on to the first call, as long as it waits."""
        if self.sink is not None:
            self.sink(delta)

    def close(self) -> None:
        """Take the call out of those in flight: later calls do not join it."""
        if self.aloft.get(self.key) is self:
            del self.aloft[self.key]

    def finish(self, _: object = None) -> None:
        """Wake the waiters: the call has ended."""
        self.close()
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)


class SingleFlightLayer:
    """Lets identical single-answer calls share one answer.

    The call runs in a task of its own, with the context of the first of them. A waiter that is cancelled leaves the
    others waiting; with the last waiter the call itself is cancelled. What the call cost, answered or failed, is on the
    reply or error of the first waiter that is left, exactly once.

    Args:
        ambient: what must be equal besides the request for two calls to be the same, such as the open cassette
            and the budgets in force.
    """

    name = "single_flight"

    def __init__(self, ambient: Callable[[Call], Hashable] = lambda call: None) -> None:
        self._ambient = ambient

    def __call__(self, below: Handler) -> Handler:
        """The layer over `below`."""
        flights: LoopLocal[dict[_Key, _Flight]] = LoopLocal(dict)

        async def fly(call: Call) -> Reply:
            return await below(call)

        async def share(call: Call) -> Reply:
            request = call.request
            if not request.single_answer:
                return await below(call)
            key = (request.digest, self._ambient(call))
            aloft = flights.get()
            flight = aloft.get(key)
            leads = flight is None
            if flight is None:
                flight = aloft[key] = _Flight(call.sink, key, aloft)
                sink = None if call.sink is None else flight.feed
                flight.task = asyncio.create_task(fly(replace(call, sink=sink, trace=flight.trace)))
                flight.task.add_done_callback(flight.finish)
            await _wait(flight, leads, call.trace)
            if not flight.paid:
                flight.paid = True
                call.trace.add(flight.trace)
                reply = flight.task.result()
            else:
                reply = _copy(flight.task)
            if not leads and call.sink is not None:
                reply.feed(call.sink)
            return reply

        return share


async def _wait(flight: _Flight, leads: bool, trace: Trace) -> None:
    """Wait until the call has ended; on cancellation leave, and end the call if it was the last waiter.

    The trace of a call ended so is added to that of the last waiter.
    """
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    flight.waiters.append(waiter)
    try:
        await waiter
    except asyncio.CancelledError:
        flight.waiters.remove(waiter)
        if leads:
            flight.sink = None
        if not flight.waiters:
            flight.close()
            await _end(flight.task)
            if not flight.paid:
                trace.add(flight.trace)
        raise


async def _end(task: asyncio.Task[Reply]) -> None:
    """Cancel a call and await its end, so that slots and reservations are free when the waiter continues."""
    while not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):  # once more: what was sent is on the bill all the same
            await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # retrieved, or asyncio logs it: no waiter is left


def _copy(task: asyncio.Task[Reply]) -> Reply:
    """The answer, or the error, without its cost, for a waiter after the first."""
    try:
        reply = task.result()
    except LMError as error:
        raise error.shared("shared") from error
    except SynalinksError as error:
        if error.__cause__ is None:
            raise
        raise copy.copy(error) from None  # the cause carries the cost, which is on the first waiter's error
    return replace(reply, source="shared", billed=ZERO, attempts=1, failed=NO_COSTS)
