"""A reservation: what one call holds in every open purse, from before it is sent until its cost is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from synalinks.errors import BudgetExceeded, LMError
from synalinks.lm.budget.expected import Usual
from synalinks.lm.budget.queue import Queue
from synalinks.lm.budget.tracker import NOTHING, Amount, Purse
from synalinks.lm.budget.upper_bound import Needs
from synalinks.lm.core.call import ZERO, Reply, Trace


class Reservation:
    """What one call holds in every open purse; the `Permit` that the layers below ask again.

    Args:
        purses: those that are open.
        needs: what is known of the call.
        queue: where it waits.
        trace: of the call.
        usual: gives what such calls usually take; None where nobody learns that.
        within: the reservation of the call that this one is made to answer, or None.

    Attributes:
        cap: the answer tokens that the reservation pays for, where the caller set no limit.
        broke: a purse that an answer above its bound put over its caps, what it took, and the bound; or None.
        refused_by: the purse that refused it, or a call made to answer it; None if none did.
    """

    def __init__(
        self,
        purses: Sequence[Purse],
        needs: Needs,
        queue: Queue,
        trace: Trace | None = None,
        usual: Callable[[], Usual] | None = None,
        within: Reservation | None = None,
    ) -> None:
        self.purses = tuple(purses)
        self.purse_set = frozenset(purses)
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
        self.broke: tuple[Purse, Amount, Amount] | None = None
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
        bound, cap = (self._bound, self.cap) if self._bound.calls else self._needs_now()
        usual = self._usually(bound, cap)
        shares = tuple(purse.share(bound, usual) for purse in self.purses)
        waits = False
        for purse, share in zip(self.purses, shares, strict=True):
            if purse.refused is not None:
                self._refused, self.refused_by = purse.refused, purse
                return True
            if purse.lacking(share) is None:
                continue
            if (lacking := purse.lacking(share, returned=purse.reserved)) is not None:
                self._refused, self.refused_by = purse.refusal(lacking), purse
                return True
            if self.within is not None and (lacking := purse.lacking(share, returned=self._returning(purse))):
                self._refused, self.refused_by = _waits_for_itself(purse, lacking), purse
                return True
            waits = True
        if waits:
            return False
        for purse, share in zip(self.purses, shares, strict=True):
            purse.take(share, bound)
        self._bound, self._shares, self.cap, self._held = bound, shares, cap, True
        self._sent_before = self.trace.sent
        return True

    def _needs_now(self) -> tuple[Amount, int | None]:
        return self.needs.bound(self.purses, None if self.within is None else self._returning)

    def _returning(self, purse: Purse) -> Amount:
        """What calls that are out can still make room for: not those that wait for this one to end."""
        return purse.reserved if self.within is None else purse.reserved - self._queue.stuck(purse, self)

    def _usually(self, bound: Amount, cap: int | None) -> Amount | None:
        """What such calls rarely go over; None where no purse asks or nothing is known."""
        if self._usual is None or all(purse.budget.mode == "hard" for purse in self.purses):
            return None
        return self.needs.usual(self._usual(), cap)

    def held_in(self, purse: Purse) -> Amount:
        """What it holds in a purse."""
        if not self._held or purse not in self.purse_set:
            return NOTHING
        return self._shares[self.purses.index(purse)]

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
        for purse, share in zip(self.purses, self._shares, strict=True):
            purse.give_back(share, self._bound, spent)
            if spent is not None and self._breaks(purse, spent):
                self.broke = self.broke or (purse, spent, self._bound)

    def _breaks(self, purse: Purse, spent: Amount) -> bool:
        """Whether an answer above its bound put a purse over caps that hold."""
        above = spent.at_most(self._bound) != spent
        return above and purse.budget.mode == "hard" and purse.overshoot != NOTHING

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
        return self._bound if self._bound.calls else self.needs.bound(self.purses)[0]

    def allow(self) -> None:
        """Go on with a replay: only a budget that this replay itself used up refuses.

        Raises:
            BudgetExceeded: one is.
        """
        for purse in self.purses:
            if purse.refused is not None and not purse.refused_on_tape:
                self.refused_by = purse
                raise BudgetExceeded(*purse.refused.args)
        self.cap = self.needs.bound(self.purses)[1]

    def count(self, spent: Amount, following: frozenset[Purse] = frozenset()) -> None:
        """Settle what a tape replays: nothing is out, so what it costs is known beforehand.

        Args:
            spent: what it cost.
            following: purses that end where the tape says, and nowhere else (see `Purse.follows`).

        Raises:
            BudgetExceeded: it does not fit.
        """
        with self._queue.lock:
            for purse in self.purses:
                if spent == NOTHING or purse in following:
                    continue
                if (lacking := purse.lacking(spent)) is not None:
                    self.refused_by = purse
                    raise BudgetExceeded(*purse.refusal(lacking).args)
            for purse in self.purses:
                purse.count(spent)

    def refuse_as_recorded(
        self, number: int, refusal: BudgetExceeded, following: frozenset[Purse] = frozenset()
    ) -> BudgetExceeded:
        """Note that the recorded run was refused here, and what it had spent until then."""
        purse, cause = self.purses[number], refusal.__cause__
        self.refused_by = purse
        if isinstance(cause, LMError):
            self.count(self.replayed_failure(cause), following)
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


def _waits_for_itself(purse: Purse, lacking: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"the {purse.name} has no room for a call made while another is being answered: {lacking}, beside what is "
        "kept for the calls it is part of, and those can't end before it. Give the outer model max_tokens, so that "
        "less is kept for it, or the budget more room, or make such calls outside of what stands in for the provider"
    )
