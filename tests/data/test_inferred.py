"""Plain dicts as data models: what counts as one, its schema, and dicts of messages."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest

from synalinks.data import (
    ChatMessage,
    DataModel,
    as_value,
    is_record,
    is_strictly_chat_message,
    is_strictly_chat_messages,
    record,
)
from synalinks.errors import DataError


class Query(DataModel):
    query: str


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"a": 1}, True),
        ({"a": None, "b": "x"}, True),
        ({"a": Query(query="q"), "b": "x"}, True),
        ({"a": []}, True),
        ({}, False),
        ({"a": None}, False),
        ({"a": Query(query="q")}, False),
        ({"a": Query}, False),
        ({1: "x"}, False),
        ([{"a": 1}], False),
        ("a", False),
    ],
)
def test_what_is_a_record(value: Any, wanted: bool) -> None:
    assert is_record(value) is wanted


def test_the_schema_shows_the_value() -> None:
    day = datetime.date(2026, 1, 2)
    found = record({"name": "Ada", "day": day, "n": np.int64(3), "tags": ["a", 1], "in": {"x": 0.5}, "no": None})
    assert found.get_json() == {"name": "Ada", "day": "2026-01-02", "n": 3, "tags": ["a", 1], "in": {"x": 0.5}}
    fields = found.get_schema()["properties"]
    assert [fields[name].get("type") for name in fields] == ["string", "string", "integer", "array", "object", None]
    assert found.get_schema()["required"] == ["name", "day", "n", "tags", "in"] and found.no is None
    assert fields["tags"]["items"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    assert record({"a": Query(query="q"), "b": np.array([1.5])}).get_json() == {"a": {"query": "q"}, "b": [1.5]}


def test_what_has_no_json_is_named() -> None:
    with pytest.raises(DataError, match="a dict of plain JSON was expected"):
        record({"a": object()})


def test_dicts_of_messages() -> None:
    turn = {"role": "user", "content": "hi"}
    assert is_strictly_chat_message(record(turn))
    for messages in ([turn], [ChatMessage(**turn)], [turn, {"role": "assistant", "tool_calls": []}]):  # type: ignore
        assert is_strictly_chat_messages(record({"messages": messages}))
    for other in ({"role": "chief", "content": "x"}, {"role": "user"}, {**turn, "age": 3}, {"messages": ["hi"]}):
        found = record(other)
        assert not is_strictly_chat_message(found) and not is_strictly_chat_messages(found)
    with pytest.raises(DataError, match="not a ChatMessage: content"):
        record({"role": "user", "content": 3})


def test_as_value() -> None:
    assert as_value(None) is None and as_value(3) == 3 and as_value(Query) is Query
    assert as_value({"a": 1}).get_json() == {"a": 1} and as_value(Query(query="q")).get_json() == {"query": "q"}
