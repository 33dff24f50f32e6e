"""A block on the network: connections and look-ups of names are refused while it holds."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from synalinks.errors import OfflineError

_INTERNET = (socket.AF_INET, socket.AF_INET6)


@contextmanager
def no_network(why: str, *, allow_loopback: bool = False) -> Iterator[None]:
    """Refuse every connection of this process over IP while the block lasts.

    Connections that were open before go on, and so do Unix sockets, which end on this machine by nature.

    Args:
        why: a clause for the error, e.g. `"test_a.py::test_b replays its cassette"`.
        allow_loopback: let connections to this machine through.

    Raises:
        OfflineError: inside the block, at a connection. It is no `OSError`, which libraries would take for a
            server that is down, and try again or carry on without.
    """
    plain_connect, plain_connect_ex = socket.socket.connect, socket.socket.connect_ex
    plain_look_up, plain_pair = socket.getaddrinfo, socket.socketpair
    exempt = threading.local()

    def check(connecting: socket.socket, address: Any) -> None:
        if connecting.family not in _INTERNET or getattr(exempt, "now", False):
            return
        host, port = (*address, "")[:2] if isinstance(address, tuple) else (address, "")
        if not (allow_loopback and _is_this_machine(str(host))):
            connecting.close()  # who connects tidies up after an OSError only, and open sockets are warned of
            raise OfflineError(_refusal(f"{host}:{port}", why, _is_this_machine(str(host))))

    def connect(self: socket.socket, address: Any) -> None:
        check(self, address)
        plain_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return plain_connect_ex(self, address)

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode("utf-8", "replace") if isinstance(host, bytes) else host
        if name and not _is_address(name) and not _is_this_machine(name):
            raise OfflineError(_refusal(name, why, here=False))
        return plain_look_up(host, *args, **options)

    def pair(*args: Any, **options: Any) -> Any:
        # Where the system has no pairs (Windows) one is made by a connection, and every event loop needs one.
        exempt.now = True
        try:
            return plain_pair(*args, **options)
        finally:
            exempt.now = False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket.socket, "connect_ex", connect_ex)
        patch.setattr(socket, "getaddrinfo", look_up)
        patch.setattr(socket, "socketpair", pair)
        yield


def _refusal(where: str, why: str, here: bool) -> str:
    ways = "Replace in the test what connects"
    if here:
        ways += ", or let it through with @pytest.mark.cassette(allow_loopback=True)"
    return (
        f"a connection to {where} was refused: {why}, and a replay needs no network. {ways}. "
        "While a cassette is recorded (--record-mode once) nothing is refused"
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_this_machine(host: str) -> bool:
    """Whether a host is loopback; an empty or unspecified one means this machine to `connect`."""
    name = host.lower().rstrip(".")
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    if not _is_address(name):
        return False
    address = ipaddress.ip_address(name.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return any(a.is_loopback or a.is_unspecified for a in (address, mapped) if a is not None)
