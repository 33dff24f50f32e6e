"""Tool calls run side by side: results, failures in words, and errors that are no answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from synalinks.errors import BudgetExceeded
from synalinks.modules.tools.running import LOST_RESULT, NO_RESULT, ToolWarning, answered, run_tool_calls


async def work(kind: str) -> Any:
    """Do as it says.

    Args:
        kind: what to do.
    """
    if kind == "none":
        return None
    if kind == "budget":
        raise BudgetExceeded("spent")
    if kind == "key":
        raise KeyError("paris")
    if kind == "value":
        raise ValueError("no such city")
    return {"did": kind}


TOOLS = {"work": synalinks.Tool(work)}


def call(arguments: Any, name: str = "work", identity: str = "1") -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def contents(*calls: dict[str, Any]) -> list[Any]:
    return [message["content"] for message in asyncio.run(run_tool_calls(TOOLS, calls))]


def test_results_are_messages_in_the_order_of_the_calls() -> None:
    found = asyncio.run(run_tool_calls(TOOLS, [call({"kind": "a"}), call('{"kind": "b"}', identity="2")]))
    assert found == [
        {"role": "tool", "tool_call_id": "1", "name": "work", "content": {"did": "a"}},
        {"role": "tool", "tool_call_id": "2", "name": "work", "content": {"did": "b"}},
    ]
    assert contents(call({"kind": "none"})) == [NO_RESULT]


def test_wrong_calls_are_results_in_words() -> None:
    assert contents(call({}), call({"kind": 1}), call("[1]"), call(None), call({}, name="other")) == [
        "error: wrong arguments for the tool 'work': kind: Field required",
        "error: wrong arguments for the tool 'work': kind: Input should be a valid string",
        "error: the arguments are no JSON object: [1]",
        "error: wrong arguments for the tool 'work': kind: Field required",
        "error: there is no tool 'other'; there are work",
    ]
    assert contents(call("{"))[0].startswith("error: the arguments are not JSON")


def test_what_a_tool_raises_is_a_result_and_a_warning() -> None:
    with pytest.warns(ToolWarning, match="no such city"):
        assert contents(call({"kind": "value"})) == ["error: no such city"]
    with pytest.warns(ToolWarning):
        assert contents(call({"kind": "key"})) == ["error: KeyError: 'paris'"]


def test_a_spent_budget_is_no_answer() -> None:
    with pytest.raises(BudgetExceeded):
        contents(call({"kind": "budget"}), call({"kind": "a"}))


def test_each_call_but_the_last_messages_has_a_result() -> None:
    asked = {"role": "assistant", "tool_calls": [call({}), call({}, identity="2")]}
    given = {"role": "tool", "tool_call_id": "2", "content": "x"}
    lost = {"role": "tool", "tool_call_id": "1", "name": "work", "content": LOST_RESULT}
    user = {"role": "user", "content": "?"}
    assert answered([user, asked]) == [user, asked]
    assert answered([user, asked, given, user]) == [user, asked, lost, given, user]
