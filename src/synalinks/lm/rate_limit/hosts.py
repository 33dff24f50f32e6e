"""Hosts: several servers of one model, each an account of its own, with which calls are shared out attempt by attempt.

An attempt goes to the server with the fewest of these calls, in turn where several have as few; among those that have a
free slot, are not left out (`presence.py`) and were not told to pause. Where none has a slot, calls wait for the first
of any. After a failure that another server may not have, the call goes there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synalinks._concurrency import Slots, first_free
from synalinks.lm.core.call import Call, Request
from synalinks.lm.core.errors import BadReply, LMError
from synalinks.lm.core.machine_time import MachineTime
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

    def machine_time_of(self, call: Call) -> MachineTime:
        """The working time of that server."""
        return self.of(call).machine_time

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
        others = self._ranked(admission.excluded)
        if others[0][0] == THERE:
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

    async def take(self, excluded: set[int]) -> int:
        """Wait for a slot of a server, and take it; the server's index."""
        while True:
            order = self.order(excluded)
            if (index := self._first_of(order)) is not None:
                return index
            slots = {account: slot for account in order if (slot := self._accounts[account].slots) is not None}
            given = await first_free([*slots.values()])
            now = self.order(excluded)
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

    def pick(self, excluded: set[int]) -> int:
        """The server for a call that needs no slot."""
        return self._chosen(self.order(excluded)[0])

    def give_back(self, index: int, slot: bool) -> None:
        """End what `take` or `pick` began."""
        account = self._accounts[index]
        account.assign(-1)
        if slot and account.slots is not None:
            account.slots.release()

    async def admit_at(self, index: int, request: Request) -> bool:
        """Wait until a server's rates let a call out; False where it should go to another one instead."""
        return await self._accounts[index].admit(request, lambda: self._is_better_elsewhere(index))

    def _is_better_elsewhere(self, index: int) -> bool:
        now = self._clock.now()
        return self._accounts[index].pause_left(now) > 0 and self._ranked({index})[0][0] == THERE

    def order(self, excluded: set[int]) -> list[int]:
        """The servers to choose from, the best first: those for which nothing less is to be said than for the best."""
        ranked = self._ranked(excluded)
        return [index for rank, *_, index in ranked if rank == ranked[0][0]]

    def _ranked(self, excluded: set[int]) -> list[tuple[int, float, int, int, int]]:
        now, count = self._clock.now(), len(self._accounts)
        ranked = []
        for index, account in enumerate(self._accounts):
            pause = account.pause_left(now)
            there = account.presence.is_there(now)
            rank = FAILED if index in excluded else LEFT_OUT if not there else PAUSED if pause > 0 else THERE
            ranked.append((rank, pause, account.assigned, (index - self._next) % count, index))
        return sorted(ranked)


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
            self.host = self._hosts.pick(self.excluded) if self._lent else await self._hosts.take(self.excluded)
            self._held = True
            if not await self._hosts.admit_at(self.host, self._request):
                self.release()

    async def _turn_here(self) -> None:
        if self.chooses_anew or not await self._hosts.admit_at(self.host, self._request):
            self.release()
            await self._take()

    def release(self) -> None:
        """Give the slot back, if it is held."""
        if self._held:
            self._held = False
            self._hosts.give_back(self.host, self._has_slot)
