"""The calls that wait for room in a tracker, and who goes first."""

from __future__ import annotations

import itertools
from bisect import insort
from collections.abc import Iterable, Iterator
from typing import Protocol

from synalinks._concurrency import DeferringLock
from synalinks.lm.budget.tracker import BudgetTracker
from synalinks.lm.core.amount import NOTHING, Amount


class Waiter(Protocol):
    """A call that may wait (see `Reservation`)."""

    @property
    def trackers(self) -> tuple[BudgetTracker, ...]:
        """Those it needs room in."""

    @property
    def tracker_set(self) -> frozenset[BudgetTracker]:
        """The same, to compare."""

    @property
    def within(self) -> Waiter | None:
        """The call it is made to answer."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Who goes first: the least."""

    def decide(self) -> bool:
        """Whether waiting longer can't help; under the lock."""

    def wake(self) -> None:
        """Wake the waiting task."""

    def held_in(self, tracker: BudgetTracker) -> Amount:
        """What it holds there."""


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
        self._waiting: dict[tuple[BudgetTracker, ...], list[Waiter]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def has_earlier(self, call: Waiter) -> bool:
        """Whether a call that goes first waits for a tracker of this one's."""
        return any(
            line[0].rank < call.rank and not call.tracker_set.isdisjoint(trackers)
            for trackers, line in self._waiting.items()
        )

    def join(self, call: Waiter) -> None:
        """Add a waiting call, at the place of its rank."""
        insort(self._waiting.setdefault(call.trackers, []), call, key=lambda other: other.rank)
        if call.within is not None:  # others may have counted on the call that now waits for this one
            self.advance()

    def leave(self, call: Waiter) -> None:
        """Remove a waiting call."""
        line = self._waiting.get(call.trackers, [])
        if call in line:
            line.remove(call)
            if not line:
                del self._waiting[call.trackers]

    def advance(self) -> None:
        """Serve all that can be served; to be called, under the lock, when room was made."""
        while served := self._next():
            self.leave(served)
            served.wake()

    def _next(self) -> Waiter | None:
        blocked: set[BudgetTracker] = set()
        for call in sorted((line[0] for line in self._waiting.values()), key=lambda call: call.rank):
            if blocked.isdisjoint(call.trackers) and call.decide():
                return call
            blocked |= call.tracker_set
        return None

    def held_outside(self, tracker: BudgetTracker, call: Waiter) -> Amount:
        """What is held in a tracker by calls that can't end before one that waits: those `call` and others that wait
        are made within."""
        waiting = itertools.chain([call], *self._waiting.values())
        found = {id(outer): outer for one in waiting for outer in _outer_calls(one)}
        return _sum(outer.held_in(tracker) for outer in found.values())


def _outer_calls(call: Waiter) -> Iterator[Waiter]:
    outer = call.within
    while outer is not None:
        yield outer
        outer = outer.within


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = NOTHING
    for amount in amounts:
        total += amount
    return total
