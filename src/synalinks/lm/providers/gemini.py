"""The Gemini provider: Google's own API, for chat and embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from synalinks.errors import LMError
from synalinks.lm.providers.gemini_dialect import chat_payload, embed_payloads, model_path
from synalinks.lm.providers.gemini_reply import Assembly, chat_reply, embed_reply, error_of
from synalinks.lm.providers.remote import Remote
from synalinks.lm.types import Call, Delta, Reply, Request, Sink

#: The version of the API; `v1` knows neither schemas nor thinking.
API_VERSION = "v1beta"
KEY_ENV = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


class GeminiProvider:
    """Answers calls from the Gemini API. One call is one HTTP request, but for embeddings of more than 100 texts.

    Args:
        endpoint: URL of the server; the API's version at its end may be there or not.
        api_key: sent as `x-goog-api-key`, never in the URL.
        auth: user and password for basic authentication.
        timeout: seconds a single read or write may take; the retry layer limits whole attempts.
        headers: further headers of every request.
        transport: an httpx transport to use in place of the network.
    """

    name = "gemini"

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
        has_version = endpoint.rpartition("/")[2] in ("v1", "v1beta", "v1alpha")
        self._root = "" if has_version else f"/{API_VERSION}"
        self._remote = Remote(
            endpoint,
            key_header="x-goog-api-key",
            key=api_key,
            key_env=KEY_ENV,
            failure=error_of,
            headers=headers,
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
            return await self._embed(request)
        payload = chat_payload(request, call.output_cap)
        if call.sink is not None:
            return await self._stream(payload, request, call.sink)
        body = await self._remote.post(self._path(request, "generateContent"), payload, request.model)
        return chat_reply(body, request)

    def _path(self, request: Request, method: str) -> str:
        return f"{self._root}/{quote(model_path(request))}:{method}"

    async def _embed(self, request: Request) -> Reply:
        path = self._path(request, "batchEmbedContents")
        bodies: list[dict[str, Any]] = []
        for payload in embed_payloads(request):
            try:
                bodies.append(await self._remote.post(path, payload, request.model))
            except LMError as error:
                error.uncertain = error.uncertain or bool(bodies)  # the texts before are paid for
                raise
        return embed_reply(bodies, request.model.partition("/")[2])

    async def _stream(self, payload: Mapping[str, Any], request: Request, sink: Sink) -> Reply:
        chunks: list[Delta] = []
        parts = Assembly(request)
        path = self._path(request, "streamGenerateContent") + "?alt=sse"
        async with aclosing(self._remote.stream(path, payload, request.model)) as pieces:
            async for piece in pieces:
                if "error" in piece:
                    code = (piece["error"] or {}).get("code") or 500
                    raise self._remote.late(int(code), piece, request.model)
                delta = parts.add(piece)
                if delta is not None:
                    chunks.append(delta)
                    sink(delta)
        if not parts.whole:
            raise self._remote.broken_off()
        return chat_reply(parts.body(), request, tuple(chunks))
