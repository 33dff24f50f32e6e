"""McpTool: a tool that an MCP server runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self
from weakref import WeakValueDictionary

from synalinks._json import Json, JsonObject
from synalinks.data import SymbolicDataModel
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm import schema_of
from synalinks.modules.core.module import Module
from synalinks.modules.tools.results import result_schema, title_of
from synalinks.modules.tools.tool import Tool
from synalinks.saving import is_cloning


class ToolServers(Protocol):
    """What runs tools on servers."""

    async def call_tool(self, server_name: str, tool: str, arguments: Mapping[str, Json]) -> object:
        """What a tool of a server gives."""


#: Characters that names of tools have with no provider, and the most characters of a name.
_ODD, LONGEST = re.compile(r"[^A-Za-z0-9_-]+"), 64
#: The client that was made last for each server; a tool that was loaded from a file is run through it.
CLIENTS: WeakValueDictionary[str, ToolServers] = WeakValueDictionary()


class McpTool(Tool):
    """A tool that an MCP server runs; `MultiServerMCPClient.get_tools` makes them.

    A saved one has no address and no secret: when it is called it is run by the client that the program made last for a
    server of that name.

    Example:
        >>> tool = synalinks.modules.McpTool(server="math", tool="add", parameters={"type": "object", "properties": {}})
        >>> tool.name, tool.description
        ('add', 'Add')

    Args:
        server: the name of the server.
        tool: the name of the tool there.
        parameters: the JSON schema of its arguments. results: that of its results, or None.
        name: what models call it by; the tool's own name where None.
        description: what it is for.
        client: the client that runs it; the one made last for the server where None.
    """

    shared_by_copies: ClassVar[tuple[str, ...]] = ("client",)

    def __init__(
        self,
        *,
        server: str,
        tool: str,
        parameters: Mapping[str, Json],
        results: Mapping[str, Json] | None = None,
        name: str | None = None,
        description: str | None = None,
        client: ToolServers | None = None,
    ) -> None:
        wire = _ODD.sub("_", name or tool)[:LONGEST]
        Module.__init__(self, name=wire, description=description or title_of(tool), trainable=False)
        self.server, self.tool, self.client = server, tool, client
        self.input_schema: JsonObject = {"properties": {}, **parameters}
        self.results = None if results is None else dict(results)
        self._details = ""

    @property
    def parameters(self) -> JsonObject:
        """The JSON schema of its arguments, as the server gave it."""
        return {"title": title_of(self.tool), **self.input_schema}

    def read(self, arguments: Mapping[str, object]) -> JsonObject:
        """Arguments that obey the server's schema.

        Raises:
            DataError: they don't.
        """
        given = dict(arguments)
        if (problem := schema_of(self.input_schema).problem(given)) is not None:
            raise DataError(problem)
        return given

    async def _once(self, arguments: Mapping[str, Json]) -> object:
        client = self.client or CLIENTS.get(self.server)
        if client is None:
            raise ConfigurationError(
                f"{self.name}: no client for the MCP server {self.server!r}; make one before the tool is called: "
                f"client = synalinks.MultiServerMCPClient({{{self.server!r}: ...}})"
            )
        return await client.call_tool(self.server, self.tool, arguments)

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> SymbolicDataModel:
        """What the server says of the results."""
        return SymbolicDataModel(schema=result_schema(None, self.name) | (self.results or {}))

    def get_config(self) -> JsonObject:
        """The tool as its server described it; the client only in a clone."""
        held = {"client": self.client} if is_cloning() else {}
        own = {"name": self.name, "description": self.description}
        given = {"parameters": self.input_schema, "results": self.results}
        return {"server": self.server, "tool": self.tool, **given, **own, **held}

    @classmethod
    def from_config(cls, config: Mapping[str, Json]) -> Self:
        """The tool that `get_config` described; schemas are taken as they are."""
        return cls(**config)
