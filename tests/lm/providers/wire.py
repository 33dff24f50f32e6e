"""Recordings of real servers, played back as an httpx transport; tests skip where they are not at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]


def folder(name: str) -> Path:
    """A folder of recordings, or a skip that says what is missing."""
    shared = Path(os.environ.get("SYNALINKS_SHARED") or ROOT.parent / "shared")
    found = shared / "wire" / name
    if not found.is_dir():
        pytest.skip(f"no recordings in {found}; set SYNALINKS_SHARED to the folder that holds wire/")
    return found


@dataclass(frozen=True)
class Exchange:
    """One request that was sent to a real server, and the answer as it came."""

    path: str
    body: Any
    status: int
    headers: dict[str, str]
    chunks: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.text.splitlines()]


@cache
def ollama(name: str) -> Exchange:
    """A recording of the local Ollama server."""
    value = json.loads((folder("ollama-local") / f"{name}.json").read_text())
    request, response = value["request"], value["response"]
    try:
        body = json.loads(request["body"] or "null")
    except ValueError:
        body = request["body"]
    kept = {key.lower(): text for key, text in response["headers"] if key.lower() == "content-type"}
    chunks = tuple(chunk for _, chunk in response["chunks"])
    return Exchange(request["path"], body, response["status"], kept, chunks)


class _Chunks(httpx.AsyncByteStream):
    def __init__(self, chunks: tuple[str, ...], fault: Exception | None = None) -> None:
        self._chunks, self._fault = chunks, fault

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        for chunk in self._chunks:
            yield chunk.encode()
        if self._fault is not None:
            raise self._fault


def transport(
    exchange: Exchange, seen: list[httpx.Request] | None = None, fault: Exception | None = None
) -> httpx.MockTransport:
    """A transport that answers every request with this recording, in the chunks it came in."""

    async def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=_Chunks(exchange.chunks, fault))

    return httpx.MockTransport(answer)


def answering(
    status: int, body: str, headers: dict[str, str] | None = None, fault: Exception | None = None
) -> httpx.MockTransport:
    """A transport that always gives this response."""
    return transport(Exchange("", None, status, headers or {}, (body,) if body else ()), fault=fault)


def failing(make: Callable[[], Exception]) -> httpx.MockTransport:
    """A transport on which every request fails."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise make()

    return httpx.MockTransport(answer)


def names(prefix: str) -> Iterator[str]:
    """Names of the local recordings that begin with `prefix`."""
    yield from (path.stem for path in sorted(folder("ollama-local").glob(f"{prefix}*.json")))
