"""A schema fetches nothing, over the network or from the disk, wherever it comes from."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.lm.providers import wire

import synalinks
from synalinks.errors import ConfigurationError, LMError
from synalinks.lm.budget.schema_bound import longest
from synalinks.lm.core.call import Call
from synalinks.lm.core.request import Request, Schema
from synalinks.lm.providers import make, resolve
from synalinks.lm.providers.fake.filling import Filler
from synalinks.lm.providers.fake.scripted import ScriptedProvider

CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


def doubled(make: Callable[[dict[str, str]], dict[str, Any]], depth: int = 40) -> dict[str, Any]:
    """A schema each of whose definitions refers to the next one twice."""
    defs = {f"n{number}": make({"$ref": f"#/$defs/n{number + 1}"}) for number in range(depth)}
    defs[f"n{depth}"] = {"type": "string"}
    return {"type": "object", "properties": {"x": {"$ref": "#/$defs/n0"}}, "required": ["x"], "$defs": defs}


DOUBLED: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
    "fields": lambda it: {"type": "object", "properties": {"a": it, "b": it}, "required": ["a", "b"]},
    "optional fields": lambda it: {"type": "object", "properties": {"a": it, "b": it}},
    "items": lambda it: {"type": "array", "prefixItems": [it, it]},
    **{word: lambda it, word=word: {word: [it, it]} for word in ("anyOf", "oneOf", "allOf")},  # type: ignore[misc]
}


@pytest.mark.parametrize("kind", DOUBLED)
def test_a_schema_that_grows_without_bound_is_refused(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="more than 1,000,000 parts"):
        Schema(doubled(DOUBLED[kind]))


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o", "gemini/gemini-2.5-flash", "anthropic/claude-sonnet-4-5", "ollama/m"]
)
@pytest.mark.parametrize("kind", DOUBLED)
def test_an_admitted_one_takes_no_time(kind: str, model: str) -> None:
    schema, begun = Schema(doubled(DOUBLED[kind], 16)), time.thread_time()
    exchange = wire.Exchange("", None, 500, {}, ("{}",))
    handler = make(resolve(model)[0], api_key="x", transport=wire.transport(exchange))
    request = Request("chat", model, messages=[{"role": "user", "content": "x"}], schema=schema)
    with pytest.raises(LMError):
        asyncio.run(handler(Call(request)))
    assert longest(schema) is None and schema.problem({"x": 5}) is not None
    with suppress(ConfigurationError):
        Filler(schema.value, lambda path, kind: None, lambda label: 0.5).fill()
    assert time.thread_time() - begun < 5


def twice(word: str, reference: dict[str, str], name: str = "n") -> dict[str, Any]:
    """A schema that leads to itself in two ways at the same field."""
    return {word: [{"properties": {name: reference}}, {"properties": {name: reference}}]}


HERE = {"$ref": "#"}
TWICE: dict[str, dict[str, Any]] = {
    **{word: {"type": "object", **twice(word, HERE)} for word in ("allOf", "anyOf", "oneOf")},
    "pattern": {"properties": {"n": HERE}, "patternProperties": {"n": HERE}},
    "condition": {"if": twice("allOf", HERE), "then": twice("allOf", HERE)},
    "anchor": {"$anchor": "x", **twice("allOf", {"$ref": "#x"})},
    "dynamic": {"$dynamicAnchor": "x", **twice("allOf", {"$dynamicRef": "#x"})},
    "address": {"$id": "urn:x", **twice("allOf", {"$ref": "urn:x"})},
    "definition": {**twice("allOf", {"$ref": "#/$defs/x"}), "$defs": {"x": twice("allOf", {"$ref": "#/$defs/x"})}},
}


@pytest.mark.parametrize("kind", TWICE)
def test_a_value_that_is_validated_twice_a_level_is_refused_when_it_is_deep(kind: str) -> None:
    def nested(depth: int) -> Any:
        return {"n": nested(depth - 1)} if depth else {}

    schema, begun = Schema(TWICE[kind]), time.thread_time()
    assert "nested too deeply" not in (schema.problem(nested(6)) or "")
    assert "leads to itself" in (schema.problem(nested(150)) or "")
    assert time.thread_time() - begun < 1


def test_a_tree_with_many_kinds_of_nodes_may_be_deep() -> None:
    kinds = ("add", "subtract", "multiply", "divide")
    of = {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in (*kinds, "number")]}
    defs: dict[str, Any] = {
        kind: {"properties": {"kind": {"const": kind}, "left": of, "right": of}, "required": ["kind", "left", "right"]}
        for kind in kinds
    }
    defs["number"] = {"properties": {"number": {"type": "number"}}, "required": ["number"]}
    value: dict[str, Any] = {"number": 1}
    for level in range(90):
        value = {"kind": kinds[level % 4], "left": value, "right": {"number": 2}}
    assert Schema({**of, "$defs": defs}).problem(value) is None


def test_a_value_of_no_size_is_not_made() -> None:
    both = {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]}
    with pytest.raises(ConfigurationError, match="more than 100,000 parts"):
        Filler(both, lambda path, kind: None, lambda label: 0.5).fill()
    assert Filler({"allOf": [{"$ref": "#"}], "type": "object"}, lambda path, kind: None, lambda label: 0.5).fill() == {}


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server on loopback, and what it was sent."""
    seen: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(5)

    def serve() -> None:
        try:
            while True:
                peer, _ = server.accept()
                with peer:
                    seen.append(peer.recv(1000))
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/schema", seen
    server.close()
    thread.join(10)


def schemas(reference: str) -> list[dict[str, Any]]:
    return [
        {"$ref": reference},
        {"type": "object", "properties": {"a": {"$ref": reference}}},
        {"allOf": [{"$ref": f"{reference}#/$defs/x"}]},
        {"$id": reference, "$ref": "other"},
        {"$schema": reference, "type": "object"},
        {"$dynamicRef": reference},
    ]


def test_no_address_is_asked(listener: tuple[str, list[bytes]]) -> None:
    address, seen = listener
    for schema in schemas(address):
        with pytest.raises(ConfigurationError, match="not a valid JSON schema"):
            Schema(schema).problem({})
        with synalinks.use_provider(ScriptedProvider(["{}"])), pytest.raises(ConfigurationError):
            asyncio.run(synalinks.LanguageModel("scripted/m")(CHAT, schema=schema))
    assert seen == []


def test_no_file_is_read_and_none_is_shown(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"type": "string", "title": "hunter2"}', encoding="utf-8")
    for schema in schemas((tmp_path / "secret.json").as_uri()):
        with pytest.raises(ConfigurationError) as caught:
            Schema(schema).problem({"a": 1})
        assert "hunter2" not in str(caught.value) and "hunter2" not in str(caught.value.__cause__)
