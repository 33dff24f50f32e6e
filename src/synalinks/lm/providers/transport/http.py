"""HTTP clients as the providers use them: time limits, connections, and a TLS context only where there is TLS."""

from __future__ import annotations

import ipaddress
import os
from base64 import b64encode
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.core.secrets import Hidden
from synalinks.lm.providers.transport.bearer import Tokens, with_tokens
from synalinks.version import __version__

if TYPE_CHECKING:
    import ssl

    import httpx

    from synalinks.lm.providers.transport.bearer import Send

#: Idle connections kept open. httpx keeps 20 by default, so that 32 calls at once reconnect all the time.
KEEP_ALIVE = 256
#: Seconds an idle connection is kept; a training step between two bursts of calls takes longer than
#: httpx's 5.
KEEP_ALIVE_SECONDS = 30.0
#: The same of a server on this machine: opening a connection takes no time there, and llama.cpp closes one that was
#: idle for 5 s, perhaps at the moment in which a request is sent on it.
LOCAL_KEEP_ALIVE_SECONDS = 2.0
#: Seconds to establish a connection.
CONNECT_SECONDS = 10.0
#: Seconds after which the next address of a host is tried beside the one before (RFC 8305).
NEXT_ADDRESS = 0.25
#: Of every request; httpx decompresses these two without further packages.
OWN_HEADERS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": f"synalinks-replay/{__version__}"}

#: Methods whose requests say the length of a body that they lack.
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})


class HttpClient:
    """Requests to a server, all with the same headers. Redirects are not followed, and no cookie is kept.

    Args:
        headers: of every request.
        timeout: seconds of each step of an exchange.
        send: carries a request, and returns its response before the body is read.
        close: closes the connections.
        query: a query string that is sent with every request.
    """

    def __init__(
        self,
        headers: httpx.Headers,
        timeout: httpx.Timeout,
        send: Callable[[httpx.Request], Awaitable[httpx.Response]],
        close: Callable[[], Coroutine[Any, Any, None]],
        query: str = "",
    ) -> None:
        self._headers = headers
        self._query = query
        self._template = lru_cache(maxsize=64)(self._make_template)
        self._extensions = {"timeout": timeout.as_dict()}
        self._send = send
        self.close = self.aclose = close

    async def request(self, method: str, url: str, content: bytes | Hidden[bytes] = b"") -> httpx.Response:
        """The whole response to a request.

        Raises:
            httpx.HTTPError, httpx.InvalidURL, httpx.StreamError: there is none.
        """
        response = await self.begin(method, url, content)
        try:
            await response.aread()
        finally:
            if not response.is_closed:
                await response.aclose()
        return response

    async def begin(self, method: str, url: str, content: bytes | Hidden[bytes] = b"") -> httpx.Response:
        """The response to a request, as soon as its head has come. Close it. Raises: see `request`."""
        import httpx  # 80 ms, not needed to import the package

        made = self._template(url)
        stream = httpx.ByteStream(content.value if isinstance(content, Hidden) else content)
        request = type(made)(method, made.url, headers=made.headers, stream=stream, extensions=self._extensions.copy())
        size = len(request.read())
        if size or method in _WITH_BODY:
            request.headers["content-length"] = str(size)
        response = await self._send(request)
        response.request = request
        return response

    def _make_template(self, url: str) -> httpx.Request:
        """URL and headers of all requests to an address, made once: that takes longer than to send a request.

        As a request, which shows no header: a traceback with local variables must not show a key.
        """
        from synalinks.lm.providers.transport.request import Request  # it needs httpx

        return Request("GET", with_query(url, self._query), headers=self._headers)


def http_client(
    endpoint: str,
    headers: Mapping[str, str],
    auth: tuple[str, str] | Tokens | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    query: str = "",
) -> HttpClient:
    """A client for a server: a connection a call, or httpx's own client behind a proxy.

    Args:
        endpoint: URL of the server.
        headers: of every request.
        auth: user and password of every request, or the source of its access tokens.
        timeout: seconds that a single read or write may take; connecting has a limit of its own.
        transport: in place of the network.
        query: a query string that is sent with every request.

    Raises:
        ConfigurationError: the certificates that the environment names can't be read.
    """
    import httpx  # as above

    local = is_loopback(endpoint)
    expiry = LOCAL_KEEP_ALIVE_SECONDS if local else KEEP_ALIVE_SECONDS
    limit = httpx.Timeout(timeout, connect=CONNECT_SECONDS, pool=None)
    if isinstance(auth, tuple):
        headers = {**headers, "authorization": "Basic " + b64encode(":".join(auth).encode()).decode()}
    sent, auth = Hidden(httpx.Headers({**OWN_HEADERS, **headers})), None if isinstance(auth, tuple) else auth
    made = Hidden(query)
    del headers, query  # a traceback with local variables would show them
    if transport is None and not local and _has_proxies():
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=KEEP_ALIVE, keepalive_expiry=expiry)
        client = httpx.AsyncClient(headers=sent.value, timeout=limit, limits=limits, verify=_context())
        send = _authorised(partial(client.send, stream=True), auth)
        return HttpClient(client.headers, limit, send, client.aclose, made.value)
    if transport is None:
        from synalinks.lm.providers.transport.connection_pool import ConnectionPool  # it needs httpx

        verify = _context() if endpoint.startswith("https:") else None
        # Of several attempts at once, asyncio leaves one open that succeeds while the call is cancelled; on this
        # machine every attempt succeeds at once.
        transport = ConnectionPool(expiry, verify, None if local else NEXT_ADDRESS)
    send = _authorised(transport.handle_async_request, auth)
    return HttpClient(sent.value, limit, send, transport.aclose, made.value)


def _authorised(send: Send, tokens: Tokens | None) -> Send:
    return send if tokens is None else with_tokens(send, tokens)


def _has_proxies() -> bool:
    import urllib.request  # 8 ms with the parts of `email` and `http` that it loads

    return bool(urllib.request.getproxies())


def _context() -> ssl.SSLContext:
    """The TLS context of all connections of the process: loading the certificates takes 22 ms."""
    return _context_of(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _context_of(file: str | None, folder: str | None) -> ssl.SSLContext:
    import httpx  # as above

    try:
        context = httpx.create_ssl_context()  # reads the two variables itself
    except OSError as error:
        raise ConfigurationError(
            f"the certificates of SSL_CERT_FILE={file!r} or SSL_CERT_DIR={folder!r} can't be read ({error}); "
            "name a file or folder of certificates, or unset the variable"
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def is_loopback(endpoint: str) -> bool:
    """Whether a server is on this machine, so that a proxy from the environment is not for it."""
    host = urlsplit(endpoint).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_refused(error: BaseException | None) -> bool:
    """Whether nothing listens at the address; the system's error is the last of the causes of httpx's."""
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None


def with_query(path: str, query: str) -> str:
    """A path with a query string behind its own; of a parameter that is in both, that of `query` is kept."""
    if not query:
        return path
    path, _, own = path.partition("?")
    given = {pair.partition("=")[0] for pair in query.split("&")}
    kept = [pair for pair in own.split("&") if pair and pair.partition("=")[0] not in given]
    return f"{path}?{'&'.join([*kept, query])}"
