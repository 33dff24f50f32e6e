"""The Anthropic provider: one call is one request to the Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.core.errors import LMError, RequestError
from synalinks.lm.providers.anthropic.requests import chat_payload
from synalinks.lm.providers.anthropic.responses import STATUSES, Assembly, chat_reply, error_of
from synalinks.lm.providers.common.remote import Remote

#: The version of the API that requests name; the one of the recordings and the reference.
API_VERSION = "2023-06-01"


class AnthropicProvider(Remote):
    """Answers chat calls from Anthropic's API; it has no embeddings. `/v1` at the end of its address may be there or
    not. Arguments: see `Remote`.
    """

    name = "anthropic"
    title = "Anthropic"
    key_header = "x-api-key"
    own_headers = {"anthropic-version": API_VERSION}

    def listing(self) -> str:
        return self._path("models?limit=1000")

    def names_in(self, body: Mapping[str, Any]) -> list[str]:
        return [model["id"] for model in body["data"]]

    def _path(self, path: str) -> str:
        return f"/{path}" if self.endpoint.endswith("/v1") else f"/v1/{path}"

    def chat(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        return self._path("messages"), chat_payload(call.request, call.sink is not None, call.output_cap)

    async def embed(self, call: Call) -> Reply:
        raise RequestError(
            f"{call.request.model!r}: Anthropic has no embeddings; use another provider's model for them, "
            "e.g. 'ollama/all-minilm' or 'gemini/gemini-embedding-001'"
        )

    reply = staticmethod(chat_reply)

    def assembly(self, request: Request) -> Assembly:
        return Assembly(request)

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        return error_of(status, body, headers, begin)

    def status_in(self, body: Mapping[str, Any]) -> int:
        return STATUSES.get(body["error"].get("type"), 500)
