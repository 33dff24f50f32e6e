"""Which tools a dialect offers: `tool_choice`, a schema beside tools, and conversations whose tools are gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synalinks.lm import Schema
from synalinks.lm.budget.upper_bound import needs_of
from synalinks.lm.core.call import Request
from synalinks.lm.providers.anthropic.requests import chat_payload as anthropic
from synalinks.lm.providers.gemini.requests import chat_payload as gemini
from synalinks.lm.providers.ollama.requests import chat_payload as ollama
from synalinks.lm.providers.openai import variants
from synalinks.lm.providers.openai.requests import chat_payload as openai

SCHEMA = Schema({"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]})
TOOLS = [{"name": name, "description": "Looks.", "parameters": {"type": "object"}} for name in ("look", "find")]
USED: list[dict[str, Any]] = [
    {"role": "user", "content": "?"},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "name": "look", "arguments": {}}]},
    {"role": "tool", "tool_call_id": "1", "name": "look", "content": "sun"},
]
BOTH = ["look", "find"]
NAMED = {"type": "function", "function": {"name": "find"}}


def request(model: str, **more: Any) -> Request:
    more.setdefault("messages", USED[:1])
    return Request("chat", model, **more)


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        (None, ["look", "find"]),
        ("auto", ["look", "find"]),
        ("required", ["look", "find"]),
        ("none", []),
        (NAMED, ["find"]),
    ],
)
def test_ollama_offers_what_the_choice_leaves(choice: Any, offered: list[str]) -> None:
    options = {} if choice is None else {"tool_choice": choice, "parallel_tool_calls": False}
    payload = ollama(request("ollama/m", tools=TOOLS, options=options), False)
    assert [tool["function"]["name"] for tool in payload.get("tools", [])] == offered
    assert "options" not in payload


def test_where_the_answer_is_a_tool_none_leaves_it_alone() -> None:
    options = {"tool_choice": "none"}
    payload = openai(request("groq/m", tools=TOOLS, schema=SCHEMA, options=options), variants.GROQ)
    if variants.GROQ.structured == "forced_tool":
        assert [tool["function"]["name"] for tool in payload["tools"]] == ["structured_output"]
        assert payload["tool_choice"]["function"]["name"] == "structured_output"
    old = anthropic(request("anthropic/claude-3-haiku", tools=TOOLS, schema=SCHEMA, options=options), False)
    assert [tool["name"] for tool in old["tools"]] == ["give_answer"]
    assert old["tool_choice"] == {"type": "tool", "name": "give_answer"}
    second = gemini(request("gemini/gemini-2.5-pro", tools=TOOLS, schema=SCHEMA, options=options))
    assert [tool["name"] for tool in second["tools"][0]["functionDeclarations"]] == ["give_answer"]
    assert second["toolConfig"]["functionCallingConfig"] == {"mode": "ANY"}


def test_where_the_answer_is_no_tool_none_is_said() -> None:
    options = {"tool_choice": "none"}
    payload = openai(request("openai/gpt-4o", tools=TOOLS, schema=SCHEMA, options=options), variants.OPENAI)
    assert (payload["tool_choice"], len(payload["tools"])) == ("none", 2)
    new = anthropic(request("anthropic/claude-opus-4-5", tools=TOOLS, schema=SCHEMA, options=options), False)
    assert (new["tool_choice"], len(new["tools"])) == ({"type": "none"}, 2)


def test_anthropic_gets_a_definition_of_tools_that_only_the_conversation_calls() -> None:
    payload = anthropic(request("anthropic/claude-opus-4-5", messages=USED, schema=SCHEMA), False)
    assert payload["tools"] == [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
    assert payload["tool_choice"] == {"type": "none"}
    old = anthropic(request("anthropic/claude-3-haiku", messages=USED, schema=SCHEMA), False)
    assert [tool["name"] for tool in old["tools"]] == ["give_answer"]
    assert old["tool_choice"] == {"type": "tool", "name": "give_answer"}
    assert "tools" not in anthropic(request("anthropic/claude-opus-4-5"), False)


def test_the_bound_of_a_prompt_covers_them() -> None:
    asked = request("anthropic/claude-opus-4-5", messages=USED)
    needs = needs_of(asked, None, ())
    assert needs.prompt >= len(json.dumps(anthropic(asked, False)))
