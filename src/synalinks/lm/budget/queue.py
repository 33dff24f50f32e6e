"""The calls that wait for room in a purse, and who goes first."""

from __future__ import annotations

import itertools
import threading
from bisect import insort
from collections.abc import Iterable, Iterator
from typing import Protocol

from synalinks.lm.budget.tracker import NOTHING, Amount, Purse


class Waiter(Protocol):
    """A call that may wait (see `Reservation`)."""

    @property
    def purses(self) -> tuple[Purse, ...]:
        """Those it needs room in."""

    @property
    def purse_set(self) -> frozenset[Purse]:
        """The same, to compare."""

    @property
    def within(self) -> Waiter | None:
        """The call it is made to answer."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Who goes first: the least."""

    def decide(self) -> bool:
        """Whether waiting longer can't help; under the lock."""

    def tell(self) -> None:
        """Let the waiting task know."""

    def held_in(self, purse: Purse) -> Amount:
        """What it holds there."""


class Queue:
    """The calls that wait for room: first come, first served among those that share a purse.

    A call keeps its ticket for all its attempts, so a further attempt is served before calls that came later.
    A call made while another is being answered (by a stand-in for a provider that asks models itself) goes before
    those that stand by themselves: these may wait for the very call that it is part of.

    Purses may be shared by threads, each with its event loop: whoever makes room hands it over under the lock.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tickets = itertools.count()
        self._waiting: dict[tuple[Purse, ...], list[Waiter]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def someone_before(self, call: Waiter) -> bool:
        """Whether a call that goes first waits for a purse of this one's."""
        return any(
            line[0].rank < call.rank and not call.purse_set.isdisjoint(purses) for purses, line in self._waiting.items()
        )

    def join(self, call: Waiter) -> None:
        """Wait, at the place of one's rank."""
        insort(self._waiting.setdefault(call.purses, []), call, key=lambda other: other.rank)
        if call.within is not None:  # others may have counted on the call that now waits for this one
            self.advance()

    def leave(self, call: Waiter) -> None:
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

    def _next(self) -> Waiter | None:
        blocked: set[Purse] = set()
        for call in sorted((line[0] for line in self._waiting.values()), key=lambda call: call.rank):
            if blocked.isdisjoint(call.purses) and call.decide():
                return call
            blocked |= call.purse_set
        return None

    def stuck(self, purse: Purse, call: Waiter) -> Amount:
        """What is held in a purse by calls that can't end before one that waits: those `call` and others that wait
        are made within."""
        waiting = itertools.chain([call], *self._waiting.values())
        found = {id(outer): outer for one in waiting for outer in _around(one)}
        return _sum(outer.held_in(purse) for outer in found.values())


def _around(call: Waiter) -> Iterator[Waiter]:
    outer = call.within
    while outer is not None:
        yield outer
        outer = outer.within


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = NOTHING
    for amount in amounts:
        total += amount
    return total
