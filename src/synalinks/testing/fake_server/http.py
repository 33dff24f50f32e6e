"""HTTP/1.1 for the stand-in server: an h11 state machine over an asyncio protocol, keep-alive included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from time import time

import h11

Header = tuple[str, str]
JSON = "application/json; charset=utf-8"
#: Go's server names the length of short bodies and sends longer ones in chunks.
_LENGTH_NAMED_UP_TO = 2048
_END = h11.EndOfMessage()


class _Date:
    """The `Date` header, made anew once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        now = int(time())
        if now != self._second:
            self._second, self._text = now, formatdate(now, usegmt=True)
        return self._text


_date = _Date()


class Exchange:
    """One request and the means to answer it.

    Attributes:
        method, path: of the request; the path without its query.
        body: the whole body.
        gone: whether the client has closed the connection.
        on_gone: called when it does.
    """

    def __init__(self, connection: Connection, method: str, path: str, body: bytes) -> None:
        self._connection = connection
        self.method = method
        self.path = path
        self.body = body
        self.gone = False
        self.on_gone: Callable[[], object] | None = None

    def respond(self, status: int, body: bytes, *, kind: str = JSON, headers: Sequence[Header] = ()) -> None:
        """Send a whole answer."""
        length = len(body) if len(body) <= _LENGTH_NAMED_UP_TO or status != HTTPStatus.OK else None
        head = _head(status, kind, length, headers)
        if self.method == "HEAD" or not body:
            self._connection.send(head, _END)
        else:
            self._connection.send(head, h11.Data(data=body), _END)
        self._connection.finished()

    def start(self, status: int, *, kind: str, length: int | None = None, headers: Sequence[Header] = ()) -> None:
        """Send status and headers; without a length, the body is chunked."""
        self._connection.send(_head(status, kind, length, headers))

    def write(self, data: bytes) -> None:
        """Send a piece of the body; one chunk, if it is chunked."""
        if data:
            self._connection.send(h11.Data(data=data))

    def finish(self) -> None:
        """End the answer and let the connection take the next request."""
        self._connection.send(_END)
        self._connection.finished()

    def cut(self) -> None:
        """Close the connection after what was sent, the answer unfinished."""
        self._connection.close()

    def reset(self) -> None:
        """Break the connection at once."""
        self._connection.abort()


def _head(status: int, kind: str, length: int | None, headers: Sequence[Header]) -> h11.Response:
    lines = [("Content-Type", kind), *headers, ("Date", _date())]
    if length is not None:
        lines.append(("Content-Length", str(length)))
    return h11.Response(status_code=status, headers=lines, reason=_reason(status))


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


class Connection(asyncio.Protocol):
    """One connection; requests are answered one after the other, as in HTTP/1.1."""

    def __init__(self, answer: Callable[[Exchange], None], connections: set[Connection]) -> None:
        self._answer = answer
        self._connections = connections
        self._state = h11.Connection(h11.SERVER)
        self._transport: asyncio.Transport | None = None
        self._request: h11.Request | None = None
        self._parts: list[bytes] = []
        self._exchange: Exchange | None = None
        self._pumping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed, by either side."""
        self._connections.discard(self)
        self._transport = None
        if self._exchange is not None:
            self._exchange.gone = True
            if self._exchange.on_gone is not None:
                self._exchange.on_gone()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        try:
            self._state.receive_data(data)
        except h11.RemoteProtocolError:
            self.close()
            return
        self._pump()

    def _pump(self) -> None:
        """Take events from the state machine until it needs more bytes, or the answer must come first."""
        self._pumping = True
        try:
            while self._transport is not None and self._exchange is None:
                event = self._state.next_event()
                if isinstance(event, h11.Request):
                    self._request, self._parts = event, []
                elif isinstance(event, h11.Data):
                    self._parts.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    self._begin()
                elif isinstance(event, h11.ConnectionClosed):
                    self.close()
                else:  # NEED_DATA or PAUSED
                    if self._state.they_are_waiting_for_100_continue:
                        self.send(h11.InformationalResponse(status_code=100, headers=[]))
                    return
        except h11.RemoteProtocolError as error:
            self._refuse(error)
        finally:
            self._pumping = False

    def _begin(self) -> None:
        assert self._request is not None
        path = self._request.target.decode("latin-1").partition("?")[0]
        method = self._request.method.decode("ascii")
        self._exchange = Exchange(self, method, path, b"".join(self._parts))
        self._answer(self._exchange)

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        if self._state.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = b"400 Bad Request"
            lines = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")]
            status = error.error_status_hint or 400
            lines.append(("Content-Length", str(len(body))))
            head = h11.Response(status_code=status, headers=lines, reason=_reason(status))
            self.send(head, h11.Data(data=body), _END)
        self.close()

    def send(self, *events: h11.Event) -> None:
        """Send events in one piece, unless the client has gone."""
        data = b"".join(self._state.send(event) or b"" for event in events)
        if data and self._transport is not None:
            self._transport.write(data)

    def finished(self) -> None:
        """The answer is whole: close, or take the next request."""
        self._exchange = None
        if self._state.our_state is h11.MUST_CLOSE or self._state.our_state is h11.CLOSED:
            self.close()
            return
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        if not self._pumping:  # else the loop in `_pump` goes on by itself
            self._pump()

    def close(self) -> None:
        """Close after what was sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
