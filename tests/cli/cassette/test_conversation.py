"""A row as a conversation: messages, parts, tools, reasoning, failures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from synalinks.cli.cassette.conversation import render
from synalinks.errors import BadReply
from synalinks.lm.cassette.rows import Row, error_to_dict
from synalinks.lm.core.call import Reply, Request, Schema
from synalinks.scope import NOWHERE


def shown(request: Request, outcome: str, value: dict[str, Any]) -> list[str]:
    row = {"digest": "d", "scope": {}, "draw": 1, "request": request.to_dict(), outcome: value}
    return render(Row(2, "d", NOWHERE, 1, row)).splitlines()


def test_every_part_of_a_request_is_there() -> None:
    tool = {"name": "search", "description": "find", "parameters": {"type": "object"}}
    request = Request(
        "chat",
        "fake/m",
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image", "data": "A" * 500}]},
            {"role": "assistant", "content": None, "tool_calls": [{"name": "search", "arguments": {"q": "x"}}]},
        ],
        schema=Schema({"title": "Found", "type": "object", "properties": {"a": {}, "b": {}}}),
        tools=[tool],
        options={"temperature": 0, "stop": ["\n"]},
    )
    lines = shown(request, "reply", Reply(text='{"a":1}', reasoning="hm", cost=None).to_dict())
    assert lines[:4] == [
        "=== line 2: fake/m (outside any run, draw 1)",
        'options: temperature=0, stop=["\\n"]',
        "schema: Found {a, b}",
        "tools: search",
    ]
    assert lines[4:7] == ["--- user", "  look", "  [image, 375 bytes, 23790b6edf97]"]
    assert lines[7:9] == ["--- assistant", '  calls search({"q":"x"})']
    assert lines[9:] == ["--- reasoning", "  hm", "--- answer (?)", "  {", '    "a": 1', "  }"]


def test_tool_calls_refusals_and_odd_endings_are_answers_too() -> None:
    request = Request("chat", "fake/m", messages=[{"role": "user", "content": "go"}])
    reply = Reply(
        tool_calls=({"id": "1", "name": "run", "arguments": {"n": 2}},),
        refusal="not that",
        finish="length",
        attempts=2,
        cost=Decimal("0.5"),
    )
    lines = shown(request, "reply", reply.to_dict())
    assert lines[-3:] == [
        "--- answer ($0.5000, finish: length, 2 attempts)",
        '  calls run({"n":2})',
        "  refused: not that",
    ]
    assert shown(request, "reply", Reply().to_dict())[-1] == "  (no text)"


def test_a_failure_shows_the_error_and_the_answer_that_was_paid_for() -> None:
    request = Request("chat", "fake/m", messages=[{"role": "user", "content": "go"}])
    lines = shown(request, "error", error_to_dict(BadReply("no JSON", reply=Reply(text="oh well"))))
    assert lines[-4:] == [
        "--- failed: BadReply (1 attempt)",
        "  no JSON",
        "--- the answer that could not be used",
        "  oh well",
    ]
