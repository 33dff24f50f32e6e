"""One connection of HTTP/1.1: a request at a time, and its response as it comes, parsed by llhttp (httptools).

Its errors are those of httpx, so that a request fails in the same words whatever carries it.
"""

from __future__ import annotations

import asyncio
import select
from typing import Any

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from synalinks.lm.core.secrets import Hidden

#: Bytes of a response's head, from which it is refused; httpcore has the same limit.
LARGEST_HEAD = 100 * 1024
#: Bytes of a body that wait to be read, from which no more are taken from the network.
MOST_WAITING = 256 * 1024
#: Statuses of responses that another one follows.
INFORMATIONAL = range(100, 200)


class Connection(asyncio.Protocol):
    """A connection to one server. `send` begins an exchange; `next_chunk` gives the body, empty bytes at its end.

    Attributes:
        status, headers, reason: of the response.
        whole: whether the response has come to its end.
        idle_since: when it was last used, by the clock of its event loop.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._paused = False
        self._busy = False  # from the request to the end of the response
        self.idle_since = 0.0
        self._begin()

    def _begin(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.whole = False
        self._head_bytes = 0
        self._head_is_whole = self._keep_alive = False
        self._body: list[bytes] = []
        self._waiting = 0
        self._error: httpx.TransportError | None = None

    # --- an exchange ---------------------------------------------------------------------------------------

    async def send(self, message: Hidden[bytes], seconds: float | None) -> None:
        """Send a request, and wait for the head of its response.

        Args:
            message: the request line, the headers with the empty line, and the body.
            seconds: the longest time without a byte from the server.

        Raises:
            httpx.ReadTimeout: nothing came.
            httpx.ReadError, httpx.RemoteProtocolError: the connection broke, or what came is not HTTP.
        """
        self._begin()
        self._busy = True
        self._transport.write(message.value)
        while not self._head_is_whole:
            await self._news(seconds)

    async def next_chunk(self, seconds: float | None) -> bytes:
        """What has come of the body since the last time; waits for some of it. Raises: see `send`."""
        while not self._body and not self.whole:
            await self._news(seconds)
        chunk = b"".join(self._body)
        self._body.clear()
        self._waiting = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return chunk

    async def _news(self, seconds: float | None) -> None:
        """Wait until something has come."""
        if self._error is not None:
            raise self._error
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        try:
            if seconds is None:
                await waiter
            else:
                async with asyncio.timeout(seconds):
                    await waiter
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"nothing came for {seconds:g} s") from error
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- what the event loop and the parser call -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._busy:  # nothing was asked: as some servers send before they hang up
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(httpx.RemoteProtocolError(f"what the server sent is not HTTP/1.1: {error}"), error)
        if not self._head_is_whole:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self._fail(httpx.RemoteProtocolError(f"the head of the response has over {LARGEST_HEAD:,} bytes"))
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        if not self._lost.done():
            self._lost.set_result(None)

    def on_message_begin(self) -> None:
        if self.whole:  # a second response to one request
            self._fail(httpx.RemoteProtocolError("the server sent more than the response"))

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_is_whole:  # after the body they are trailers
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status in INFORMATIONAL:
            self.headers, self.reason = [], b""
        else:
            self._head_is_whole = True
            self._keep_alive = self._parser.should_keep_alive()  # the parser drops it at the message's end

    def on_body(self, body: bytes) -> None:
        if self.whole:
            return
        self._body.append(body)
        self._waiting += len(body)
        if self._waiting > MOST_WAITING and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        self.whole = self._head_is_whole

    def _end(self, error: Exception | None) -> None:
        """The server has hung up, or the connection broke."""
        if self._busy and not self.whole and self._error is None:
            if error is not None:
                self._fail(httpx.ReadError(str(error)), error)
            elif not self._head_is_whole:
                self._fail(httpx.RemoteProtocolError("Server disconnected without sending a response."))
            elif self._ends_with_the_connection:
                self.whole = True
            else:
                said = "peer closed connection without sending complete message body"
                self._fail(httpx.RemoteProtocolError(said))
        self._wake()

    def _fail(self, error: httpx.TransportError, cause: BaseException | None = None) -> None:
        if self._error is None:
            error.__cause__ = cause
            self._error = error
        self._transport.abort()

    @property
    def _ends_with_the_connection(self) -> bool:
        """Whether the response says no length of its body (RFC 9112, 6.3)."""
        return not {name.lower() for name, _ in self.headers} & {b"content-length", b"transfer-encoding"}

    # --- between exchanges, and the end --------------------------------------------------------------------

    def rest(self) -> bool:
        """Whether the exchange is over and another may follow on this connection, which rests until then."""
        self._busy = False
        sound = self.whole and self._error is None and not self._transport.is_closing()
        if not sound or not self._keep_alive or self._transport.get_write_buffer_size():
            return False
        self.idle_since = asyncio.get_running_loop().time()
        return True

    @property
    def is_closed(self) -> bool:
        """Whether an idle connection is gone; what the event loop has not yet seen of it counts too."""
        return self._transport.is_closing() or _is_readable(self._transport.get_extra_info("socket"))

    def close(self) -> None:
        """Close it in order."""
        self._transport.close()

    def abort(self) -> None:
        """Close it at once."""
        self._transport.abort()

    async def closed(self) -> None:
        """Wait until it is closed; the closing message of TLS is sent, and not waited for."""
        await asyncio.sleep(0)
        self._transport.abort()
        await self._lost


def _is_readable(sock: Any) -> bool:
    """Whether bytes or the end of a connection have come in, without waiting."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], (), (), 0)[0])  # Windows has no poll
