"""The Cohere provider: version 2 of Cohere's API, for chat and embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.core.errors import LMError
from synalinks.lm.providers.cohere.requests import chat_payload, embed_payloads, model_name
from synalinks.lm.providers.cohere.responses import Assembly, chat_reply, embed_reply
from synalinks.lm.providers.common.remote import QUOTE, Remote
from synalinks.lm.providers.common.shape import text
from synalinks.lm.providers.transport.status import error_for


class CohereProvider(Remote):
    """Answers calls from Cohere's API. One call is one HTTP request, but for embeddings of more than 96 texts.
    Arguments: see `Remote`.
    """

    name = "cohere"
    title = "Cohere"

    def chat(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        stream = call.sink is not None
        return self._path("chat"), chat_payload(call.request, stream=stream, output_cap=call.output_cap)

    async def embed(self, call: Call) -> Reply:
        bodies = await self.post_each(self._path("embed"), embed_payloads(call.request), call)
        return self.read(embed_reply, bodies, model_name(call.request))

    reply = staticmethod(chat_reply)

    def assembly(self, request: Request) -> Assembly:
        return Assembly(request)

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        said = text(body.get("message")) if isinstance(body, Mapping) else None
        words = said or str(body)[:QUOTE]
        return error_for(status, f"{begin}: {words}", headers, said=words)

    def listing(self) -> str:
        return "/v1/models?page_size=1000"

    def names_in(self, body: Mapping[str, Any]) -> list[str]:
        return [model["name"] for model in body["models"]]

    def _path(self, path: str) -> str:
        return f"/{path}" if self.endpoint.endswith("/v2") else f"/v2/{path}"
