"""The lines of a streamed response, and newline-delimited JSON, which is one value a line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


async def lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Lines without their ends, which are LF, CR LF or CR.

    Not httpx's `aiter_lines`: it also splits at U+2028, U+0085 and other characters that stand as they are in
    JSON strings, and would tear such a line in two.
    """
    rest = b""
    async for chunk in response.aiter_bytes():
        rest += chunk
        if b"\r" in rest:
            # A CR at the very end may be the first half of a CR LF whose LF is still to come.
            held = b"\r" if rest.endswith(b"\r") else b""
            rest = rest.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line
    for line in rest.replace(b"\r", b"\n").split(b"\n"):
        if line:
            yield line


async def values(response: httpx.Response) -> AsyncGenerator[str, None]:
    """The text of each value of newline-delimited JSON; empty lines are skipped. Errors of httpx pass through."""
    async for line in lines(response):
        if line.strip():
            yield line.decode("utf-8", "replace")
