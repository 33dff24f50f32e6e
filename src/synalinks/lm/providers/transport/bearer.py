"""Bearer tokens on requests (RFC 6750), from a source that renews them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from synalinks.lm.core.secrets import Hidden

if TYPE_CHECKING:
    import httpx

    Send = Callable[[httpx.Request], Awaitable[httpx.Response]]

UNAUTHORIZED = 401


class Tokens(Protocol):
    """A source of access tokens."""

    async def token(self, refused: str | None = None) -> str:
        """A token; never one that was refused."""


def with_tokens(send: Send, tokens: Tokens) -> Send:
    """What sends each request with the source's token, and once more with a new one after status 401."""

    async def authorised(request: httpx.Request) -> httpx.Response:
        token = Hidden(await tokens.token())
        request.headers["authorization"] = f"Bearer {token.value}"
        response = await send(request)
        if response.status_code != UNAUTHORIZED:
            return response
        await response.aclose()
        request.headers["authorization"] = f"Bearer {await tokens.token(refused=token.value)}"
        return await send(request)

    return authorised
