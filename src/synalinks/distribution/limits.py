"""The limits of accounts that the workers of a batch prediction share: stated rates and calls at once. Both ends of it.

Both are kept in one place. A worker requests turns there for the calls that wait, all of them in one message; slots for
calls at once it has for the length of a batch, and more of them where others have none to predict. Neither is more than
the account has, whatever workers do and whichever is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synalinks._concurrency import Clock, Slots
from synalinks.distribution.pauses import Name
from synalinks.lm import Client, Limits
from synalinks.lm.rate_limit.account import Account

#: Seconds after its last sign for which a worker keeps its part of the slots: another batch of it may begin.
SPARED = 10.0
#: Seconds for which a worker that was not heard of yet does, and after which one that still has slots is lost.
EXPECTED = LOST = 60.0
#: Requests that one message has turns for.
AT_ONCE = 256
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

    async def turns(self, name: Name, limits: Limits, tokens: Sequence[int]) -> int:
        """Wait until the first of some requests of so many tokens may go out; how many of them may go then."""
        account = self._rates.setdefault(name, Account(Limits(limits.rpm, limits.tpm), self._clock))
        return await account.let_out(tokens)

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
        share = max(0, min(max(1, most // active), room))
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
            account.lease(_Turns(coordinator, name, account.limits), workers)
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
    """Waits for the turns of the requests of one account: those that wait go into one message."""

    def __init__(self, coordinator: Any, name: Name, limits: Limits) -> None:
        self._coordinator, self._name, self._limits = coordinator, name, limits
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, tokens: int) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append((tokens, turn))
        if self._asking is None or self._asking.done():
            self._asking = loop.create_task(self._ask())
        await turn

    async def _ask(self) -> None:
        """Ask for turns until no request waits; in a task of its own, so that those that come in one turn of the event
        loop are asked for together."""
        try:
            while self._waiting:
                sizes = [tokens for tokens, _ in self._waiting[:AT_ONCE]]
                count = await self._coordinator.turns.remote(self._name, self._limits, sizes)
                given, self._waiting = self._waiting[:count], self._waiting[count:]
                for _, turn in given:
                    if not turn.done():
                        turn.set_result(None)
                self._waiting = [one for one in self._waiting if not one[1].done()]
        except Exception as error:  # noqa: BLE001  handed to the requests
            for _, turn in self._waiting:
                if not turn.done():
                    turn.set_exception(error)
            self._waiting.clear()
