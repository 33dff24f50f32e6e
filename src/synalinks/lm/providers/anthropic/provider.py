"""The Anthropic provider: one call is one request to the Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from synalinks.errors import LMError, RequestError
from synalinks.lm.core.call import Call, Delta, Reply, Sink
from synalinks.lm.providers.anthropic.requests import chat_payload
from synalinks.lm.providers.anthropic.responses import STATUSES, Assembly, chat_reply, error_of
from synalinks.lm.providers.common.remote import Remote

#: The version of the API asked for; the one that the recordings and the reference speak.
API_VERSION = "2023-06-01"


class AnthropicProvider(Remote):
    """Answers chat calls from Anthropic's API; it has no embeddings. `/v1` at the end of its address may be there or
    not. Arguments: see `Remote`.
    """

    name = "anthropic"
    title = "Anthropic"
    key_header = "x-api-key"
    own_headers = {"anthropic-version": API_VERSION}

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str) -> LMError:
        return error_of(status, body, headers, begin)

    @property
    def _path(self) -> str:
        return "/messages" if self.endpoint.endswith("/v1") else "/v1/messages"

    async def __call__(self, call: Call, /) -> Reply:
        request = call.request
        if request.kind == "embed":
            raise RequestError(
                f"{request.model!r}: Anthropic has no embeddings; use another provider's model for them, "
                "e.g. 'ollama/all-minilm' or 'gemini/gemini-embedding-001'"
            )
        payload = chat_payload(request, call.sink is not None, call.output_cap)
        if call.sink is None:
            return chat_reply(await self.post(self._path, payload, call), request)
        return await self._stream(payload, call, call.sink)

    async def _stream(self, payload: Mapping[str, Any], call: Call, sink: Sink) -> Reply:
        request = call.request
        chunks: list[Delta] = []
        parts = Assembly(request)
        async with aclosing(self.stream(self._path, payload, call)) as events:
            async for data in events:
                event = self.parsed(data)
                if event.get("type") == "error":
                    kind = str((event.get("error") or {}).get("type"))
                    raise self.late(STATUSES.get(kind, 500), event, request.model)
                delta = parts.add(event)
                if delta is not None:
                    chunks.append(delta)
                    sink(delta)
        if not parts.whole:
            raise self.broken_off()
        return chat_reply(parts.body(), request, tuple(chunks))
