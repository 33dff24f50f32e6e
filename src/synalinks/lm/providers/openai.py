"""The provider for OpenAI and whatever speaks its chat completions: one call is one HTTP request over httpx."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from synalinks import _json
from synalinks.errors import (
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    ConnectionFailed,
    LMError,
    ModelNotFound,
    ServerError,
    SynalinksError,
)
from synalinks.lm import providers
from synalinks.lm.providers import openai_flavours as flavours
from synalinks.lm.providers.http import PerLoop, connection_limits, is_loopback, timeouts, transport_for
from synalinks.lm.providers.openai_dialect import chat_payload, embed_payload, model_name
from synalinks.lm.providers.openai_errors import complaint, error_of
from synalinks.lm.providers.openai_flavours import Flavour
from synalinks.lm.providers.openai_reply import chat_reply, cost, embed_reply, said_usage, usage
from synalinks.lm.providers.openai_stream import Assembly
from synalinks.lm.providers.sse import events
from synalinks.lm.types import Call, Reply, Request

if TYPE_CHECKING:
    import httpx

OPENAI_HOST = "api.openai.com"
#: The last version of Azure's API that is named by date and generally available; its "v1" API needs none.
AZURE_VERSION = "2024-10-21"
#: The version of Azure's API for models that are not OpenAI's, behind `/models`.
AZURE_MODELS_VERSION = "2024-05-01-preview"
#: Characters of an unreadable answer that a message quotes.
QUOTE = 200
JSON = {"Content-Type": "application/json"}


class OpenAIProvider:
    """Answers calls from a server that speaks OpenAI's chat completions.

    Args:
        flavour: whose.
        endpoint: URL of the server, up to and including `/v1` or what stands in its place.
        api_key: the key; without one, calls to a provider that needs it fail.
        auth: user and password for basic authentication, in place of a key.
        timeout: seconds a single read or write may take; the retry layer limits whole attempts.
        headers: further headers of every request.
        transport: an httpx transport to use in place of the network.
    """

    def __init__(
        self,
        flavour: Flavour,
        endpoint: str,
        *,
        api_key: str | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Any = None,
    ) -> None:
        self.name = flavour.name
        self.endpoint = endpoint
        parts = urlsplit(endpoint)
        elsewhere = flavour is flavours.OPENAI and parts.hostname != OPENAI_HOST
        self.flavour = flavours.COMPATIBLE if elsewhere else flavour
        self._root = endpoint if parts.path.strip("/") else endpoint + flavour.root
        self._key = api_key
        self._auth = auth
        self._timeout = timeout
        self._transport = transport
        self._headers = {**JSON, **(headers or {})}
        if api_key and not auth:
            header = flavour.key_header
            self._headers.setdefault(header or "Authorization", api_key if header else f"Bearer {api_key}")
        self._spec = spec = providers.resolve(f"{flavour.name}/m")[0]
        # A server of one's own may do without a key; a provider's may not.
        self._admitted = bool(api_key or auth or spec.local or (spec.endpoint and endpoint != spec.endpoint))
        self._clients: PerLoop[_Client] = PerLoop(self._connect)

    def _connect(self) -> _Client:
        import httpx  # 80 ms, not needed to replay

        return _Client(
            httpx.AsyncClient(
                headers=self._headers,
                auth=self._auth,
                timeout=timeouts(self._timeout),
                limits=connection_limits(),
                trust_env=not is_loopback(self.endpoint),
                follow_redirects=True,
                transport=transport_for(self.endpoint, self._transport),
            )
        )

    async def close(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        await self._clients.close()

    async def __call__(self, call: Call, /) -> Reply:
        request, flavour = call.request, self.flavour
        self._check_access(request)
        if request.kind == "embed":
            body = await self._post("embeddings", embed_payload(request, flavour), request)
            return self._read(embed_reply, body, flavour)
        payload = chat_payload(request, flavour, stream=call.sink is not None, output_cap=call.output_cap)
        if call.sink is None:
            return self._whole(await self._post("chat/completions", payload, request), request)
        return await self._stream(payload, call)

    def _check_access(self, request: Request) -> None:
        """Refuse to send what can only fail for want of an address or a key."""
        spec = self._spec
        if not self._root.startswith("http"):
            raise ConfigurationError(
                f"{request.model!r}: {self.flavour.title} has no common address; give "
                f"api_base='https://RESOURCE.openai.azure.com' or set {' or '.join(spec.base_env)}"
            )
        if not self._admitted:
            raise AuthenticationError(
                f"{request.model!r}: no key for {self.flavour.title}. Set {' or '.join(spec.key_env)}, or replay a "
                "cassette, which needs none: use_cassette(path), or `synalinks run SCRIPT --cassette FILE`"
            )

    def _url(self, path: str, request: Request) -> str:
        if self.flavour.name != "azure":
            return f"{self._root}/{path}"
        return self._root + azure_path(urlsplit(self.endpoint).path, path, model_name(request), request.options)

    async def _post(self, path: str, payload: Mapping[str, Any], request: Request) -> dict[str, Any]:
        async with self._translating(request):
            client = (await self._clients.get()).http
            content = _json.dumps(payload).encode()
            response = await client.post(self._url(path, request), content=content)
        if response.status_code != 200:
            raise self._refused(response.status_code, response.text, response.headers, request)
        return self._parsed(response.content, request)

    def _parsed(self, content: bytes | str, request: Request) -> dict[str, Any]:
        """The body of an answer of status 200. It may still tell of an error, at its top or in its choice."""
        try:
            body = _json.loads(content)
        except _json.JSONDecodeError as error:
            raise self._unreadable(content, error) from error
        if not isinstance(body, dict):
            raise self._unreadable(content, "not an object")
        if (told := told_error(body)) is not None:
            so_far = Reply(usage=usage(said_usage(body)), cost=cost(body, self.flavour), model=body.get("model"))
            raise self._late(told, request, so_far)
        return body

    def _whole(self, body: Mapping[str, Any], request: Request) -> Reply:
        return self._read(chat_reply, body, request, self.flavour)

    def _read(self, translate: Any, body: Mapping[str, Any], *more: Any) -> Reply:
        try:
            reply: Reply = translate(body, *more)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise self._unreadable(_json.dumps(body), f"{type(error).__name__}: {error}") from error
        return reply

    async def _stream(self, payload: Mapping[str, Any], call: Call) -> Reply:
        """The reply to a streamed call, its pieces given to the call's sink as they come."""
        request, sink = call.request, call.sink
        assert sink is not None
        answer = Assembly(request, self.flavour)
        done = False
        async with aclosing(self._events(payload, request)) as stream:
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
            raise ConnectionFailed(f"{self.endpoint}: the stream ended before the answer was whole", uncertain=True)
        return self._read(chat_reply, answer.body(), request, self.flavour, tuple(answer.pieces))

    def _chunk(self, data: str, answer: Assembly, request: Request) -> dict[str, Any]:
        try:
            chunk = _json.loads(data)
        except _json.JSONDecodeError as error:
            raise self._unreadable(data, error) from error
        if not isinstance(chunk, dict):
            raise self._unreadable(data, "not an object")
        if (told := told_error(chunk)) is not None:
            so_far = {**answer.body(), **({"usage": chunk["usage"]} if chunk.get("usage") else {})}
            raise self._late(told, request, self._as_far_as(so_far, request, answer))
        return chunk

    def _as_far_as(self, body: Mapping[str, Any], request: Request, answer: Assembly) -> Reply:
        """What had come of an answer that broke off; calls of tools are left out, they may be torn."""
        choice = body["choices"][0]
        message = {**choice["message"], "tool_calls": ()}
        finish = None if choice["finish_reason"] == "error" else choice["finish_reason"]
        whole = {**body, "choices": [{**choice, "message": message, "finish_reason": finish}]}
        return self._read(chat_reply, whole, request, self.flavour, tuple(answer.pieces))

    def _read_piece(self, answer: Assembly, chunk: Mapping[str, Any]) -> Any:
        try:
            return answer.add(chunk)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise self._unreadable(_json.dumps(chunk), f"{type(error).__name__}: {error}") from error

    async def _events(self, payload: Mapping[str, Any], request: Request) -> AsyncGenerator[str, None]:
        """The data of a streamed answer's events; of a server that does not stream, the whole as one chunk."""
        async with self._translating(request):
            client = (await self._clients.get()).http
            content = _json.dumps(payload).encode()
            async with client.stream("POST", self._url("chat/completions", request), content=content) as response:
                if response.status_code != 200:
                    text = (await response.aread()).decode("utf-8", "replace")
                    raise self._refused(response.status_code, text, response.headers, request)
                if response.headers.get("content-type", "").startswith("application/json"):
                    yield (await response.aread()).decode("utf-8", "replace")
                    return
                async with aclosing(events(response)) as stream:
                    async for data in stream:
                        yield data

    @asynccontextmanager
    async def _translating(self, request: Request) -> AsyncGenerator[None, None]:
        """Let errors of httpx leave as errors of our own."""
        import httpx  # 80 ms, not needed to replay

        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._translated(error, request) from error

    def _translated(self, error: Exception, request: Request) -> SynalinksError:
        import httpx  # loaded: it raised this error

        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return self._nobody(error, request)
        if isinstance(error, httpx.TimeoutException):
            return CallTimeout(
                f"{self.endpoint} sent nothing for {self._timeout} s ({type(error).__name__})", uncertain=True
            )
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return ConfigurationError(f"not a server's URL: {self.endpoint!r} ({error})")
        return ConnectionFailed(
            f"{self.endpoint}: the connection broke before the answer was whole ({error or type(error).__name__})",
            uncertain=not isinstance(error, httpx.ProxyError),
        )

    def _nobody(self, error: Exception, request: Request) -> ConnectionFailed:
        other = " or ".join(["api_base=...", *self._spec.base_env])
        return ConnectionFailed(
            f"no {self.flavour.title} server answers at {self.endpoint} ({error}) for {request.model!r}. Name another "
            f"with {other}; to run without one, replay a cassette: use_cassette(path), or "
            "`synalinks run SCRIPT --cassette FILE`"
        )

    def _refused(self, status: int, text: str, headers: Mapping[str, str], request: Request) -> LMError:
        said = complaint(text)
        message = self._without_key(f"{self.endpoint} answered {status} for {request.model!r}: {said.words}")
        error = error_of(status, message, said, headers, now=time.time())
        if isinstance(error, AuthenticationError):
            names = " or ".join(self._spec.key_env) or "api_key=..."
            error.args = (f"{message}. The key comes from {names}",)
        elif status in (404, 405) and not said.told and not isinstance(error, ModelNotFound):
            error.args = (f"{message}. api_base is the address up to and including /v1",)
        return error

    def _late(self, error: Any, request: Request, so_far: Reply) -> LMError:
        """An error told inside an answer that had begun with status 200."""
        said = complaint({"error": error})
        status = said.status or 502
        message = self._without_key(f"{self.endpoint} broke off its answer for {request.model!r}: {said.words}")
        return error_of(status, message, said, now=time.time(), partial=so_far)

    def _without_key(self, message: str) -> str:
        return message.replace(self._key, "[key]") if self._key else message

    def _unreadable(self, text: bytes | str, why: object) -> ServerError:
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return ServerError(
            f"{self.endpoint} sent an answer that is not {self.flavour.title}'s ({why}); "
            f"it begins: {self._without_key(shown[:QUOTE])!r}",
            uncertain=True,
        )


class _Client:
    """An httpx client with the name that `PerLoop` closes by."""

    __slots__ = ("http",)

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def close(self) -> None:
        await self.http.aclose()


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


openai = partial(OpenAIProvider, flavours.OPENAI)
openrouter = partial(OpenAIProvider, flavours.OPENROUTER)
groq = partial(OpenAIProvider, flavours.GROQ)
deepseek = partial(OpenAIProvider, flavours.DEEPSEEK)
together_ai = partial(OpenAIProvider, flavours.TOGETHER)
mistral = partial(OpenAIProvider, flavours.MISTRAL)
xai = partial(OpenAIProvider, flavours.XAI)
azure = partial(OpenAIProvider, flavours.AZURE)
hosted_vllm = partial(OpenAIProvider, flavours.VLLM)
llama_cpp = partial(OpenAIProvider, flavours.LLAMA_CPP)
