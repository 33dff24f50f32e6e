"""Hosts: several servers of one model, each an account of its own, with which calls are shared out attempt by attempt.

An attempt goes to the server with the fewest of these calls, in turn where several have as few; among those that have a
free slot, are not left out (`presence.py`), were not told to pause, and let it out by their rates. Where none has a
slot, calls wait for the first of any. A call that waits for a rate goes to another server as soon as one has room.
After a failure that another server may not have, the call goes there at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from synalinks._concurrency import Slots, first_free
from synalinks.lm.core.call import Call, Request
from synalinks.lm.core.errors import BadReply, LMError
from synalinks.lm.core.rate_limit import Admission
from synalinks.lm.core.secrets import brief
from synalinks.lm.rate_limit.account import Account

#: Characters of what each server said, in the message of a call that failed at several.
SHORT = 120
#: How little is to be said for a server: it is there; it is to be spared; it is left out; this very call failed there.
THERE, PAUSED, LEFT_OUT, FAILED = range(4)


class Hosts:
    """The accounts of a model's servers; has the interface that layers use of one `Account`.

    Args:
        accounts: one a server.
        endpoints: their URLs, for messages.
    """

    shared = True

    def __init__(self, accounts: Sequence[Account], endpoints: Sequence[str]) -> None:
        self._accounts = tuple(accounts)
        self._endpoints = tuple(endpoints)
        self._clock = self._accounts[0].clock
        self._next = 0

    @property
    def answered(self) -> bool:
        """Whether any call of any of the accounts was ever answered."""
        return any(account.answered for account in self._accounts)

    @property
    def slots(self) -> tuple[Slots, ...] | None:
        """The slots of those that limit their calls at once; None where none does."""
        return tuple(account.slots for account in self._accounts if account.slots is not None) or None

    def of(self, call: Call) -> Account:
        """The account of the server that an attempt goes to."""
        return self._accounts[0 if call.admission is None else call.admission.host]

    def admission(self, request: Request, seconds_left: Callable[[], float | None] | None) -> HostAdmission:
        """The admission of one call; see `Admission`."""
        return HostAdmission(self, request, seconds_left)

    def moves(self, call: Call, error: LMError) -> bool:
        """Note that an attempt failed; whether the next one can go to another server at once."""
        admission = call.admission
        if not isinstance(admission, HostAdmission) or not error.retryable or isinstance(error, BadReply):
            return False
        admission.failed[admission.host] = error
        admission.excluded.add(admission.host)
        admission.chooses_anew = True
        if self._ranked(admission.excluded, call.request)[0].rank == THERE:
            return True
        admission.excluded.clear()
        return False

    def others_said(self, call: Call) -> str:
        """What the servers said at which a call failed before the last; empty where it was at one only."""
        admission = call.admission
        if not isinstance(admission, HostAdmission):
            return ""
        failed = {index: error for index, error in admission.failed.items() if index != admission.host}
        return "".join(f"; {self._endpoints[index]}: {brief(error, SHORT)}" for index, error in failed.items())

    # --- choosing ------------------------------------------------------------------------------------------

    async def take(self, excluded: set[int], request: Request) -> int:
        """Wait for a slot of a server, and take it; the server's index."""
        while True:
            order = self.order(excluded, request)
            if (index := self._first_of(order)) is not None:
                return index
            slots = {account: slot for account in order if (slot := self._accounts[account].slots) is not None}
            given = await first_free([*slots.values()])
            now = self.order(excluded, request)
            if (index := self._first_of([one for one in now if one not in slots])) is None:
                index = next(one for one, slot in slots.items() if slot is given)
                if index in now:
                    return self._chosen(index)
            else:  # another has come back meanwhile, or it is time to try it
                given.release()
                return index
            given.release()

    def _first_of(self, order: Sequence[int]) -> int | None:
        for index in order:
            slots = self._accounts[index].slots
            if slots is None or slots.try_acquire():
                return self._chosen(index)
        return None

    def _chosen(self, index: int) -> int:
        account = self._accounts[index]
        account.presence.sent(self._clock.now())
        account.assign(1)
        self._next = index + 1
        return index

    def pick(self, excluded: set[int], request: Request) -> int:
        """The server for a call that needs no slot."""
        return self._chosen(self.order(excluded, request)[0])

    def give_back(self, index: int, slot: bool) -> None:
        """End what `take` or `pick` began."""
        account = self._accounts[index]
        account.assign(-1)
        if slot and account.slots is not None:
            account.slots.release()

    async def admit_at(self, index: int, request: Request, excluded: set[int], slotless: bool = False) -> bool:
        """Wait until a server's rates let a call out; False where it should go to another one instead.

        Args:
            excluded: servers at which it failed.
            slotless: whether it needs no slot.
        """

        def elsewhere() -> float:
            here = self._accounts[index].pause_left(self._clock.now())
            others = [one for one in self._ranked(excluded | {index}, request) if one.rank == THERE]
            if here > 0 and others:
                return 0.0
            return min((one.delay for one in others if slotless or self._has_slot(one.host)), default=math.inf)

        return await self._accounts[index].admit(request, elsewhere)

    def _has_slot(self, index: int) -> bool:
        slots = self._accounts[index].slots
        return slots is None or slots.free > 0

    def order(self, excluded: set[int], request: Request) -> list[int]:
        """The servers to choose from, the best first: those for which nothing less is to be said than for the best."""
        ranked = self._ranked(excluded, request)
        return [one.host for one in ranked if one.rank == ranked[0].rank]

    def _ranked(self, excluded: set[int], request: Request) -> list[_Standing]:
        now, count = self._clock.now(), len(self._accounts)
        ranked = []
        for index, account in enumerate(self._accounts):
            pause, delay = account.pause_left(now), account.delay(request)
            there = account.presence.is_there(now)
            rank = FAILED if index in excluded else LEFT_OUT if not there else PAUSED if pause > 0 else THERE
            turn = (index - self._next) % count
            ranked.append(_Standing(rank, pause, delay > 0, account.assigned, turn, index, delay))
        return sorted(ranked)


class _Standing(NamedTuple):
    """What speaks for a server, the first first.

    Attributes:
        rank: one of `THERE` to `FAILED`.
        pause: seconds that it is to be spared.
        waits: whether its rates hold a call back.
        assigned: calls that chose it.
        turn: places after the one that was chosen last.
        host: index of the server.
        delay: seconds that its rates hold a call back; infinite where others wait there.
    """

    rank: int
    pause: float
    waits: bool
    assigned: int
    turn: int
    host: int
    delay: float


class HostAdmission(Admission):
    """A slot and a turn at one of several servers; after a failure, at another one.

    Attributes:
        failed: what the call's last attempt at each server failed with.
        excluded: servers at which it failed since it last waited.
        chooses_anew: whether the next attempt is to choose its server.
    """

    __slots__ = ("_has_slot", "_hosts", "_request", "chooses_anew", "excluded", "failed")

    def __init__(self, hosts: Hosts, request: Request, seconds_left: Callable[[], float | None] | None) -> None:
        super().__init__(None, self._turn_here, seconds_left)
        self._hosts = hosts
        self._request = request
        self._has_slot = False
        self.failed: dict[int, LMError] = {}
        self.excluded: set[int] = set()
        self.chooses_anew = False

    async def _take(self) -> None:
        self.chooses_anew = False
        while not self._held:
            self._has_slot = not self._lent
            asked = (self.excluded, self._request)
            self.host = await self._hosts.take(*asked) if self._has_slot else self._hosts.pick(*asked)
            self._held = True
            if not await self._admitted():
                self.release()

    async def _admitted(self) -> bool:
        return await self._hosts.admit_at(self.host, self._request, self.excluded, slotless=not self._has_slot)

    async def _turn_here(self) -> None:
        if self.chooses_anew or not await self._admitted():
            self.release()
            await self._take()

    def release(self) -> None:
        """Give the slot back, if it is held."""
        if self._held:
            self._held = False
            self._hosts.give_back(self.host, self._has_slot)
