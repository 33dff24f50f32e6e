"""An account with a provider: what all models of one key at one endpoint share.

The limit layer admits calls through it; the retry layer tells it when the provider asked us to slow down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiolimiter import AsyncLimiter

from synalinks import _json
from synalinks._concurrency import Clock, LoopLocal, SystemClock
from synalinks.errors import ConfigurationError
from synalinks.lm.types import Request

#: The time period that rates are stated for, in seconds: requests and tokens per minute.
MINUTE = 60.0
#: Bytes of English text per token, the providers' own rule of thumb. Rate limits only need the scale:
#: money is bounded by the budget gate, which counts differently.
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may do; None means no limit.

    Attributes:
        rpm: requests a minute.
        tpm: tokens a minute, prompt and answer together.
        concurrency: calls at once.

    Raises:
        ConfigurationError: a limit is not positive, or `concurrency` is no whole number.
    """

    rpm: float | None = None
    tpm: float | None = None
    concurrency: int | None = None

    def __post_init__(self) -> None:
        for name in ("rpm", "tpm", "concurrency"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigurationError(f"{name} must be positive, or None for no limit; got {value!r}")
        if self.concurrency is not None and int(self.concurrency) != self.concurrency:
            raise ConfigurationError(f"concurrency must be a whole number of calls, got {self.concurrency!r}")

    def over(self, defaults: Limits) -> Limits:
        """These limits, with those of `defaults` where nothing is said."""
        return Limits(
            defaults.rpm if self.rpm is None else self.rpm,
            defaults.tpm if self.tpm is None else self.tpm,
            defaults.concurrency if self.concurrency is None else self.concurrency,
        )


def estimate_tokens(request: Request) -> int:
    """About how many tokens a request takes from a rate limit: UTF-8 bytes of the prompt / 4, and
    `max_tokens` where given."""
    size = sum(len(text.encode("utf-8", "replace")) for text in request.texts)
    size += sum(_message_bytes(message) for message in request.messages)
    if request.schema is not None:
        size += len(request.schema.canonical)
    if request.tools:
        size += len(_json.canonical(request.tools))
    return max(1, -(-size // BYTES_PER_TOKEN)) + int(request.options.get("max_tokens") or 0)


def _message_bytes(message: Mapping[str, Any]) -> int:
    content = message.get("content")
    if isinstance(content, str):
        return len(content.encode("utf-8", "replace"))
    return len(_json.canonical(content))


@dataclass(slots=True)
class _Gates:
    """What belongs to one event loop."""

    slots: asyncio.Semaphore | None
    requests: AsyncLimiter | None
    tokens: AsyncLimiter | None
    queue: asyncio.Lock = field(default_factory=asyncio.Lock)


def _limiter(per_minute: float | None) -> AsyncLimiter | None:
    if per_minute is None:
        return None
    if per_minute < 1:  # aiolimiter refuses to hand out one unit where the rate is below one
        return AsyncLimiter(1, MINUTE / per_minute)
    return AsyncLimiter(per_minute, MINUTE)


class Account:
    """The limits of one account, enforced for every model that uses it, on whatever event loop."""

    def __init__(self, limits: Limits, clock: Clock | None = None) -> None:
        self.limits = limits
        self.clock = clock or SystemClock()
        self._paused_until: float | None = None
        self._rated = limits.rpm is not None or limits.tpm is not None
        self._gates: LoopLocal[_Gates] = LoopLocal(self._make_gates)

    def _make_gates(self) -> _Gates:
        limits = self.limits
        return _Gates(
            slots=asyncio.Semaphore(limits.concurrency) if limits.concurrency else None,
            requests=_limiter(limits.rpm),
            tokens=_limiter(limits.tpm),
        )

    @property
    def slots(self) -> asyncio.Semaphore | None:
        """Calls at once, or None where that is not limited."""
        return self._gates.get().slots if self.limits.concurrency else None

    @property
    def waits(self) -> bool:
        """Whether `admit` has anything to do: a rate is limited, or the account was asked to slow down."""
        return self._rated or self._paused_until is not None

    async def admit(self, request: Request) -> None:
        """Wait until this request may go out, first come, first served."""
        if self._rated:
            gates = self._gates.get()
            async with gates.queue:  # aiolimiter alone wakes small requests first and starves large ones
                if gates.requests is not None:
                    await gates.requests.acquire()
                if gates.tokens is not None:
                    # A request larger than a whole minute's allowance waits for an empty bucket, no longer.
                    await gates.tokens.acquire(min(estimate_tokens(request), gates.tokens.max_rate))
        while self._paused_until is not None:
            wait = self._paused_until - self.clock.now()
            if wait <= 0:
                self._paused_until = None
            else:
                await self.clock.sleep(wait)

    def slow_down(self, seconds: float) -> None:
        """Hold every call of this account for `seconds`, because the provider asked one of them to wait."""
        until = self.clock.now() + seconds
        if self._paused_until is None or until > self._paused_until:
            self._paused_until = until
