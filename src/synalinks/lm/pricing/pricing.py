"""The price of a model: what `set_price` stated, else that of its provider, else that of the package's table.

A price that none of them has is unknown: None, which is not 0. Models of local providers are free by default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from synalinks._concurrency import Clock
from synalinks.lm.core.amount import NO_COSTS, ZERO, AttemptCosts
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Request, Sink, Trace
from synalinks.lm.core.errors import LMError, SynalinksError
from synalinks.lm.core.machine_time import MachineTime
from synalinks.lm.core.reply import SECONDS_DIGITS, problem_of
from synalinks.lm.pricing.price import FINEST, FREE, Price, dollars
from synalinks.lm.pricing.surcharges import beyond_the_table, is_plain
from synalinks.lm.pricing.table import RATES, price_table
from synalinks.lm.providers.registry import Spec, find

__all__ = [
    "FINEST",
    "FREE",
    "Price",
    "PriceLayer",
    "dollars",
    "free_unless_stated",
    "is_free",
    "price_for",
    "price_from",
    "price_of",
    "set_price",
    "stated_price",
]

_set_by_user: dict[str, Price] = {}


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
        per_hour: dollars per hour of working time, for own hardware; calls in flight together share it.
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


def price_of(model: str, spec: Spec | None = None) -> Price | None:
    """The price of a model, or None if it is unknown.

    A price stated with `set_price` comes first, then that of the model's provider (models of local providers are
    free), then that of the package's table.

    Args:
        model: with its prefix.
        spec: its provider; looked up where None.
    """
    stated = _set_by_user.get(model)
    if stated is not None:
        return stated
    spec = spec or find(model)
    if spec is not None:
        if spec.local:
            return FREE
        if (price := spec.prices.get(model.partition("/")[2])) is not None:
            return price
    return _listed(model)


def price_for(request: Request, price: Callable[[str], Price | None] = price_of) -> Price | None:
    """The price of a request; None if it is unknown, as under a service tier that the table does not price.

    What `set_price` said holds for whatever is asked of the model.

    Args:
        request: what is asked.
        price: gives the price of a model.
    """
    found = price(request.model)
    if found is None or found.is_free or request.model in _set_by_user or is_plain(request):
        return found
    return found if beyond_the_table(request) is None else None


def stated_price(model: str) -> Price | None:
    """What `set_price` said of a model, or None: of a server that is not the one whose prices the table has."""
    return _set_by_user.get(model)


def free_unless_stated(model: str) -> Price:
    """What `set_price` said of a model, else that it is free: of a server on this machine."""
    return _set_by_user.get(model) or FREE


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
    """Whether a model is free."""
    price = price_of(model)
    return price is not None and price.is_free


class PriceLayer:
    """Puts time and cost on every answer, just above the provider. A cost the provider reported wins.

    It also keeps the call's trace, so that a call that never comes back can be accounted for.

    Args:
        price: gives the price of a model.
        clock: measures the time of answers.
        machine_times: of the servers, in the order that `Admission.host` counts, each shared with the other models
            there; one of its own where there are none.
    """

    name = "price"

    def __init__(
        self,
        price: Callable[[str], Price | None],
        clock: Clock,
        machine_times: Sequence[MachineTime] = (),
    ) -> None:
        self._price = price
        self._clock = clock
        self._machine_times = machine_times or (MachineTime(),)

    def __call__(self, below: Handler) -> Handler:
        """A handler that prices what `below` answers."""
        now, machines = self._clock.now, self._machine_times

        async def answer(call: Call) -> Reply:
            begun, trace = now(), call.trace
            machine = machines[0 if call.admission is None else call.admission.host]
            mark = machine.begin(begun)
            trace.sent += 1
            ear = None if call.sink is None else _FirstPieceSink(call.sink, now)
            if ear is not None:
                call = replace(call, sink=ear)
            try:
                reply = await below(call)
                if (problem := problem_of(reply)) is not None:
                    raise LMError(f"the provider of {call.request.model!r} gave {problem}", uncertain=True)
            except BaseException as error:
                ended = now()
                self._failed(error, call, ended - begun, machine.end(mark, ended))
                raise
            ended = now()
            reply = self._priced(reply, call.request, ended - begun, machine.end(mark, ended))
            if ear is not None and ear.first is not None:
                reply = replace(reply, first_token=round(ear.first - begun, SECONDS_DIGITS))
            _note(trace, reply)
            return reply

        return answer

    def _failed(self, error: BaseException, call: Call, seconds: float, share: float) -> None:
        """Note what a call took that was not answered as it should be."""
        trace, request = call.trace, call.request
        if isinstance(error, LMError):
            if error.reply is not None:
                error.reply = self._priced(error.reply, request, seconds, share)
                _note(trace, error.reply)
            elif error.uncertain:
                self._lost(trace, request)
        elif isinstance(error, SynalinksError):  # refused before anything was sent
            trace.sent -= 1
        else:  # cancelled, or an exception of a sink or of a provider of one's own
            self._lost(trace, request)

    def _lost(self, trace: Trace, request: Request) -> None:
        """Note an attempt that may have been answered, and billed, without a reply."""
        trace.spent += AttemptCosts(uncertain=1, priced=self._free(request))

    def _free(self, request: Request) -> bool:
        price = price_for(request, self._price)
        return price is not None and price.is_free

    def _priced(self, reply: Reply, request: Request, seconds: float, share: float) -> Reply:
        # As cassettes and the cache keep them: a replay counts the same.
        seconds, share = round(seconds, SECONDS_DIGITS), round(share, SECONDS_DIGITS)
        cost, price = reply.cost, price_for(request, self._price)
        if cost is None and price is not None:
            cost = ZERO if price.is_free else price.cost(reply.usage, share)
        timed = price is not None and (price.per_hour or (price.is_free and share != seconds))
        machine_seconds = share if timed else None
        return replace(reply, cost=cost, billed=cost, seconds=seconds, machine_seconds=machine_seconds)


class _FirstPieceSink:
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
    spent = AttemptCosts.of(reply.cost, reply.usage.total_tokens)
    trace.spent = spent if trace.spent is NO_COSTS else trace.spent + spent
