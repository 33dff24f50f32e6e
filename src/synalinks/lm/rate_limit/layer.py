"""The limit layer: no more calls at once, requests and tokens a minute than the account allows."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import replace

from synalinks.lm.core.call import Call, Handler, Permit, Reply
from synalinks.lm.rate_limit.account import Account


class RateLimitLayer:
    """Holds calls back until their account has room, first come, first served.

    A call first gets one of the account's slots and keeps it through its retries (but for the time that a
    further attempt waits for room in a budget, which others may only make in a slot); only then is it
    admitted by the rates. In this order a pause that the provider asks for also reaches the calls
    that were waiting for a slot, and what goes out never exceeds the rates by a queue let loose.

    A call made while another is being answered, as by a stand-in that asks a further model, gets its slot from that
    one, which is on no wire meanwhile and goes on without: a call never waits for a slot and keeps another,
    so calls can't wait for each other, however they are nested.

    What the rates mean, and what else holds calls back, is said at `Account`. Tokens are those of
    `account.estimate_tokens`.
    """

    name = "rate_limit"

    def __init__(self, account: Account) -> None:
        self._account = account

    def __call__(self, below: Handler) -> Handler:
        account = self._account

        async def admitted(call: Call) -> Reply:
            await account.admit(call.request)
            return await below(call)

        async def in_a_slot(call: Call) -> Reply:
            slots = account.slots
            if slots is None:
                return await admitted(call)
            outer = _held_around.get()
            for held in outer:
                held.lend()
            slot = _Slot(slots)
            await slot.take()
            around = _held_around.set((*outer, slot))
            try:
                if call.permit is not None:
                    call = replace(call, permit=_Yielding(call.permit, slot))
                return await admitted(call)
            finally:
                _held_around.reset(around)
                slot.give_back()

        return in_a_slot if account.limits.concurrency else admitted


class _Slot:
    """One of the account's slots, held or not."""

    __slots__ = ("_held", "_lent", "_loop", "_slots")

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._loop = asyncio.get_running_loop()
        self._held = self._lent = False

    async def take(self) -> None:
        """Wait for a slot, first come, first served; not for one that was lent."""
        if not self._lent:
            await self._slots.acquire()
            self._held = True

    def give_back(self) -> None:
        """Let somebody else have it, if it is held."""
        if self._held:
            self._held = False
            self._slots.release()

    def lend(self) -> None:
        """Let a call made within this one have it, for good. On another loop there are slots enough of its own."""
        if self._loop is asyncio.get_running_loop():
            self._lent = True
            self.give_back()


#: The slots of the calls that the running task is answering.
_held_around: ContextVar[tuple[_Slot, ...]] = ContextVar("synalinks_slots", default=())


class _Yielding:
    """Leave to spend that does not keep a slot from others while it waits for them to make room."""

    __slots__ = ("_permit", "_slot")

    def __init__(self, permit: Permit, slot: _Slot) -> None:
        self._permit = permit
        self._slot = slot

    async def another(self, spent: Reply | None, uncertain: bool) -> None:
        if not self._permit.at_once(spent, uncertain):
            await self.granted()

    def at_once(self, spent: Reply | None, uncertain: bool) -> bool:
        return self._permit.at_once(spent, uncertain)

    async def granted(self) -> None:
        self._slot.give_back()
        await self._permit.granted()
        await self._slot.take()

    def step_aside(self) -> None:
        self._permit.step_aside()

    async def come_back(self) -> None:
        await self._permit.come_back()
