"""A provider's HTTP API: JSON in, JSON or a stream of JSON out, every failure an error of this library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from synalinks import _json
from synalinks.lm import providers
from synalinks.lm.core.call import Call, Delta, Reply, Request
from synalinks.lm.core.errors import (
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    ConnectionFailed,
    LMError,
    ServerError,
    SynalinksError,
)
from synalinks.lm.core.secrets import keep_secret, scrubbed
from synalinks.lm.providers.common.fetching import with_bytes
from synalinks.lm.providers.common.rate_headers import note
from synalinks.lm.providers.common.shape import SHAPE_ERRORS, ShapeError
from synalinks.lm.providers.common.streaming import Assembly, Pieces
from synalinks.lm.providers.server import secrets_of
from synalinks.lm.providers.transport.bearer import Tokens
from synalinks.lm.providers.transport.http import HttpClient, http_client, is_refused
from synalinks.lm.providers.transport.per_loop import PerLoop
from synalinks.lm.providers.transport.sse import events
from synalinks.lm.providers.transport.status import error_for

if TYPE_CHECKING:
    import httpx

#: Characters of an unreadable answer that a message quotes.
QUOTE = 200
#: Seconds that a fact may take which calls can do without.
LOOK_SECONDS = 2.0
#: Ends a stream of server-sent events; some servers write a blank behind it.
DONE = "[DONE]"
HOW_WITHOUT = "replay a cassette: use_cassette(path), or `synalinks run SCRIPT --cassette FILE`"
P = ParamSpec("P")
T = TypeVar("T")


class Remote:
    """A provider's server, as seen by one key: what the providers over HTTP have in common.

    A subclass describes its API: `chat` builds requests, `reply` and `assembly` read answers, `refusal` reads errors.
    A key is sent in a header and nowhere else; should the server repeat it, messages show `<secret>`. Redirects are
    not followed: the key, or a local model's prompts, would go along.

    Args:
        endpoint: URL of the server.
        api_key: the key; only a call needs one.
        auth: user and password for basic authentication, as for a company's proxy, or the source of access tokens.
        query: a query string that is sent with every request.
        timeout: seconds a single read or write may take; the retry layer limits whole attempts.
        headers: further headers of every request.
        transport: an httpx transport to use in place of the network.

    Attributes:
        name: the prefix of its models.
        title: its name in messages.
        key_header: the header that carries the key; `authorization` carries it as a bearer token.
        own_headers: headers that the server needs with every request.
        keyless: whether the server may do without a key.
        records: reads the records of a streamed answer, as text.
        takes_bytes_only: kinds of media (`image`, `audio`, `file`) that it does not fetch itself.
        slots: calls that the server says it answers at once; None where it does not say.
    """

    name: str
    title: str
    key_header = "authorization"
    own_headers: Mapping[str, str] = {}
    keyless = False
    takes_bytes_only: frozenset[str] = frozenset()
    slots: int | None = None
    records: Callable[[httpx.Response], AsyncGenerator[str, None]] = staticmethod(events)

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        auth: tuple[str, str] | Tokens | None = None,
        query: str = "",
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._spec = providers.resolve(f"{self.name}/m")[0]
        self._key = api_key.strip() if api_key else None
        self._headers = {"content-type": "application/json", **self.own_headers, **(headers or {})}
        self._auth = auth
        self._query = query
        self._timeout = timeout
        self._transport = transport
        self._clients: PerLoop[HttpClient] = PerLoop(self._connect)
        keep_secret(self._key, *secrets_of(auth, query))

    # --- what a subclass describes -------------------------------------------------------------------------

    def chat(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        """Path and body of the request that makes a chat call."""
        raise NotImplementedError

    async def embed(self, call: Call) -> Reply:
        """The vectors of an embedding call."""
        raise NotImplementedError

    def reply(self, body: Mapping[str, Any], request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
        """The reply that the body of a chat answer holds; `chunks` are its pieces, where it was streamed."""
        raise NotImplementedError

    def assembly(self, request: Request) -> Assembly:
        """What puts the records of a streamed answer together."""
        raise NotImplementedError

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        """The error that an error body means.

        Args:
            status: of the response, or told inside an answer.
            body: JSON, or the text where it is none.
            headers: of the response.
            begin: words for the message to begin with: the server, the status and the model.
            model: the model's whole name.
        """
        raise NotImplementedError

    def failure(
        self, body: Mapping[str, Any], request: Request, answer: Assembly | None = None, pieces: Pieces | None = None
    ) -> LMError | None:
        """The error told in a body or record of status 200, if any; it may be billed.

        Args:
            answer, pieces: the streamed answer before it.
        """
        if not body.get("error"):
            return None
        begin = f"{self.endpoint} broke off its answer for {request.model!r}"
        error = self.checked_refusal(self.status_in(body), body, {}, begin, request.model)
        error.uncertain = True
        return error

    def status_in(self, body: Mapping[str, Any]) -> int:
        """The HTTP status that an error told in a body of status 200 would have had."""
        return 500

    def unreachable(self, reason: str, request: Request) -> str:
        """The message for a server that no connection could be made to."""
        others = " or ".join(["api_base=...", *self._spec.base_env])
        return (
            f"no {self.title} server answers at {self.endpoint} ({reason}) for {request.model!r}. Check the "
            f"network, or name another with {others}; to run without one, {HOW_WITHOUT}"
        )

    def listing(self) -> str | None:
        """Path of the list of the server's models; None where it has none."""
        return None

    def names_in(self, body: Mapping[str, Any]) -> list[str]:
        """The names in such a list."""
        raise NotImplementedError

    async def models(self) -> list[str] | None:
        """The names of the models that the server lists; None where it has no list.

        Raises:
            LMError: by what the server said, or failed to say.
        """
        path = self.listing()
        if path is None:
            return None
        request = Request("chat", f"{self.name}/*")
        client = await self._clients.get()
        try:
            response = await client.request("GET", self.endpoint + path)
        except _http_errors() as error:
            raise self._translated(error, request) from error
        if not response.is_success:
            raise self._refused(response, request)
        return self.read(self.names_in, self._parsed(response.content))

    async def look(self, url: str) -> Any:
        """The JSON at an address of the server, for facts that calls can do without; None where there is none.

        No call fails of it: not of a server that is silent, nor of what answers in its place in a test.
        """
        client = await self._clients.get()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                response = await client.request("GET", url)
            return _json.loads(response.content) if response.is_success else None
        except Exception:  # noqa: BLE001  as the docstring says
            return None

    # --- a call --------------------------------------------------------------------------------------------

    async def __call__(self, call: Call, /) -> Reply:
        if call.request.kind == "embed":
            return await self.embed(call)
        if self.takes_bytes_only:
            call = await with_bytes(call, self.takes_bytes_only, self._transport)
        path, payload = self.chat(call)
        if call.sink is not None:
            return await self._streamed(path, payload, call)
        return self.read(self.reply, await self.post(path, payload, call), call.request)

    async def post(self, path: str, payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """The JSON object that answers a JSON object; what is said of limits is noted with the call.

        Raises:
            LMError: by what the server said, or failed to say.
        """
        client = await self._clients.get()
        try:
            response = await client.request("POST", self.endpoint + path, _json.dumps(payload).encode())
        except _http_errors() as error:
            raise self._translated(error, call.request) from error
        note(call, response.headers, self.slots)
        if not response.is_success:
            raise self._refused(response, call.request)
        body = self._parsed(response.content)
        if (failure := self.read(self.failure, body, call.request)) is not None:
            raise failure
        return body

    async def post_each(self, path: str, payloads: Iterable[Mapping[str, Any]], call: Call) -> list[dict[str, Any]]:
        """What answers each of several objects that make up one call, one after another.

        Raises:
            LMError: see `post`; uncertain after the first, since what was answered before is paid for.
        """
        bodies: list[dict[str, Any]] = []
        for payload in payloads:
            try:
                bodies.append(await self.post(path, payload, call))
            except LMError as error:
                error.uncertain = error.uncertain or bool(bodies)
                raise
        return bodies

    async def _streamed(self, path: str, payload: Mapping[str, object], call: Call) -> Reply:
        """The reply to a streamed call; its pieces go to the call's sink as they come."""
        assert call.sink is not None
        request, answer, pieces = call.request, self.assembly(call.request), Pieces(call.sink)
        async with aclosing(self._stream(path, payload, call)) as stream:
            async for data in stream:
                if data.strip() == DONE:
                    answer.whole = True
                    break
                record = self._parsed(data)
                if (failure := self.read(self.failure, record, request, answer, pieces)) is not None:
                    raise failure
                pieces.add(self.read(answer.add, record))
        pieces.end()
        if not answer.whole:
            raise ConnectionFailed(f"{self.endpoint}: the stream ended before the answer was whole", uncertain=True)
        return self.read(lambda: self.reply(answer.body(), request, tuple(pieces.chunks)))

    async def _stream(self, path: str, payload: Mapping[str, object], call: Call) -> AsyncGenerator[str, None]:
        """The records of a streamed answer, as text. Close it when leaving early."""
        client = await self._clients.get()
        try:
            response = await client.begin("POST", self.endpoint + path, _json.dumps(payload).encode())
        except _http_errors() as error:
            raise self._translated(error, call.request) from error
        note(call, response.headers, self.slots)
        try:
            if not response.is_success:
                await response.aread()
                raise self._refused(response, call.request)
            async with aclosing(self.records(response)) as records:
                async for text in records:
                    yield text
        except _http_errors() as error:
            raise self._translated(error, call.request) from error
        finally:
            await response.aclose()

    # --- connections ---------------------------------------------------------------------------------------

    def _connect(self) -> HttpClient:
        return http_client(
            self.endpoint, self._headers_with_key(), self._auth, self._timeout, self._transport, self._query
        )

    def _headers_with_key(self) -> Mapping[str, str]:
        names = " or ".join(self._spec.key_env)
        if not self._key:
            if self._auth or self.keyless:
                return self._headers
            raise AuthenticationError(
                f"no key for {self.title} at {self.endpoint}: set {names}, or pass api_key=...; to run without one, "
                + HOW_WITHOUT
            )
        if not (self._key.isascii() and self._key.isprintable()):
            raise AuthenticationError(
                f"the key for {self.endpoint} holds characters that no key has; look at {names}, or api_key=..."
            )
        if self.key_header != "authorization":
            return {**self._headers, self.key_header: self._key}
        return self._headers if self._auth else {self.key_header: f"Bearer {self._key}", **self._headers}

    async def close(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        await self._clients.close()

    # --- reading, and what goes wrong ----------------------------------------------------------------------

    def read(self, translate: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `translate` makes of a server's JSON; the one place where JSON of another shape becomes an error.

        Raises:
            ServerError: the JSON is not what the API documents; the message names the place.
        """
        try:
            return translate(*args, **kwargs)
        except SHAPE_ERRORS as error:
            problem = str(error) if isinstance(error, ShapeError) else f"{type(error).__name__}: {error}"
            raise self._unreadable(problem) from error

    def _parsed(self, content: bytes | str) -> dict[str, Any]:
        """The JSON object that a server sent.

        Raises:
            ServerError: it is none.
        """
        shown = content[:QUOTE]
        start = repr(shown if isinstance(shown, str) else shown.decode("utf-8", "replace"))
        try:
            value = _json.loads(content)
        except _json.JSONDecodeError as error:
            raise self._unreadable(f"{error}; it begins: {start}") from error
        if not isinstance(value, dict):
            raise self._unreadable(f"not an object; it begins: {start}")
        return value

    def _unreadable(self, problem: str) -> ServerError:
        """The error of an answer that can't be read."""
        said = scrubbed(f"{self.endpoint} sent an answer that is not {self.title}'s: {problem}")
        return ServerError(said, uncertain=True)

    def _refused(self, response: httpx.Response, request: Request) -> LMError:
        status, text = response.status_code, response.text
        begin = f"{self.endpoint} answered {status} for {request.model!r}"
        if response.is_redirect:
            target = response.headers.get("location")
            if not target:
                return ServerError(f"{begin}, a redirect without a Location", status=status)
            begin += f" (it redirects to {target}; if that is right, make it api_base)"
        try:
            body = _json.loads(text)
        except _json.JSONDecodeError:
            body = text
        return self.checked_refusal(status, body, response.headers, begin, request.model)

    def checked_refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        """The error of an error body, of whatever shape; its message holds no secret."""
        try:
            error = self.refusal(status, body, headers, begin, model)
        except SHAPE_ERRORS:
            error = error_for(status, f"{begin}: {str(body)[:QUOTE]}", headers, said=str(body))
        error.args = (scrubbed(str(error.args[0])),) if error.args else ()
        return error

    def _translated(self, error: Exception, request: Request) -> SynalinksError:
        """What an error of httpx means, in this library's tree."""
        import httpx  # it is loaded: it raised

        reason = f"{type(error).__name__}: {scrubbed(str(error))}" if str(error) else type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            refused = is_refused(error)
            failed = ConnectionFailed(self.unreachable("connection refused" if refused else reason, request))
            failed.unreachable, failed.refused = True, refused
            return failed
        if isinstance(error, httpx.TimeoutException):
            return CallTimeout(
                f"{self.endpoint} sent nothing for {self._timeout} s ({type(error).__name__})", uncertain=True
            )
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return ConfigurationError(f"not a server's URL: {self.endpoint!r} ({scrubbed(str(error))})")
        return ConnectionFailed(
            f"{self.endpoint}: the connection broke before the answer was whole ({reason})", uncertain=True
        )


def _http_errors() -> tuple[type[Exception], ...]:
    """All that httpx raises. Evaluated only when something was raised."""
    import httpx  # it is loaded

    return (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
