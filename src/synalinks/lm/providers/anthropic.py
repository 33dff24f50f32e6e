"""The Anthropic provider: one call is one request to the Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from synalinks.errors import RequestError
from synalinks.lm.providers.anthropic_dialect import chat_payload
from synalinks.lm.providers.anthropic_reply import STATUSES, Assembly, chat_reply, error_of
from synalinks.lm.providers.remote import Remote
from synalinks.lm.types import Call, Delta, Reply, Request, Sink

#: The version of the API asked for; the one that the recordings and the reference speak.
API_VERSION = "2023-06-01"
KEY_ENV = ("ANTHROPIC_API_KEY",)


class AnthropicProvider:
    """Answers chat calls from Anthropic's API; it has no embeddings.

    Args:
        endpoint: URL of the server; `/v1` at its end may be there or not.
        api_key: sent as `x-api-key`.
        auth: user and password for basic authentication.
        timeout: seconds a single read or write may take; the retry layer limits whole attempts.
        headers: further headers of every request, e.g. `anthropic-beta`.
        transport: an httpx transport to use in place of the network.
    """

    name = "anthropic"

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Any = None,
    ) -> None:
        self.endpoint = endpoint
        self._path = "/messages" if endpoint.endswith("/v1") else "/v1/messages"
        self._remote = Remote(
            endpoint,
            key_header="x-api-key",
            key=api_key,
            key_env=KEY_ENV,
            failure=error_of,
            headers={"anthropic-version": API_VERSION, **(headers or {})},
            auth=auth,
            timeout=timeout,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        await self._remote.close()

    async def __call__(self, call: Call, /) -> Reply:
        request = call.request
        if request.kind == "embed":
            raise RequestError(
                f"{request.model!r}: Anthropic has no embeddings; use another provider's model for them, "
                "e.g. 'ollama/all-minilm' or 'gemini/gemini-embedding-001'"
            )
        payload = chat_payload(request, call.sink is not None, call.output_cap)
        if call.sink is None:
            return chat_reply(await self._remote.post(self._path, payload, request.model), request)
        return await self._stream(payload, request, call.sink)

    async def _stream(self, payload: Mapping[str, Any], request: Request, sink: Sink) -> Reply:
        chunks: list[Delta] = []
        parts = Assembly(request)
        async with aclosing(self._remote.stream(self._path, payload, request.model)) as events:
            async for event in events:
                if event.get("type") == "error":
                    kind = str((event.get("error") or {}).get("type"))
                    raise self._remote.late(STATUSES.get(kind, 500), event, request.model)
                delta = parts.add(event)
                if delta is not None:
                    chunks.append(delta)
                    sink(delta)
        if not parts.whole:
            raise self._remote.broken_off()
        return chat_reply(parts.body(), request, tuple(chunks))
