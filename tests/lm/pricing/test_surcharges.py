"""What a request asks for beyond the table of prices, or beyond any bound: it is never underpriced."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from synalinks._concurrency import SystemClock
from synalinks.errors import ConfigurationError
from synalinks.lm.budget.layer import Budget, BudgetLayer, BudgetTracker, Queue
from synalinks.lm.budget.upper_bound import TOOLS_ALLOWANCE, TYPED_TOOL_ALLOWANCE, needs_of
from synalinks.lm.core.call import Call, Reply, Request, Usage, schema_of
from synalinks.lm.pricing import pricing
from synalinks.lm.pricing.pricing import Price, PriceLayer, price_for, price_of
from synalinks.lm.pricing.surcharges import answers_requested, beyond_the_table, open_ended
from synalinks.lm.providers.anthropic import requests as anthropic_dialect
from synalinks.lm.providers.gemini import requests as gemini_dialect

MODEL = "openai/gpt-4o-mini"


def chat(model: str = MODEL, tools: Any = (), **options: Any) -> Request:
    return Request("chat", model, messages=[{"role": "user", "content": "hi"}], options=options, tools=tools)


def tracker(**caps: Any) -> BudgetTracker:
    return BudgetTracker(Budget(**caps), SystemClock())


BEYOND: list[dict[str, Any]] = [
    {"service_tier": "priority"},
    {"service_tier": "fast"},
    {"service_tier": "flex"},
    {"serviceTier": "PRIORITY"},
    {"extra_body": {"service_tier": "priority"}},
    {"speed": "fast"},
    {"inference_geo": "us"},
    {"modalities": ["text", "audio"]},
    {"generationConfig": {"responseModalities": ["IMAGE"]}},
]


@pytest.mark.parametrize("options", BEYOND, ids=str)
def test_what_has_another_price_than_the_tables_is_unpriced(options: dict[str, Any]) -> None:
    request = chat(**options)
    assert beyond_the_table(request) is not None
    assert price_of(MODEL) is not None
    assert price_for(request) is None
    with pytest.raises(ConfigurationError, match="with .*=.*standard prices only.*set_price"):
        needs_of(request, price_for(request), [tracker(usd=1)])
    assert needs_of(request, price_for(request), [tracker(usd=1, unpriced="free")]).amount(5).usd == 0
    assert needs_of(request, price_for(request), [tracker(tokens=100)]).amount(5).tokens > 5


@pytest.mark.parametrize(
    "options",
    [{}, {"service_tier": "default"}, {"service_tier": "auto"}, {"service_tier": None}, {"speed": "standard"},
     {"service_tier": "standard_only"}, {"modalities": ["text"]}, {"inference_geo": "global"}, {"seed": 5}],
    ids=str,
)  # fmt: skip
def test_the_standard_tier_said_or_not_has_the_tables_price(options: dict[str, Any]) -> None:
    assert price_for(chat(**options)) == price_of(MODEL)


def test_the_bill_of_another_tier_is_unknown_and_a_reported_cost_is_not() -> None:
    replies = [Reply(usage=Usage(10, output_text=10)), Reply(usage=Usage(10, output_text=10), cost=Decimal("0.7"))]

    async def provider(call: Call) -> Reply:
        return replies.pop(0)

    layer = PriceLayer(price_of, SystemClock())(provider)
    assert asyncio.run(layer(Call(chat(service_tier="priority")))).cost is None  # type: ignore[arg-type]
    assert asyncio.run(layer(Call(chat(service_tier="priority")))).cost == Decimal("0.7")  # type: ignore[arg-type]


def test_a_stated_price_is_that_of_whatever_tier_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    stated = synalinks.set_price(MODEL, input=10, output=20)
    assert price_for(chat(service_tier="priority")) == stated
    assert price_for(chat("ollama/x", service_tier="priority")) == pricing.FREE


def test_the_budget_refuses_before_anything_is_sent() -> None:
    async def provider(call: Call) -> Reply:
        raise AssertionError("sent")

    budget_layer = BudgetLayer(lambda call: [tracker(usd=5)], price_of, Queue())(provider)
    with pytest.raises(ConfigurationError, match="service_tier='priority'"):
        asyncio.run(budget_layer(Call(chat(service_tier="priority"))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "options", "tools"),
    [
        (MODEL, {"web_search_options": {"search_context_size": "low"}}, ()),
        ("xai/grok-4", {"search_parameters": {"mode": "auto"}}, ()),
        ("openrouter/x/y", {"extra_body": {"plugins": [{"id": "web"}]}}, ()),
        ("openrouter/x/y:online", {}, ()),
        ("anthropic/claude-sonnet-4-5", {"mcp_servers": [{"url": "https://example.com"}]}, ()),
        ("anthropic/claude-sonnet-4-5", {}, [{"type": "web_search_20250305", "name": "web_search"}]),
        ("anthropic/claude-sonnet-4-5", {}, [{"type": "code_execution_20250825", "name": "code_execution"}]),
        ("gemini/gemini-2.5-pro", {}, [{"google_search": {}}]),
        ("gemini/gemini-2.5-pro", {"cached_content": "cachedContents/1"}, ()),
    ],
)
def test_what_no_bound_can_be_put_on_is_refused_under_caps_that_need_one(
    model: str, options: dict[str, Any], tools: Any
) -> None:
    request = chat(model, tools, **options)
    assert open_ended(request)
    for caps in ({"usd": 1}, {"tokens": 10**9}):
        with pytest.raises(ConfigurationError, match="can't be held for .* can't be known beforehand"):
            needs_of(request, Price(Decimal(1), Decimal(1)), [tracker(**caps)])
    needs_of(request, None, [tracker(calls=1), tracker(seconds=1)])
    needs_of(request, None, [tracker(usd=1, unpriced="free")])


def test_tools_that_the_caller_runs_are_bounded() -> None:
    plain = len(chat().canonical)
    for tool, more in (
        ({"name": "f", "parameters": {}}, TOOLS_ALLOWANCE),
        ({"type": "function", "function": {"name": "f"}}, TOOLS_ALLOWANCE),
        ({"type": "bash_20250124", "name": "bash"}, TOOLS_ALLOWANCE + TYPED_TOOL_ALLOWANCE),
        ({"type": "computer_20251124", "name": "computer"}, TOOLS_ALLOWANCE + TYPED_TOOL_ALLOWANCE),
    ):
        request = chat(tools=[tool])
        assert open_ended(request) is None
        needs = needs_of(request, None, [])
        assert needs.prompt == needs_of(chat(), None, []).prompt + len(request.canonical) - plain + more


def test_a_schema_may_be_said_as_a_tool_except_to_local_servers() -> None:
    schema = schema_of({"type": "object", "properties": {"a": {"type": "string"}}})

    def prompt(model: str) -> int:
        request = Request("chat", model, messages=[{"role": "user", "content": "hi"}], schema=schema)
        return needs_of(request, None, []).prompt - len(request.canonical)

    assert prompt("groq/llama") - prompt("ollama/llama") == TOOLS_ALLOWANCE


@pytest.mark.parametrize(
    ("options", "answers"),
    [
        ({}, 1), ({"n": 3}, 3), ({"best_of": 4, "n": 2}, 4),
        ({"generation_config": {"candidateCount": 2}}, 2), ({"n": None}, 1),
    ],
)  # fmt: skip
def test_each_answer_of_a_call_has_its_own_tokens(options: dict[str, Any], answers: int) -> None:
    request = chat("fake/m", max_tokens=100, **options)
    assert answers_requested(request) == answers
    price = Price(input=Decimal(0), output=Decimal(1))
    needs = needs_of(request, price, [])
    assert needs.amount(100).usd == Decimal(100 * answers) / 1_000_000
    uncapped = needs_of(chat("fake/m", **options), price, [])
    left = tracker(tokens=uncapped.prompt + 60)
    assert uncapped.bound([left]) == (uncapped.amount(60 // answers), 60 // answers)


def test_the_limit_that_bounds_a_call_is_the_one_that_its_provider_is_sent() -> None:
    for options, limit in [({"num_predict": 5}, 5), ({"max_tokens": 50, "max_completion_tokens": 20}, 20)]:
        claude, gemini = (chat(f"{name}/m", **options) for name in ("anthropic", "gemini"))
        assert needs_of(claude, None, []).limit == limit == anthropic_dialect.chat_payload(claude, False)["max_tokens"]
        config = gemini_dialect.chat_payload(gemini)["generationConfig"]
        assert needs_of(gemini, None, []).limit == limit
        assert config == {"maxOutputTokens": limit}
