"""One client per event loop: connections belong to the loop that they were opened on."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar


class Closable(Protocol):
    """Something with connections, such as a client."""

    def close(self) -> Coroutine[Any, Any, None]: ...


C = TypeVar("C", bound=Closable)


class PerLoop(Generic[C]):
    """One client per event loop, closed when its loop shuts down, or once its owner is collected."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._key = object()
        weakref.finalize(self, _close_clients_of, self._key).atexit = False

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

    An event loop closes the asynchronous generators left open on it before it ends (`asyncio.run` does so). It is the
    one moment at which connections can still be closed in order, so a generator waits for it; without this, every
    `asyncio.run` would leave sockets behind. The generator belongs to the loop and not to a client's owner: one that
    is collected as garbage is closed by a task, which an ending loop cancels first.
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
    """A task that an ending loop waits for and does not cancel: a client half closed is open."""

    def cancel(self, msg: Any = None) -> bool:
        """Go on."""
        return False


#: The clients of each loop. Not weak: connections refer to their loop, so that it would live for ever in either case.
_OPEN: dict[asyncio.AbstractEventLoop, _LoopClients] = {}


def _close_clients_of(key: object) -> None:
    """Have the clients of an owner that is gone closed, each on its loop. The collector calls this on any thread."""
    for loop, clients in list(_OPEN.items()):
        if key in clients.open and not loop.is_closed():
            with suppress(RuntimeError):  # it was closed by its thread just now
                loop.call_soon_threadsafe(clients.drop, key)
