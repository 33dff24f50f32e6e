"""A reservation: what one call holds in every open tracker, from before it is sent until its cost is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from synalinks.errors import BudgetExceeded, LMError
from synalinks.lm.budget.expected import TypicalUsage
from synalinks.lm.budget.queue import Queue
from synalinks.lm.budget.tracker import NOTHING, Amount, BudgetTracker
from synalinks.lm.budget.upper_bound import Needs
from synalinks.lm.core.call import ZERO, Reply, Trace


class Reservation:
    """What one call holds in every open tracker; the `Permit` that the layers below ask again.

    Args:
        trackers: those that are open.
        needs: what is known of the call.
        queue: where it waits.
        trace: of the call.
        usual: gives what such calls usually take; None where nobody learns that.
        within: the reservation of the call that this one is made to answer, or None.

    Attributes:
        cap: the answer tokens that the reservation pays for, where the caller set no limit.
        broke: a tracker that an answer above its bound put over its caps, what it took, and the bound; or None.
        refused_by: the tracker that refused it, or a call made to answer it; None if none did.
    """

    def __init__(
        self,
        trackers: Sequence[BudgetTracker],
        needs: Needs,
        queue: Queue,
        trace: Trace | None = None,
        usual: Callable[[], TypicalUsage] | None = None,
        within: Reservation | None = None,
    ) -> None:
        self.trackers = tuple(trackers)
        self.tracker_set = frozenset(trackers)
        self.within = within
        self.rank = (within is None, next(queue.tickets))
        self.needs = needs
        self.cap: int | None = None
        self._queue = queue
        self.trace = trace or Trace()
        self._usual = usual
        self._bound = NOTHING
        self._shares: tuple[Amount, ...] = ()
        self._held = False
        self._sent_before = 0
        self.broke: tuple[BudgetTracker, Amount, Amount] | None = None
        self.refused_by: BudgetTracker | None = None
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
        bound, cap = (self._bound, self.cap) if self._bound.calls else self._needs_now()
        usual = self._typical_bound(bound, cap)
        shares = tuple(tracker.share(bound, usual) for tracker in self.trackers)
        waits = False
        for tracker, share in zip(self.trackers, shares, strict=True):
            if tracker.refused is not None:
                self._refused, self.refused_by = tracker.refused, tracker
                return True
            if tracker.lacking(share) is None:
                continue
            if (lacking := tracker.lacking(share, returned=tracker.reserved)) is not None:
                self._refused, self.refused_by = tracker.refusal(lacking), tracker
                return True
            if self.within is not None and (lacking := tracker.lacking(share, returned=self._returning(tracker))):
                self._refused, self.refused_by = _waits_for_itself(tracker, lacking), tracker
                return True
            waits = True
        if waits:
            return False
        for tracker, share in zip(self.trackers, shares, strict=True):
            tracker.take(share, bound)
        self._bound, self._shares, self.cap, self._held = bound, shares, cap, True
        self._sent_before = self.trace.sent
        return True

    def _needs_now(self) -> tuple[Amount, int | None]:
        return self.needs.bound(self.trackers, None if self.within is None else self._returning)

    def _returning(self, tracker: BudgetTracker) -> Amount:
        """What calls that are out can still make room for: not those that wait for this one to end."""
        return tracker.reserved if self.within is None else tracker.reserved - self._queue.stuck(tracker, self)

    def _typical_bound(self, bound: Amount, cap: int | None) -> Amount | None:
        """What such calls rarely go over; None where no tracker asks or nothing is known."""
        if self._usual is None or all(tracker.budget.mode == "hard" for tracker in self.trackers):
            return None
        return self.needs.usual(self._usual(), cap)

    def held_in(self, tracker: BudgetTracker) -> Amount:
        """What it holds in a tracker."""
        if not self._held or tracker not in self.tracker_set:
            return NOTHING
        return self._shares[self.trackers.index(tracker)]

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
            outer = self.within
            while outer is not None:
                outer.refused_by = self.refused_by
                outer = outer.within
            # A tracker keeps its refusal for all who come; each gets one to raise, with its own traceback.
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
        for tracker, share in zip(self.trackers, self._shares, strict=True):
            tracker.give_back(share, self._bound, spent)
            if spent is not None and self._breaks(tracker, spent):
                self.broke = self.broke or (tracker, spent, self._bound)

    def _breaks(self, tracker: BudgetTracker, spent: Amount) -> bool:
        """Whether an answer above its bound put a tracker over caps that hold."""
        above = spent.at_most(self._bound) != spent
        return above and tracker.budget.mode == "hard" and tracker.overshoot != NOTHING

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
        self.settle(None if self.trace.sent > self._sent_before else NOTHING)

    def spent_on(self, reply: Reply) -> Amount | None:
        """What one answered attempt cost; None if a count that is capped is not known."""
        tokens, cost = reply.usage.total_tokens, reply.cost
        for tracker in self.trackers:
            if tracker.budget.tokens is not None and tokens is None:
                return None
            if tracker.budget.usd is not None and cost is None and tracker.budget.unpriced == "raise":
                return None
        return Amount(cost or ZERO, tokens or 0, 1)

    # --- replaying ---------------------------------------------------------------------------------------

    def replayed_reply(self, reply: Reply) -> Amount:
        """What an answer of a cassette cost, all its attempts; those of unknown cost at their bound, as when live."""
        if not reply.attempts and not reply.usage.total_tokens and not reply.cost:
            return NOTHING
        unknown = reply.uncertain_attempts or (reply.attempts - 1 if reply.wasted is None else 0)
        last = self.spent_on(reply)
        wasted = Amount(reply.wasted or ZERO, reply.wasted_tokens, reply.attempts - unknown - 1)
        return wasted + self._limit.times(unknown) + (self._limit if last is None else last)

    def replayed_failure(self, error: LMError) -> Amount:
        """What a failure of a cassette cost, all its attempts."""
        unknown = error.uncertain_attempts
        if error.reply is not None and self.spent_on(error.reply) is None:
            unknown += 1
        return Amount(error.wasted or ZERO, error.wasted_tokens, error.attempts - unknown) + self._limit.times(unknown)

    @property
    def _limit(self) -> Amount:
        return self._bound if self._bound.calls else self.needs.bound(self.trackers)[0]

    def allow(self) -> None:
        """Go on with a replay: only a budget that this replay itself used up refuses.

        Raises:
            BudgetExceeded: one is.
        """
        for tracker in self.trackers:
            if tracker.refused is not None and not tracker.refused_on_cassette:
                self.refused_by = tracker
                raise BudgetExceeded(*tracker.refused.args)
        self.cap = self.needs.bound(self.trackers)[1]

    def count(self, spent: Amount, following: frozenset[BudgetTracker] = frozenset()) -> None:
        """Settle what a cassette replays: nothing is out, so what it costs is known beforehand.

        Args:
            spent: what it cost.
            following: trackers that end where the cassette says, and nowhere else (see `BudgetTracker.follows`).

        Raises:
            BudgetExceeded: it does not fit.
        """
        with self._queue.lock:
            for tracker in self.trackers:
                if spent == NOTHING or tracker in following:
                    continue
                if (lacking := tracker.lacking(spent)) is not None:
                    self.refused_by = tracker
                    raise BudgetExceeded(*tracker.refusal(lacking).args)
            for tracker in self.trackers:
                tracker.count(spent)

    def refuse_as_recorded(
        self, number: int, refusal: BudgetExceeded, following: frozenset[BudgetTracker] = frozenset()
    ) -> BudgetExceeded:
        """Note that the recorded run was refused here, and what it had spent until then."""
        tracker, cause = self.trackers[number], refusal.__cause__
        self.refused_by = tracker
        if isinstance(cause, LMError):
            self.count(self.replayed_failure(cause), following)
        if tracker.refused is None:
            tracker.refused, tracker.refused_on_cassette = BudgetExceeded(*refusal.args), True
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


def _waits_for_itself(tracker: BudgetTracker, lacking: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"the {tracker.name} has no room for a call made while another is being answered: {lacking}, beside what is "
        "kept for the calls it is part of, and those can't end before it. Give the outer model max_tokens, so that "
        "less is kept for it, or the budget more room, or make such calls outside of what stands in for the provider"
    )
