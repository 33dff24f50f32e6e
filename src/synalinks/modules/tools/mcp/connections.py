"""Connections to MCP servers: what a program says of one, and the open session of one, which a task owns.

A session lives as long as its event loop, unless it is closed before. It is entered and left in one task, as its
library requires; calls come from any task of the loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import difflib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from synalinks._json import Json, JsonObject
from synalinks.errors import ConfigurationError, OfflineError, ToolFailed
from synalinks.lm import current_run, scrubbed

if TYPE_CHECKING:
    from mcp import Client

#: Keys of a connection, by transport; the first is mandatory.
KEYS = {
    "stdio": ("command", "args", "env", "cwd", "encoding", "encoding_error_handler"),
    "sse": ("url", "headers", "timeout", "sse_read_timeout"),
    "streamable_http": ("url", "headers", "timeout", "sse_read_timeout"),
}
ALIASES = {"http": "streamable_http", "streamable-http": "streamable_http", "streamableHttp": "streamable_http"}
#: Seconds that a request over HTTP, and the wait for the next event of an open one, may take.
TIMEOUT, READ_TIMEOUT = 30.0, 300.0
INSTALL = "MCP servers need the package mcp: pip install 'synalinks-replay[mcp]'"


def checked(server: str, given: object) -> JsonObject:
    """A connection with its transport.

    Raises:
        ConfigurationError: no dict, an unknown transport or key, or no command or URL.
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"the MCP server {server!r}: a connection is a dict, got {given!r}")
    found = dict(given)
    name = found.pop("transport", None) or ("stdio" if "command" in found else "streamable_http")
    transport = ALIASES.get(name, name)
    if transport not in KEYS:
        raise ConfigurationError(f"the MCP server {server!r}: transport={name!r}; write one of {', '.join(KEYS)}")
    keys = KEYS[transport]
    for key in found:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(keys)}"
            raise ConfigurationError(f"the MCP server {server!r}: {transport} has no key {key!r}. {hint}")
    if not found.get(keys[0]):
        raise ConfigurationError(f"the MCP server {server!r}: {transport} needs {keys[0]!r}")
    return {"transport": transport, **found}


class Session:
    """An open session with one server.

    Attributes:
        client: the library's client of it.
    """

    def __init__(self, server: str, connection: Mapping[str, Json]) -> None:
        self.client: Client
        self._server = server
        self._connection = connection
        self._closing = asyncio.Event()
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(self._own(), context=contextvars.Context())

    @classmethod
    async def begin(cls, server: str, connection: Mapping[str, Json]) -> Session:
        """A session, once the server has answered.

        Raises:
            ConfigurationError: the package is not installed.
            ToolFailed: the server does not start or does not answer.
            OfflineError: it would be reached over the network, and live calls are forbidden.
        """
        if "url" in connection and current_run().offline:
            raise OfflineError(f"the MCP server {server!r} is reached over the network, which is forbidden here")
        made = cls(server, connection)
        try:
            await asyncio.shield(made._open)
        except asyncio.CancelledError:
            await made.close()
            raise
        return made

    @property
    def is_alive(self) -> bool:
        """Whether its task runs."""
        return not self._task.done()

    async def close(self) -> None:
        """End it, and a server that was started for it."""
        self._closing.set()
        if not self._open.done():
            self._task.cancel()
        await asyncio.wait((self._task,))

    async def _own(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                self.client = await _connected(stack, self._connection)
                self._open.set_result(None)
                await self._closing.wait()
        except ImportError as error:
            self._fail(ConfigurationError(f"{INSTALL} ({error})"))
        except failures() as error:
            self._fail(ToolFailed(f"the MCP server {self._server!r} can't be used: {in_words(error)}"))
        finally:
            if not self._open.done():
                self._open.cancel()

    def _fail(self, error: Exception) -> None:
        if not self._open.done():
            self._open.set_exception(error)


async def _connected(stack: AsyncExitStack, connection: Mapping[str, Json]) -> Client:
    from mcp import Client  # an optional package, 0.4 s

    transport = connection["transport"]
    given = {key: value for key, value in connection.items() if key != "transport"}
    if transport == "stdio":
        from mcp import StdioServerParameters

        return await stack.enter_async_context(Client(StdioServerParameters(**given)))
    wait, read = given.pop("timeout", TIMEOUT), given.pop("sse_read_timeout", READ_TIMEOUT)
    if transport == "sse":
        from mcp.client.sse import sse_client

        return await stack.enter_async_context(Client(sse_client(**given, timeout=wait, sse_read_timeout=read)))
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    timeout = httpx2.Timeout(wait, read=read)
    http = await stack.enter_async_context(httpx2.AsyncClient(headers=given.get("headers"), timeout=timeout))
    return await stack.enter_async_context(Client(streamable_http_client(given["url"], http_client=http)))


def failures() -> tuple[type[Exception], ...]:
    """What connecting and calling can raise. Evaluated only when something was raised."""
    try:
        import anyio
        import httpx2
        from mcp import MCPError
    except ImportError:
        return (OSError,)
    broken = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)
    return (MCPError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RuntimeError, ExceptionGroup, *broken)


def is_answer(error: BaseException) -> bool:
    """Whether it is the server that says so, so that the session goes on."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    return isinstance(error, MCPError) and error.error.code != CONNECTION_CLOSED


def in_words(error: BaseException) -> str:
    """The words of an error, or of the first one in a group, without secrets."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    words = getattr(error, "message", None) or str(error)
    return scrubbed(f"{type(error).__name__}: {words}".rstrip(": "))
