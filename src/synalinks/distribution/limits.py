"""The limits of accounts that the workers of a batch prediction share: stated rates and calls at once. Both ends of it.

Both are kept in one place. A worker requests turns there for the calls that wait, all of them in one message; slots for
calls at once it has for the length of a batch, and more of them where others have none to predict. Neither is more than
the account has, whatever workers do and whichever is lost.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from synalinks._concurrency import Clock, Slots
from synalinks.distribution.pauses import Name
from synalinks.lm import Client, Limits
from synalinks.lm.rate_limit.account import Account

#: Seconds after its last sign for which a worker keeps its part of the slots: another batch of it may begin.
SPARED = 10.0
#: Seconds for which a worker that was not heard of yet does, and after which one that still has slots is lost.
EXPECTED = LOST = 60.0
#: Requests that one message has turns for, and seconds after which turns that were not taken are no longer.
AT_ONCE, FRESH = 256, 1.0
#: Slots by account: how many an account has, and how many of them a worker has.
Held = Mapping[Name, tuple[int, int]]


@dataclass(slots=True)
class _Share:
    """What a worker has of an account's slots, and when it last asked for them, in seconds."""

    held: int
    asked: float


class SharedLimits:
    """The coordinator's end: the rates and slots of all accounts.

    Args:
        workers: how many there will be.
        clock: measures rates.
    """

    def __init__(self, workers: int, clock: Clock) -> None:
        self._workers, self._clock, self._began = workers, clock, clock.now()
        self._rates: dict[Name, Account] = {}
        self._slots: dict[Name, dict[str, _Share]] = {}

    async def turns(self, name: Name, limits: Limits, tokens: Sequence[int], waits: bool) -> tuple[int, float]:
        """See `Account.let_out`."""
        account = self._rates.setdefault(name, Account(Limits(limits.rpm, limits.tpm), self._clock))
        return await account.let_out(tokens, waits)

    def slots(self, worker: str, held: Held) -> dict[Name, int]:
        """The slots that a worker is to have of each account. Those above it stay its own until it reports fewer."""
        return {name: self._share(worker, name, most, mine) for name, (most, mine) in held.items()}

    def _share(self, worker: str, name: Name, most: int, mine: int) -> int:
        now = self._clock.now()
        shares = self._slots.setdefault(name, {})
        others = [one for other, one in shares.items() if other != worker]
        active = 1 + sum(one.asked > now - SPARED for one in others)
        active = max(active, self._workers) if now < self._began + EXPECTED else active
        room = most - sum(one.held for one in others if one.asked > now - LOST)
        part, rest = divmod(most, active)
        part += sum(one.held > part for one in others) < rest  # what can't be divided goes to the first
        share = max(0, min(part, room))
        shares[worker] = _Share(max(mine, share), now)
        return share

    def release(self, worker: str) -> None:
        """Take the slots of a worker back: it predicts nothing."""
        for shares in self._slots.values():
            if worker in shares:
                shares[worker].held = 0


class LeasedLimits:
    """A worker's end.

    Args:
        clients: of its models.
        coordinator: the actor that has the limits, with its method `turns`.
        workers: how many share them.
    """

    def __init__(self, clients: Sequence[Client], coordinator: Any, workers: int) -> None:
        self._slots: dict[Name, tuple[int, Slots]] = {}
        accounts = {
            id(one): ((client.origin, at), one) for client in clients for at, one in enumerate(client.accounts())
        }
        for name, account in accounts.values():
            account.lease(_Turns(coordinator, name, account), workers)
            if account.slots is not None and account.limits.concurrency and account.adaptive is None:
                self._slots[name] = (int(account.limits.concurrency), account.slots)
                account.slots.resize(0)

    @property
    def lacks_slots(self) -> bool:
        """Whether it has none of some account, so that it is to ask again soon."""
        return any(not slots.count for _, slots in self._slots.values())

    def held(self) -> Held:
        """The slots that it has, those in use included."""
        return {name: (most, slots.count - min(0, slots.free)) for name, (most, slots) in self._slots.items()}

    def keep(self, shares: Mapping[Name, int]) -> None:
        """Have so many slots of each account from now on; those in use above that are given back as calls end."""
        for name, count in shares.items():
            self._slots[name][1].resize(count)

    def release(self) -> None:
        """Have none, at the end of a batch."""
        self.keep(dict.fromkeys(self._slots, 0))

    def close(self) -> None:
        """Leave the accounts of this process with all their slots."""
        self.keep({name: most for name, (most, _) in self._slots.items()})


class _Turns:
    """The turns of the requests of one account; see `LeasedRates`. Those that wait are asked for in one message."""

    def __init__(self, coordinator: Any, name: Name, account: Account) -> None:
        self._coordinator, self._name, self._account = coordinator, name, account
        self._waiting: dict[object, int] = {}
        self._given, self._asked_at, self._open_at = 0, 0.0, -math.inf

    @contextmanager
    def queued(self, tokens: int) -> Iterator[Callable[[bool], Coroutine[Any, Any, bool]]]:
        """See `LeasedRates.queued`."""
        key = object()
        self._waiting[key] = tokens
        try:
            yield partial(self._granted, key)
        finally:
            if self._waiting.pop(key, None) is not None:  # it left: those behind it are of other sizes
                self._given = 0

    async def _granted(self, key: object, waits: bool) -> bool:
        account = self._account
        if not self._given or account.clock.now() > self._asked_at + FRESH:
            await asyncio.sleep(0)  # those that come in the same turn of the event loop are asked for together
            sizes = [*islice(self._waiting.values(), 1 if account.spacing else AT_ONCE)]
            given, seconds = await self._coordinator.turns.remote(self._name, account.limits, sizes, waits)
            self._asked_at = account.clock.now()
            self._given, self._open_at = min(given, len(self._waiting)), self._asked_at + seconds
            if not given:
                return False
            if account.pause_left(self._asked_at) > 0:  # it began meanwhile
                self._given = 0
                return False
        self._given -= 1
        del self._waiting[key]
        return True

    def wait(self, now: float) -> float:
        """See `LeasedRates.wait`."""
        return 0.0 if self._given else max(0.0, self._open_at - now)
