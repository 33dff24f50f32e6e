"""Price: what a model costs, and what an answer costs at that price, in exact decimal dollars."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from synalinks.lm.core.call import ZERO, Usage
from synalinks.lm.core.errors import ConfigurationError

MILLION = Decimal(1_000_000)
HOUR = Decimal(3600)
#: The finest amount: a millionth of a millionth of a dollar. Thirds of a cent have no end of digits, and sums
#: are the same in any order only as long as every digit fits into a Decimal's 28.
FINEST = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs.

    Example:
        >>> from decimal import Decimal
        >>> from synalinks.lm import Price, Usage
        >>> Price(input=Decimal("0.15"), output=Decimal("0.60")).cost(Usage(input_fresh=1000, output_text=100), None)
        Decimal('0.00021')

    Attributes:
        input, output: dollars per million tokens.
        cache_read, cache_write: dollars per million prompt tokens read from, or written to, the provider's
            cache; the input price where None.
        per_hour: dollars per hour of the server's working time, for hardware that is rented or owned; calls in flight
            together share it.
        per_request: dollars per request.
        cache_write_1h: as `cache_write`, of what is to stay in the cache for an hour; `cache_write` where None.
        input_audio: dollars per million tokens of sound in the prompt; the input price where None.
        long_from, long: what an answer costs instead, all its tokens, if the prompt has more tokens than that.
        is_free: whether nothing is ever charged.
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
    is_free: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        prices = (self.input, self.output, self.cache_read, self.cache_write, self.per_hour, self.per_request)
        charged = any(prices) or self.cache_write_1h or self.input_audio or self.long
        object.__setattr__(self, "is_free", not charged)

    @classmethod
    def per_token(cls, amount: Decimal | float | str) -> Price:
        """The price of so many dollars a token, of prompt and answer alike.

        Raises:
            ConfigurationError: no amount of 0 or more.
        """
        million = dollars(amount) * MILLION
        return cls(input=million, output=million)

    def cost(self, usage: Usage, seconds: float | None) -> Decimal | None:
        """Dollars for one answer, of so many seconds of working time; None if a count that matters is unknown."""
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

    @property
    def keeps_an_hour(self) -> bool:
        """Whether a prompt that is to stay in the cache for an hour has a price of its own."""
        return self.cache_write_1h is not None or (self.long is not None and self.long.keeps_an_hour)

    def up_to(self, input_tokens: int, *, audio: bool = True, hour: bool = True) -> Price:
        """A price without steps that bounds this one for prompts of at most so many tokens.

        Args:
            audio: whether there may be sound in the prompt.
            hour: whether the request may have the provider keep the prompt for an hour.
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


#: The price of a model that runs on the user's own machine.
FREE = Price()


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
