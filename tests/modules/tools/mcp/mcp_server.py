"""An MCP server of the package `mcp`, for tests: over stdio, or over HTTP at a port that it prints."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("tests")
seen: list[int] = []


@server.tool()
def add(first: int, second: int) -> int:
    """Add two numbers."""
    seen.append(first)
    return first + second


@server.tool()
def count() -> dict[str, int]:
    """Count the calls of `add` so far."""
    return {"calls": len(seen)}


@server.tool(structured_output=False)
def say(text: str) -> str:
    """Say it."""
    return text


@server.tool()
def picture() -> Image:
    """Give a picture."""
    return Image(data=b"\x89PNG", format="png")


@server.tool(name="odd.name/v2")
def odd() -> str:
    """Have a name that no provider takes."""
    return os.environ.get("ODD", "unset")


@server.tool()
def fail() -> str:
    """Fail."""
    raise ToolError("no such city")


@server.tool()
def leave() -> str:
    """End the server."""
    os._exit(3)


def main() -> None:
    if len(sys.argv) < 2:
        server.run()
        return
    app = server.sse_app() if sys.argv[1] == "sse" else server.streamable_http_app()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # before the port is known: a client may be quicker than the server
    print(listener.getsockname()[1], flush=True)
    asyncio.run(uvicorn.Server(uvicorn.Config(app, log_level="error")).serve([listener]))


if __name__ == "__main__":
    main()
