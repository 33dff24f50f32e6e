"""An httpx transport for many calls at once: a connection a call, each in a pool of its own.

httpx's pool looks at every connection it keeps each time a request is sent or ends, and polls each idle one; at 32
calls at once that takes more time than the calls themselves. Here a call takes a free connection (a transport that
has no other) or opens a new one. Everything else is httpx's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import httpx


class ConnectionPoolTransport(httpx.AsyncBaseTransport):
    """As many single-connection transports as there are calls at once; the one used last is taken first.

    Args:
        expiry: seconds an idle connection is kept.
        **options: of `httpx.AsyncHTTPTransport`, e.g. `verify` with an SSL context that all connections share.
    """

    def __init__(self, expiry: float, **options: Any) -> None:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=expiry)
        self._options = {**options, "limits": limits}
        self._free: deque[httpx.AsyncHTTPTransport] = deque()
        self._all: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on a connection of its own, which is free again when the response is closed."""
        connection = self._free.pop() if self._free else self._open()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._free.append(connection)
            raise
        response.stream = _Returning(response.stream, self._free, connection)  # type: ignore[arg-type]
        return response

    def _open(self) -> httpx.AsyncHTTPTransport:
        connection = httpx.AsyncHTTPTransport(**self._options)
        self._all.append(connection)
        return connection

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in self._all:
            await connection.aclose()
        self._all.clear()
        self._free.clear()


class _Returning(httpx.AsyncByteStream):
    """A response's bytes; frees its connection when it is closed."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        free: deque[httpx.AsyncHTTPTransport],
        connection: httpx.AsyncHTTPTransport,
    ) -> None:
        self._stream = stream
        self._free = free
        self._connection: httpx.AsyncHTTPTransport | None = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        """Close the response and free the connection, once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self._stream.aclose()
            finally:
                self._free.append(connection)
