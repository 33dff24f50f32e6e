"""Requests: immutable in fact, with one identity; schemas refer to themselves only."""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.lm import Call, Client, Reply, Request
from synalinks.lm.core.request import Schema, schema_of


def parts() -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        "tools": [{"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}],
        "options": {"stop": ["a"], "extra_body": {"x": {"y": [1, {"z": 2}]}}},
    }


def spoil(value: Any) -> None:
    """Change everything that can be changed in a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["changed"] = True
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("changed")


def test_later_changes_of_what_was_given_change_nothing(tmp_path: Path) -> None:
    given, clean = parts(), Request("chat", "ollama/m", **parts())
    request = Request("chat", "ollama/m", **given)
    for value in given.values():
        spoil(value)
    assert request.to_dict() == clean.to_dict() and request.digest == clean.digest
    sent: list[Request] = []

    async def provider(call: Call) -> Reply:
        sent.append(call.request)
        return Reply(text="x")

    path = tmp_path / "c.jsonl"
    with synalinks.use_provider(provider), synalinks.use_cassette(path):
        asyncio.run(Client("ollama/m").send(request))
    assert sent[0].to_dict() == clean.to_dict()
    row = json.loads(path.read_text(encoding="utf-8").split("\n")[1])
    assert row["request"] == clean.to_dict() and row["digest"] == clean.digest


def test_changes_while_a_call_is_in_flight_change_nothing() -> None:
    given = parts()
    seen: list[Any] = []

    async def provider(call: Call) -> Reply:
        await asyncio.sleep(0)
        seen.append(copy.deepcopy(call.request.to_dict()))
        return Reply(text="x")

    async def main() -> None:
        task = asyncio.ensure_future(Client("ollama/m").send(Request("chat", "ollama/m", **given)))
        await asyncio.sleep(0)
        for value in given.values():
            spoil(value)
        await task

    with synalinks.use_provider(provider):
        asyncio.run(main())
    assert seen == [Request("chat", "ollama/m", **parts()).to_dict()]


@pytest.mark.parametrize("name", ["model", "messages", "options", "_digest", "new"])
def test_attributes_are_not_set_or_deleted(name: str) -> None:
    request = Request("chat", "ollama/m", **parts())
    with pytest.raises(AttributeError, match="immutable"):
        setattr(request, name, "x")
    with pytest.raises(AttributeError, match="immutable"):
        delattr(request, name)


def test_values_that_are_no_plain_json_are_written_as_they_are_sent() -> None:
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "x", "at": moment}])
    assert request.messages[0]["at"] == "2026-01-02T00:00:00+00:00"
    big = Request("chat", "ollama/m", messages=[{"role": "user", "content": "x", "n": 2**70}])
    assert big.messages[0]["n"] == 2**70
    with pytest.raises(ConfigurationError, match="not a JSON value"):
        Request("chat", "ollama/m", messages=[{"role": "user", "content": object()}])


def test_a_schema_may_be_a_dict_and_is_copied_too() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
    request = Request("chat", "ollama/m", schema=schema)
    assert request == Request("chat", "ollama/m", schema=schema_of(schema))
    schema["properties"]["b"] = {}
    assert "b" not in request.to_dict()["schema"]["properties"]


def test_requests_are_copied_and_pickled() -> None:
    request = Request("chat", "ollama/m", schema=schema_of({"type": "object"}), **parts())
    assert copy.deepcopy(request) is request
    assert pickle.loads(pickle.dumps(request)) == request


def test_extra_body_is_part_of_the_identity() -> None:
    one, other = (Request("chat", "ollama/m", options={"extra_body": {"x": x}}) for x in (1, 2))
    assert one != other


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/secret", "file:///etc/hostname", "other.json"])
def test_a_schema_refers_to_itself_only(reference: str) -> None:
    for schema in (
        {"$ref": reference},
        {"properties": {"a": {"$ref": reference}}},
        {"$defs": {"b": {"$ref": reference}}, "$ref": "#/$defs/b"},
    ):
        with pytest.raises(ConfigurationError, match="not a valid JSON schema") as caught:
            Schema(schema).problem({"a": 1})
        assert "\n" not in str(caught.value)
    assert Schema({"$ref": "#/$defs/b", "$defs": {"b": {"type": "string"}}}).problem(1) is not None
