"""The provider for OpenAI's chat completions API and the servers that have one like it: one call is one request."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from synalinks.lm.core.call import Call, Delta, Reply, Request
from synalinks.lm.core.errors import AuthenticationError, ConfigurationError, LMError, ModelNotFound
from synalinks.lm.providers.common import streaming
from synalinks.lm.providers.common.remote import Remote
from synalinks.lm.providers.common.shape import text
from synalinks.lm.providers.openai import variants
from synalinks.lm.providers.openai.errors import error_of, parse_error_body
from synalinks.lm.providers.openai.requests import chat_payload, embed_payload, model_name
from synalinks.lm.providers.openai.responses import chat_reply, cost, embed_reply, usage, usage_of_body
from synalinks.lm.providers.openai.responses_api import (
    ResponsesAssembly,
    error_of_record,
    is_responses_model,
    responses_payload,
    responses_reply,
)
from synalinks.lm.providers.openai.stream import Assembly
from synalinks.lm.providers.openai.variants import Variant

OPENAI_HOST = "api.openai.com"
#: The last version of Azure's API that is named by date and generally available; its "v1" API needs none.
AZURE_VERSION = "2024-10-21"
#: The version of Azure's API for models that are not OpenAI's, behind `/models`.
AZURE_MODELS_VERSION = "2024-05-01-preview"


class OpenAIProvider(Remote):
    """Answers calls from a server with OpenAI's chat completions API.

    Args:
        variant: what is particular about the server's API.
        endpoint: URL of the server, up to and including `/v1` or what stands in its place.
        **settings: see `Remote`.
    """

    takes_bytes_only = frozenset({"audio"})

    def __init__(self, variant: Variant, endpoint: str, *, api_key: str | None = None, **settings: Any) -> None:
        parts = urlsplit(endpoint)
        elsewhere = variant is variants.OPENAI and parts.hostname != OPENAI_HOST
        self.variant = variants.COMPATIBLE if elsewhere else variant
        self.name, self.title = variant.name, self.variant.title
        if variant.key_header is not None:
            self.key_header = variant.key_header
        super().__init__(endpoint, api_key=api_key, **settings)
        self._root = "" if parts.path.strip("/") else variant.root
        # A server of one's own may do without a key; a provider's may not.
        self._has_props = self.variant is variants.LLAMA_CPP and self._transport is None
        self.keyless = self._spec.local or bool(self._spec.endpoint and endpoint != self._spec.endpoint)

    async def __call__(self, call: Call, /) -> Reply:
        if not self.endpoint.startswith("http"):
            raise ConfigurationError(
                f"{call.request.model!r}: {self.title} has no common address; give "
                f"api_base='https://RESOURCE.openai.azure.com' or set {' or '.join(self._spec.base_env)}"
            )
        if self._has_props:
            self._has_props = False  # looked at once, by the first call
            self.slots = slots_in(await self.look(f"{self.endpoint.removesuffix('/v1')}/props"))
        return await super().__call__(call)

    def chat(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        responses = self._through_responses(call.request)
        make, path = (responses_payload, "responses") if responses else (chat_payload, "chat/completions")
        payload = make(call.request, self.variant, stream=call.sink is not None, output_cap=call.output_cap)
        return self._path(path, call.request), payload

    def _through_responses(self, request: Request) -> bool:
        """Whether a model is called through the Responses API."""
        own_server = self.variant is variants.OPENAI or self.variant is variants.AZURE
        return is_responses_model(request.model.partition("/")[2], own_server)

    async def embed(self, call: Call) -> Reply:
        payload = embed_payload(call.request, self.variant)
        body = await self.post(self._path("embeddings", call.request), payload, call)
        return self.read(embed_reply, body, self.variant)

    def reply(self, body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
        if self._through_responses(request):
            return responses_reply(body, request, chunks)
        return chat_reply(body, request, self.variant, chunks)

    def assembly(self, request: Request) -> Assembly | ResponsesAssembly:
        return ResponsesAssembly() if self._through_responses(request) else Assembly(request, self.variant)

    def listing(self) -> str | None:
        return None if self.variant.name == "azure" else f"{self._root}/models"

    def names_in(self, body: Mapping[str, Any]) -> list[str]:
        return [model["id"] for model in body["data"]]

    def _path(self, path: str, request: Request) -> str:
        if self.variant.name != "azure":
            return f"{self._root}/{path}"
        return self._root + azure_path(urlsplit(self.endpoint).path, path, model_name(request), request.options)

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        said = parse_error_body(body)
        message = f"{begin}: {said.words}"
        error = error_of(status, message, said, headers, now=time.time())
        if isinstance(error, AuthenticationError):
            names = " or ".join(self._spec.key_env) or "api_key=..."
            error.args = (f"{message}. The key comes from {names}",)
        elif status in (404, 405) and not said.has_error and not isinstance(error, ModelNotFound):
            error.args = (f"{message}. api_base is the address up to and including /v1",)
        return error

    def failure(
        self,
        body: Mapping[str, Any],
        request: Request,
        answer: streaming.Assembly | None = None,
        pieces: streaming.Pieces | None = None,
    ) -> LMError | None:
        responses = self._through_responses(request)
        if (found := (error_of_record if responses else error_in)(body)) is None:
            return None
        said = parse_error_body({"error": found})
        message = f"{self.endpoint} broke off its answer for {request.model!r}: {said.words}"
        if responses:
            partial = Reply(usage=usage(usage_of_body(body.get("response") or body)))
        else:
            partial = self._as_far_as(body, request, answer, pieces)
        return error_of(said.status or 502, message, said, now=time.time(), partial=partial)

    def _as_far_as(
        self,
        record: Mapping[str, object],
        request: Request,
        answer: streaming.Assembly | None,
        pieces: streaming.Pieces | None,
    ) -> Reply:
        """What has come of an answer that broke off; calls of tools are left out, they may be torn."""
        if answer is None or pieces is None:
            spent, billed = usage(usage_of_body(record)), cost(record, self.variant)
            return Reply(usage=spent, cost=billed, model=text(record.get("model")))
        body = {**answer.body(), **({"usage": record["usage"]} if record.get("usage") else {})}
        choice = body["choices"][0]
        finish = None if choice["finish_reason"] == "error" else choice["finish_reason"]
        whole = {**choice, "message": {**choice["message"], "tool_calls": ()}, "finish_reason": finish}
        return chat_reply({**body, "choices": [whole]}, request, self.variant, tuple(pieces.chunks))


def slots_in(props: object) -> int | None:
    """The slots that llama.cpp's `/props` shows, or None."""
    slots = props.get("total_slots") if isinstance(props, Mapping) else None
    return slots if isinstance(slots, int) and not isinstance(slots, bool) and slots > 0 else None


def error_in(body: Mapping[str, object]) -> Any:
    """The error in a body or chunk of status 200: at its top, or in its choice (OpenRouter); else None."""
    if body.get("error"):
        return body["error"]
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return (first.get("error") or None) if isinstance(first, Mapping) else None


def azure_path(root: str, path: str, deployment: str, options: Mapping[str, object]) -> str:
    """The rest of the URL of a call to Azure, behind the address given.

    A resource's own address leads to its deployments; one that ends in `/openai/v1` is the API without versions,
    and one that ends in `/models` the API for models that are not OpenAI's: both take the model from the body.

    Args:
        root: the path of the address given.
        path: `chat/completions`, `embeddings` or `responses`, which takes the deployment from the body.
        deployment: the name after `azure/`.
        options: may hold `api_version`; else AZURE_API_VERSION or OPENAI_API_VERSION, else the default.
    """
    root = root.rstrip("/")
    version = options.get("api_version") or os.environ.get("AZURE_API_VERSION") or os.environ.get("OPENAI_API_VERSION")
    if path == "responses" and not root:
        return "/openai/v1/responses" + (f"?api-version={version}" if version else "")
    if root.endswith("/openai/v1"):
        return f"/{path}" + (f"?api-version={version}" if version else "")
    if root.endswith("/models"):
        return f"/{path}?api-version={version or AZURE_MODELS_VERSION}"
    if "/deployments/" in root:
        return f"/{path}?api-version={version or AZURE_VERSION}"
    return f"/openai/deployments/{quote(deployment, safe='')}/{path}?api-version={version or AZURE_VERSION}"


openai = partial(OpenAIProvider, variants.OPENAI)
openrouter = partial(OpenAIProvider, variants.OPENROUTER)
groq = partial(OpenAIProvider, variants.GROQ)
deepseek = partial(OpenAIProvider, variants.DEEPSEEK)
together_ai = partial(OpenAIProvider, variants.TOGETHER)
mistral = partial(OpenAIProvider, variants.MISTRAL)
xai = partial(OpenAIProvider, variants.XAI)
azure = partial(OpenAIProvider, variants.AZURE)
hosted_vllm = partial(OpenAIProvider, variants.VLLM)
llama_cpp = partial(OpenAIProvider, variants.LLAMA_CPP)
