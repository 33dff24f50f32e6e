"""Server-sent events, as providers stream them: the data of each event, as text.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from synalinks.lm.providers.transport.lines import lines

if TYPE_CHECKING:
    import httpx


async def events(response: httpx.Response) -> AsyncGenerator[str, None]:
    """The data of each event of a streamed response; several data lines of one event are joined by a newline.

    A response of type `application/json`, from a server that does not stream, is given whole, as one event.
    Comments (`: OPENROUTER PROCESSING`), `event:`, `id:` and `retry:` lines are skipped: every provider says
    the kind of an event in its data too. `[DONE]` is given like any other data. Data whose closing blank line
    is missing at the end is given as well: some servers leave that line out. Errors of httpx pass through.

    Close it when leaving early: `async with aclosing(events(response)) as stream`.
    """
    if response.headers.get("content-type", "").startswith("application/json"):
        await response.aread()
        yield response.text
        return
    data: list[str] = []
    async for line in lines(response):
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
