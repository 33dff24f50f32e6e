"""Leases: the right of a call to fetch answers that other processes may need at the same time.

A call that finds no answer takes a lease on its key, looks once more, and is sent. A call that finds the key taken
looks again, in intervals that grow, until the answer is there or the lease can be taken. A lease is renewed while its
call is out, whatever that takes, and released when the call ends; that of a process that died ends by itself. One whose
answer is stored need not end at once (`Store.leave`): who is not granted it finds the answer. No call
waits while it has a lease that another waits for, so none waits in a circle. On one machine a lease names its process,
so that those of a process that was killed end at once (`is_of_ended_process`).

An answer is paid for twice only where a lease ends under a call that goes on: its event loop stood still for `LEASE`
seconds, or the store lost the lease. Then both answers are whole, and the first to be stored is kept.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import platform
import uuid
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from synalinks.lm.cache.store import Store, StoreBusy

T = TypeVar("T")

#: Seconds after which a lease ends that is not renewed: for so long a process that died holds up the others.
LEASE = 10.0
#: Renewals in that time, so that a delay of three of them loses nothing.
RENEWALS = 4
#: Of the owners of this process.
_numbers = itertools.count()
#: Seconds before a waiting call looks again: a part of the time it has waited, within limits.
SOONEST, LATEST, PART = 0.01, 1.0, 1 / 8


@cache
def _machine() -> str:
    """This start of this machine, and on Linux the namespace in which a process has its number."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return platform.node()


@cache
def _process(number: int) -> str:
    """The machine and this process, which has this number, and a word that no other process of the number had."""
    return f"{_machine()}/{number}/{uuid.uuid4().hex}"


def new_owner() -> str:
    """The name of an owner of leases: its machine, process and number."""
    return f"{_process(os.getpid())}-{next(_numbers)}"


def is_of_ended_process(owner: str) -> bool:
    """Whether the owner was of a process of this machine that has ended."""
    machine, _, process = owner.rpartition("/")[0].rpartition("/")
    if machine != _machine() or not process.isdecimal() or os.name != "posix":
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


class Leases:
    """The leases of one call, released at the end of an `async with` block.

    Args:
        store: keeps them.
    """

    __slots__ = ("_keys", "_owner", "_renewal", "_store", "_waited")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owner = new_owner()
        self._keys: dict[str, None] = {}
        self._renewal: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._waited = 0.0

    async def take(self, keys: Iterable[str]) -> set[str]:
        """Take those leases that no other call has; the keys of these."""
        wanted = list(keys)
        self._keys.update(dict.fromkeys(wanted))  # before asking: a call that is cancelled now may have got them
        taken = await at_once(self._store.claim, wanted, self._owner, LEASE)
        if self._renewal is None and taken:
            self._renewal = asyncio.get_running_loop().call_later(LEASE / RENEWALS, self._renew)
        return set(taken)

    async def release(self, answered: bool = False) -> None:
        """Let all leases end now, or, where the answers of all of them are stored, when it suits the store."""
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        if self._keys:
            keys = list(self._keys)
            self._keys.clear()
            if answered:
                await at_once(self._store.leave, keys, self._owner)
            else:
                await at_once(self._store.extend, keys, self._owner, 0.0)

    async def wait(self) -> None:
        """Wait before looking again. In the time of the store, which no clock of a run changes."""
        seconds = min(LATEST, max(SOONEST, self._waited * PART))
        self._waited += seconds
        await asyncio.sleep(seconds)

    def _renew(self) -> None:
        self._renewal = asyncio.create_task(self._renewals())

    async def _renewals(self) -> None:
        while True:
            await at_once(self._store.extend, list(self._keys), self._owner, LEASE)
            await asyncio.sleep(LEASE / RENEWALS)

    async def __aenter__(self) -> Leases:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not GeneratorExit:  # a lost call that is collected can't wait; its leases end by themselves
            await self.release()


async def at_once(method: Callable[..., T], *arguments: object) -> T:
    """What a store gives: here if it can without waiting, else on a thread.

    A task that is cancelled meanwhile waits for the end of it, so that what it took can be released.
    """
    try:
        return method(*arguments, wait=False)
    except StoreBusy:
        work = asyncio.ensure_future(asyncio.to_thread(method, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait((work,))
        raise
