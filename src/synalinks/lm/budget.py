"""The gate that holds budgets: what a call may cost at most is reserved before it is sent.

`settled + reserved <= cap` at every moment, whatever the concurrency, because a call whose upper bound does
not fit waits while others are outstanding and is refused when nothing outstanding could make room.

Why nobody waits for ever: a call that waits here holds nothing that an outstanding call needs. Its failed
attempt is settled, a slot of its account is handed back (limit.py), and what it had reserved without sending
is given up before it waits for another call (cassette.py).
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from synalinks.errors import BudgetExceeded, LMError, SynalinksError
from synalinks.lm.bounds import OUTPUT_ALLOWANCE, Needs, needs_of
from synalinks.lm.pricing import Price
from synalinks.lm.purse import NOTHING, Amount, Budget, Purse
from synalinks.lm.types import ZERO, Call, Handler, Reply, Trace

__all__ = ["NOTHING", "QUEUE", "Amount", "Budget", "GateLayer", "Purse", "Queue", "Reservation"]


class Queue:
    """The calls that wait for room: first come, first served among those that share a purse.

    A call keeps its ticket for all its attempts, so a further attempt is served before calls that came later.
    Purses may be shared by threads, each with its event loop: whoever makes room hands it over under the lock.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tickets = itertools.count()
        self._waiting: dict[tuple[Purse, ...], list[Reservation]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def someone_before(self, call: Reservation) -> bool:
        """Whether a call with an older ticket waits for a purse of this one's."""
        return any(
            line[0].ticket < call.ticket and not call.purse_set.isdisjoint(purses)
            for purses, line in self._waiting.items()
        )

    def join(self, call: Reservation) -> None:
        """Wait, at the place of one's ticket."""
        insort(self._waiting.setdefault(call.purses, []), call, key=lambda other: other.ticket)

    def leave(self, call: Reservation) -> None:
        """Wait no longer."""
        line = self._waiting.get(call.purses, [])
        if call in line:
            line.remove(call)
            if not line:
                del self._waiting[call.purses]

    def advance(self) -> None:
        """Serve everyone who can be served; to be called, under the lock, when room was made."""
        while served := self._next():
            self.leave(served)
            served.tell()

    def _next(self) -> Reservation | None:
        blocked: set[Purse] = set()
        for call in sorted((line[0] for line in self._waiting.values()), key=lambda call: call.ticket):
            if blocked.isdisjoint(call.purses) and call.decide():
                return call
            blocked |= call.purse_set
        return None


class Reservation:
    """What one call holds in every open purse; the `Permit` that the layers below ask again.

    Attributes:
        cap: the answer tokens that the reservation pays for, where the caller set no limit.
        refused_by: the purse that refused it, or None.
    """

    def __init__(self, purses: Sequence[Purse], needs: Needs, queue: Queue, trace: Trace | None = None) -> None:
        self.purses = tuple(purses)
        self.purse_set = frozenset(purses)
        self.ticket = next(queue.tickets)
        self.cap: int | None = None
        self._needs = needs
        self._queue = queue
        self._trace = trace or Trace()
        self._bound = NOTHING
        self._held = False
        self._sent_before = 0
        self.refused_by: Purse | None = None
        self._refused: BudgetExceeded | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Future[None] | None = None

    # --- reserving ---------------------------------------------------------------------------------------

    async def acquire(self) -> None:
        """Reserve the bound, waiting while outstanding calls may make room.

        Raises:
            BudgetExceeded: it does not fit and nothing outstanding could change that.
        """
        with self._queue.lock:
            at_once = self._try()
        if not at_once:
            await self.granted()

    def _try(self) -> bool:
        """Reserve now, or get in line; under the lock."""
        if not self._queue.someone_before(self) and self.decide():
            self._raise_if_refused()
            return True
        self._loop = asyncio.get_running_loop()
        self._told = self._loop.create_future()
        self._queue.join(self)
        return False

    async def granted(self) -> None:
        """Wait until served.

        Raises:
            BudgetExceeded: it does not fit and nothing outstanding could change that.
        """
        assert self._told is not None, "only one who got in line waits"
        try:
            await self._told
        except BaseException:
            with self._queue.lock:
                self._queue.leave(self)
                self._release(NOTHING)  # it may have been served at the very moment it was cancelled
                self._queue.advance()
            raise
        self._raise_if_refused()

    def decide(self) -> bool:
        """Whether waiting longer can't help: it is reserved now, or refused. Under the lock."""
        # Further attempts send the same call, with the cap of the first: they need the same bound.
        bound, cap = (self._bound, self.cap) if self._bound.calls else self._needs.bound(self.purses)
        waits = False
        for purse in self.purses:
            if purse.refused is not None:
                self._refused, self.refused_by = purse.refused, purse
                return True
            if purse.lacking(bound) is None:
                continue
            if (lacking := purse.lacking(bound, returned=purse.reserved)) is not None:
                self._refused, self.refused_by = purse.refusal(lacking), purse
                return True
            waits = True
        if waits:
            return False
        for purse in self.purses:
            purse.reserved += bound
        self._bound, self.cap, self._held = bound, cap, True
        self._sent_before = self._trace.sent
        return True

    def tell(self) -> None:
        """Let the waiting task know that it was served or refused; on whatever loop it runs."""
        loop, told = self._loop, self._told
        assert loop is not None and told is not None, "only one who got in line is told"

        def wake() -> None:
            if not told.done():
                told.set_result(None)

        try:
            if asyncio.get_running_loop() is loop:
                return wake()
        except RuntimeError:  # settled from outside any loop
            pass
        try:
            loop.call_soon_threadsafe(wake)
        except RuntimeError:  # its loop was closed: nobody will ever use this
            self._release(NOTHING)

    def _raise_if_refused(self) -> None:
        if self._refused is not None:
            # A purse keeps its refusal for all who come; each gets one to raise, with its own traceback.
            raise BudgetExceeded(*self._refused.args)

    # --- settling ----------------------------------------------------------------------------------------

    def settle(self, spent: Amount | None) -> None:
        """Put what was spent in place of what was reserved; None settles at the bound, as uncertain."""
        with self._queue.lock:
            self._release(spent)
            self._queue.advance()

    def _release(self, spent: Amount | None) -> None:
        if not self._held:
            return
        self._held = False
        for purse in self.purses:
            purse.reserved -= self._bound
            purse.settled += self._bound if spent is None else spent
            if spent is None:
                purse.uncertain += self._bound

    def settle_reply(self, reply: Reply) -> None:
        """Settle a call that was answered."""
        counted = reply.fresh or reply
        self.settle(self.spent_on(counted) if counted.source != "cassette" else self.replayed_reply(counted))

    def settle_failure(self, error: LMError) -> None:
        """Settle a call that failed; all its attempts but the last are settled already."""
        if error.source == "cassette":
            self.settle(self.replayed_failure(error))
        elif error.reply is not None:
            self.settle(self.spent_on(error.reply))
        else:
            self.settle(None if error.uncertain else Amount(calls=1))

    def settle_unfinished(self) -> None:
        """Settle a call that was cancelled or refused below: at its bound if it may have been sent."""
        self.settle(None if self._trace.sent > self._sent_before else NOTHING)

    def spent_on(self, reply: Reply) -> Amount | None:
        """What one answered attempt cost; None if a count that is capped is not known."""
        tokens, cost = reply.usage.total_tokens, reply.cost
        for purse in self.purses:
            if purse.budget.tokens is not None and tokens is None:
                return None
            if purse.budget.usd is not None and cost is None and purse.budget.unpriced == "raise":
                return None
        return Amount(cost or ZERO, tokens or 0, 1)

    # --- replaying ---------------------------------------------------------------------------------------

    def replayed_reply(self, reply: Reply) -> Amount:
        """What an answer of a tape cost, all its attempts; those of unknown cost at their bound, as when live."""
        if not reply.attempts and not reply.usage.total_tokens and not reply.cost:
            return NOTHING
        unknown = reply.uncertain_attempts or (reply.attempts - 1 if reply.wasted is None else 0)
        last = self.spent_on(reply)
        wasted = Amount(reply.wasted or ZERO, reply.wasted_tokens, reply.attempts - unknown - 1)
        return wasted + self._limit.times(unknown) + (self._limit if last is None else last)

    def replayed_failure(self, error: LMError) -> Amount:
        """What a failure of a tape cost, all its attempts."""
        unknown = error.uncertain_attempts
        if error.reply is not None and self.spent_on(error.reply) is None:
            unknown += 1
        return Amount(error.wasted or ZERO, error.wasted_tokens, error.attempts - unknown) + self._limit.times(unknown)

    @property
    def _limit(self) -> Amount:
        return self._bound if self._bound.calls else self._needs.bound(self.purses)[0]

    def allow(self) -> None:
        """Go on with a replay: only a budget that this replay itself used up refuses.

        Raises:
            BudgetExceeded: one is.
        """
        for purse in self.purses:
            if purse.refused is not None and not purse.refused_on_tape:
                raise BudgetExceeded(*purse.refused.args)
        self.cap = self._needs.bound(self.purses)[1]

    def count(self, spent: Amount) -> None:
        """Settle what a tape replays: nothing is out, so what it costs is known beforehand.

        Raises:
            BudgetExceeded: it does not fit.
        """
        with self._queue.lock:
            for purse in self.purses:
                if spent != NOTHING and (lacking := purse.lacking(spent)) is not None:
                    raise BudgetExceeded(*purse.refusal(lacking).args)
            for purse in self.purses:
                purse.settled += spent

    def refuse_as_recorded(self, number: int, refusal: BudgetExceeded) -> BudgetExceeded:
        """Note that the recorded run was refused here, and what it had spent until then."""
        purse, cause = self.purses[number], refusal.__cause__
        if isinstance(cause, LMError):
            self.count(self.replayed_failure(cause))
        if purse.refused is None:
            purse.refused, purse.refused_on_tape = BudgetExceeded(*refusal.args), True
        return refusal

    # --- the permit ----------------------------------------------------------------------------------------

    def at_once(self, spent: Reply | None, uncertain: bool) -> bool:
        """Settle the attempt that failed and reserve the next, if it can be done now (see `Permit`)."""
        with self._queue.lock:
            if spent is not None:
                self._release(self.spent_on(spent))
            else:
                self._release(None if uncertain else Amount(calls=1))
            try:
                return self._try()  # before those who wait: its ticket is older
            finally:
                self._queue.advance()

    async def another(self, spent: Reply | None, uncertain: bool) -> None:
        """Settle the attempt that failed and reserve the next (see `Permit`)."""
        if not self.at_once(spent, uncertain):
            await self.granted()

    def step_aside(self) -> None:
        """Give back what is reserved for an attempt not yet sent."""
        self.settle(NOTHING)

    async def come_back(self) -> None:
        """Reserve again after `step_aside`."""
        await self.acquire()


def _tokens(reply: Reply) -> int:
    return (reply.usage.total_tokens or 0) + reply.wasted_tokens


class Described(Protocol):
    """A budget as a tape sees it."""

    def to_dict(self) -> dict[str, str]: ...


class Tape(Protocol):
    """What the gate asks an open tape (see `Cassette`)."""

    recording: bool

    def repeats(self, call: Call) -> bool: ...

    def note_refusal(self, call: Call, refusal: BudgetExceeded, budget: Described) -> None: ...

    def refusal(self, call: Call, budgets: Sequence[Described]) -> tuple[int, BudgetExceeded] | None: ...


class GateLayer:
    """Lets a call pass only with its upper bound reserved in every open budget, and settles what it cost.

    What a tape replays counts as if it were live, so that a run stops where the recorded one did: at the calls
    that were refused then, and earlier under a smaller budget. A single answer (temperature 0, embeddings) that
    the run has had before is no further call: it passes, and costs nothing, as if it came from the cache. So a
    budget counts the same at any concurrency.

    Args:
        purses: gives the budgets in force.
        price: gives the price of a model.
        queue: where calls wait.
        tape: gives the open tape, or None.
        timeout: seconds an attempt may take; bounds what is paid by the hour.
    """

    name = "gate"

    def __init__(
        self,
        purses: Callable[[], Sequence[Purse]],
        price: Callable[[str], Price | None],
        queue: Queue | None = None,
        tape: Callable[[], Tape | None] = lambda: None,
        timeout: float | None = None,
    ) -> None:
        self._purses = purses
        self._price = price
        self._queue = QUEUE if queue is None else queue
        self._tape = tape
        self._timeout = timeout

    def __call__(self, below: Handler) -> Handler:
        """A handler that answers through `below` within budget."""

        async def gate(call: Call) -> Reply:
            purses = self._purses()
            if not purses:
                return await below(call)
            tape = self._tape()
            if tape is not None and tape.repeats(call):
                return await below(call)
            trace = call.trace or Trace()
            needs = needs_of(call.request, self._price(call.request.model), purses, self._timeout)
            held = Reservation(purses, needs, self._queue, trace)
            try:
                if tape is not None and not tape.recording:
                    return await _replayed(call, held, tape, below)
                return await _live(call, held, trace, below)
            except BudgetExceeded as refusal:
                if tape is not None and tape.recording and held.refused_by is not None:
                    tape.note_refusal(call, refusal, held.refused_by)
                raise

        return gate


async def _live(call: Call, held: Reservation, trace: Trace, below: Handler) -> Reply:
    """A call that may be sent: reserved, answered, settled."""
    await held.acquire()
    try:
        reply = await below(replace(call, permit=held, output_cap=held.cap, trace=trace))
    except LMError as error:
        held.settle_failure(error)
        _refuse_if_cut(call, held, error)
        raise
    except BaseException as error:  # cancelled, or refused further down; it may have been sent
        if isinstance(error, SynalinksError) or call.trace is not None:
            held.settle_unfinished()
        else:
            held.settle(None)
        raise
    held.settle_reply(reply)
    return reply


async def _replayed(call: Call, held: Reservation, tape: Tape, below: Handler) -> Reply:
    """A call that only the tape can answer: nothing is ever out, so nothing waits, and the cost is known."""
    found = tape.refusal(call, held.purses)
    if found is not None:
        raise held.refuse_as_recorded(*found) from found[1].__cause__
    held.allow()
    try:
        reply = await below(replace(call, output_cap=held.cap))
    except LMError as error:
        held.count(held.replayed_failure(error))
        _refuse_if_cut(call, held, error)
        raise
    held.count(held.replayed_reply(reply.fresh or reply))
    return reply


def _refuse_if_cut(call: Call, held: Reservation, error: LMError) -> None:
    """Tell a failure that the budget's own cap made from one that the model made."""
    tight = held.cap is not None and held.cap < OUTPUT_ALLOWANCE
    if error.kind == "length" and tight and call.request.output_limit is None:
        raise BudgetExceeded(
            f"the budget had {held.cap:,} answer tokens left for {call.request.model!r}, which cut its answer "
            "short. What was paid for is kept; run again with a larger budget, or give the model max_tokens"
        ) from error


#: Calls that wait for room, of every budget: one queue keeps first come, first served across nested ones.
QUEUE = Queue()
