"""An httpx transport for many calls at once: a connection a call, which is free for the next one afterwards."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from typing import Any

import httpx

from synalinks.lm.core.secrets import Hidden
from synalinks.lm.providers.transport.connection import Connection

_Origin = tuple[str, bytes, int | None]


class ConnectionPool(httpx.AsyncBaseTransport):
    """As many connections as there are calls at once; of the free ones, that used last is taken first.

    Where httpx's own transport has been replaced, as vcrpy and pytest-httpx do it to record or to answer requests,
    requests go through the replacement.

    Args:
        expiry: seconds an idle connection is kept.
        verify: the TLS context of all connections; None where there is no TLS.
        next_address: seconds after which an address of a host is tried beside the one before; None: only once that one
            has failed.
    """

    def __init__(self, expiry: float, verify: ssl.SSLContext | None = None, next_address: float | None = None) -> None:
        self._expiry = expiry
        self._next_address = next_address
        self._verify = verify
        self._free: defaultdict[_Origin, deque[Connection]] = defaultdict(deque)
        self._all: set[Connection] = set()
        self._replacement: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on a connection of its own, which is free again once the response was read or is closed."""
        if _is_replaced():
            return await self._by_replacement(request)
        origin = (request.url.scheme, request.url.raw_host, request.url.port)
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        read = timeouts.get("read")
        message = _message_of(request)
        connection = self._free_one(origin) or await self._open(origin, timeouts.get("connect"))
        try:
            await connection.send(message, read)
            extensions = {"http_version": b"HTTP/1.1", "reason_phrase": connection.reason}
            content: dict[str, Any]
            if connection.whole:
                content = {"content": await connection.next_chunk(read)}
            else:
                content = {"stream": _Body(self, origin, connection, read)}
        except BaseException:
            self._drop(connection)
            raise
        response = httpx.Response(connection.status, headers=connection.headers, extensions=extensions, **content)
        if connection.whole and "content" in content:
            self.give_back(origin, connection)
        return response

    def _free_one(self, origin: _Origin) -> Connection | None:
        free = self._free[origin]
        oldest = asyncio.get_running_loop().time() - self._expiry
        while free:
            connection = free.pop()
            if connection.idle_since >= oldest and not connection.is_closed:
                return connection
            self._drop(connection)
        return None

    async def _open(self, origin: _Origin, seconds: float | None) -> Connection:
        scheme, raw_host, port = origin
        if scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"a URL begins with 'http://' or 'https://', not with {scheme!r}")
        host = raw_host.decode("ascii")
        tls: dict[str, Any] = {"ssl": self._verify or True, "server_hostname": host} if scheme == "https" else {}
        try:
            async with asyncio.timeout(seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection,
                    host,
                    port or (443 if tls else 80),
                    happy_eyeballs_delay=self._next_address,
                    **tls,
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        self._all.add(connection)
        return connection

    def give_back(self, origin: _Origin, connection: Connection) -> None:
        """Take in a connection whose exchange is over; those that have been idle for too long are closed."""
        if not connection.rest():
            self._drop(connection)
            return
        free = self._free[origin]
        free.append(connection)
        while free[0].idle_since < connection.idle_since - self._expiry:
            self._drop(free.popleft())

    def _drop(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.abort()

    async def _by_replacement(self, request: httpx.Request) -> httpx.Response:
        if self._replacement is None:
            self._replacement = httpx.AsyncHTTPTransport(verify=self._verify or False)
        return await self._replacement.handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        connections = list(self._all)
        self._all.clear()
        self._free.clear()
        for connection in connections:
            connection.close()
        for connection in connections:
            await connection.closed()
        if self._replacement is not None:
            await self._replacement.aclose()


class _Body(httpx.AsyncByteStream):
    """A response's bytes; gives its connection back when it is closed."""

    def __init__(self, pool: ConnectionPool, origin: _Origin, connection: Connection, seconds: float | None) -> None:
        self._pool, self._origin, self._seconds = pool, origin, seconds
        self._connection: Connection | None = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._connection is not None and (chunk := await self._connection.next_chunk(self._seconds)):
            yield chunk

    async def aclose(self) -> None:
        """Give the connection back, once; one whose response has not come to its end is closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(self._origin, connection)


def _message_of(request: httpx.Request) -> Hidden[bytes]:
    """What is sent of a request: its first line, the headers and the body.

    Raises:
        httpx.LocalProtocolError: a line break in one of the headers, which would begin another header.
    """
    head = Hidden(_head_of(request))
    if {head.value.count(b"\n"), head.value.count(b"\r")} != {len(request.headers.raw)}:
        raise httpx.LocalProtocolError("a header of the request has a line break in its name or value")
    return Hidden(head.value + b"\r\n\r\n" + request.content)


def _head_of(request: httpx.Request) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    return b"\r\n".join([*lines, *(b"%s: %s" % header for header in request.headers.raw)])


def _is_replaced() -> bool:
    """Whether a method that is not httpx's own stands in the place of its transport's."""
    plain = httpx.AsyncHTTPTransport
    code = getattr(plain.handle_async_request, "__code__", None)
    return code is None or code.co_filename != plain.__init__.__code__.co_filename
