"""One answer for identical calls in flight: the first call is sent, those made meanwhile get a copy.

Only requests with a single answer (temperature 0, embeddings) are shared. At a temperature above 0 two
askings are two draws, different answers by definition: to hand one answer to both would turn three samples
into one sample counted three times.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Hashable
from dataclasses import replace

from synalinks._concurrency import LoopLocal
from synalinks.lm.core.call import ZERO, Call, Delta, Handler, Reply, Sink, Trace
from synalinks.lm.core.errors import LMError, SynalinksError

_Key = tuple[str, Hashable]


class _Flight:
    """A call on its way, and those who wait for it."""

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
        """Pass a piece on to the one who asked first, as long as it is there."""
        if self.sink is not None:
            self.sink(delta)

    def forget(self) -> None:
        """Let no other call join."""
        if self.aloft.get(self.key) is self:
            del self.aloft[self.key]

    def land(self, _: object = None) -> None:
        """Wake all waiting calls: the call has ended."""
        self.forget()
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)


class SingleFlightLayer:
    """Lets identical single-answer calls share one answer.

    The call runs in a task of its own, with the context of the first. A task that is cancelled
    leaves the others waiting; when the last one goes, the call itself is cancelled. What the call cost, be
    it answered or failed, stands on the reply or error of the first asker who is still there: once, never
    twice, never not at all.

    Args:
        ambient: what must be equal besides the request for two calls to be the same, such as the open cassette
            and the budgets in force.
        bypass: whether to stand aside, as while a cassette that can't record is open: who shares would depend on
            timing, and a replay must not.
    """

    name = "single_flight"

    def __init__(
        self,
        ambient: Callable[[Call], Hashable] = lambda call: None,
        bypass: Callable[[Call], bool] = lambda call: False,
    ) -> None:
        self._ambient = ambient
        self._bypass = bypass

    def __call__(self, below: Handler) -> Handler:
        """The layer over `below`."""
        flights: LoopLocal[dict[_Key, _Flight]] = LoopLocal(dict)

        async def fly(call: Call) -> Reply:
            return await below(call)

        async def share(call: Call) -> Reply:
            request = call.request
            if not request.single_answer or self._bypass(call):
                return await below(call)
            key = (request.digest, self._ambient(call))
            aloft = flights.get()
            flight = aloft.get(key)
            leads = flight is None
            if flight is None:
                flight = aloft[key] = _Flight(call.sink, key, aloft)
                sink = None if call.sink is None else flight.feed
                flight.task = asyncio.create_task(fly(replace(call, sink=sink, trace=flight.trace)))
                flight.task.add_done_callback(flight.land)
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
    """Wait until the call has ended; on cancellation leave, and end the call if no other task waits.

    Who ends it takes over its trace: the others heard of nothing that was sent.
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
            flight.forget()
            await _end(flight.task)
            if not flight.paid:
                trace.add(flight.trace)
        raise


async def _end(task: asyncio.Task[Reply]) -> None:
    """Cancel a call and see it out, so that it has let go of what it held when its asker goes on."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # no task is left that would get it


def _copy(task: asyncio.Task[Reply]) -> Reply:
    """The answer, or the error, for one who paid nothing for it."""
    try:
        reply = task.result()
    except LMError as error:
        twin = copy.copy(error)
        twin.source, twin.attempts, twin.reply, twin.uncertain = "shared", 0, None, False
        twin.wasted, twin.wasted_tokens, twin.uncertain_attempts = ZERO, 0, 0
        raise twin from error
    except SynalinksError as error:
        if error.__cause__ is None:
            raise
        raise copy.copy(error) from None  # the cause is what the first asker paid for
    return replace(reply, source="shared", billed=ZERO, attempts=1, wasted=ZERO, wasted_tokens=0, uncertain_attempts=0)
