"""Arguments of tool calls, in the forms in which servers and models write them."""

from __future__ import annotations

from typing import Any

import pytest

from synalinks.lm.core.call import Reply, Request
from synalinks.lm.core.errors import BadReply
from synalinks.lm.providers.common.tool_calls import ToolCalls

REQUEST = Request("chat", "openai/m", messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"x": 1}, {"x": 1}),
        ('{"x":1}', {"x": 1}),
        (' {"x": 1}\n', {"x": 1}),
        ('{"x": 1,}', {"x": 1}),
        ('"{\\"x\\": 1}"', {"x": 1}),
        ('```json\n{"x": 1}\n```', {"x": 1}),
        ('{"x":1}{"x": 1}', {"x": 1}),
        ('{"x": 123456789012345678901234567890}', {"x": 123456789012345678901234567890}),
        ('{"code": "{\\"y\\": 2}"}', {"code": '{"y": 2}'}),
        ("", {}),
        (" ", {}),
        (None, {}),
        ("null", {}),
        ([], {}),
    ],
)
def test_arguments_in_every_form_are_an_object(written: Any, read: Any) -> None:
    calls = ToolCalls(REQUEST)
    calls.add("f", written)
    assert calls.checked(Reply(finish="tool_calls")) and calls.calls[0]["arguments"] == read


@pytest.mark.parametrize("written", ["[1]", "5", "x", '{"x": 1', '{"x":1}{"x":2}', '"x"', [1], 5, "[" * 100_000])
def test_what_is_no_object_or_several_is_a_broken_answer(written: Any) -> None:
    calls = ToolCalls(REQUEST)
    calls.add("f", written)
    with pytest.raises(BadReply, match="no JSON object"):
        calls.checked(Reply(finish="tool_calls"))
