"""Budgets and the gate that holds them: what a call may cost at most is reserved before it is sent.

`settled + reserved <= cap` at every moment, whatever the concurrency, because a call whose upper bound does
not fit waits while others are outstanding and is refused when nothing outstanding could make room.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from synalinks._concurrency import Clock
from synalinks.errors import BudgetExceeded, ConfigurationError, LMError, SynalinksError
from synalinks.lm.pricing import Price, dollars
from synalinks.lm.types import ZERO, Call, Handler, Reply, Request

#: Tokens a provider's chat template may add to one message. The dearest template in public use (Llama 3's
#: header ids) adds 5; doubled, rounded up, and again for the reply's own header.
MESSAGE_ALLOWANCE = 16
#: Answer tokens reserved where neither the caller nor the budget sets a lower bound.
OUTPUT_ALLOWANCE = 16_384


@dataclass(frozen=True)
class Budget:
    """The most a run may spend; None means no cap.

    Args:
        usd: dollars.
        tokens: prompt and answer tokens together.
        calls: requests sent, retries included.
        seconds: wall-clock time from the moment the budget is opened; no call is sent after it.
        per_epoch: caps that start anew with every epoch of a `fit`.
        unpriced: what a call of unknown price does under a cap in dollars: `raise`, or count as `free`.

    Raises:
        ConfigurationError: a negative cap, or no cap at all.
    """

    usd: Decimal | float | str | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    per_epoch: Budget | None = None
    unpriced: Literal["raise", "free"] = "raise"

    def __post_init__(self) -> None:
        if self.usd is not None:
            object.__setattr__(self, "usd", dollars(self.usd))
        for name in ("tokens", "calls", "seconds"):
            cap = getattr(self, name)
            if cap is not None and cap < 0:
                raise ConfigurationError(f"Budget({name}={cap!r}): a cap can't be negative")
        if self.per_epoch is not None and self.per_epoch.per_epoch is not None:
            raise ConfigurationError("Budget(per_epoch=...): a budget per epoch can't have one itself")
        if self.unpriced not in ("raise", "free"):
            raise ConfigurationError(f"Budget(unpriced={self.unpriced!r}): write 'raise' or 'free'")
        caps = (self.usd, self.tokens, self.calls, self.seconds, self.per_epoch)
        if all(cap is None for cap in caps):
            raise ConfigurationError("Budget() caps nothing; give usd=, tokens=, calls=, seconds= or per_epoch=")

    @classmethod
    def of(cls, value: Budget | Decimal | float | str) -> Budget:
        """A budget, or an amount in dollars made into one."""
        return value if isinstance(value, Budget) else cls(usd=value)


@dataclass(frozen=True, slots=True)
class Amount:
    """Something spent, reserved or left: dollars, tokens, calls."""

    usd: Decimal = ZERO
    tokens: int = 0
    calls: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.usd + other.usd, self.tokens + other.tokens, self.calls + other.calls)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.usd - other.usd, self.tokens - other.tokens, self.calls - other.calls)

    def __str__(self) -> str:
        return f"${self.usd:.6f}, {self.tokens:,} tokens, {self.calls:,} calls"


NOTHING = Amount()


class Purse:
    """A budget that is open: what is settled, what is reserved, what is set aside.

    Attributes:
        budget: the caps.
        settled: spent for certain (a live bill, or the as-if bill of a replay).
        reserved: bounds of calls that are out.
        aside: kept for later, such as an epoch's validation; not given to ordinary calls.
        refused: the refusal that ended this budget, or None.
        uncertain: amounts settled at their bound because the true cost is not known.
    """

    def __init__(self, budget: Budget, clock: Clock, name: str = "budget") -> None:
        self.budget = budget
        self.name = name
        self.settled = NOTHING
        self.reserved = NOTHING
        self.aside = NOTHING
        self.uncertain = NOTHING
        self.refused: BudgetExceeded | None = None
        self.clock = clock
        self._opened = clock.now()

    @property
    def left(self) -> Amount:
        """What new calls may still reserve; meaningless for what is not capped."""
        used = self.settled + self.reserved + self.aside
        usd, tokens, calls = self.budget.usd, self.budget.tokens, self.budget.calls
        return Amount(
            Decimal(usd if usd is not None else 0) - used.usd,
            (tokens or 0) - used.tokens,
            (calls or 0) - used.calls,
        )

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time cap, or None without one."""
        if self.budget.seconds is None:
            return None
        return self.budget.seconds - (self.clock.now() - self._opened)

    def room_for(self, bound: Amount) -> bool:
        """Whether a call of at most `bound` fits beside all that is reserved and set aside."""
        return self.lacking(bound) is None

    def lacking(self, bound: Amount) -> str | None:
        """Which cap `bound` does not fit under, in words, or None."""
        left, budget = self.left, self.budget
        seconds = self.seconds_left
        if seconds is not None and seconds <= 0:
            return f"the time cap of {budget.seconds:g} s has passed"
        if budget.calls is not None and bound.calls > left.calls:
            return f"{bound.calls} call needed, {max(0, left.calls)} of {budget.calls:,} left"
        if budget.tokens is not None and bound.tokens > left.tokens:
            return f"up to {bound.tokens:,} tokens needed, {max(0, left.tokens):,} of {budget.tokens:,} left"
        if budget.usd is not None and bound.usd > left.usd:
            return f"up to ${bound.usd:.6f} needed, ${max(ZERO, left.usd):.6f} of ${budget.usd} left"
        return None

    def reopen(self) -> None:
        """Let calls that fit pass again after a refusal, e.g. into what was set aside for them."""
        self.refused = None

    def __repr__(self) -> str:
        return f"<Purse {self.name}: settled {self.settled}; reserved {self.reserved}; aside {self.aside}>"


class _Queue:
    """First come, first served: calls that wait for others to settle."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self, ready: Callable[[], bool]) -> None:
        """Wait until this call is first in the queue and `ready()` says go on."""
        if not self._waiting and ready():
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            while self._waiting[0] is not mine or not ready():
                await asyncio.shield(mine)
                mine = self._renew(mine)
        finally:
            self._waiting.remove(mine)
            self.wake()

    def _renew(self, old: asyncio.Future[None]) -> asyncio.Future[None]:
        new: asyncio.Future[None] = old.get_loop().create_future()
        self._waiting[self._waiting.index(old)] = new
        return new

    def wake(self) -> None:
        """Let the first in the queue look again."""
        if self._waiting and not self._waiting[0].done():
            self._waiting[0].set_result(None)


class Reservation:
    """What one call holds in every open purse; the `Permit` that the retry layer asks again."""

    def __init__(self, purses: Sequence[Purse], bound: Amount, queue: _Queue) -> None:
        self._purses = purses
        self._bound = bound
        self._queue = queue
        self._held = False
        self._settled_attempts = 0

    async def acquire(self) -> None:
        """Reserve the bound, waiting while outstanding calls may make room.

        Raises:
            BudgetExceeded: it does not fit and nothing outstanding could change that.
        """
        await self._queue.turn(self._ready)
        for purse in self._purses:
            if purse.refused is not None:
                raise purse.refused
            if (lacking := purse.lacking(self._bound)) is not None:
                purse.refused = BudgetExceeded(
                    f"the {purse.name} is used up: {lacking}. Spent so far: {purse.settled}. "
                    "What was paid for is kept; run again with a larger budget to go on from here"
                )
                self._queue.wake()
                raise purse.refused
        for purse in self._purses:
            purse.reserved += self._bound
        self._held = True

    def _ready(self) -> bool:
        """Whether waiting longer can't help: it fits, or nothing outstanding could make it fit."""
        for purse in self._purses:
            if purse.refused is not None:
                return True
            if not purse.room_for(self._bound):
                return purse.reserved == NOTHING
        return True

    def settle(self, spent: Amount | None) -> None:
        """Put what was spent in place of what was reserved; None settles at the bound, as uncertain."""
        if not self._held:
            return
        self._held = False
        self._settled_attempts += 1
        for purse in self._purses:
            purse.reserved -= self._bound
            purse.settled += self._bound if spent is None else spent
            if spent is None:
                purse.uncertain += self._bound
        self._queue.wake()

    def settle_reply(self, reply: Reply) -> None:
        """Settle the attempt that answered, and with it those that a tape replays."""
        spent = self.spent_on(reply)
        earlier = reply.attempts - 1 - self._settled_attempts
        if spent is not None and earlier > 0:
            spent += Amount(reply.wasted or ZERO, reply.wasted_tokens, earlier)
        self.settle(spent)

    def spent_on(self, reply: Reply) -> Amount | None:
        """What one answered attempt cost; None if a count that is capped is not known."""
        tokens, cost = reply.usage.total_tokens, reply.cost
        for purse in self._purses:
            if purse.budget.tokens is not None and tokens is None:
                return None
            if purse.budget.usd is not None and cost is None and purse.budget.unpriced == "raise":
                return None
        return Amount(cost or ZERO, tokens or 0, 1)

    async def another(self, spent: Reply | None, uncertain: bool) -> None:
        """Settle the attempt that failed and reserve the next (see `Permit`)."""
        if spent is not None:
            self.settle(self.spent_on(spent))
        else:
            self.settle(None if uncertain else Amount(calls=1))
        await self.acquire()


def upper_bound(request: Request, price: Price | None, purses: Sequence[Purse]) -> tuple[Amount, int | None]:
    """The most one attempt can cost, and the cap on answer tokens that makes it so (None: none needed).

    A token is at least one byte of UTF-8, and the canonical request holds every byte of the prompt, so its
    length bounds the prompt's tokens; templates add at most `MESSAGE_ALLOWANCE` per message.

    Raises:
        ConfigurationError: a budget in dollars meets a model of unknown price.
    """
    for purse in purses:
        if purse.budget.usd is not None and price is None and purse.budget.unpriced == "raise":
            raise ConfigurationError(
                f"a budget in dollars can't be held for {request.model!r}: its price is unknown. State it with "
                f"synalinks.set_price({request.model!r}, input=..., output=...) in dollars per million tokens, "
                "cap tokens or calls instead, or pass Budget(unpriced='free')"
            )
    prompt = len(request.canonical) + MESSAGE_ALLOWANCE * (len(request.messages) + 1)
    if request.kind == "embed":
        return Amount(price.bound(prompt, 0) if price else ZERO, prompt, 1), None
    asked = request.options.get("max_tokens")
    if asked is not None:
        return Amount(price.bound(prompt, asked) if price else ZERO, prompt + asked, 1), None
    capped = [
        cap
        for purse in purses
        if (cap := _affordable(purse, price, prompt)) is not None
    ]
    if not capped:
        return Amount(calls=1), None
    cap = max(1, min(*capped, OUTPUT_ALLOWANCE))
    return Amount(price.bound(prompt, cap) if price else ZERO, prompt + cap, 1), cap


def _affordable(purse: Purse, price: Price | None, prompt: int) -> int | None:
    """Answer tokens that what is left could pay for if nothing were outstanding; None if not limited."""
    room = purse.left + purse.reserved
    caps: list[int] = []
    if purse.budget.tokens is not None:
        caps.append(room.tokens - prompt)
    if purse.budget.usd is not None and price is not None and price.output:
        caps.append(int((room.usd - price.bound(prompt, 0)) * 1_000_000 / price.output))
    return min(caps) if caps else None


class GateLayer:
    """Lets a call pass only with its upper bound reserved in every open budget, and settles what it cost."""

    name = "gate"

    def __init__(
        self, purses: Callable[[], Sequence[Purse]], price: Callable[[str], Price | None], queue: _Queue | None = None
    ) -> None:
        self._purses = purses
        self._price = price
        self._queue = queue or QUEUE

    def __call__(self, below: Handler) -> Handler:
        """A handler that answers through `below` within budget."""

        async def answer(call: Call) -> Reply:
            purses = self._purses()
            if not purses:
                return await below(call)
            bound, cap = upper_bound(call.request, self._price(call.request.model), purses)
            held = Reservation(purses, bound, self._queue)
            await held.acquire()
            try:
                reply = await below(replace(call, permit=held, output_cap=cap))
            except LMError as error:
                held.settle(_failed(held, error))
                raise
            except SynalinksError:  # refused further down: nothing was sent
                held.settle(NOTHING)
                raise
            except BaseException:  # cancelled: it may have been sent
                held.settle(None)
                raise
            held.settle_reply(reply)
            return reply

        return answer


def _failed(held: Reservation, error: LMError) -> Amount | None:
    """What the last attempt of a call that failed cost."""
    if error.reply is not None:
        return held.spent_on(error.reply)
    return None if error.uncertain else Amount(calls=1)


#: Calls that wait for room, of every budget: one queue keeps first come, first served across nested ones.
QUEUE = _Queue()
