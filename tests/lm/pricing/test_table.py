"""The package's price table: names find rows by the written rule only; its dollars are those of the published pages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import synalinks
from synalinks.errors import SynalinksError
from synalinks.lm.budget.upper_bound import needs_of
from synalinks.lm.core.call import Request, Usage
from synalinks.lm.pricing import pricing
from synalinks.lm.pricing.pricing import Price, price_from, price_of, set_price
from synalinks.lm.pricing.table import FILE, PriceTable, price_table

NOW = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def own_prices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    yield


#: Dollars worked out by hand from the providers' published prices per million tokens, which stand beside them.
BILLS = [
    # 1,000 x 0.15 + 500 x 0.075 + 200 x 0.60
    ("openai/gpt-4o-mini", Usage(1000, 500, output_text=150, output_reasoning=50), "0.0003075"),
    # 1,000 x 2.50 + 1,000 x 10
    ("openai/gpt-4o", Usage(1000, output_text=1000), "0.0125"),
    # 500 x 0.02
    ("openai/text-embedding-3-small", Usage(500), "0.00001"),
    # 1,000 x 1 + 10,000 x 0.10 + 2,000 x 1.25 (five minutes) + 3,000 x 2 (an hour) + 400 x 5
    ("anthropic/claude-haiku-4-5", Usage(1000, 10_000, 2000, 3000, output_text=400), "0.0125"),
    # 1,000 x 0.30 + 2,000 x 1 (sound) + 100 x 2.50
    ("gemini/gemini-2.5-flash", Usage(1000, input_audio=2000, output_text=100), "0.00255"),
    # a prompt of 200,000: 200,000 x 1.25 + 1,000 x 10
    ("gemini/gemini-2.5-pro", Usage(150_000, None, 50_000, output_text=1000), "0.26"),
    # a prompt of 200,001: all of it at 2.50, the answer at 15
    ("gemini/gemini-2.5-pro", Usage(200_001, output_text=1000), "0.5150025"),
    # 190,001 x 2.50 + 10,000 x 0.25 (cache, counted to the prompt) + 1,000 x 15
    ("gemini/gemini-2.5-pro", Usage(190_001, 10_000, output_text=1000), "0.4925025"),
    # 2,000 x 0.10
    ("mistral/mistral-embed", Usage(2000), "0.0002"),
    # by day: 1,000 x 0.27 + 1,000 x 0.07 + 1,000 x 1.10
    ("deepseek/deepseek-chat", Usage(1000, 1000, output_text=1000), "0.00144"),
    # 1,000 x 0.59 + 1,000 x 0.79
    ("groq/llama-3.3-70b-versatile", Usage(1000, output_text=1000), "0.00138"),
    # 1,000 x 3 + 1,000 x 0.75 + 1,000 x 15
    ("xai/grok-3", Usage(1000, 1000, output_text=1000), "0.01875"),
    # 1,500 x 1.04
    ("together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo", Usage(1000, output_text=500), "0.00156"),
]


@pytest.mark.parametrize(("model", "usage", "bill"), BILLS)
def test_answers_cost_what_the_published_prices_say(model: str, usage: Usage, bill: str) -> None:
    price = price_of(model)
    assert price is not None
    assert price.cost(usage, None) == Decimal(bill)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openai/gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"),
        ("OpenAI/GPT-4o-mini", "openai/gpt-4o-mini"),
        ("openai/gpt-4.1-20250414", "openai/gpt-4.1"),
        ("anthropic/claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("anthropic/claude-haiku-4-5@20251001", "anthropic/claude-haiku-4-5"),
        ("anthropic/claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("gemini/gemini-2.5-flash-preview-09-2025", "gemini/gemini-2.5-flash"),
        ("gemini/gemini-2.5-flash-lite-preview-09-2025", "gemini/gemini-2.5-flash-lite"),
        ("gemini/gemini-2.5-pro-preview-05-06", "gemini/gemini-2.5-pro"),
        ("gemini/gemini-2.0-flash-001", "gemini/gemini-2.0-flash"),
        ("mistral/mistral-large-latest", "mistral/mistral-large-latest"),
        ("mistral/mistral-medium-2508", "mistral/mistral-medium-2505"),
        # versions with a price of their own are rows of their own
        ("openai/gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("gemini/gemini-2.5-flash-preview-04-17", "gemini/gemini-2.5-flash-preview"),
        ("mistral/mistral-large-2512", "mistral/mistral-large-2512"),
    ],
)
def test_a_name_finds_its_row(name: str, row: str) -> None:
    found = price_table().find(name)
    assert found is not None
    assert found.model == row


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o-mini-2024-13-45",  # no day
        "openai/gpt-4o-mini-2024-0718",
        "openai/gpt-4o-mini-turbo",
        "openai/gpt-4o-min",
        "openai/gpt-4o-mini-latest",  # not a name in the published data
        "openai/gpt-4o-mini-2024-07-18-2024-07-18",
        "openai/gpt-oss-20b",  # open weights: a server of the user's own
        "gemini/gemini-2.5-flash-preview-11-2026",  # its previews have had different prices
        "openai/gpt-audio",  # sound in the answer is dearer, and the bill would not say so
        "gpt-4o-mini",
        "azure/gpt-4o-mini",  # the name of a deployment
        "openrouter/openai/gpt-4o-mini",
        "openrouter/gpt-4o-mini",
        "openai/",
        "",
    ],
)
def test_what_the_rule_does_not_cover_has_no_price(name: str) -> None:
    assert price_table().find(name) is None
    assert price_of(name) is None


def test_what_the_program_says_comes_first() -> None:
    stated = set_price("openai/gpt-4o-mini", input=7)
    assert price_of("openai/gpt-4o-mini") is stated
    assert price_of("openai/gpt-4o-mini-2024-07-18") != stated


def test_an_announced_price_comes_into_force_on_its_day() -> None:
    row = price_table().find("gemini/gemini-4-argon")
    assert row is not None
    before, after = price_from(row.rates(date(2026, 11, 30))), price_from(row.rates(date(2026, 12, 1)))
    assert before is not None
    assert after is not None
    assert (before.input, before.output, after.input, after.output) == (2, 10, 4, 20)
    assert row.change(NOW) == (date(2026, 12, 1), row.rates(date(2027, 1, 1)))
    assert row.change(date(2026, 12, 1)) is None
    assert row.rates(date(2020, 1, 1)) == row.rates(NOW), "the table's first prices stand for the days before it"


def test_nothing_is_read_before_a_price_is_asked_for() -> None:
    code = (
        "import synalinks, synalinks.lm\n"
        "from synalinks.lm.pricing.table import price_table\n"
        "synalinks.lm.price_of('ollama/x')\n"
        "print(price_table.cache_info().currsize)\n"
        "synalinks.lm.price_of('openai/gpt-4o')\n"
        "print(price_table.cache_info().currsize)\n"
    )
    folder = str(Path(synalinks.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": folder}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "1"]


def test_the_file_says_where_it_comes_from() -> None:
    value = json.loads(FILE.read_text(encoding="utf-8"))
    assert value["licence"] == "MIT"
    assert value["notice"][1].startswith("Copyright (c) Pydantic Services")
    assert value["source"].startswith("genai-prices ")
    assert len(value["wheel_sha256"]) == 64
    assert date.fromisoformat(value["date"]) == price_table().checked
    assert {"openai", "anthropic", "gemini", "mistral", "deepseek", "groq", "xai", "together_ai", "cohere"} == set(
        value["models"]
    )
    for prefix, rows in value["models"].items():
        names = [name.lower() for row in rows for name in (row["name"], *row.get("also", ()))]
        assert len(names) == len(set(names)), prefix
        for row in rows:
            assert row["source"].startswith("https://"), row
            corrected = row["date"] != value["date"]  # by scripts/make_prices.py, which says why in a note
            assert date.fromisoformat(row["date"]) and (not corrected or row["note"]), row
            assert Decimal(row["input"]) > 0, row
    assert FILE.stat().st_size < 80_000


def test_no_price_is_nought_or_below_the_cached_one() -> None:
    for row in price_table():
        price = price_from(row.rates(NOW))
        assert price is not None, row
        assert not price.is_free
        assert price.cache_read is None or price.cache_read <= price.input, row
        assert price.long is None or price.long.input >= price.input, row


def test_near_names_are_of_the_same_provider_if_there_are_any() -> None:
    assert price_table().near("openai/gpt-4o-mimi")[0] == "openai/gpt-4o-mini"
    assert "anthropic/claude-haiku-4-5" in price_table().near("anthropic/claude-haiku-45")
    assert price_table().near("openrouter/openai/gpt-4o-mini")[0] == "openai/gpt-4o-mini"
    assert price_table().near("gpt-4o-mini")[0] == "openai/gpt-4o-mini"
    assert price_table().near("nobody/zzzzzz") == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "date": "2026-01-01"}'])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.json"
    with pytest.raises(SynalinksError, match=r"can't be read from .*prices\.json"):
        PriceTable(file)
    file.write_text(text)
    with pytest.raises(SynalinksError, match=r"make_prices\.py"):
        PriceTable(file)


# --- prices with steps, sound and the hour's cache: what bounds them ---------------------------------------------

rates = st.decimals(0, 50, places=3)
maybe = st.none() | rates
flat = st.builds(
    Price, input=rates, output=rates, cache_read=maybe, cache_write=maybe, cache_write_1h=maybe, input_audio=maybe
)


@given(flat, st.none() | flat, st.integers(0, 3000), st.lists(st.integers(0, 1000), min_size=7, max_size=7))
def test_a_bound_bounds_every_kind_of_token(price: Price, long: Price | None, step: int, counts: list[int]) -> None:
    values: dict[str, Any] = {name: getattr(price, name) for name in ("input", "output", *_OPTIONAL)}
    price = price if long is None else Price(**values, long_from=step, long=long)
    fresh, read, short, hour, audio, text, thought = counts
    usage = Usage(fresh, read, short, hour, audio, text, thought)
    cost = price.cost(usage, None)
    assert cost is not None
    assert cost <= price.bound(sum(counts[:5]), text + thought)
    assert cost <= price.bound(sum(counts[:5]) + 2000, text + thought), "a looser count can't make it less"
    silent = Usage(fresh, read, short, 0, 0, text, thought)
    bounded = price.up_to(fresh + read + short, audio=False, hour=False)
    assert bounded.long is None
    assert (price.cost(silent, None) or 0) <= bounded.bound(fresh + read + short, text + thought)


_OPTIONAL = ("cache_read", "cache_write", "cache_write_1h", "input_audio")


def test_a_long_price_without_a_count_of_the_prompt_is_unknown() -> None:
    price = price_of("gemini/gemini-2.5-pro")
    assert price is not None
    assert price.cost(Usage(output_text=10), None) is None


def test_a_budget_reserves_by_what_the_request_can_cost() -> None:
    flash, haiku = price_of("gemini/gemini-2.5-flash"), price_of("anthropic/claude-haiku-4-5")
    assert flash is not None
    assert haiku is not None

    def dearest(price: Price, content: Any, **mark: Any) -> Decimal:
        request = Request("chat", "m/x", messages=[{"role": "user", "content": content, **mark}])
        needed = needs_of(request, price, []).price
        assert needed is not None
        return needed.dearest_input

    assert dearest(flash, "hello") == Decimal("0.3")
    assert dearest(flash, [{"type": "input_audio", "input_audio": {"data": ""}}]) == 1
    assert dearest(haiku, "hello") == Decimal("1.25")
    assert dearest(haiku, "hello", cache_control={"type": "ephemeral", "ttl": "1h"}) == 2
    pro = price_of("gemini/gemini-2.5-pro")
    assert pro is not None
    assert dearest(pro, "x" * 1000) == Decimal("1.25")
    assert dearest(pro, "x" * 200_000) == Decimal("2.5")
