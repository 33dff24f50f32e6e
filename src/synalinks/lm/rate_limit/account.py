"""An account with a provider: what all models of one key at one endpoint share.

The limit layer admits calls through it; the retry layer slows it down when the provider says so.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from threading import Lock

from synalinks import _json
from synalinks._base.numbers import is_number
from synalinks._concurrency import Clock, LoopLocal, Slots, SystemClock
from synalinks.lm.core.call import Call, Request
from synalinks.lm.core.errors import ConfigurationError, LMError
from synalinks.lm.core.machine_time import MachineTime
from synalinks.lm.core.rate_limit import UNITS, Admission, LeasedRates, RateLimitStatus
from synalinks.lm.rate_limit.adaptive import FIRST, AdaptiveConcurrency
from synalinks.lm.rate_limit.presence import Presence
from synalinks.lm.rate_limit.window import LONGEST_HOLD, ReportedLimit, Window

#: Bytes of English text per token, the providers' own rule of thumb. Rate limits only need the scale:
#: money is bounded by the budget layer, which counts differently.
BYTES_PER_TOKEN = 4
#: Seconds by which a pause must exceed the one that holds for it to be reported: of a burst of refusals, one is.
NEWS = 0.1
#: Seconds between two calls after a provider refused one for too many and told no rate: first, and at most. Doubled by
#: each further refusal, shortened by `EASING` with each answer, forgotten below `LEAST_SPACING`.
FIRST_SPACING, LONGEST_SPACING, LEAST_SPACING, EASING = 0.1, 2.0, 0.001, 0.9


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may do; None means no limit.

    Example:
        >>> from synalinks.lm import Limits
        >>> Limits(rpm=60).over(Limits(rpm=500, concurrency=8))
        Limits(rpm=60, tpm=None, concurrency=8)

    Attributes:
        rpm: requests a minute: the most that go out in any 60 seconds.
        tpm: tokens a minute, prompt and answer together; likewise.
        concurrency: calls at once.

    Raises:
        ConfigurationError: a limit is no positive number, or `concurrency` is no whole number.
    """

    rpm: float | None = None
    tpm: float | None = None
    concurrency: int | None = None

    def __post_init__(self) -> None:
        for name in ("rpm", "tpm", "concurrency"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and value > 0):
                raise ConfigurationError(f"{name} must be a positive number, or None for no limit; got {value!r}")
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
    """About how many tokens a request takes from a rate limit: UTF-8 bytes of the prompt / 4, and the bound of the
    answer where given."""
    return _prompt_tokens(request) + _answer_tokens(request)


def _prompt_tokens(request: Request) -> int:
    size = sum(len(text.encode("utf-8", "replace")) for text in request.texts)
    size += sum(_message_bytes(message) for message in request.messages)
    if request.schema is not None:
        size += len(request.schema.canonical)
    if request.tools:
        size += len(_json.canonical(request.tools))
    return max(1, -(-size // BYTES_PER_TOKEN))


def _answer_tokens(request: Request) -> int:
    return request.output_limit or 0


def _message_bytes(message: Mapping[str, object]) -> int:
    content = message.get("content")
    if isinstance(content, str):
        return len(content.encode("utf-8", "replace"))
    return len(_json.canonical(content))


def _amounts(request: Request) -> dict[str, float]:
    """What a request takes from limits of each unit."""
    prompt, answer = _prompt_tokens(request), _answer_tokens(request)
    return {"requests": 1, "tokens": prompt + answer, "input_tokens": prompt, "output_tokens": max(1, answer)}


class Account:
    """The limits of one account, enforced for every model that uses it, on whatever event loop.

    Three things hold a call back, and the strictest of them decides:

    - *The rates that were stated.* In any 60 seconds at most `rpm` requests and `tpm` tokens go out, at once no more
      than a tenth of them, then evenly. A provider may raise none of it.
    - *What the provider says is left* of its own limits, by model (`update`), where it says so: near the end of them
      calls go out as fast as it gives more. Where no rate was stated, this is the rate.
    - *A pause that the provider asked for* (`slow_down`). It holds for every caller. After one for too many requests,
      calls go out one by one, closer together with each answer, so that those who waited don't all come at once.

    Args:
        limits: as they were stated.
        clock: measures time; the machine's where None.
        adaptive: whether the number of calls at once follows what the server can do, in place of `limits.concurrency`.
    """

    #: Whether there are several servers; see `Hosts`, which has the same interface for the layers.
    shared = False

    def __init__(self, limits: Limits, clock: Clock | None = None, adaptive: bool = False) -> None:
        self.limits = limits
        self.clock = clock or SystemClock()
        self._requests = None if limits.rpm is None else Window(limits.rpm)
        self._tokens = None if limits.tpm is None else Window(limits.tpm)
        self._rated = self._requests is not None or self._tokens is not None
        self._paused_until: float | None = None
        self._last = -LONGEST_SPACING
        self._lock = Lock()
        self._models: dict[str, _Model] = {}
        self._queue: LoopLocal[asyncio.Lock] = LoopLocal(asyncio.Lock)
        self._waiting = 0
        self._leased: LeasedRates | None = None
        self._parts = 1
        #: Gets each pause that the provider demands, in seconds; None where no other process is to keep it.
        self.on_pause: Callable[[float], None] | None = None
        #: Seconds between two calls, after a refusal.
        self.spacing = 0.0
        #: Whether any call of this account was ever answered.
        self.answered = False
        #: Whether connections can be made to the server.
        self.presence = Presence()
        #: Calls out or about to go out that chose this one of several servers.
        self.assigned = 0
        #: The working time of the server, shared out among the calls of the account.
        self.machine_time = MachineTime()
        #: Calls at once, or None where that is not limited.
        self.slots = Slots(int(limits.concurrency)) if limits.concurrency else None
        #: What changes the number of slots by how the server answers, or None where it stays as stated.
        self.adaptive: AdaptiveConcurrency | None = None
        if adaptive:
            self.slots = Slots(FIRST)
            self.adaptive = AdaptiveConcurrency(self.slots)

    # --- as one of several servers, or the only one ----------------------------------------------------------

    def of(self, call: Call) -> Account:
        """The account of the server that an attempt goes to."""
        return self

    def admission(self, request: Request, seconds_left: Callable[[], float | None] | None) -> Admission:
        """The admission of one call."""
        return Admission(self.slots, partial(self.admit, request), seconds_left)

    def moves(self, call: Call, error: LMError) -> bool:
        """Whether the attempt after a failure can go to another server at once."""
        return False

    def others_said(self, call: Call) -> str:
        """What other servers said at which the call failed."""
        return ""

    def assign(self, calls: int) -> None:
        """Count calls that chose this server, or no longer do."""
        with self._lock:
            self.assigned += calls

    def pause_left(self, now: float) -> float:
        """Seconds of the pause that the provider asked for; 0 where it asked for none."""
        until = self._paused_until
        return 0.0 if until is None else max(0.0, until - now)

    # --- rates and pauses ------------------------------------------------------------------------------------

    async def admit(self, request: Request, elsewhere: Callable[[], float] | None = None) -> bool:
        """Wait until this request may go out, first come, first served.

        Args:
            elsewhere: gives the seconds until another server could take it, 0 if one can now; None where there is none.

        Returns:
            Whether it may go out; False if it is to go to another server.
        """
        model = self._model(request.model)
        if model.told:
            amounts = _amounts(request)
            if not await self._turn(model.queue, lambda: model.hold(self.clock.now(), amounts), elsewhere):
                return False
            model.spend(amounts)
        else:
            model.out["requests"] += 1
        tokens = 0 if self._tokens is None else estimate_tokens(request)
        if not self._is_held:
            return True
        if self._leased is None:
            return await self._turn(self._queue, lambda: self._hold(tokens), elsewhere)
        with self._leased.queued(estimate_tokens(request)) as granted:
            return await self._turn(self._queue, lambda: self._hold(tokens), elsewhere, granted)

    async def let_out(self, tokens: Sequence[int], waits: bool) -> tuple[int, float]:
        """How many of several requests of so many tokens may go out now, in order; where none may, the seconds until
        the first may.

        Args:
            waits: whether to wait for the first.
        """
        if not await self._turn(self._queue, lambda: self._hold(tokens[0]), None if waits else lambda: 0.0):
            with self._lock:
                return 0, self._wait(tokens[0])
        return 1 + sum(1 for _ in takewhile(lambda size: self._hold(size) == 0, tokens[1:])), 0.0

    def lease(self, rates: LeasedRates, parts: int) -> None:
        """Be one of so many processes that share the account.

        Args:
            rates: the way to the stated rates, which are kept in one place for all.
            parts: the processes; what the provider reports to be left is divided among them.
        """
        if self._rated:
            self._requests, self._tokens, self._leased = None, None, rates
        self._parts = parts

    async def _turn(
        self,
        queue: LoopLocal[asyncio.Lock],
        hold: Callable[[], float],
        elsewhere: Callable[[], float] | None,
        granted: Callable[[bool], Awaitable[bool]] | None = None,
    ) -> bool:
        """Wait in a queue until nothing holds its first one; False if that is to go to another server."""
        with self._lock:
            self._waiting += 1
        try:
            async with queue.get():  # or small requests would starve large ones
                while (wait := hold()) > 0 or not (granted is None or await granted(elsewhere is None)):
                    if elsewhere is not None and (other := elsewhere()) < wait:
                        if other <= 0:
                            return False
                        wait = other
                    await self.clock.sleep(wait)
            return True
        finally:
            with self._lock:
                self._waiting -= 1

    @property
    def _is_held(self) -> bool:
        return self._rated or self.spacing > 0 or self._paused_until is not None

    def delay(self, request: Request) -> float:
        """Seconds until rates and pauses would let a request out that came now; infinite where others wait for that."""
        model = self._model(request.model)
        if self._waiting and (self._leased is None or self._leased.wait(self.clock.now()) > 0):
            return math.inf
        reported = model.hold(self.clock.now(), _amounts(request)) if model.told else 0.0
        if not self._is_held:
            return reported
        with self._lock:
            return max(reported, self._wait(0 if self._tokens is None else estimate_tokens(request)))

    def _hold(self, tokens: int) -> float:
        """Seconds that the first in the queue has to wait; 0 if it goes now, which is then noted."""
        with self._lock:  # each event loop has a queue of its own
            if (wait := self._wait(tokens)) > 0:
                return wait
            now = self.clock.now()
            self._paused_until = None
            self._last = now
            if self._requests is not None:
                self._requests.take(now, 1)
            if self._tokens is not None:
                self._tokens.take(now, tokens)
            return 0.0

    def _wait(self, tokens: int) -> float:
        now = self.clock.now()
        wait = max(0.0, self._last + self.spacing - now, self.pause_left(now))
        if self._requests is not None:
            wait = max(wait, self._requests.wait(now, 1))
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait(now, tokens))
        return wait if self._leased is None else max(wait, self._leased.wait(now))

    def slow_down(self, seconds: float, met_here: bool = True) -> None:
        """Hold every call of this account for `seconds`, because the provider asked one of them to wait.

        Args:
            met_here: whether that was a call of this process, so that others may have to keep the pause, too.
        """
        now = self.clock.now()
        if self._paused_until is None or now >= self._paused_until:  # the first refusal, not one more of a burst
            self.spacing = min(max(2 * self.spacing, FIRST_SPACING), LONGEST_SPACING)
        self._pause(now, seconds, met_here)

    def _pause(self, now: float, seconds: float, met_here: bool = True) -> None:
        known = self.pause_left(now)
        if seconds > known:
            self._paused_until = now + seconds
            if met_here and self.on_pause is not None and seconds > known + NEWS:
                self.on_pause(seconds)

    def mark(self, model: str) -> Mapping[str, float]:
        """What of a model's has gone out until now, to be handed to `update` with the answer to what goes out next."""
        return dict(self._model(model).out)

    def update(self, model: str, allowance: RateLimitStatus, mark: Mapping[str, float]) -> None:
        """Follow what the provider said of its limits in answering a call of a model.

        Args:
            mark: what had gone out when that call did.
        """
        if allowance.slots is not None and self.adaptive is not None:
            self.adaptive.told(allowance.slots)
        now = self.clock.now()
        if allowance.wait is not None and 0 < allowance.wait <= LONGEST_HOLD:
            self._pause(now, allowance.wait)
        if allowance.quotas:
            known = self._model(model)
            known.told = {
                (quota.unit, place): ReportedLimit(
                    quota.divided(self._parts), now, known.out[quota.unit] - mark[quota.unit]
                )
                for place, quota in enumerate(allowance.quotas)
            }

    def ease(self) -> None:
        """Let calls go out closer together: one was answered."""
        self.answered = True
        if self.presence.is_away:
            self.presence.found()
        if self.spacing:
            self.spacing *= EASING
            if self.spacing < LEAST_SPACING:
                self.spacing = 0.0

    def _model(self, name: str) -> _Model:
        found = self._models.get(name)
        if found is None:
            found = self._models[name] = _Model()
        return found


class _Model:
    """What the provider says of its limits on one model; providers count models apart.

    Attributes:
        told: its limits, as last told.
        out: what has gone out, by unit; of tokens only what went out after a limit of them was stated.
        queue: those that wait for a limit.
    """

    __slots__ = ("out", "queue", "told")

    def __init__(self) -> None:
        self.told: dict[tuple[str, int], ReportedLimit] = {}
        self.out: dict[str, float] = dict.fromkeys(UNITS, 0.0)
        self.queue: LoopLocal[asyncio.Lock] = LoopLocal(asyncio.Lock)

    def hold(self, now: float, amounts: Mapping[str, float]) -> float:
        """Seconds until all limits have room; newer news of them count as soon as they come."""
        return max([limit.hold(now, amounts[unit]) for (unit, _), limit in self.told.items()], default=0.0)

    def spend(self, amounts: Mapping[str, float]) -> None:
        """Note that a request goes out."""
        for (unit, _), limit in self.told.items():
            limit.spend(amounts[unit])
        for unit, amount in amounts.items():
            self.out[unit] += amount
