"""The Gemini provider: Google's own API, for chat and embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.core.errors import LMError
from synalinks.lm.providers.common.remote import Remote
from synalinks.lm.providers.common.shape import count
from synalinks.lm.providers.gemini.requests import chat_payload, embed_payloads, model_path
from synalinks.lm.providers.gemini.responses import Assembly, chat_reply, embed_reply, error_of

#: The version of the API; `v1` has neither schemas nor thinking.
API_VERSION = "v1beta"


class GeminiProvider(Remote):
    """Answers calls from the Gemini API. One call is one HTTP request, but for embeddings of more than 100 texts. The
    API's version at the end of its address may be there or not. Arguments: see `Remote`.
    """

    name = "gemini"
    title = "Gemini"
    key_header = "x-goog-api-key"  # never in the URL

    def chat(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        payload = chat_payload(call.request, call.output_cap)
        if call.sink is not None:
            return self._path(call.request, "streamGenerateContent") + "?alt=sse", payload
        return self._path(call.request, "generateContent"), payload

    async def embed(self, call: Call) -> Reply:
        request = call.request
        bodies = await self.post_each(self._path(request, "batchEmbedContents"), embed_payloads(request), call)
        return self.read(embed_reply, bodies, request.model.partition("/")[2])

    reply = staticmethod(chat_reply)

    def assembly(self, request: Request) -> Assembly:
        return Assembly(request)

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        return error_of(status, body, headers, begin)

    def status_in(self, body: Mapping[str, Any]) -> int:
        return count(body["error"].get("code")) or 500

    def listing(self) -> str:
        return f"{self._root}/models?pageSize=1000"

    def names_in(self, body: Mapping[str, Any]) -> list[str]:
        return [model["name"].removeprefix("models/") for model in body["models"]]

    @property
    def _root(self) -> str:
        has_version = self.endpoint.rpartition("/")[2] in ("v1", "v1beta", "v1alpha")
        return "" if has_version else f"/{API_VERSION}"

    def _path(self, request: Request, method: str) -> str:
        return f"{self._root}/{quote(model_path(request))}:{method}"
