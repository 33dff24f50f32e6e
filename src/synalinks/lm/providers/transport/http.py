"""HTTP clients as the providers use them: time limits, connections, and a TLS context only where there is TLS."""

from __future__ import annotations

import ipaddress
import os
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

    import httpx

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


def http_client(
    endpoint: str,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client for a server: a connection a call, or httpx's own pool behind a proxy. It follows no redirects.

    Args:
        endpoint: URL of the server.
        headers, auth: of every request.
        timeout: seconds that a single read or write may take; connecting has a limit of its own.
        transport: in place of the network.
    """
    import httpx  # 80 ms, not needed to import the package

    from synalinks.lm.providers.transport.connection_pool import ConnectionPoolTransport  # it needs httpx

    local = is_loopback(endpoint)
    expiry = LOCAL_KEEP_ALIVE_SECONDS if local else KEEP_ALIVE_SECONDS
    proxied = transport is None and not local and bool(urllib.request.getproxies())
    verify: Any = _context() if proxied or (transport is None and endpoint.startswith("https:")) else None
    if transport is None and not proxied:
        transport = ConnectionPoolTransport(expiry, verify=verify)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=KEEP_ALIVE, keepalive_expiry=expiry)
    return httpx.AsyncClient(
        headers=headers,
        auth=auth,
        timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS, pool=None),
        limits=limits,
        trust_env=not local,
        transport=transport,
        verify=verify,
    )


def _context() -> ssl.SSLContext:
    """The TLS context of all connections of the process: loading the certificates takes 22 ms."""
    return _context_of(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _context_of(file: str | None, folder: str | None) -> ssl.SSLContext:
    import httpx  # as above

    return httpx.create_ssl_context()  # reads the two variables itself


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
