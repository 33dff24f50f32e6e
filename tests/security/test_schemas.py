"""A schema fetches nothing, over the network or from the disk, wherever it comes from."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.lm.core.request import Schema
from synalinks.lm.providers.fake.scripted import ScriptedProvider

CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


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
