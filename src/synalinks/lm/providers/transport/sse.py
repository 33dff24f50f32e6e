"""Server-sent events, as providers stream them: the data of each event, as text.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


async def events(response: httpx.Response) -> AsyncGenerator[str, None]:
    """The data of each event of a streamed response; several data lines of one event are joined by a newline.

    Comments (`: OPENROUTER PROCESSING`), `event:`, `id:` and `retry:` lines are skipped: every provider says
    the kind of an event in its data too. `[DONE]` is given like any other data. Data whose closing blank line
    is missing at the end is given as well: some servers leave that line out. Errors of httpx pass through.

    Close it when leaving early: `async with aclosing(events(response)) as stream`.
    """
    data: list[str] = []
    async for line in _lines(response):
        if not line:
            if data:
                yield "\n".join(data)
                data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" ").decode("utf-8", "replace"))
        elif line == b"data":
            data.append("")
    if data:
        yield "\n".join(data)


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Lines without their ends, which are LF, CR LF or CR.

    Not httpx's `aiter_lines`: it also splits at U+2028, U+0085 and other characters that stand as they are in
    JSON strings, and would tear such an event in two.
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
