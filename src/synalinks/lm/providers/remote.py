"""A provider's HTTP API with a key: JSON in, JSON or server-sent events out, every failure an error of ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
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
from synalinks.lm.providers.http import PerLoop, connection_limits, is_loopback, timeouts, transport_for
from synalinks.lm.providers.sse import events

if TYPE_CHECKING:
    import httpx

#: What an error body means: status, body (JSON, or text where it is none), headers, and the words to begin with.
Failure = Callable[[int, Any, Mapping[str, str], str], LMError]
#: Characters of an unreadable answer that a message quotes.
QUOTE = 200
#: Stands in messages where the provider repeats the key.
HIDDEN = "<key>"


class Remote:
    """One provider's server, as seen by one key.

    The key is sent in a header and nowhere else; should the provider repeat it, messages show `<key>`.

    Args:
        endpoint: URL of the server.
        key_header: the header that carries the key.
        key: the key, or None; only a call needs one.
        key_env: environment variables that may hold it, named when it is missing.
        failure: what an error body means.
        headers: further headers of every request.
        auth: user and password for basic authentication, as proxies of a company want.
        timeout: seconds a single read or write may take.
        transport: an httpx transport to use in place of the network.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        key_header: str,
        key: str | None,
        key_env: tuple[str, ...],
        failure: Failure,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        transport: Any = None,
    ) -> None:
        self.endpoint = endpoint
        self._key_header = key_header
        self._key = key.strip() if key else None
        self._key_env = key_env
        self._failure = failure
        self._headers = {"content-type": "application/json", **(headers or {})}
        self._auth = auth
        self._timeout = timeout
        self._transport = transport
        self._clients: PerLoop[_Client] = PerLoop(self._connect)

    def _connect(self) -> _Client:
        names = " or ".join(self._key_env)
        headers = dict(self._headers)
        if self._key:
            if not (self._key.isascii() and self._key.isprintable()):
                raise AuthenticationError(
                    f"the key for {self.endpoint} holds characters that no key has; look at {names}, or api_key=..."
                )
            headers[self._key_header] = self._key
        elif not self._auth:
            raise AuthenticationError(
                f"no key for {self.endpoint}: set {names}, or pass api_key=...; to run without one, replay a "
                "cassette: use_cassette(path), or `synalinks run SCRIPT --cassette FILE`"
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

    async def post(self, path: str, payload: Mapping[str, Any], model: str) -> dict[str, Any]:
        """The JSON object that answers a JSON object.

        Raises:
            LMError: by what the server said, or failed to say.
        """
        client = (await self._clients.get()).http
        try:
            response = await client.post(self.endpoint + path, content=_json.dumps(payload).encode())
        except _http_errors() as error:
            raise self._translated(error) from error
        if not response.is_success:
            raise self._refused(response, model)
        return self._object(response.content)

    async def stream(self, path: str, payload: Mapping[str, Any], model: str) -> AsyncGenerator[dict[str, Any], None]:
        """The JSON objects of a streamed answer. Close it when leaving early.

        Raises:
            LMError: by what the server said, or failed to say.
        """
        client = (await self._clients.get()).http
        request = client.build_request("POST", self.endpoint + path, content=_json.dumps(payload).encode())
        try:
            response = await client.send(request, stream=True)
        except _http_errors() as error:
            raise self._translated(error) from error
        try:
            if not response.is_success:
                await self._read(response)
                raise self._refused(response, model)
            async with aclosing(events(response)) as data:
                while True:
                    try:
                        text = await anext(data)
                    except StopAsyncIteration:
                        return
                    except _http_errors() as error:
                        raise self._translated(error) from error
                    yield self._object(text)
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response) -> None:
        try:
            await response.aread()
        except _http_errors() as error:
            raise self._translated(error) from error

    def broken_off(self) -> ConnectionFailed:
        """The error of a stream that ended before its answer was whole."""
        return ConnectionFailed(f"{self.endpoint}: the stream ended before the answer was whole", uncertain=True)

    def late(self, status: int, body: Any, model: str) -> LMError:
        """The error told inside an answer that had begun with status 200; it may be billed."""
        error = self._failure(status, self._hide(body), {}, f"{self.endpoint} broke off its answer for {model!r}")
        error.uncertain = True
        return error

    def _refused(self, response: httpx.Response, model: str) -> LMError:
        status, text = response.status_code, response.text
        try:
            body = _json.loads(text)
        except _json.JSONDecodeError:
            body = text[:QUOTE]
        return self._failure(
            status, self._hide(body), response.headers, f"{self.endpoint} answered {status} for {model!r}"
        )

    def _hide(self, body: Any) -> Any:
        return _replaced(body, self._key) if self._key and self._key in _json.dumps(body) else body

    def _object(self, content: bytes | str) -> dict[str, Any]:
        why: object = "not an object"
        try:
            value = _json.loads(content)
        except _json.JSONDecodeError as error:
            why = error
        else:
            if isinstance(value, dict):
                return value
        start = content[:QUOTE]
        raise ServerError(
            f"{self.endpoint} sent an answer that can't be read ({why}); it begins: {self._hide(_text(start))!r}",
            uncertain=True,
        )

    def _translated(self, error: Exception) -> SynalinksError:
        """What an error of httpx means, in our own tree."""
        import httpx  # it is loaded: it raised

        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            return ConnectionFailed(
                f"no answer from {self.endpoint} ({reason}). Check the network and api_base; to run without it, "
                "replay a cassette: use_cassette(path), or `synalinks run SCRIPT --cassette FILE`"
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


def _text(content: bytes | str) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace")
