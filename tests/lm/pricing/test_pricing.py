"""Prices: exact dollars, unknown is not nought, bounds bound, and local models are free."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.virtual import LoopClock, run
from synalinks.errors import BadReply, CallTimeout, ConfigurationError, ServerError
from synalinks.lm import AttemptCosts
from synalinks.lm.core.call import Call, Reply, Request, Trace, Usage
from synalinks.lm.pricing import pricing
from synalinks.lm.pricing.pricing import FREE, Price, PriceLayer, dollars, is_free, price_of, set_price

REQUEST = Request("chat", "dear/m", messages=[])
counts = st.integers(0, 5_000_000)
amounts = st.decimals(0, 200, places=4)


@pytest.fixture(autouse=True)
def own_prices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    yield


def test_each_bucket_has_its_price() -> None:
    price = Price(
        input=Decimal(1),
        output=Decimal(10),
        cache_read=Decimal("0.1"),
        cache_write=Decimal("1.25"),
        per_request=Decimal("0.01"),
    )
    usage = Usage(
        input_fresh=1_000_000,
        input_cache_read=1_000_000,
        input_cache_write_5m=1_000_000,
        output_text=100_000,
        output_reasoning=100_000,
    )
    assert price.cost(usage, None) == Decimal("0.01") + 1 + Decimal("0.1") + Decimal("1.25") + 2
    assert Price(input=Decimal(2)).cost(Usage(input_cache_read=1_000_000, input_fresh=0), None) == 2, (
        "no discount known"
    )


@pytest.mark.parametrize("name", ["input", "output", "cache_read", "cache_write", "per_hour", "per_request"])
@pytest.mark.parametrize("wrong", [True, "a lot", "", -1, "-1", float("nan"), float("inf"), [1]])
def test_a_price_that_is_no_amount_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="amount of money"):
        set_price("dear/m", **{name: wrong})
    assert price_of("dear/m") is None


@pytest.mark.parametrize(
    ("price", "usage"),
    [
        (Price(input=Decimal(1)), Usage(output_text=5)),
        (Price(output=Decimal(1)), Usage(input_fresh=5)),
        (Price(per_hour=Decimal(1)), Usage(1, output_text=1)),
    ],
)
def test_a_missing_count_makes_the_cost_unknown(price: Price, usage: Usage) -> None:
    assert price.cost(usage, None) is None


def test_a_missing_count_without_a_price_does_not() -> None:
    assert FREE.cost(Usage(), None) == 0
    assert Price(input=Decimal(1)).cost(Usage(input_fresh=1_000_000), None) == 1


@given(counts, counts, amounts, amounts, st.floats(0, 600), amounts)
def test_a_bound_bounds(
    prompt: int, answer: int, per_in: Decimal, per_out: Decimal, seconds: float, hour: Decimal
) -> None:
    price = Price(input=per_in, output=per_out, cache_write=per_in * 2, per_hour=hour)
    usage = Usage(input_fresh=prompt // 2, input_cache_write_5m=prompt - prompt // 2, output_text=answer)
    cost = price.cost(usage, seconds)
    assert cost is not None
    assert cost <= price.bound(prompt, answer, seconds)


@given(st.lists(st.floats(0.0001, 600), min_size=3, max_size=5))
def test_sums_are_the_same_in_any_order(seconds: list[float]) -> None:
    """Thirds of a cent an hour have no end of digits; a cost is rounded once, and never again by adding."""
    price = Price(per_hour=Decimal("0.37"), input=Decimal("0.123456789"), output=Decimal("1e-7"))
    costs = [price.cost(Usage(7, output_text=3), each) or Decimal(0) for each in seconds]
    costs.append(Decimal("123456.789"))
    assert len({str(sum(order, Decimal(0)).normalize()) for order in itertools.permutations(costs)}) == 1


def test_local_models_cost_nothing_unless_told() -> None:
    assert is_free("ollama/x")
    assert is_free("scripted/x")
    assert price_of("openai/x") is None
    assert not is_free("openai/x")
    assert set_price("ollama/x", per_hour="0.36") == price_of("ollama/x")
    assert not is_free("ollama/x")
    found = price_of("ollama/x")
    assert found is not None
    assert found.cost(Usage(), 10.0) == Decimal("0.001")


@pytest.mark.parametrize("amount", ["x", -1, float("inf"), float("nan"), None])
def test_what_is_no_amount_of_money_is_refused(amount: Any) -> None:
    with pytest.raises(ConfigurationError):
        dollars(amount)
    with pytest.raises(ConfigurationError):
        set_price("openai/x", input=amount)


def test_amounts_are_exact_as_written() -> None:
    assert dollars(0.1) == Decimal("0.1")
    assert dollars("0.50") == Decimal("0.5")


def layer(outcome: Any, price: Price | None, trace: Trace | None = None) -> Reply:
    async def provider(call: Call) -> Reply:
        await asyncio.sleep(2)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    async def main() -> Reply:
        return await PriceLayer(lambda model: price, LoopClock())(provider)(Call(REQUEST, trace=trace or Trace()))

    return run(main())


def test_the_layer_prices_and_times_what_comes() -> None:
    reply = layer(
        Reply(usage=Usage(1_000_000, output_text=0)), Price(input=Decimal(3), output=Decimal(1), per_hour=Decimal(3600))
    )
    assert reply.seconds == pytest.approx(2, abs=0.1)
    assert reply.cost == reply.billed
    assert reply.cost == pytest.approx(Decimal(5), abs=Decimal("0.1"))
    assert layer(Reply(usage=Usage(1)), None).cost is None
    assert layer(Reply(cost=Decimal("0.7")), Price(input=Decimal(3))).cost == Decimal("0.7"), "the provider's own word"


def test_the_trace_tells_what_was_sent_and_spent() -> None:
    price = Price(per_request=Decimal("0.5"))
    trace = Trace()
    layer(Reply(usage=Usage(3, output_text=4)), price, trace)
    assert (trace.sent, trace.spent) == (1, AttemptCosts(Decimal("0.5"), 7))
    with pytest.raises(BadReply) as caught:
        layer(BadReply("torn", reply=Reply(usage=Usage(1))), price, trace)
    assert caught.value.reply is not None
    assert caught.value.reply.cost == Decimal("0.5")
    with pytest.raises(ServerError):
        layer(ServerError("busy"), price, trace)
    assert (trace.sent, trace.spent.cost) == (3, Decimal(1))
    with pytest.raises(ConfigurationError):
        layer(ConfigurationError("never sent"), price, trace)
    assert trace.sent == 3
    for error, free in ((CallTimeout("lost", uncertain=True), True), (CallTimeout("lost", uncertain=True), False)):
        with pytest.raises(CallTimeout):
            layer(error, FREE if free else price, trace)
        assert trace.spent.priced is free
