"""`synalinks prices`: per-million prices with who says so; what to do where nobody does."""

from __future__ import annotations

from cli.helpers import call


def test_prices_stand_with_their_source_and_day() -> None:
    done = call("prices", "openai/gpt-4o-mini-2024-07-18", "anthropic/claude-haiku-4-5")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "Dollars per million tokens:"
    cells = [line.split() for line in lines if line.startswith(("openai/", "anthropic/")) and "$" in line]
    assert cells == [
        ["openai/gpt-4o-mini-2024-07-18", "$0.15", "$0.60", "$0.075"],
        ["anthropic/claude-haiku-4-5", "$1.00", "$5.00", "$0.10", "$1.25", "$2.00"],
    ]
    assert "Table of 2026-11-20, made from genai-prices 0.2.3 (MIT)." in lines
    assert (
        "openai/gpt-4o-mini-2024-07-18: https://developers.openai.com/api/docs/pricing, by the data of 2026-11-20; "
        "the row of openai/gpt-4o-mini"
    ) in lines


def test_steps_have_a_line_each_and_notes_are_told() -> None:
    done = call("prices", "gemini/gemini-2.5-pro", "deepseek/deepseek-chat")
    first, second = (line for line in done.output.splitlines() if "200,000 tokens" in line)
    assert first.split() == ["gemini/gemini-2.5-pro", "up", "to", "200,000", "tokens", "$1.25", "$10.00", "$0.125"]
    assert second.split() == ["over", "200,000", "tokens", "$2.50", "$15.00", "$0.25"]
    assert "deepseek/deepseek-chat: the price changes with the hour; this is the dearest" in done.output


def test_an_unknown_model_is_said_to_be_so() -> None:
    done = call("prices", "openai/gpt-4o-mimi")
    assert done.exit_code == 1
    assert done.output.startswith("openai/gpt-4o-mimi: the price is unknown. Names like it: openai/gpt-4o-mini")
    assert "synalinks.set_price('openai/gpt-4o-mimi', input=..., output=...)" in done.output


def test_one_unknown_model_does_not_hide_the_others() -> None:
    done = call("prices", "xai/grok-3", "nobody/zzzzzz", "xai/grok-3")
    assert done.exit_code == 1
    assert done.output.count("$15.00") == 1
    assert "nobody/zzzzzz: the price is unknown. State it" in done.output


def test_openrouter_reports_its_costs_itself() -> None:
    done = call("prices", "openrouter/openai/gpt-4o-mini")
    assert done.exit_code == 1
    assert "OpenRouter reports the cost of every answer itself" in done.output
    assert "openai/gpt-4o-mini" in done.output.partition("Names like it:")[2]


def test_local_models_cost_nothing() -> None:
    done = call("prices", "ollama/llama3.2")
    assert done.exit_code == 0
    assert done.output.startswith("ollama/llama3.2 runs on the user's own machine and costs nothing")


def test_a_model_is_needed() -> None:
    assert call("prices").exit_code == 2
