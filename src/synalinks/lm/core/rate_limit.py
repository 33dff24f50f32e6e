"""Rate limits: what a provider says of its own beside an answer, and what an account's grant a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from synalinks._concurrency import Slots, until

#: What limits count; `tokens` are those of prompt and answer together.
Unit = Literal["requests", "tokens", "input_tokens", "output_tokens"]
UNITS: tuple[Unit, ...] = ("requests", "tokens", "input_tokens", "output_tokens")
#: The period that most limits are stated for, in seconds.
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Quota:
    """One of a provider's limits, as it stood when it answered.

    Attributes:
        unit: what is counted.
        limit: the most of it in a period.
        remaining: what was left.
        period: seconds in which the whole limit comes back.
        reset: seconds until it is back; None if not said.
        at_once: whether it all comes back at that moment, rather than little by little.
    """

    unit: Unit
    limit: float
    remaining: float
    period: float = MINUTE
    reset: float | None = None
    at_once: bool = False

    def divided(self, parts: int) -> Quota:
        """The part of one of so many processes."""
        return self if parts == 1 else replace(self, limit=self.limit / parts, remaining=self.remaining / parts)


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """All that one response says of limits.

    Attributes:
        wait: seconds that the provider requires to wait, although it answered; or None.
        quotas: its limits.
        slots: calls that it answers at once; None if it does not say.
    """

    wait: float | None = None
    quotas: tuple[Quota, ...] = ()
    slots: int | None = None


class LeasedRates(Protocol):
    """The way to the rates of an account that are kept elsewhere, for several processes."""

    def queued(self, tokens: int) -> AbstractContextManager[Callable[[bool], Awaitable[bool]]]:
        """A block in which a request of so many tokens waits; gives what says, once it is the first, whether it may go
        out now. If it is to wait for that, it is asked with True."""

    def wait(self, now: float) -> float:
        """Seconds until the first may go out, as far as it is known; 0 where that has to be asked."""


class Admission:
    """A slot among an account's calls at once, and a turn in its rates.

    A call that waits for room in a budget releases its admission meanwhile and takes it anew before it is sent: calls
    that could make the room may need the slot, and a turn of long ago would let many calls go out at one moment.

    Args:
        slots: the slots of the account; None where calls at once are not limited.
        turn: waits until the rates let the call go out.
        seconds_left: seconds after which waiting is of no use, since a budget lets nothing out any more; None without
            such an end.

    Attributes:
        host: which of the model's servers the attempt goes to.
    """

    __slots__ = ("_held", "_lent", "_seconds_left", "_slots", "_turn", "host")

    def __init__(
        self,
        slots: Slots | None,
        turn: Callable[[], Coroutine[Any, Any, object]],
        seconds_left: Callable[[], float | None] | None = None,
    ) -> None:
        self._slots = slots
        self._turn = turn
        self._seconds_left = seconds_left
        self._held = self._lent = False
        self.host = 0

    async def take(self) -> None:
        """Wait for a slot, unless it was lent, and then for a turn; both first come, first served."""
        seconds = None if self._seconds_left is None else self._seconds_left()
        await (self._take() if seconds is None else until(self._take(), seconds))

    async def _take(self) -> None:
        if self._slots is not None and not self._lent:
            await self._slots.acquire()
            self._held = True
        await self._turn()

    async def next_turn(self) -> None:
        """Wait for the turn of a further attempt; the slot is kept."""
        await until(self._turn(), None if self._seconds_left is None else self._seconds_left())

    def release(self) -> None:
        """Give the slot back, if it is held."""
        if self._held and self._slots is not None:
            self._held = False
            self._slots.release()

    def lend(self) -> None:
        """Give the slot, for good, to a call made while this one is being answered."""
        self._lent = True
        self.release()
