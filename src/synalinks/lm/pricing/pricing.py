"""Prices of models and what an answer costs, in exact decimal dollars.

A price is what `set_price` said, else what the package's table says (price_table.py), else unknown: None, which is
not 0. Local models cost nothing unless told otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

from synalinks._concurrency import Clock
from synalinks.errors import ConfigurationError, LMError, SynalinksError
from synalinks.lm.core.call import SECONDS_DIGITS, ZERO, Call, Delta, Handler, Reply, Request, Sink, Trace, Usage
from synalinks.lm.pricing.surcharges import beyond_the_table, is_plain
from synalinks.lm.pricing.table import RATES, price_table

#: Providers whose models run on the user's own machine.
LOCAL_PREFIXES = frozenset({"ollama", "ollama_chat", "scripted", "llama_cpp", "vllm", "hosted_vllm"})
MILLION = Decimal(1_000_000)
HOUR = Decimal(3600)
#: The finest amount: a millionth of a millionth of a dollar. Thirds of a cent have no end of digits, and sums
#: are the same in any order only as long as every digit fits into a Decimal's 28.
FINEST = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs.

    Attributes:
        input, output: dollars per million tokens.
        cache_read, cache_write: dollars per million prompt tokens read from, or written to, the provider's
            cache; the input price where None.
        per_hour: dollars per hour of the provider's working time, for own hardware.
        per_request: dollars per request.
        cache_write_1h: as `cache_write`, of what is to stay in the cache for an hour; `cache_write` where None.
        input_audio: dollars per million tokens of sound in the prompt; the input price where None.
        long_from, long: what an answer costs instead, all its tokens, if the prompt has more tokens than that.
    """

    input: Decimal = ZERO
    output: Decimal = ZERO
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    per_hour: Decimal = ZERO
    per_request: Decimal = ZERO
    cache_write_1h: Decimal | None = None
    input_audio: Decimal | None = None
    long_from: int | None = None
    long: Price | None = None

    @property
    def is_free(self) -> bool:
        """Whether nothing is ever charged."""
        prices = (self.input, self.output, self.cache_read, self.cache_write, self.per_hour, self.per_request)
        return not (any(prices) or self.cache_write_1h or self.input_audio or self.long)

    def cost(self, usage: Usage, seconds: float | None) -> Decimal | None:
        """Dollars for one answer; None if a count that matters is unknown."""
        if self.is_free:
            return ZERO
        if self.long is not None and self.long_from is not None:
            prompt = usage.input_tokens
            if prompt is None:
                return None
            if prompt > self.long_from:
                return self.long.cost(usage, seconds)
        bill = self.per_request
        if self.per_hour:
            if seconds is None:
                return None
            bill += self.per_hour * Decimal(repr(seconds)) / HOUR
        fresh, write = usage.input_fresh, self._or_input(self.cache_write)
        if fresh is None and usage.input_audio is not None:
            fresh = 0
        for price, tokens in (
            (self.input, fresh),
            (self._or_input(self.input_audio), usage.input_audio or 0),
            (self._or_input(self.cache_read), usage.input_cache_read or 0),
            (write, usage.input_cache_write_5m or 0),
            (write if self.cache_write_1h is None else self.cache_write_1h, usage.input_cache_write_1h or 0),
            (self.output, usage.output_tokens),
        ):
            if price and tokens is None:
                return None
            if tokens:
                bill += price * tokens / MILLION
        return _rounded(bill, ROUND_HALF_EVEN)

    def bound(self, input_tokens: int, output_tokens: int, seconds: float = 0.0) -> Decimal:
        """The most that one answer of at most so many tokens and seconds can cost, in dollars."""
        if self.is_free:
            return ZERO
        price = self.up_to(input_tokens)
        bill = self.per_request + (price.dearest_input * input_tokens + price.output * output_tokens) / MILLION
        if self.per_hour:
            bill += self.per_hour * Decimal(repr(seconds)) / HOUR
        return _rounded(bill, ROUND_CEILING)

    @property
    def dearest_input(self) -> Decimal:
        """The most that a million tokens of the prompt can cost, whatever is done with them."""
        others = (self.cache_read, self.cache_write, self.cache_write_1h, self.input_audio)
        return max((self.input, *(price for price in others if price is not None)))

    def up_to(self, input_tokens: int, *, audio: bool = True, hour: bool = True) -> Price:
        """A price without steps that bounds this one for prompts of at most so many tokens.

        Args:
            audio: whether there may be sound in the prompt.
            hour: whether the provider may be told to keep the prompt for an hour.
        """
        price = self
        if (not audio and price.input_audio is not None) or (not hour and price.cache_write_1h is not None):
            price = replace(
                price,
                input_audio=price.input_audio if audio else None,
                cache_write_1h=price.cache_write_1h if hour else None,
            )
        if self.long is None or self.long_from is None:
            return price
        short = replace(price, long_from=None, long=None)
        return short if input_tokens <= self.long_from else _dearer(short, self.long.up_to(0, audio=audio, hour=hour))

    def _or_input(self, price: Decimal | None) -> Decimal:
        return self.input if price is None else price


def _dearer(one: Price, other: Price) -> Price:
    """The greater of each two prices."""

    def greater(name: str) -> Decimal | None:
        known = [price for price in (getattr(one, name), getattr(other, name)) if price is not None]
        return max(known) if known else None

    return Price(
        input=max(one.input, other.input),
        output=max(one.output, other.output),
        per_hour=max(one.per_hour, other.per_hour),
        per_request=max(one.per_request, other.per_request),
        cache_read=greater("cache_read"),
        cache_write=greater("cache_write"),
        cache_write_1h=greater("cache_write_1h"),
        input_audio=greater("input_audio"),
    )


def _rounded(amount: Decimal, rounding: str) -> Decimal:
    exponent = amount.as_tuple().exponent
    return amount.quantize(FINEST, rounding) if isinstance(exponent, int) and exponent < -12 else amount


FREE = Price()
_set_by_user: dict[str, Price] = {}


def dollars(value: Decimal | float | int | str) -> Decimal:
    """An amount in dollars, exact as written.

    Raises:
        ConfigurationError: not a finite, non-negative number.
    """
    try:
        amount = Decimal(str(value))
    except ArithmeticError as error:
        raise ConfigurationError(f"not an amount of money: {value!r}; give dollars, e.g. 0.50") from error
    if not amount.is_finite() or amount < 0:
        raise ConfigurationError(f"an amount of money must be finite and not negative, got {value!r}")
    return amount


def set_price(
    model: str,
    *,
    input: Decimal | float | str = 0,
    output: Decimal | float | str = 0,
    cache_read: Decimal | float | str | None = None,
    cache_write: Decimal | float | str | None = None,
    per_hour: Decimal | float | str = 0,
    per_request: Decimal | float | str = 0,
) -> Price:
    """State what a model costs, overriding the table, until the process ends.

    Args:
        model: with its prefix, e.g. `openai/gpt-4o-mini`.
        input, output, cache_read, cache_write: dollars per million tokens.
        per_hour: dollars per hour of working time, for own hardware.
        per_request: dollars per request.
    """
    price = Price(
        input=dollars(input),
        output=dollars(output),
        cache_read=None if cache_read is None else dollars(cache_read),
        cache_write=None if cache_write is None else dollars(cache_write),
        per_hour=dollars(per_hour),
        per_request=dollars(per_request),
    )
    _set_by_user[model] = price
    return price


def price_of(model: str) -> Price | None:
    """The price of a model, or None if it is unknown.

    What `set_price` said comes first; local models are free unless it says else; then comes the package's table.
    """
    found = _set_by_user.get(model)
    if found is None:
        return FREE if model.partition("/")[0] in LOCAL_PREFIXES else _listed(model)
    return found


def price_for(request: Request, price: Callable[[str], Price | None] = price_of) -> Price | None:
    """The price of a request; None if it is unknown, as under a service tier that the table does not price.

    What `set_price` said holds for whatever is asked of the model.

    Args:
        request: what is asked.
        price: gives the price of a model.
    """
    found = price(request.model)
    if found is None or is_plain(request) or found.is_free or request.model in _set_by_user:
        return found
    return found if beyond_the_table(request) is None else None


def stated_price(model: str) -> Price | None:
    """What `set_price` said of a model, or None: of a server that is not the one whose prices the table has."""
    return _set_by_user.get(model)


@lru_cache(maxsize=1024)
def _listed(model: str) -> Price | None:
    """The table's price of a model on the day it is first asked for in this process, or None."""
    row = price_table().find(model)
    return None if row is None else price_from(row.rates(datetime.now(UTC).date()))


def price_from(rates: Mapping[str, Any] | None) -> Price | None:
    """Prices as a row of the table has them (`price_table.Row.rates`) as a `Price`."""
    if rates is None:
        return None
    prices = {name: rates[name] for name in RATES if name in rates}
    return Price(**prices, long_from=rates.get("long_from"), long=price_from(rates.get("long")))


def is_free(model: str) -> bool:
    """Whether a model is known to cost nothing."""
    price = price_of(model)
    return price is not None and price.is_free


class PriceLayer:
    """Puts time and cost on every answer, just above the provider. A cost the provider reported wins.

    It also keeps the call's trace, so that a call that never comes back can be accounted for.
    """

    name = "price"

    def __init__(self, price: Callable[[str], Price | None], clock: Clock) -> None:
        self._price = price
        self._clock = clock

    def __call__(self, below: Handler) -> Handler:
        """A handler that prices what `below` answers."""
        now = self._clock.now

        async def answer(call: Call) -> Reply:
            begun, trace = now(), call.trace or Trace()
            trace.sent += 1
            ear = None if call.sink is None else _Ear(call.sink, now)
            if ear is not None:
                call = replace(call, sink=ear)
            try:
                reply = await below(call)
            except LMError as error:
                if error.reply is not None:
                    error.reply = self._priced(error.reply, call.request, now() - begun)
                    _note(trace, error.reply)
                elif error.uncertain:
                    self._lost(trace, call.request)
                raise
            except SynalinksError:  # refused by what stands in for the provider: nothing was sent
                trace.sent -= 1
                raise
            except asyncio.CancelledError:
                self._lost(trace, call.request)
                raise
            reply = self._priced(reply, call.request, now() - begun)
            if ear is not None and ear.first is not None:
                reply = replace(reply, first_token=round(ear.first - begun, SECONDS_DIGITS))
            _note(trace, reply)
            return reply

        return answer

    def _lost(self, trace: Trace, request: Request) -> None:
        """Note an attempt of which nobody knows whether it was answered."""
        trace.uncertain += 1
        trace.unknown = trace.unknown or not self._free(request)

    def _free(self, request: Request) -> bool:
        price = price_for(request, self._price)
        return price is not None and price.is_free

    def _priced(self, reply: Reply, request: Request, seconds: float) -> Reply:
        seconds = round(seconds, SECONDS_DIGITS)  # as cassettes and the cache keep it: a replay counts the same
        cost = reply.cost
        if cost is None:
            price = price_for(request, self._price)
            cost = None if price is None else price.cost(reply.usage, seconds)
        return replace(reply, cost=cost, billed=cost, seconds=seconds)


class _Ear:
    """A sink that notes when the first piece came, and passes everything on."""

    def __init__(self, sink: Sink, now: Callable[[], float]) -> None:
        self.first: float | None = None
        self._sink = sink
        self._now = now

    def __call__(self, delta: Delta) -> None:
        if self.first is None:
            self.first = self._now()
        self._sink(delta)


def _note(trace: Trace, reply: Reply) -> None:
    trace.answers += 1
    trace.tokens += reply.usage.total_tokens or 0
    if reply.cost is None:
        trace.unknown = True
    else:
        trace.cost += reply.cost
