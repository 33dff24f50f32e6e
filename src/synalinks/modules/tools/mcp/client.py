"""MultiServerMCPClient: the tools of MCP servers as tools of this library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from synalinks._concurrency import LoopLocal, run_all
from synalinks._json import Json
from synalinks.errors import ConfigurationError, ToolFailed
from synalinks.modules.tools.mcp.connections import Session, checked, failures, in_words, is_answer
from synalinks.modules.tools.mcp.results import value_of
from synalinks.modules.tools.mcp.tool import CLIENTS, McpTool

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import Tool as ServerTool


class _Sessions:
    """The open sessions of one event loop."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.by_server: dict[str, Session] = {}


class MultiServerMCPClient:
    """Tools of servers that speak the Model Context Protocol, for agents and generators (extra `mcp`).

    A session with a server is opened at its first use and stays open as long as the event loop runs, so that a server
    may keep state between calls; `aclose`, or `async with`, closes all of them.

    `tools = await client.get_tools()` gives `math_add`, `weather_forecast` and so on, for an agent's `tools=`.

    Example:
        >>> client = synalinks.MultiServerMCPClient({
        ...     "math": {"transport": "stdio", "command": "python", "args": ["math_server.py"]},
        ...     "weather": {"transport": "streamable_http", "url": "http://localhost:8000/mcp"},
        ... })
        >>> client
        <MultiServerMCPClient math, weather>

    Args:
        connections: by the name of the server, a dict with `transport` and, for `stdio`, `command`, `args`, `env`,
            `cwd`; for `streamable_http` and `sse`, `url`, `headers`, `timeout` and `sse_read_timeout` in seconds.

    Raises:
        ConfigurationError: a connection that can't be right.
    """

    def __init__(self, connections: Mapping[str, Mapping[str, Json]] | None = None) -> None:
        self.connections = {name: checked(name, given) for name, given in (connections or {}).items()}
        self._sessions: LoopLocal[_Sessions] = LoopLocal(_Sessions)
        CLIENTS.update(dict.fromkeys(self.connections, self))

    def __deepcopy__(self, memo: object) -> MultiServerMCPClient:
        return self  # copies of a program use the same sessions

    async def get_tools(self, server_name: str | None = None) -> list[McpTool]:
        """The tools of all servers, each named `server_tool`, or of one server under their own names.

        Raises:
            ConfigurationError: no such server, or the package `mcp` is not installed.
            ToolFailed: a server can't be reached.
        """
        if server_name is not None:
            return [self._tool(server_name, tool) for tool in await self._listed(server_name)]
        servers = list(self.connections)
        lists = await run_all(self._listed(server) for server in servers)
        return [
            self._tool(server, tool, f"{server}_{tool.name}")
            for server, tools in zip(servers, lists, strict=True)
            for tool in tools
        ]

    def _tool(self, server: str, tool: ServerTool, name: str | None = None) -> McpTool:
        return McpTool(
            server=server,
            tool=tool.name,
            parameters=tool.input_schema,
            results=tool.output_schema,
            name=name,
            description=tool.description or tool.title,
            client=self,
        )

    async def _listed(self, server: str) -> list[ServerTool]:
        found: list[ServerTool] = []
        cursor: str | None = None
        session = await self._session(server)
        try:
            while True:
                page = await session.client.list_tools(cursor=cursor)
                found += page.tools
                cursor = page.next_cursor
                if not cursor:
                    return found
        except failures() as error:
            await self._drop_if_broken(server, session, error)
            raise ToolFailed(f"the MCP server {server!r} does not list its tools: {in_words(error)}") from error

    async def call_tool(self, server_name: str, tool: str, arguments: Mapping[str, Json]) -> object:
        """What a tool gives: its structured content, else its text, else its other contents as JSON.

        Raises:
            ToolFailed: the tool or the server failed, in its own words.
        """
        session = await self._session(server_name)
        try:
            result = await session.client.call_tool(tool, dict(arguments))
        except failures() as error:
            await self._drop_if_broken(server_name, session, error)
            raise ToolFailed(f"the MCP server {server_name!r} failed: {in_words(error)}") from error
        return value_of(result)

    @asynccontextmanager
    async def session(self, server_name: str) -> AsyncIterator[ClientSession]:
        """The session with a server, of the package `mcp`, for what is not a tool: resources, prompts, ..."""
        yield (await self._session(server_name)).client.session

    async def _session(self, server: str) -> Session:
        if server not in self.connections:
            known = ", ".join(self.connections) or "none"
            raise ConfigurationError(f"there is no MCP server {server!r}; there are {known}")
        sessions = self._sessions.get()
        async with sessions.lock:
            found = sessions.by_server.get(server)
            if found is None or not found.is_alive:
                found = sessions.by_server[server] = await Session.begin(server, self.connections[server])
            return found

    async def _drop_if_broken(self, server: str, session: Session, error: BaseException) -> None:
        """Let the next use open another session, unless the server itself has answered with the error."""
        by_server = self._sessions.get().by_server
        if not is_answer(error) and by_server.get(server) is session:
            del by_server[server]
            await session.close()

    async def aclose(self) -> None:
        """Close the sessions of the running event loop; the next use opens new ones."""
        sessions = self._sessions.get()
        while sessions.by_server:
            await sessions.by_server.popitem()[1].close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<MultiServerMCPClient {', '.join(self.connections) or 'of no server'}>"
