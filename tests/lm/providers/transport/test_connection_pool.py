"""Our own connections against servers on loopback that answer as servers do, and as they should not."""

from __future__ import annotations

import asyncio
import gc
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from synalinks.lm.providers.transport import connection as connections
from synalinks.lm.providers.transport import http
from synalinks.lm.providers.transport.http import HttpClient, http_client, is_refused

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n"
Step = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool | None]]


class Server:
    """Does `step` for each request of each connection, until it returns False."""

    def __init__(self, step: Step) -> None:
        self.step, self.connections, self.heads = step, 0, list[bytes]()
        self.hung_up = asyncio.Event()
        self.tasks: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await reader.readexactly(int((head.lower().partition(b"content-length:")[2] or b"0").split()[0]))
                if await self.step(reader, writer) is False:
                    break
        self.hung_up.set()
        writer.close()


@asynccontextmanager
async def serving(
    step: Step, tls: ssl.SSLContext | None = None, **settings: float
) -> AsyncIterator[tuple[Server, HttpClient, str]]:
    server = Server(step)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    url = f"http{'s' * (tls is not None)}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    try:
        async with aclosing(http_client(url, {}, **settings)) as client:
            yield server, client, url
    finally:
        listening.close()
        if server.tasks:
            await asyncio.wait(filter(None, server.tasks))


def saying(*parts: bytes, closing: bool = False) -> Step:
    """A server that writes these parts, each by itself, for every request."""

    async def step(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        return not closing

    return step


def fetched(step: Step, **settings: float) -> httpx.Response:
    async def main() -> httpx.Response:
        async with serving(step, **settings) as (_, client, url):
            return await client.request("POST", url, b"{}")

    return asyncio.run(main())


PACKED = gzip.compress(b"hello")
PACKED_HEAD = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(PACKED)


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ((OK,), b"hi"),
        ((OK[:20], OK[20:41], OK[41:]), b"hi"),
        ((CHUNKED, b"3\r\nllo\r\n0\r\nx-trailer: 1\r\n\r\n"), b"hello"),
        ((b"HTTP/1.1 100 Continue\r\nx-early: 1\r\n\r\n", OK), b"hi"),
        ((b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK,), b"hi"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b""),
        ((PACKED_HEAD + PACKED,), b"hello"),
        ((PACKED_HEAD, PACKED), b"hello"),
    ],
)  # fmt: skip
def test_responses_as_servers_write_them(parts: tuple[bytes, ...], content: bytes) -> None:
    response = fetched(saying(*parts))
    assert response.content == content
    assert not {"x-early", "link", "x-trailer"} & set(response.headers)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    assert fetched(saying(b"HTTP/1.1 200 OK\r\n\r\nhe", b"llo", closing=True)).content == b"hello"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), "disconnected without sending a response"),
        ((b"HTTP/1.1 200 OK\r\ncontent-le",), "disconnected without sending a response"),
        ((OK[:-1],), "without sending complete message body"),
        ((CHUNKED,), "without sending complete message body"),
        ((b"SSH-2.0-OpenSSH_9.6\r\n",), "not HTTP/1.1"),
        ((b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",), "not HTTP/1.1"),
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi",), "not HTTP/1.1"),
        ((b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,), "head of the response"),
    ],
)  # fmt: skip
def test_a_response_that_may_have_been_billed_is_no_failure_to_connect(parts: tuple[bytes, ...], words: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match=words):
        fetched(saying(*parts, closing=True))


def test_silence_ends_at_the_time_limit() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async def in_the_middle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK[:-1])
        await reader.read(1)

    for step in (silent, in_the_middle):
        with pytest.raises(httpx.ReadTimeout):
            fetched(step, timeout=0.05)


def test_a_refused_connection_is_told_apart() -> None:
    async def main() -> None:
        async with aclosing(http_client("http://127.0.0.1:9/", {})) as client:
            with pytest.raises(httpx.ConnectError) as caught:
                await client.request("GET", "http://127.0.0.1:9/")
            assert is_refused(caught.value)
            with pytest.raises(httpx.UnsupportedProtocol):
                await client.request("GET", "ftp://127.0.0.1:9/")

    asyncio.run(main())


def test_a_connection_is_used_again_and_as_many_are_opened_as_calls_are_out() -> None:
    async def main() -> None:
        async with serving(saying(OK)) as (server, client, url):
            for _ in range(3):
                await client.request("POST", url, b"{}")
            assert server.connections == 1
            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(client.request("POST", url, b"{}"))
            assert server.connections == 8

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer", [OK.replace(b"200 OK", b"200 OK\r\nconnection: close"), OK.replace(b"1.1", b"1.0"), OK + b"more", OK * 2]
)
def test_a_connection_is_not_used_again_where_the_response_says_so_or_more_came_than_was_asked_for(
    answer: bytes,
) -> None:
    async def main() -> None:
        async with serving(saying(answer)) as (server, client, url):
            for _ in range(2):
                assert (await client.request("POST", url, b"{}")).content == b"hi"
            assert server.connections == 2

    asyncio.run(main())


def test_no_request_is_sent_on_a_connection_that_was_closed_while_the_event_loop_was_busy() -> None:
    def serve(listening: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(OK)
            closed.set()

    async def main(url: str) -> None:
        async with aclosing(http_client(url, {})) as client:
            for _ in range(2):
                assert (await client.request("GET", url)).content == b"hi"
                closed.wait()  # blocks the loop, which sees nothing of the end

    closed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        asyncio.run(main(f"http://127.0.0.1:{listening.getsockname()[1]}/"))
        thread.join()


def test_idle_connections_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LOCAL_KEEP_ALIVE_SECONDS", 0.0)

    async def main() -> None:
        async with serving(saying(OK)) as (server, client, url):
            for _ in range(2):
                await client.request("POST", url, b"{}")
                await asyncio.sleep(0.01)
            assert server.connections == 2
            await server.hung_up.wait()

    asyncio.run(main())


def test_a_response_that_is_left_early_hangs_up() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        await reader.readexactly(1)

    async def main() -> None:
        async with serving(endless) as (server, client, url):
            async with aclosing(await client.begin("POST", url, b"{}")) as response:
                assert await anext(response.aiter_bytes()) == b"he"
            await server.hung_up.wait()

    asyncio.run(main())


def test_a_call_that_is_cancelled_while_it_connects_leaves_no_socket_open() -> None:
    async def main() -> None:
        async with serving(saying(OK)) as (_, client, url):
            for steps in range(8):
                task = asyncio.create_task(client.request("POST", url, b"{}"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])

    asyncio.run(main())
    gc.collect()  # which warns of what was left open


def test_a_reader_that_is_slow_slows_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_WAITING", 1024)
    size = 64 * 1024 * 1024
    sent = 0

    async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    async def main() -> None:
        async with serving(large) as (_, client, url), aclosing(await client.begin("GET", url)) as response:
            for _ in range(50):
                await asyncio.sleep(0.002)
            assert sent < size
            assert sum([len(chunk) async for chunk in response.aiter_raw()]) == size

    asyncio.run(main())


def test_a_line_break_in_a_header_is_refused() -> None:
    async def main() -> None:
        async with serving(saying(OK)) as (server, _, url):
            async with aclosing(http_client(url, {"x-key": "a\r\nx-other: b"})) as client:
                with pytest.raises(httpx.LocalProtocolError, match="line break"):
                    await client.request("GET", url)
            assert server.connections == 0

    asyncio.run(main())


def test_what_is_sent() -> None:
    async def main() -> bytes:
        async with serving(saying(OK)) as (server, _, url):
            async with aclosing(http_client(url, {"x-key": "k"}, auth=("user", "pass"))) as client:
                await client.request("POST", url + "a/b?c=d%20e", b"{}")
            return server.heads[0]

    head = asyncio.run(main())
    assert head.startswith(b"POST /a/b?c=d%20e HTTP/1.1\r\n")
    lines = head.lower().split(b"\r\n")
    assert {b"x-key: k", b"authorization: basic dxnlcjpwyxnz", b"content-length: 2"} <= set(lines)
    assert sum(line.startswith(b"host: 127.0.0.1:") for line in lines) == 1


def test_recorders_that_replace_the_transport_of_httpx_see_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def recorded(self: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"recorded")

    async def main() -> None:
        async with serving(saying(OK)) as (_, client, url):
            assert (await client.request("POST", url, b"{}")).content == b"hi"
            with monkeypatch.context() as patch:
                patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", recorded)
                assert (await client.request("POST", url, b"{}")).content == b"recorded"
            assert (await client.request("POST", url, b"{}")).content == b"hi"

    asyncio.run(main())


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 and its key in one file."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("the command openssl is not installed, and a certificate is made with it")
    key, found = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(found)]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    found.write_bytes(found.read_bytes() + key.read_bytes())
    return found


def test_tls_is_verified(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)

    async def main() -> int:
        async with serving(saying(OK), tls) as (server, client, url):
            for _ in range(2):
                assert (await client.request("POST", url, b"{}")).content == b"hi"
            return server.connections

    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(main())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert asyncio.run(main()) == 1
