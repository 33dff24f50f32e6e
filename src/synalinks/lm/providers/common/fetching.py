"""Media given by address, fetched for providers that take bytes only.

What may be fetched is the user's to say: any public host by default; with `SYNALINKS_MEDIA_HOSTS`, the hosts named
there and no others (`*.example.com` for all below one, nothing for none at all). Addresses of this machine and of
private networks are fetched from named hosts only: an address may come from a data set. No key and no cookie is sent.
"""

from __future__ import annotations

import asyncio
import fnmatch
import ipaddress
import os
import urllib.request
from collections.abc import Collection, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from synalinks._base.media import Medium, most_bytes, type_of
from synalinks.lm.core.call import Call
from synalinks.lm.core.errors import ConnectionFailed, RequestError, SampleRefused
from synalinks.lm.providers.common.content import KINDS, media_of
from synalinks.lm.providers.transport.http import http_client

if TYPE_CHECKING:
    import httpx

HOSTS = "SYNALINKS_MEDIA_HOSTS"
#: Redirects that are followed, each to a host that is allowed.
MOST_REDIRECTS = 5
#: Seconds without a byte after which a fetch is given up.
SILENCE = 30.0
#: Content types that say nothing of the content.
VAGUE = ("", "application/octet-stream", "binary/octet-stream", "application/binary")


async def with_bytes(call: Call, kinds: Collection[str], transport: httpx.AsyncBaseTransport | None = None) -> Call:
    """The call with the bytes of media of these kinds in place of their addresses.

    Raises:
        RequestError: an address that may not be fetched.
        SampleRefused: there is nothing at an address, something of another kind, or something too large.
        ConnectionFailed: the server could not be reached, or is out of order.
    """
    messages = call.request.messages
    if not any(isinstance(message.get("content"), list | tuple) for message in messages):
        return call
    fetched = [await _fetched(message, kinds, call.request.model, transport) for message in messages]
    if all(new is old for new, old in zip(fetched, messages, strict=True)):
        return call
    return replace(call, request=call.request.with_messages(fetched))


async def _fetched(
    message: Mapping[str, object], kinds: Collection[str], model: str, transport: httpx.AsyncBaseTransport | None
) -> Mapping[str, Any]:
    content = message.get("content")
    if not isinstance(content, list | tuple):
        return message
    parts = [await _part(part, kinds, model, transport) for part in content]
    return (
        message if all(new is old for new, old in zip(parts, content, strict=True)) else {**message, "content": parts}
    )


async def _part(part: object, kinds: Collection[str], model: str, transport: httpx.AsyncBaseTransport | None) -> Any:
    if not isinstance(part, Mapping) or KINDS.get(str(part.get("type"))) not in kinds:
        return part
    media = media_of(part, model)
    if media.url is None or not media.url.lower().startswith(("http://", "https://")):
        return part
    medium = await fetch(media.url, media.kind, transport)
    mime = media.mime if medium.mime in VAGUE else medium.mime
    return {"type": media.kind, "data": medium.base64, "media_type": mime, "mime_type": mime}


async def fetch(url: str, kind: str, transport: httpx.AsyncBaseTransport | None = None) -> Medium:
    """The medium at an address.

    Args:
        url: of http or https.
        kind: `image`, `audio` or `file`.
        transport: in place of the network.

    Raises: see `with_bytes`.
    """
    import httpx  # 80 ms, not needed to import the package

    shown = url.partition("?")[0]
    for _ in range(MOST_REDIRECTS + 1):
        await _check_host(url, transport)
        client = http_client(url, {"accept": f"{kind}/*, */*;q=0.1"}, timeout=SILENCE, transport=transport)
        try:
            async with aclosing(client), aclosing(await client.begin("GET", url)) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                return await _read(response, shown, kind)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ConnectionFailed(f"{shown}: the {kind} can't be fetched ({type(error).__name__}: {error})") from error
    raise SampleRefused(f"{shown}: more than {MOST_REDIRECTS} redirects", kind="media")


async def _read(response: httpx.Response, shown: str, kind: str) -> Medium:
    if response.status_code >= 500 or response.status_code == 429:
        raise ConnectionFailed(f"{shown}: the {kind} can't be fetched, the server answered {response.status_code}")
    if not response.is_success:
        raise SampleRefused(f"{shown}: no {kind} there, the server answered {response.status_code}", kind="media")
    limit, parts, size = most_bytes(), [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > limit:
            raise SampleRefused(
                f"{shown}: the {kind} has more than {limit:,} bytes; give a smaller one, or raise "
                "SYNALINKS_MEDIA_BYTES",
                kind="media",
            )
        parts.append(part)
    raw = b"".join(parts)
    mime = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if mime in VAGUE:
        mime = type_of(raw) or ""
    if kind != "file" and mime and not mime.startswith(f"{kind}/"):
        raise SampleRefused(f"{shown}: {mime}, which is no {kind}", kind="media")
    return Medium(raw, mime)


async def _check_host(url: str, transport: httpx.AsyncBaseTransport | None) -> None:
    """Refuse a host that the user did not allow.

    Raises:
        RequestError: saying what to set.
        ConnectionFailed: its name can't be resolved.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise RequestError(f"{url.partition('?')[0]!r} can't be fetched: only addresses of http and https are")
    if (named := os.environ.get(HOSTS)) is not None:
        if any(fnmatch.fnmatchcase(host, pattern.strip().lower()) for pattern in named.split(",")):
            return
        raise RequestError(
            f"media are fetched from the hosts in {HOSTS} only ({named!r}), and {host} is not among them"
        )
    if not await _is_public(host, parts.port or (443 if parts.scheme == "https" else 80), transport):
        raise RequestError(
            f"{host} is on this machine or in a private network; media are fetched from there only if it is named: "
            f"{HOSTS}={host}. Or read it yourself and pass path= or data="
        )


async def _is_public(host: str, port: int, transport: httpx.AsyncBaseTransport | None) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    if host == "localhost" or host.endswith(".localhost"):
        return False
    if transport is not None or urllib.request.getproxies():  # the name is not resolved here
        return True
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
    except OSError as error:
        raise ConnectionFailed(f"{host}: no such host ({error})") from error
    return all(ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found)
