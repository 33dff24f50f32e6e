"""A request as httpx has it, which shows no query string: tracebacks with local variables show its repr."""

from __future__ import annotations

import httpx


class Request(httpx.Request):
    """A request whose repr has its address without credentials and query."""

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, '{self.url.copy_with(userinfo=b'', query=None)}')>"
