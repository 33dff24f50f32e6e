"""The provider for OpenAI and whatever speaks its chat completions: one call is one HTTP request over httpx."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from synalinks import _json
from synalinks.errors import AuthenticationError, ConfigurationError, LMError, ModelNotFound
from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.providers.common.remote import Remote
from synalinks.lm.providers.openai import variants as variants
from synalinks.lm.providers.openai.errors import complaint, error_of
from synalinks.lm.providers.openai.requests import chat_payload, embed_payload, model_name
from synalinks.lm.providers.openai.responses import chat_reply, cost, embed_reply, said_usage, usage
from synalinks.lm.providers.openai.stream import Assembly
from synalinks.lm.providers.openai.variants import Variant

OPENAI_HOST = "api.openai.com"
#: The last version of Azure's API that is named by date and generally available; its "v1" API needs none.
AZURE_VERSION = "2024-10-21"
#: The version of Azure's API for models that are not OpenAI's, behind `/models`.
AZURE_MODELS_VERSION = "2024-05-01-preview"


class OpenAIProvider(Remote):
    """Answers calls from a server that speaks OpenAI's chat completions.

    Args:
        variant: whose.
        endpoint: URL of the server, up to and including `/v1` or what stands in its place.
        **settings: see `Remote`.
    """

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
        self.keyless = self._spec.local or bool(self._spec.endpoint and endpoint != self._spec.endpoint)

    async def __call__(self, call: Call, /) -> Reply:
        request, variant = call.request, self.variant
        if not self.endpoint.startswith("http"):
            raise ConfigurationError(
                f"{request.model!r}: {self.title} has no common address; give "
                f"api_base='https://RESOURCE.openai.azure.com' or set {' or '.join(self._spec.base_env)}"
            )
        if request.kind == "embed":
            body = await self._post("embeddings", embed_payload(request, variant), call)
            return self._understood(embed_reply, body, variant)
        payload = chat_payload(request, variant, stream=call.sink is not None, output_cap=call.output_cap)
        if call.sink is None:
            return self._whole(await self._post("chat/completions", payload, call), request)
        return await self._stream(payload, call)

    def _path(self, path: str, request: Request) -> str:
        if self.variant.name != "azure":
            return f"{self._root}/{path}"
        return self._root + azure_path(urlsplit(self.endpoint).path, path, model_name(request), request.options)

    async def _post(self, path: str, payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """The body of an answer of status 200. It may still tell of an error, at its top or in its choice."""
        body = await self.post(self._path(path, call.request), payload, call)
        if (told := told_error(body)) is not None:
            so_far = Reply(usage=usage(said_usage(body)), cost=cost(body, self.variant), model=body.get("model"))
            raise self._broken_down(told, call.request, so_far)
        return body

    def _whole(self, body: Mapping[str, Any], request: Request) -> Reply:
        return self._understood(chat_reply, body, request, self.variant)

    def _understood(self, translate: Any, body: Mapping[str, Any], *more: Any) -> Reply:
        try:
            reply: Reply = translate(body, *more)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise self.unreadable(_json.dumps(body), f"{type(error).__name__}: {error}") from error
        return reply

    async def _stream(self, payload: Mapping[str, Any], call: Call) -> Reply:
        """The reply to a streamed call, its pieces given to the call's sink as they come."""
        request, sink = call.request, call.sink
        assert sink is not None
        answer = Assembly(request, self.variant)
        done = False
        path = self._path("chat/completions", request)
        async with aclosing(self.stream(path, payload, call)) as stream:
            async for data in stream:
                if data == "[DONE]":
                    done = True
                    break
                chunk = self._chunk(data, answer, request)
                if (piece := self._read_piece(answer, chunk)) is not None:
                    sink(piece)
        if (piece := answer.end()) is not None:
            sink(piece)
        if not done and answer.finish is None:
            raise self.broken_off()
        return self._understood(chat_reply, answer.body(), request, self.variant, tuple(answer.pieces))

    def _chunk(self, data: str, answer: Assembly, request: Request) -> dict[str, Any]:
        chunk = self.parsed(data)
        if (told := told_error(chunk)) is not None:
            so_far = {**answer.body(), **({"usage": chunk["usage"]} if chunk.get("usage") else {})}
            raise self._broken_down(told, request, self._as_far_as(so_far, request, answer))
        return chunk

    def _as_far_as(self, body: Mapping[str, Any], request: Request, answer: Assembly) -> Reply:
        """What had come of an answer that broke off; calls of tools are left out, they may be torn."""
        choice = body["choices"][0]
        message = {**choice["message"], "tool_calls": ()}
        finish = None if choice["finish_reason"] == "error" else choice["finish_reason"]
        whole = {**body, "choices": [{**choice, "message": message, "finish_reason": finish}]}
        return self._understood(chat_reply, whole, request, self.variant, tuple(answer.pieces))

    def _read_piece(self, answer: Assembly, chunk: Mapping[str, Any]) -> Any:
        try:
            return answer.add(chunk)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise self.unreadable(_json.dumps(chunk), f"{type(error).__name__}: {error}") from error

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str) -> LMError:
        said = complaint(body)
        message = f"{begin}: {said.words}"
        error = error_of(status, message, said, headers, now=time.time())
        if isinstance(error, AuthenticationError):
            names = " or ".join(self._spec.key_env) or "api_key=..."
            error.args = (f"{message}. The key comes from {names}",)
        elif status in (404, 405) and not said.told and not isinstance(error, ModelNotFound):
            error.args = (f"{message}. api_base is the address up to and including /v1",)
        return error

    def _broken_down(self, error: Any, request: Request, so_far: Reply) -> LMError:
        """An error told inside an answer that had begun with status 200."""
        said = complaint(self.hidden({"error": error}))
        message = f"{self.endpoint} broke off its answer for {request.model!r}: {said.words}"
        return error_of(said.status or 502, message, said, now=time.time(), partial=so_far)


def told_error(body: Mapping[str, Any]) -> Any:
    """The error in a body or chunk of status 200: at its top, or in its choice (OpenRouter); else None."""
    if body.get("error"):
        return body["error"]
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return (first.get("error") or None) if isinstance(first, Mapping) else None


def azure_path(root: str, path: str, deployment: str, options: Mapping[str, Any]) -> str:
    """The rest of the URL of a call to Azure, behind the address given.

    A resource's own address leads to its deployments; one that ends in `/openai/v1` is the API without versions,
    and one that ends in `/models` the API for models that are not OpenAI's: both take the model from the body.

    Args:
        root: the path of the address given.
        path: `chat/completions` or `embeddings`.
        deployment: the name after `azure/`.
        options: may hold `api_version`; else AZURE_API_VERSION or OPENAI_API_VERSION, else the default.
    """
    root = root.rstrip("/")
    version = options.get("api_version") or os.environ.get("AZURE_API_VERSION") or os.environ.get("OPENAI_API_VERSION")
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
