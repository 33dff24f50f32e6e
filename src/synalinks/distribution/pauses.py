"""Pauses that a provider demands of one worker of a batch prediction hold for all of them. Both ends of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from synalinks._concurrency import Clock
from synalinks.lm import Client
from synalinks.lm.rate_limit.account import NEWS, Account

#: An account: the name of a client, which its copies have too, and the place among its servers.
Name = tuple[str, int]
#: A pause: seconds of it that are left, by account.
Pauses = Mapping[Name, float]


class PauseBoard:
    """The coordinator's end: the pauses that workers reported.

    Args:
        clock: measures them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._number = 0
        self._last: dict[Name, tuple[int, str, float]] = {}
        self._changed = asyncio.Condition()

    async def add(self, holder: str, account: Name, seconds: float) -> None:
        """Note that a provider asked a worker to wait."""
        async with self._changed:
            self._number += 1
            self._last[account] = (self._number, holder, self._clock.now() + seconds)
            self._changed.notify_all()

    async def after(self, holder: str, number: int) -> tuple[int, Pauses]:
        """The pauses noted after the first `number`, without those of this worker, and how many there are now; as soon
        as there is a new one."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._number > number)
            return self._number, self.now(holder, number)

    def now(self, holder: str, number: int = 0) -> Pauses:
        """The pauses that are not over, of those noted after the first `number` by other workers."""
        now = self._clock.now()
        return {
            account: until - now
            for account, (noted, by, until) in self._last.items()
            if noted > number and by != holder and until > now
        }


class PauseFollower:
    """A worker's end: reports the pauses that it meets, and keeps those that others met.

    Args:
        clients: of its models.
        coordinator: the actor that has the board, with its methods `pause` and `pauses`.
        holder: the worker's name there.
    """

    def __init__(self, clients: Sequence[Client], coordinator: Any, holder: str) -> None:
        self._coordinator, self._holder = coordinator, holder
        self._accounts: dict[Name, Account] = {}
        self._reporting: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        for client in clients:
            for place, account in enumerate(client.accounts()):
                name = (client.origin, place)
                self._accounts[name] = account
                account.on_pause = partial(self._begin_to_report, name)

    def start(self) -> None:
        """Follow the others for as long as the event loop lasts; once is enough."""
        if self._following is None:
            self._following = asyncio.get_running_loop().create_task(self._follow())

    def _begin_to_report(self, account: Name, seconds: float) -> None:
        task = asyncio.get_running_loop().create_task(self._report(account, seconds))
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)

    async def _report(self, account: Name, seconds: float) -> None:
        await self._coordinator.pause.remote(self._holder, account, seconds)

    async def _follow(self) -> None:
        number = 0
        while True:
            number, pauses = await self._coordinator.pauses.remote(self._holder, number)
            self.keep(pauses)

    def keep(self, pauses: Pauses) -> None:
        """Keep the pauses that others met."""
        for account, seconds in pauses.items():
            held = self._accounts[account]
            if seconds > held.pause_left(held.clock.now()) + NEWS:
                held.slow_down(seconds, met_here=False)
