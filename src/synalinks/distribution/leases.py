"""Leases: parts of one budget that workers spend by themselves, so that not every call needs a message.

The book of the leases stands in one place. What is leased counts as spent until it is settled or given back, so that at
every moment the leases and what is settled are no more than the caps, whatever the workers do and whichever of them is
lost. A lease is a share of what is left: small calls need few of them, and they become smaller towards the end.

A worker that lacks room gives its idle part back before it waits: no two workers wait for each other's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

from synalinks._concurrency import Clock
from synalinks.errors import ConfigurationError
from synalinks.lm import NOTHING, Amount, Budget, BudgetTracker
from synalinks.lm.budget.upper_bound import Needs

#: The part of what is left that a lease is, divided by the number of workers: half of it would go to the first round.
SHARE = 4
#: Seconds between two requests of a worker that waits for what others hold.
PATIENCE = 0.05
#: Decimal places of a lease in dollars, those of the prices of single tokens.
FINEST = Decimal("1E-9")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a worker gets for a request.

    Attributes:
        amount: the new part of the lease.
        final: whether waiting can't bring more: no other lease is out.
    """

    amount: Amount
    final: bool = False


class Leases:
    """The book: what is settled of a budget, and what each holder has.

    Args:
        budget: without `per_epoch` and `seconds`, and of mode `hard`.
        holders: how many there will be; shares are sized for so many.

    Attributes:
        settled: spent; `uncertain` of it by attempts whose cost is not known.
        leased: the sum of all leases.

    Raises:
        ConfigurationError: a budget that can't be leased.

    Example:
        >>> from synalinks.distribution.leases import Leases
        >>> leases = Leases(synalinks.Budget(calls=80), holders=2)
        >>> leases.lease("a", synalinks.lm.Amount(calls=1)).amount.calls
        10
        >>> leases.settle("a", synalinks.lm.Amount(calls=3))
        >>> leases.lost("a")
        >>> leases.settled.calls, leases.uncertain.calls, leases.left.calls
        (10, 7, 70)
    """

    def __init__(self, budget: Budget, holders: int = 1) -> None:
        if budget.mode != "hard" or budget.per_epoch is not None or budget.seconds is not None:
            raise ConfigurationError(
                f"{budget}: workers can spend a budget in dollars, tokens and calls, of mode 'hard'; seconds, epochs "
                "and mode 'expected' are for runs in one process, or of synalinks.distribution.Ray"
            )
        self.budget = budget
        self.holders = holders
        self.settled = NOTHING
        self.uncertain = NOTHING
        self.leased = NOTHING
        self._held: dict[str, Amount] = {}
        self._lost: dict[str, Amount] = {}

    @property
    def left(self) -> Amount:
        """What can be leased; meaningless for what is not capped."""
        return _caps(self.budget) - self.settled - self.leased

    def lease(self, holder: str, need: Amount) -> Grant:
        """Lease what a holder needs beyond what it has, or a larger share where there is one.

        Args:
            need: of what is capped.
        """
        left = self.left.at_least(NOTHING)
        if _lacks(self.budget, left, need):
            if self.leased != NOTHING:
                return Grant(NOTHING)
            rest = _only(self.budget, left)
            self._add(holder, rest)
            return Grant(rest, final=True)
        parts = SHARE * self.holders
        share = Amount((left.usd / parts).quantize(FINEST, ROUND_DOWN), left.tokens // parts, left.calls // parts)
        amount = _only(self.budget, share.at_least(need))
        self._add(holder, amount)
        return Grant(amount)

    def _add(self, holder: str, amount: Amount) -> None:
        self._held[holder] = self._held.get(holder, NOTHING) + amount
        self.leased += amount

    def settle(self, holder: str, spent: Amount, uncertain: Amount = NOTHING) -> None:
        """Settle a part of a lease, `uncertain` of it for attempts whose cost is not known."""
        self.give_back(holder, spent)
        self.settled += spent
        self.uncertain += uncertain

    def give_back(self, holder: str, amount: Amount) -> None:
        """Take back a part of a lease; of one that was counted as lost, it counts no more."""
        if (lost := self._lost.get(holder)) is not None:
            known = _only(self.budget, amount).at_most(lost)
            self._lost[holder] = lost - known
            self.settled -= known
            self.uncertain -= known
            amount -= known
        # No more than it has, where a provider reported more than a request allows.
        self._add(holder, NOTHING - _only(self.budget, amount).at_most(self._held.get(holder, NOTHING)))

    def lost(self, holder: str) -> None:
        """Settle the lease of a holder that is not heard of any more: all of it may be out, so it counts as spent and
        is uncertain."""
        held = self._held.pop(holder, NOTHING)
        self.leased -= held
        self._lost[holder] = self._lost.get(holder, NOTHING) + held
        self.settled += held
        self.uncertain += held


class Lessor(Protocol):
    """The way to the book, from a worker."""

    async def lease(self, holder: str, spent: Amount, uncertain: Amount, returned: Amount, need: Amount) -> Grant:
        """Settle what was spent, take back what is returned, and lease what is needed, `NOTHING` for nothing."""


class LeasedTracker(BudgetTracker):
    """A tracker whose caps are what a worker has leased so far.

    Args:
        budget: the whole budget: says what is capped.
        lessor: the way to the book.
        holder: the worker's name in it.
    """

    def __init__(self, budget: Budget, clock: Clock, lessor: Lessor, holder: str, name: str = "budget") -> None:
        super().__init__(_with_caps(budget, NOTHING), clock, name)
        self.whole = budget
        self.refill = self._refill
        self._lessor, self._holder = lessor, holder
        self._reported = (NOTHING, NOTHING)
        self._turn: asyncio.Lock | None = None

    async def _refill(self, needs: Needs) -> None:
        """Lease more, until an attempt fits or nothing is left to wait for."""
        need = needs.amount(needs.most if needs.limit is None else needs.limit)
        if self.refused is not None or not self._lacks(need):
            return
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            while self._lacks(need):
                grant = await self._exchange(need, idle=NOTHING)
                if grant.final:
                    return
                if self._lacks(need):
                    await self._exchange(NOTHING, idle=self.left.at_least(NOTHING))
                    await self.clock.sleep(PATIENCE)

    async def report(self) -> None:
        """Settle what was spent since the last report, and give back what is idle."""
        await self._exchange(NOTHING, idle=self.left.at_least(NOTHING))

    async def _exchange(self, need: Amount, idle: Amount) -> Grant:
        settled, uncertain = self.settled, self.uncertain
        spent, unsure = settled - self._reported[0], uncertain - self._reported[1]
        self._reported = (settled, uncertain)
        idle = _only(self.whole, idle)
        self._grow(NOTHING - idle)
        missing = NOTHING if need == NOTHING else (need - self.left).at_least(NOTHING)
        grant = await self._lessor.lease(self._holder, spent, unsure, idle, _only(self.whole, missing))
        self._grow(grant.amount)
        return grant

    def _grow(self, amount: Amount) -> None:
        self.budget = _with_caps(self.whole, _caps(self.budget) + amount)

    def _lacks(self, need: Amount) -> bool:
        return _lacks(self.whole, self.left, need)


def _caps(budget: Budget) -> Amount:
    return Amount(Decimal(budget.usd or 0), budget.tokens or 0, budget.calls or 0)


def _with_caps(budget: Budget, caps: Amount) -> Budget:
    return replace(
        budget,
        usd=None if budget.usd is None else caps.usd,
        tokens=None if budget.tokens is None else caps.tokens,
        calls=None if budget.calls is None else caps.calls,
    )


def _only(budget: Budget, amount: Amount) -> Amount:
    """The part of an amount that a budget caps."""
    return Amount(
        amount.usd if budget.usd is not None else Decimal(0),
        amount.tokens if budget.tokens is not None else 0,
        amount.calls if budget.calls is not None else 0,
    )


def _lacks(budget: Budget, left: Amount, need: Amount) -> bool:
    """Whether something that is capped is short."""
    short = _only(budget, need - left)
    return short.usd > 0 or short.tokens > 0 or short.calls > 0
