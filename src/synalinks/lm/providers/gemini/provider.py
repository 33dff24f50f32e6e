"""The Gemini provider: Google's own API, for chat and embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from synalinks.errors import LMError
from synalinks.lm.core.call import Call, Delta, Reply, Request, Sink
from synalinks.lm.providers.common.remote import Remote
from synalinks.lm.providers.gemini.requests import chat_payload, embed_payloads, model_path
from synalinks.lm.providers.gemini.responses import Assembly, chat_reply, embed_reply, error_of

#: The version of the API; `v1` knows neither schemas nor thinking.
API_VERSION = "v1beta"


class GeminiProvider(Remote):
    """Answers calls from the Gemini API. One call is one HTTP request, but for embeddings of more than 100 texts. The
    API's version at the end of its address may be there or not. Arguments: see `Remote`.
    """

    name = "gemini"
    title = "Gemini"
    key_header = "x-goog-api-key"  # never in the URL

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str) -> LMError:
        return error_of(status, body, headers, begin)

    async def __call__(self, call: Call, /) -> Reply:
        request = call.request
        if request.kind == "embed":
            return await self._embed(call)
        payload = chat_payload(request, call.output_cap)
        if call.sink is not None:
            return await self._stream(payload, call, call.sink)
        body = await self.post(self._path(request, "generateContent"), payload, call)
        return chat_reply(body, request)

    def _path(self, request: Request, method: str) -> str:
        has_version = self.endpoint.rpartition("/")[2] in ("v1", "v1beta", "v1alpha")
        root = "" if has_version else f"/{API_VERSION}"
        return f"{root}/{quote(model_path(request))}:{method}"

    async def _embed(self, call: Call) -> Reply:
        request = call.request
        path = self._path(request, "batchEmbedContents")
        bodies: list[dict[str, Any]] = []
        for payload in embed_payloads(request):
            try:
                bodies.append(await self.post(path, payload, call))
            except LMError as error:
                error.uncertain = error.uncertain or bool(bodies)  # the texts before are paid for
                raise
        return embed_reply(bodies, request.model.partition("/")[2])

    async def _stream(self, payload: Mapping[str, Any], call: Call, sink: Sink) -> Reply:
        request = call.request
        chunks: list[Delta] = []
        parts = Assembly(request)
        path = self._path(request, "streamGenerateContent") + "?alt=sse"
        async with aclosing(self.stream(path, payload, call)) as pieces:
            async for data in pieces:
                piece = self.parsed(data)
                if "error" in piece:
                    code = (piece["error"] or {}).get("code") or 500
                    raise self.late(int(code), piece, request.model)
                delta = parts.add(piece)
                if delta is not None:
                    chunks.append(delta)
                    sink(delta)
        if not parts.whole:
            raise self.broken_off()
        return chat_reply(parts.body(), request, tuple(chunks))
