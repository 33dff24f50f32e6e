"""What may have been billed is uncertain in every dialect: gateways that give up, connections that break off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.lm.providers import wire

from synalinks.errors import LMError
from synalinks.lm import Call, Request
from synalinks.lm.core.request import Schema
from synalinks.lm.providers import make, registry, resolve

MODELS = [*(f"{spec.prefix}/m" for spec in registry.SPECS if spec.prefix != "scripted"), "openai/responses/m"]
STATUSES = (408, 460, 499, 502, 504, 520, 524, 598)
BODIES = ('{"error":{"message":"gateway"}}', "<html>gateway</html>", "", "null")
ENDS: list[Callable[[], Exception]] = [
    lambda: httpx.ReadError("reset"),
    lambda: httpx.WriteError("reset"),
    lambda: httpx.RemoteProtocolError("disconnected"),
    lambda: httpx.ReadTimeout("slow"),
    lambda: httpx.DecodingError("gzip"),
]
OBJECT = {
    "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False,
}  # fmt: skip


def requests(model: str) -> dict[str, Request]:
    messages = [{"role": "user", "content": "x"}]
    found = {"chat": Request("chat", model, messages=messages), "stream": Request("chat", model, messages=messages)}
    found["schema"] = Request("chat", model, messages=messages, schema=Schema(OBJECT))
    if model not in ("anthropic/m", "openai/responses/m"):
        found["embed"] = Request("embed", model, texts=["x"])
    return found


@pytest.mark.parametrize("model", MODELS)
def test_what_may_have_been_billed_is_uncertain(model: str) -> None:
    ends: list[Any] = [wire.answering(status, body) for status in STATUSES for body in BODIES]
    ends += [wire.failing(end) for end in ENDS]
    ends += [wire.answering(200, body) for body in ('{"id": "x", "cho', "", "<html>")]

    async def run(request: Request, kind: str) -> None:
        sink = (lambda delta: None) if kind == "stream" else None
        for end in ends:
            handler = make(resolve(model)[0], "http://127.0.0.1:9", api_key="x", transport=end)
            with pytest.raises(LMError) as caught:
                await handler(Call(request, sink=sink))
            assert caught.value.uncertain, (kind, str(caught.value))

    for kind, request in requests(model).items():
        asyncio.run(run(request, kind))
