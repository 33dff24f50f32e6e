"""The Ollama provider: one call is one HTTP request, made through the `ollama` client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from synalinks import _json
from synalinks.errors import (
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    ConnectionFailed,
    ModelNotFound,
    RequestError,
    ServerError,
    SynalinksError,
)
from synalinks.lm.core.call import Call, Delta, Reply, Request, Sink
from synalinks.lm.providers.common.rate_headers import note
from synalinks.lm.providers.ollama.requests import chat_payload, chat_reply, embed_payload, embed_reply
from synalinks.lm.providers.transport.http import (
    PerLoop,
    connection_limits,
    error_for,
    is_loopback,
    timeouts,
    transport_for,
    with_query,
)

if TYPE_CHECKING:
    import httpx
    from ollama import AsyncClient

#: The call that the running task makes.
_asking: ContextVar[Call | None] = ContextVar("synalinks_ollama_call", default=None)
#: Words in answers of status 500 that name a mistake in the request, which no retry will mend.
WRONG_PROGRAM = ("invalid format", "must be of type")
#: Characters of an unreadable answer that a message quotes.
QUOTE = 200
#: Characters of a server's own words that a message quotes.
LONG_QUOTE = 1000


class OllamaProvider:
    """Answers calls from an Ollama server.

    The client's request method is used below its typed `chat` and `embed`: those drop what they don't
    know (counts of cached tokens, ids of tool calls, empty contents) and open an image given as text as
    a file of that name.

    Args:
        endpoint: URL of the server.
        api_key: sent as a bearer token, for Ollama's cloud or a guarded server.
        auth: user and password for basic authentication.
        query: a query string that is sent with every request.
        timeout: seconds a single read or write may take; the retry layer limits whole attempts.
        headers: further headers of every request.
        transport: an httpx transport to use in place of the network.
    """

    name = "ollama"

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        auth: tuple[str, str] | None = None,
        query: str = "",
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Any = None,
    ) -> None:
        self.endpoint = endpoint
        self._auth = auth
        self._query = query
        self._timeout = timeout
        self._transport = transport
        self._headers = dict(headers or {})
        if api_key and not auth:
            self._headers.setdefault("Authorization", f"Bearer {api_key}")
        self._clients: PerLoop[AsyncClient] = PerLoop(self._connect)

    def _connect(self) -> AsyncClient:
        from ollama import AsyncClient  # with httpx and pydantic 100 ms, not needed to replay

        return AsyncClient(
            self.endpoint,
            headers=self._headers,
            auth=self._auth,
            timeout=timeouts(self._timeout),
            limits=connection_limits(),
            trust_env=not is_loopback(self.endpoint),
            transport=transport_for(self.endpoint, self._transport),
            event_hooks={"response": [_note]},
        )

    async def close(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        await self._clients.close()

    async def __call__(self, call: Call, /) -> Reply:
        _asking.set(call)
        request = call.request
        if request.kind == "embed":
            return embed_reply(await self._post("/api/embed", embed_payload(request), request))
        payload = chat_payload(request, call.sink is not None, call.output_limit)
        if call.sink is None:
            return chat_reply(await self._post("/api/chat", payload, request), request)
        return await self._stream(payload, request, call.sink)

    async def _post(self, path: str, payload: Mapping[str, Any], request: Request) -> dict[str, Any]:
        send: Callable[..., Awaitable[httpx.Response]] = (await self._clients.get())._request_raw
        content = _json.dumps(payload).encode()
        try:
            response = await send("POST", with_query(path, self._query), content=content)
        except _client_errors() as error:
            raise self._translated(error, request) from error
        try:
            body = _json.loads(response.content)
        except _json.JSONDecodeError as error:
            raise self._unreadable(response.text, error) from error
        if not isinstance(body, dict):
            raise self._unreadable(response.text, "not an object")
        if "error" in body:
            raise self._late(body["error"], request)
        return body

    async def _stream(self, payload: Mapping[str, Any], request: Request, sink: Sink) -> Reply:
        chunks: list[Delta] = []
        calls: list[Any] = []
        last: dict[str, Any] = {}
        async with aclosing(self._lines(payload, request)) as lines:
            async for last in lines:
                message = last.get("message") or {}
                calls += message.get("tool_calls") or ()
                delta = Delta(message.get("content") or "", message.get("thinking") or "")
                if delta.text or delta.reasoning:
                    chunks.append(delta)
                    sink(delta)
        if not last.get("done"):
            raise ConnectionFailed(f"{self.endpoint}: the stream ended before the answer was whole", uncertain=True)
        message = {
            "content": "".join([delta.text for delta in chunks]),
            "thinking": "".join([delta.reasoning for delta in chunks]),
            "tool_calls": calls,
        }
        return chat_reply({**last, "message": message}, request, tuple(chunks))

    async def _lines(self, payload: Mapping[str, Any], request: Request) -> AsyncGenerator[dict[str, Any], None]:
        """The objects of a streamed answer, its last one with the counters."""
        client = await self._clients.get()
        content = _json.dumps(payload).encode()
        parts = await client._request(dict, "POST", with_query("/api/chat", self._query), content=content, stream=True)
        async with aclosing(parts):  # type: ignore[type-var]  # an async generator, typed as an iterator
            while True:
                try:
                    part = await anext(parts)
                except StopAsyncIteration:
                    return
                except _client_errors() as error:
                    raise self._translated(error, request) from error
                yield part

    def _translated(self, error: Exception, request: Request) -> SynalinksError:
        """What an error of the client means, in our own tree."""
        import httpx
        import ollama  # both are loaded: one of them raised

        cause = error.__context__
        if isinstance(cause, httpx.HTTPStatusError):  # the client hides status and headers behind its own
            response = cause.response
            return self._failure(response.status_code, response.text, response.headers, request)
        if isinstance(error, ollama.ResponseError):
            return self._late(error.error, request)
        if isinstance(error, ConnectionError | httpx.ConnectError | httpx.ConnectTimeout):
            return self._nobody(error, request)
        if isinstance(error, httpx.TimeoutException):
            return CallTimeout(
                f"{self.endpoint} sent nothing for {self._timeout} s ({type(error).__name__})", uncertain=True
            )
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return ConfigurationError(f"not a server's URL: {self.endpoint!r} ({error})")
        if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.ProxyError):
            return ConnectionFailed(
                f"{self.endpoint}: the connection broke before the answer was whole ({error or type(error).__name__})",
                uncertain=True,
            )
        return self._unreadable("", f"{type(error).__name__}: {error}")

    def _nobody(self, error: Exception, request: Request) -> ConnectionFailed:
        name = request.model.partition("/")[2]
        reason = error.__context__ if isinstance(error, ConnectionError) and error.__context__ else error
        return ConnectionFailed(
            f"no Ollama server answers at {self.endpoint} ({reason}). Start it with `ollama serve` (once: "
            f"`ollama pull {name}`), or name another with api_base=... or OLLAMA_HOST; to run without one, "
            "replay a cassette: use_cassette(path), or `synalinks run SCRIPT --cassette FILE`"
        )

    def _failure(self, status: int, text: str, headers: Mapping[str, str], request: Request) -> SynalinksError:
        said = _said(text)
        message = f"{self.endpoint} answered {status} for {request.model!r}: {said}"
        if status >= 500 and any(words in said for words in WRONG_PROGRAM):
            return RequestError(message, status=status)
        error = error_for(status, message, headers, said=said)
        if isinstance(error, ModelNotFound):
            error.args = (f"{message}. Get it with `ollama pull {request.model.partition('/')[2]}`",)
        elif isinstance(error, AuthenticationError):
            error.args = (f"{message}. Set OLLAMA_API_KEY, or run `ollama signin` for cloud models",)
        elif status in (404, 405):
            error.args = (f"{message}. api_base is the server's root, e.g. http://127.0.0.1:11434",)
        return error

    def _late(self, said: object, request: Request) -> SynalinksError:
        """An error told inside an answer that had begun with status 200."""
        text = _said(said)
        message = f"{self.endpoint} broke off its answer for {request.model!r}: {text}"
        if any(words in text for words in WRONG_PROGRAM):
            return RequestError(message)
        return ServerError(message, uncertain=True)

    def _unreadable(self, text: str, why: object) -> ServerError:
        return ServerError(
            f"{self.endpoint} sent an answer that is not Ollama's ({why}); it begins: {text[:QUOTE]!r}",
            uncertain=True,
        )


async def _note(response: httpx.Response) -> None:
    """Keep what a response says of limits with the call that this task makes; the client shows no headers."""
    if (call := _asking.get()) is not None:
        note(call, response.headers)


def _client_errors() -> tuple[type[Exception], ...]:
    """All that the client raises: its own, httpx's, and what its parsing of odd bodies runs into.

    Evaluated only when something was raised.
    """
    import httpx
    import ollama  # both are loaded: one of them raised

    parsing = (ValueError, TypeError, AttributeError)
    return (ollama.ResponseError, ConnectionError, httpx.HTTPError, httpx.InvalidURL, *parsing)


def _said(value: object) -> str:
    """The words of an error, out of as many wrappings as the server put round it."""
    while True:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = _json.loads(value)
            except _json.JSONDecodeError:
                break
        elif isinstance(value, Mapping) and ("error" in value or "message" in value):
            value = value["error"] if "error" in value else value["message"]
        else:
            break
    text = value.strip() if isinstance(value, str) else repr(value)
    return text[:LONG_QUOTE] or "nothing more"
