"""What the providers' HTTP dialects share: statuses to errors, waits from headers, connection limits."""

from __future__ import annotations

import asyncio
import ipaddress
import time
import urllib.request
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from synalinks.errors import (
    AuthenticationError,
    LMError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    RequestError,
    SampleRefused,
    ServerError,
)

if TYPE_CHECKING:
    import httpx

#: Statuses below 500 that may go away by themselves (429 apart): request timeout, lock, too early.
TRANSIENT = frozenset({408, 409, 425})
#: Statuses from 500 on that say "never": not implemented, version, no such network.
PERMANENT_5XX = frozenset({501, 505})
#: Words by which providers say that the money, not the rate, is used up.
MONEY_WORDS = (
    "insufficient_quota",
    "credit_balance_exhausted",
    "enforced_spend_limit_reached",
    "billing_hard_limit_reached",
    "billing_error",
    "exceeded your current quota",
    "credit balance is too low",
    "insufficient credits",
)
#: Words by which providers say that the prompt is too long for the model.
CONTEXT_WORDS = (
    "context_length_exceeded",
    "exceed_context_size",
    "exceeds the available context size",
    "maximum context length",
    "context length",
    "context window",
    "prompt is too long",
    "input is too long",
    "too many tokens",
)
#: Words by which providers say that their filter stopped the prompt.
FILTER_WORDS = ("content_filter", "content management policy", "responsibleaipolicyviolation")
#: Idle connections kept open. httpx keeps 20 by default, so that 32 calls at once reconnect all the time.
KEEP_ALIVE = 256
#: Seconds an idle connection is kept; a training step between two bursts of calls takes longer than
#: httpx's 5.
KEEP_ALIVE_SECONDS = 30.0
#: Seconds to establish a connection.
CONNECT_SECONDS = 10.0


def error_for(
    status: int, message: str, headers: Mapping[str, str] | None = None, *, said: str | None = None
) -> LMError:
    """The error that a response of this status means.

    Args:
        status: the HTTP status.
        message: what to tell the user.
        headers: of the response, for `Retry-After`; looked up in lower case.
        said: the provider's own words and codes, which decide between errors of one status; `message`
            where not given.
    """
    said = (message if said is None else said).lower()
    if status == 402 or any(word in said for word in MONEY_WORDS):
        return QuotaExhausted(message, status=status)
    wait = parse_retry_after(headers) if headers else None
    if status == 429:
        return RateLimited(message, status=status, retry_after=wait)
    if status in TRANSIENT or (status >= 500 and status not in PERMANENT_5XX):
        return ServerError(message, status=status, retry_after=wait)
    if status in (401, 403):
        return AuthenticationError(message, status=status)
    if status == 404:
        return ModelNotFound(message, status=status) if "model" in said else RequestError(message, status=404)
    if status == 400:
        if any(word in said for word in CONTEXT_WORDS):
            return SampleRefused(message, kind="context_length", status=status)
        if any(word in said for word in FILTER_WORDS):
            return SampleRefused(message, kind="content_filter", status=status)
    return RequestError(message, status=status)


def parse_retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that the headers ask to wait, or None.

    Reads `retry-after-ms`, then `retry-after` as seconds or as an HTTP date (RFC 9110, 10.2.3). Azure says 0
    milliseconds beside 1 second, and means the second.

    Args:
        headers: with names in lower case, or a mapping that ignores case.
        now: seconds since 1970, for dates.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds:
        return milliseconds / 1000
    text = headers.get("retry-after")
    if text is None:
        return milliseconds
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def _number(text: str | None) -> float | None:
    """A finite number that is not negative, or None."""
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def connection_limits() -> httpx.Limits:
    """As many connections as there are calls (the limit layer bounds those), and most of them kept."""
    import httpx  # 80 ms, not needed to import the package

    return httpx.Limits(max_connections=None, max_keepalive_connections=KEEP_ALIVE, keepalive_expiry=KEEP_ALIVE_SECONDS)


def transport_for(endpoint: str, given: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncBaseTransport | None:
    """The transport for a client of `endpoint`: the one given; a lane a call; or httpx's own behind a proxy.

    Args:
        endpoint: URL of the server.
        given: a transport to use in place of the network.
    """
    if given is not None or (not is_loopback(endpoint) and urllib.request.getproxies()):
        return given
    import httpx  # 80 ms, not needed to import the package

    from synalinks.lm.providers.transport.connection_pool import ConnectionPoolTransport  # it needs httpx

    secure = endpoint.startswith("https:")
    return ConnectionPoolTransport(KEEP_ALIVE_SECONDS, **({"verify": httpx.create_ssl_context()} if secure else {}))


def with_query(path: str, query: str) -> str:
    """A path with a query string behind its own; of a parameter that is in both, that of `query` is kept."""
    if not query:
        return path
    path, _, own = path.partition("?")
    given = {pair.partition("=")[0] for pair in query.split("&")}
    kept = [pair for pair in own.split("&") if pair and pair.partition("=")[0] not in given]
    return f"{path}?{'&'.join([*kept, query])}"


def timeouts(seconds: float | None) -> httpx.Timeout:
    """A limit for connecting always, for single reads and writes as given, and none for the pool."""
    import httpx  # 80 ms, not needed to import the package

    return httpx.Timeout(seconds, connect=CONNECT_SECONDS, pool=None)


def is_loopback(endpoint: str) -> bool:
    """Whether a server is on this machine, so that a proxy from the environment is not for it."""
    host = urlsplit(endpoint).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Closable(Protocol):
    """Something with connections, such as a client."""

    def close(self) -> Coroutine[Any, Any, None]: ...


C = TypeVar("C", bound=Closable)


class PerLoop(Generic[C]):
    """One client per event loop, closed when its loop shuts down, or once nobody can ask for it any more."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._key = object()
        weakref.finalize(self, _forsake, self._key).atexit = False

    async def get(self) -> C:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        clients = _OPEN.get(loop) or await _LoopClients.of(loop)
        client: C | None = clients.open.get(self._key)
        if client is None:
            client = clients.open[self._key] = self._make()
        return client

    async def close(self) -> None:
        """Close the client of the running loop, if there is one."""
        clients = _OPEN.get(asyncio.get_running_loop())
        if clients is not None and (client := clients.open.pop(self._key, None)) is not None:
            await client.close()


class _LoopClients:
    """The clients of one event loop, and what closes those that are left when it ends.

    An event loop closes the asynchronous generators left open on it before it ends (`asyncio.run` sees to
    that). It is the one moment at which connections can still be closed in order, so a generator waits
    for it; without this, every `asyncio.run` would leave sockets behind. The generator belongs to the loop and not
    to a client's owner: one that is collected as garbage is closed by a task, which an ending loop cancels first.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.open: dict[object, Any] = {}
        self._loop = loop
        self._closing: set[asyncio.Task[None]] = set()
        self._at_the_end = self._close_all()

    @classmethod
    async def of(cls, loop: asyncio.AbstractEventLoop) -> _LoopClients:
        """Those of a loop that had none."""
        for other in [other for other in _OPEN if other.is_closed()]:
            _OPEN.pop(other, None)
        clients = _OPEN[loop] = cls(loop)
        await anext(clients._at_the_end)
        return clients

    async def _close_all(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            _OPEN.pop(self._loop, None)
            for key in list(self.open):
                self.drop(key)
            if self._closing:
                await asyncio.wait(self._closing)

    def drop(self, key: object) -> None:
        """Close the client of an owner, if it is still open; on the loop."""
        if (client := self.open.pop(key, None)) is not None:
            task = _Closing(client.close(), loop=self._loop)
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


class _Closing(asyncio.Task[None]):
    """A task that an ending loop waits for and does not cancel: closing waits for nobody, and half closed is open."""

    def cancel(self, msg: Any = None) -> bool:
        """Go on."""
        return False


#: The clients of each loop. Not weak: connections refer to their loop, so that it would live for ever in either case.
_OPEN: dict[asyncio.AbstractEventLoop, _LoopClients] = {}


def _forsake(key: object) -> None:
    """Have the clients of an owner that is gone closed, each on its loop. The collector calls this on any thread."""
    for loop, clients in list(_OPEN.items()):
        if key in clients.open and not loop.is_closed():
            with suppress(RuntimeError):  # it was closed by its thread just now
                loop.call_soon_threadsafe(clients.drop, key)
