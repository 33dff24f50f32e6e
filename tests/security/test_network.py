"""The block on the network sees datagrams, `_socket`, look-ups of names and network clients."""

from __future__ import annotations

import _socket
import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from synalinks.errors import OfflineError
from synalinks.testing.pytest_plugin.network import no_network

#: An address that no machine has (RFC 5737).
NOWHERE = ("192.0.2.1", 9)


def send_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.sendto(b"x", NOWHERE)


def send_message() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.sendmsg([b"x"], [], 0, NOWHERE)


def connect_below_socket() -> None:
    _socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(NOWHERE)


def connect_ex() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connecting:
        connecting.connect_ex(NOWHERE)


def connect_with_asyncio() -> None:
    asyncio.run(asyncio.wait_for(asyncio.open_connection(*NOWHERE), 5))


WAYS: list[Callable[[], object]] = [
    send_datagram,
    send_message,
    connect_below_socket,
    connect_ex,
    connect_with_asyncio,
    lambda: socket.create_connection(NOWHERE, 1),
    lambda: socket.getaddrinfo("example.org", 443),
    lambda: _socket.getaddrinfo(b"example.org", 443),
    lambda: socket.gethostbyname("example.org"),
    lambda: socket.gethostbyname_ex("example.org"),
    lambda: socket.gethostbyaddr("192.0.2.1"),
    lambda: socket.getnameinfo(NOWHERE, 0),
    lambda: subprocess.run(["curl", "http://192.0.2.1"], check=False),
    lambda: subprocess.run(["/usr/bin/wget", "x"], check=False),
    lambda: subprocess.run("cd / && curl http://192.0.2.1", shell=True, check=False),
    lambda: subprocess.run(["env", "A=1", "curl", "x"], check=False),
    lambda: subprocess.run(["timeout", "-k", "1", "2", "curl", "x"], check=False),
    lambda: subprocess.run(["nohup", "sh", "-c", "exec curl x"], check=False),
    lambda: subprocess.run("A=1 curl x", shell=True, check=False),
    lambda: subprocess.run("if true; then curl x; fi", shell=True, check=False),
    lambda: subprocess.run("echo $(curl x)", shell=True, check=False),
    lambda: subprocess.run("$(which curl) x", shell=True, check=False),
    lambda: subprocess.run("true && exec `command -v wget` x", shell=True, check=False),
    lambda: os.posix_spawn("/usr/bin/env", ["env", "curl", "x"], {}),
    lambda: os.popen("true | curl x").read(),
    lambda: os.system("true; ssh 192.0.2.1"),
]


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_every_way_is_refused(way: int) -> None:
    with no_network("a test"), pytest.raises(OfflineError, match="was refused: a test, and a replay needs no network"):
        WAYS[way]()


def test_loopback_is_let_through_where_every_open_block_does() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        address = server.getsockname()
        with no_network("a test", allow_loopback=True):
            socket.create_connection(address).close()
            sending.sendto(b"x", address)
            with no_network("an inner test"), pytest.raises(OfflineError, match="allow_loopback=True"):
                socket.create_connection(address)
            with no_network("an inner test"), pytest.raises(OfflineError, match="allow_loopback=True"):
                sending.sendto(b"x", address)
        with ExitStack() as stack:
            stack.enter_context(no_network("a test"))
            stack.enter_context(no_network("an inner test", allow_loopback=True))
            with pytest.raises(OfflineError, match="refused: a test"):
                socket.create_connection(address)
        socket.create_connection(address).close()


def test_what_is_no_network_goes_on() -> None:
    with no_network("a test"):
        done = subprocess.run([sys.executable, "-c", "print('ssh curl')"], capture_output=True, check=True, text=True)
        assert done.stdout == "ssh curl\n"
        done = subprocess.run("echo curl; echo host", shell=True, capture_output=True, check=True, text=True)
        assert done.stdout == "curl\nhost\n"
        assert os.system("true") == 0
        assert socket.getaddrinfo("127.0.0.1", 80) and socket.getaddrinfo("localhost", 80)
        left, right = socket.socketpair()
        left.send(b"x")
        assert right.recv(1) == b"x"
        left.close()
        right.close()
        asyncio.run(asyncio.sleep(0))
