"""Reservation: what one attempt holds in every open budget, from before it is sent until its cost is known; and the
queue of those that wait for room."""

from __future__ import annotations

import asyncio
import itertools
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from synalinks._concurrency import DeferringLock
from synalinks.lm.budget.expected import TypicalUsage
from synalinks.lm.budget.tracker import BudgetTracker
from synalinks.lm.budget.upper_bound import Needs
from synalinks.lm.core.amount import NOTHING, Amount
from synalinks.lm.core.call import Trace
from synalinks.lm.core.errors import OVER_BUDGET, BudgetExceeded, SampleRefused
from synalinks.lm.core.rate_limit import Admission


class Queue:
    """The calls that wait for room: first come, first served among those that share a tracker.

    A call keeps its ticket for all its attempts, so a further attempt is served before calls that came later.
    A call made while another is being answered (by a `use_provider` handler that calls models itself) goes before
    those that stand by themselves: these may wait for the very call that it is part of.

    Trackers may be shared by threads, each with its event loop: room that is made is handed over under the lock.
    """

    def __init__(self) -> None:
        self.lock = DeferringLock()
        self.tickets = itertools.count()
        self.waiting: dict[tuple[BudgetTracker, ...], list[Reservation]] = {}

    def __len__(self) -> int:
        return sum(map(len, self.waiting.values()))

    def has_earlier(self, call: Reservation) -> bool:
        """Whether a call that goes first waits for a tracker of this one's."""
        return any(
            line[0].rank < call.rank and not call.tracker_set.isdisjoint(trackers)
            for trackers, line in self.waiting.items()
        )

    def join(self, call: Reservation) -> None:
        """Add a waiting call, at the place of its rank."""
        insort(self.waiting.setdefault(call.trackers, []), call, key=lambda other: other.rank)
        if call.within is not None:  # others may have counted on the call that now waits for this one
            self.advance()

    def leave(self, call: Reservation) -> None:
        """Remove a waiting call."""
        line = self.waiting.get(call.trackers, [])
        if call in line:
            line.remove(call)
            if not line:
                del self.waiting[call.trackers]

    def advance(self) -> None:
        """Serve all that can be served; to be called, under the lock, when room was made."""
        while served := self._next():
            self.leave(served)
            served.wake()

    def _next(self) -> Reservation | None:
        blocked: set[BudgetTracker] = set()
        for call in sorted((line[0] for line in self.waiting.values()), key=lambda call: call.rank):
            if blocked.isdisjoint(call.trackers) and call.decide():
                return call
            blocked |= call.tracker_set
        return None

    def held_outside(self, tracker: BudgetTracker, call: Reservation) -> Amount:
        """What is held in a tracker by calls that can't end before one that waits: those `call` and others that wait
        are made within."""
        waiting = itertools.chain([call], *self.waiting.values())
        found = {id(outer): outer for one in waiting for outer in _outer_calls(one)}
        return _sum(outer.held_in(tracker) for outer in found.values())


def _outer_calls(call: Reservation) -> Iterator[Reservation]:
    outer = call.within
    while outer is not None:
        yield outer
        outer = outer.within


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = NOTHING
    for amount in amounts:
        total += amount
    return total


class Reservation:
    """What one attempt holds in every open tracker.

    Args:
        trackers: those that are open.
        needs: what is known of the attempt beforehand; of a recorded call the exact amount.
        queue: where it waits.
        trace: of the call.
        usual: gives what such calls usually take; None where that is not learnt.
        first_cap: gives the cap on the answer by what is usual, which may be known only after it has waited; None where
            the cap of `needs` stays.
        within: the reservation of the attempt that this one is made to answer, or None.
        following: trackers that end where a cassette says, and refuse nothing themselves.

    Attributes:
        bound: the most that the attempt takes, once it is reserved.
        cap: the answer tokens that the reservation has room for, where the caller set no limit.
        broke: a tracker that an answer above its bound put over its caps, and what it took; or None.
    """

    def __init__(
        self,
        trackers: Sequence[BudgetTracker],
        needs: Needs | Amount,
        queue: Queue,
        trace: Trace,
        usual: Callable[[], TypicalUsage] | None = None,
        first_cap: Callable[[TypicalUsage], int] | None = None,
        within: Reservation | None = None,
        following: frozenset[BudgetTracker] = frozenset(),
    ) -> None:
        if trace.ticket is None:
            trace.ticket = next(queue.tickets)
        self.trackers = tuple(trackers)
        self.tracker_set = frozenset(trackers)
        self.within = within
        self.rank = (within is None, trace.ticket)
        self.needs = needs
        self.bound = NOTHING
        self.cap: int | None = None
        self.broke: tuple[BudgetTracker, Amount] | None = None
        self._queue = queue
        self._trace = trace
        self._usual = usual
        self._first_cap = first_cap
        self._following = following
        self._shares: tuple[Amount, ...] = ()
        self._held = False
        self._in_flight = NOTHING
        self._refused: BudgetExceeded | SampleRefused | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Future[None] | None = None

    # --- reserving ---------------------------------------------------------------------------------------

    async def reserve(self, admission: Admission | None = None) -> None:
        """Reserve the bound, and note that the attempt is sent; while it waits for room, its admission is released.

        Raises:
            BudgetExceeded: it does not fit and nothing outstanding could change that.
            SampleRefused: the same of an unusually large one, where usual ones still fit.
        """
        if self.acquire():
            return
        if admission is not None:
            admission.release()
        await self.granted()
        try:
            if admission is not None:
                await admission.take()
        except BaseException:
            self.settle(NOTHING)
            raise
        if isinstance(self.needs, Needs):
            self.send()

    def acquire(self) -> bool:
        """Reserve the bound now and note that the attempt is sent, or join the calls that wait for room.

        Raises:
            BudgetExceeded, SampleRefused: see `reserve`.
        """
        with self._queue.lock:
            if not self._queue.has_earlier(self) and self.decide(sends=True):
                if self._refused is not None:
                    raise self._refused
                return True
            self._loop = asyncio.get_running_loop()
            self._woken = self._loop.create_future()
            self._queue.join(self)
            return False

    async def granted(self) -> None:
        """Wait until served.

        Raises:
            BudgetExceeded, SampleRefused: see `reserve`.
        """
        assert self._woken is not None, "only a call that joined the queue waits"
        try:
            await self._woken
        except BaseException:
            self._queue.lock.run(self._leave)
            raise
        if self._refused is not None:
            raise self._refused

    def _leave(self) -> None:
        self._queue.leave(self)
        self._release(NOTHING)  # it may have been served at the very moment it was cancelled
        self._queue.advance()

    def decide(self, sends: bool = False) -> bool:
        """Whether waiting longer can't help: it is reserved now, or refused. Under the lock.

        Args:
            sends: whether it is sent as soon as it is reserved.
        """
        known = isinstance(self.needs, Amount)
        bound, cap, usual = self._needs_now()
        if known:
            shares = tuple([tracker.beyond(bound) for tracker in self.trackers])
        elif usual is None:
            shares = (bound,) * len(self.trackers)
        else:
            shares = tuple([tracker.share(bound, usual) for tracker in self.trackers])
        waits = False
        for tracker, share in zip(self.trackers, shares, strict=True):
            if tracker in self._following:
                continue
            if tracker.refused is not None and not (known and tracker.refused_on_cassette):
                self._refused = refusal(tracker, tracker.refused)
                return True
            if tracker.lacking(share) is None:
                continue
            if (lacking := tracker.lacking(share, returned=tracker.reserved)) is not None:
                self._refused = self._refusal(tracker, lacking)
                return True
            if self.within is not None and (lacking := tracker.lacking(share, returned=self._returning(tracker))):
                self._refused = refusal(tracker, _waits_for_itself(tracker, lacking))
                return True
            waits = True
        if waits:
            return False
        if sends and not known:  # a recorded call is not sent
            self._in_flight = bound
        for tracker, share in zip(self.trackers, shares, strict=True):
            if known:
                tracker.carried_over -= bound - share
            tracker.take(share, share if known else bound, self._in_flight)
            if isinstance(self.needs, Needs):
                tracker.sizes.append(self.needs)
        self.bound, self._shares, self.cap, self._held = bound, shares, cap, True
        return True

    def _needs_now(self) -> tuple[Amount, int | None, Amount | None]:
        """The most that the attempt can take, the cap on answer tokens that makes it so, and what it rarely exceeds."""
        if isinstance(self.needs, Amount):
            return self.needs, None, None
        needs, usual = self.needs, self._usual
        if all(tracker.budget.mode == "hard" for tracker in self.trackers):
            usual = None
        if self._woken is not None and self._usual is not None and self._first_cap is not None:
            needs = replace(needs, most=self._first_cap(self._usual()))
        bound, cap = needs.bound(self.trackers, None if self.within is None else self._returning)
        return bound, cap, None if usual is None else self.needs.usual(usual(), cap)

    def _returning(self, tracker: BudgetTracker) -> Amount:
        """What calls that are out can still make room for: not those that wait for this one to end."""
        return tracker.reserved if self.within is None else tracker.reserved - self._queue.held_outside(tracker, self)

    def held_in(self, tracker: BudgetTracker) -> Amount:
        """What it holds in a tracker."""
        if not self._held or tracker not in self.tracker_set:
            return NOTHING
        return self._shares[self.trackers.index(tracker)]

    def wake(self) -> None:
        """Wake the waiting task, which was served or refused, on whatever loop it runs."""
        loop, woken = self._loop, self._woken
        assert loop is not None and woken is not None, "only a call that joined the queue is served"

        def set_result() -> None:
            if not woken.done():
                woken.set_result(None)

        try:
            if asyncio.get_running_loop() is loop:
                return set_result()
        except RuntimeError:  # settled from outside any loop
            pass
        try:
            loop.call_soon_threadsafe(set_result)
        except RuntimeError:  # its loop was closed: the call will never be sent
            self._release(NOTHING)

    def _refusal(self, tracker: BudgetTracker, lacking: str) -> BudgetExceeded | SampleRefused:
        """That this attempt does not fit: the end of the budget, or of this call alone where it is unusually large."""
        needs = self.needs
        if isinstance(needs, Needs) and tracker.late() is None and tracker.is_unusual(needs, needs.ordinary):
            return too_large(tracker, needs.model, lacking)
        return refusal(tracker, tracker.refusal(lacking))

    # --- sending and settling ------------------------------------------------------------------------------

    def send(self) -> None:
        """Note that the attempt is sent now, after it has waited.

        Raises:
            BudgetExceeded: a time cap has passed meanwhile.
        """
        with self._queue.lock:
            for tracker in self.trackers:
                if (late := tracker.late()) is not None:
                    self._release(NOTHING)
                    self._queue.advance()
                    raise refusal(tracker, tracker.refusal(late))
            self._in_flight = self.bound
            for tracker in self.trackers:
                tracker.send(self.bound)

    def settle(self, spent: Amount | None) -> None:
        """Put what was spent in place of what was reserved; None settles at the bound, as uncertain."""
        self._queue.lock.run(partial(self._settle, spent))
        if spent is None:
            self._trace.settled += self.bound

    def _settle(self, spent: Amount | None) -> None:
        self._release(spent)
        if self._queue.waiting:
            self._queue.advance()

    def settle_known(self, uncertain: Amount) -> None:
        """Settle a recorded call, whose amount was known beforehand; `uncertain` of it for attempts of unknown cost."""
        with self._queue.lock:
            self._held = False
            for tracker, share in zip(self.trackers, self._shares, strict=True):
                tracker.give_back(share, share, share, uncertain=uncertain.at_most(share))
            self._queue.advance()

    def _release(self, spent: Amount | None) -> None:
        if not self._held:
            return
        self._held, bound = False, self.bound
        is_above = spent is not None and (
            spent.usd > bound.usd or spent.tokens > bound.tokens or spent.calls > bound.calls
        )
        above = spent if is_above else None
        for tracker, share in zip(self.trackers, self._shares, strict=True):
            tracker.give_back(share, bound, spent, self._in_flight)
            if above is not None and tracker.budget.mode == "hard" and tracker.overshoot != NOTHING:
                self.broke = self.broke or (tracker, above)


def refusal(tracker: BudgetTracker, words: BudgetExceeded) -> BudgetExceeded:
    """A refusal to raise: a tracker keeps one for all calls to come, and each gets its own, with its own traceback."""
    error = BudgetExceeded(*words.args)
    error.budget = tracker.to_dict()
    return error


def too_large(tracker: BudgetTracker, model: str, lacking: str) -> SampleRefused:
    """The failure of a call that is too large for what is left, where calls of the usual size still fit."""
    error = SampleRefused(
        f"{model}: this call is too large for the {tracker.name}, which goes on for usual ones: {lacking}. "
        "Shorten its input, or raise the budget",
        kind=OVER_BUDGET,
    )
    error.attempts = 0
    return error


def _waits_for_itself(tracker: BudgetTracker, lacking: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"the {tracker.name} has no room for a call made while another is being answered: {lacking}, beside what is "
        "kept for the calls it is part of, and those can't end before it. Give the outer model max_tokens, so that "
        "less is kept for it, or the budget more room, or make such calls outside of the `use_provider` handler"
    )
