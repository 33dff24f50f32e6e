"""A provider's HTTP API with a key: JSON in, JSON or server-sent events out, every failure an error of ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from synalinks import _json
from synalinks.errors import (
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    ConnectionFailed,
    LMError,
    ServerError,
    SynalinksError,
)
from synalinks.lm import providers
from synalinks.lm.core.call import Call
from synalinks.lm.providers.common.rate_headers import note
from synalinks.lm.providers.transport.http import (
    PerLoop,
    connection_limits,
    is_loopback,
    timeouts,
    transport_for,
    with_query,
)
from synalinks.lm.providers.transport.sse import events

if TYPE_CHECKING:
    import httpx

#: Characters of an unreadable answer that a message quotes.
QUOTE = 200
#: Stands in messages where the provider repeats the key.
HIDDEN = "<key>"
HOW_WITHOUT = "replay a cassette: use_cassette(path), or `synalinks run SCRIPT --cassette FILE`"


class Remote:
    """A provider's server, as seen by one key: what the providers over HTTP have in common.

    A subclass says in attributes what its server wants and in `refusal` what its errors mean, and it is called with
    calls. The key is sent in a header and nowhere else; should the provider repeat it, messages show `<key>`.

    Args:
        endpoint: URL of the server.
        api_key: the key; only a call needs one.
        auth: user and password for basic authentication, as proxies of a company want.
        query: a query string that is sent with every request.
        timeout: seconds a single read or write may take; the retry layer limits whole attempts.
        headers: further headers of every request.
        transport: an httpx transport to use in place of the network.

    Attributes:
        name: the prefix of its models.
        title: what people call it.
        key_header: the header that carries the key; `authorization` carries it as a bearer token.
        own_headers: headers that the server wants with every request.
        keyless: whether the server may do without a key.
    """

    name: str
    title: str
    key_header = "authorization"
    own_headers: Mapping[str, str] = {}
    keyless = False

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
        self._spec = providers.resolve(f"{self.name}/m")[0]
        self._key = api_key.strip() if api_key else None
        self._headers = {"content-type": "application/json", **self.own_headers, **(headers or {})}
        self._auth = auth
        self._query = query
        self._timeout = timeout
        self._transport = transport
        self._clients: PerLoop[_Client] = PerLoop(self._connect)

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str) -> LMError:
        """The error that an error body means.

        Args:
            status: of the response, or told inside an answer.
            body: JSON, or the text where it is none; without the key.
            headers: of the response.
            begin: words for the message to begin with: who said so, of which model.
        """
        raise NotImplementedError

    def _connect(self) -> _Client:
        names = " or ".join(self._spec.key_env)
        headers = dict(self._headers)
        if self._key:
            if not (self._key.isascii() and self._key.isprintable()):
                raise AuthenticationError(
                    f"the key for {self.endpoint} holds characters that no key has; look at {names}, or api_key=..."
                )
            if self.key_header != "authorization":
                headers[self.key_header] = self._key
            elif not self._auth:
                headers[self.key_header] = f"Bearer {self._key}"
        elif not self._auth and not self.keyless:
            raise AuthenticationError(
                f"no key for {self.title} at {self.endpoint}: set {names}, or pass api_key=...; to run without one, "
                + HOW_WITHOUT
            )
        import httpx  # 80 ms, not needed to replay

        return _Client(
            httpx.AsyncClient(
                headers=headers,
                auth=self._auth,
                timeout=timeouts(self._timeout),
                limits=connection_limits(),
                trust_env=not is_loopback(self.endpoint),
                transport=transport_for(self.endpoint, self._transport),
            )
        )

    async def close(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        await self._clients.close()

    async def post(self, path: str, payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """The JSON object that answers a JSON object; what is said of limits is noted with the call.

        Raises:
            LMError: by what the server said, or failed to say.
        """
        client = (await self._clients.get()).http
        try:
            response = await client.post(self._url(path), content=_json.dumps(payload).encode())
        except _http_errors() as error:
            raise self._translated(error, call) from error
        note(call, response.headers)
        if not response.is_success:
            raise self._refused(response, call)
        return self.parsed(response.content)

    async def stream(self, path: str, payload: Mapping[str, Any], call: Call) -> AsyncGenerator[str, None]:
        """The data of a streamed answer's events, as text; of a server that does not stream, the whole as one. Close
        it when leaving early.

        Raises:
            LMError: by what the server said, or failed to say.
        """
        client = (await self._clients.get()).http
        request = client.build_request("POST", self._url(path), content=_json.dumps(payload).encode())
        try:
            response = await client.send(request, stream=True)
        except _http_errors() as error:
            raise self._translated(error, call) from error
        note(call, response.headers)
        try:
            if not response.is_success:
                await self._read(response, call)
                raise self._refused(response, call)
            if response.headers.get("content-type", "").startswith("application/json"):
                await self._read(response, call)
                yield response.text
                return
            async with aclosing(events(response)) as data:
                while True:
                    try:
                        text = await anext(data)
                    except StopAsyncIteration:
                        return
                    except _http_errors() as error:
                        raise self._translated(error, call) from error
                    yield text
        finally:
            await response.aclose()

    def _url(self, path: str) -> str:
        return self.endpoint + with_query(path, self._query)

    async def _read(self, response: httpx.Response, call: Call) -> None:
        try:
            await response.aread()
        except _http_errors() as error:
            raise self._translated(error, call) from error

    def broken_off(self) -> ConnectionFailed:
        """The error of a stream that ended before its answer was whole."""
        return ConnectionFailed(f"{self.endpoint}: the stream ended before the answer was whole", uncertain=True)

    def late(self, status: int, body: Any, model: str) -> LMError:
        """The error told inside an answer that had begun with status 200; it may be billed."""
        error = self.refusal(status, self.hidden(body), {}, f"{self.endpoint} broke off its answer for {model!r}")
        error.uncertain = True
        return error

    def parsed(self, content: bytes | str) -> dict[str, Any]:
        """The JSON object that a server sent.

        Raises:
            ServerError: it is none.
        """
        try:
            value = _json.loads(content)
        except _json.JSONDecodeError as error:
            raise self.unreadable(content, error) from error
        if not isinstance(value, dict):
            raise self.unreadable(content, "not an object")
        return value

    def unreadable(self, content: bytes | str, why: object) -> ServerError:
        """The error of an answer that can't be read."""
        start = content[:QUOTE]
        shown = start if isinstance(start, str) else start.decode("utf-8", "replace")
        return ServerError(
            f"{self.endpoint} sent an answer that is not {self.title}'s ({why}); it begins: {self.hidden(shown)!r}",
            uncertain=True,
        )

    def hidden(self, body: Any) -> Any:
        """A JSON value, without the key."""
        return _replaced(body, self._key) if self._key and self._key in _json.dumps(body) else body

    def _refused(self, response: httpx.Response, call: Call) -> LMError:
        status, text = response.status_code, response.text
        try:
            body = _json.loads(text)
        except _json.JSONDecodeError:
            body = text
        begin = f"{self.endpoint} answered {status} for {call.request.model!r}"
        if response.is_redirect:  # not followed: the key would go along
            begin += f" (it redirects to {response.headers['location']}; if that is right, make it api_base)"
        return self.refusal(status, self.hidden(body), response.headers, begin)

    def _translated(self, error: Exception, call: Call) -> SynalinksError:
        """What an error of httpx means, in our own tree."""
        import httpx  # it is loaded: it raised

        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            others = " or ".join(["api_base=...", *self._spec.base_env])
            return ConnectionFailed(
                f"no {self.title} server answers at {self.endpoint} ({reason}) for {call.request.model!r}. Check the "
                f"network, or name another with {others}; to run without one, {HOW_WITHOUT}"
            )
        if isinstance(error, httpx.TimeoutException):
            return CallTimeout(
                f"{self.endpoint} sent nothing for {self._timeout} s ({type(error).__name__})", uncertain=True
            )
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return ConfigurationError(f"not a server's URL: {self.endpoint!r} ({error})")
        return ConnectionFailed(
            f"{self.endpoint}: the connection broke before the answer was whole ({reason})", uncertain=True
        )


class _Client:
    """An httpx client that `PerLoop` can close."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def close(self) -> None:
        await self.http.aclose()


def _http_errors() -> tuple[type[Exception], ...]:
    """All that httpx raises. Evaluated only when something was raised."""
    import httpx  # it is loaded

    return (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)


def _replaced(value: Any, key: str) -> Any:
    """A JSON value with the key out of its texts."""
    if isinstance(value, str):
        return value.replace(key, HIDDEN)
    if isinstance(value, list):
        return [_replaced(item, key) for item in value]
    if isinstance(value, dict):
        return {name.replace(key, HIDDEN): _replaced(item, key) for name, item in value.items()}
    return value
