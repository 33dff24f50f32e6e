"""A pause that a provider demands of one worker of a batch prediction holds for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks.distribution.batch_worker import Coordinator
from synalinks.distribution.pauses import PauseFollower
from synalinks.lm import Limits, Request
from synalinks.lm.rate_limit.account import Account

REQUEST = Request("chat", "ollama/m", messages=[{"role": "user", "content": "x"}])


@dataclass
class OneServer:
    """What a follower reads of a client."""

    account: Account
    origin: str = "client"

    def accounts(self) -> list[Account]:
        return [self.account]


class Actor:
    """An object in place of its actor."""

    def __init__(self, made: object) -> None:
        self._made = made

    def __getattr__(self, name: str) -> Any:
        class Method:
            remote: Callable[..., Any] = getattr(self._made, name)

        return Method


def workers(coordinator: Coordinator, *names: str) -> list[Account]:
    accounts = [Account(Limits(), LoopClock()) for _ in names]
    for name, account in zip(names, accounts, strict=True):
        PauseFollower([OneServer(account)], Actor(coordinator), name).start()  # type: ignore[list-item]
    return accounts


async def seconds_until_admitted(account: Account) -> float:
    begun = LoopClock().now()
    await account.admit(REQUEST)
    return LoopClock().now() - begun


def test_the_others_wait_as_long_as_the_one_that_was_told() -> None:
    async def main() -> None:
        coordinator = Coordinator(None, 3, LoopClock())
        accounts = workers(coordinator, "a", "b", "c")
        assert [await seconds_until_admitted(account) < 0.01 for account in accounts] == [True] * 3
        accounts[0].slow_down(7.0)
        await asyncio.sleep(1.0)
        waits = await asyncio.gather(*map(seconds_until_admitted, accounts))
        assert all(5.99 < wait < 6.2 for wait in waits), waits

    run(main())


def test_a_worker_that_starts_later_hears_of_a_pause_that_is_not_over_and_of_none_that_is() -> None:
    async def main() -> None:
        coordinator = Coordinator(None, 3, LoopClock())
        (first,) = workers(coordinator, "a")
        first.slow_down(5.0)
        await asyncio.sleep(2.0)
        (second,) = workers(coordinator, "b")
        await asyncio.sleep(0.5)
        assert 2.4 < await seconds_until_admitted(second) < 2.7
        (third,) = workers(coordinator, "c")
        await asyncio.sleep(0.5)
        assert await seconds_until_admitted(third) < 0.01

    run(main())


def test_of_a_burst_of_refusals_one_is_told() -> None:
    told: list[float] = []

    class Counting(Coordinator):
        async def pause(self, holder: str, account: Any, seconds: float) -> None:
            told.append(seconds)
            await super().pause(holder, account, seconds)

    async def main() -> None:
        one, other = workers(Counting(None, 2, LoopClock()), "a", "b")
        for _ in range(100):
            one.slow_down(3.0)
        await asyncio.sleep(1.0)
        other.slow_down(2.0)
        await asyncio.sleep(0.1)
        assert told == [3.0], "what another told is not told again"
        one.slow_down(9.0)
        await asyncio.sleep(0.1)
        assert told == [3.0, 9.0]

    run(main())
