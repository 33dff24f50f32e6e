"""A block on the network: connections, datagrams, look-ups of names and network clients are refused while it holds.

The block is an audit hook of the interpreter (PEP 578), so it covers what is sent by `socket`, by `_socket`, and by
every library that uses them. It does not cover native code that calls the system itself (uvloop, grpc, pycurl), nor
what a program does that the process starts, but for the network clients in `CLIENTS`.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from synalinks.errors import OfflineError

#: Programs that do nothing without a network; starting one is refused.
CLIENTS = frozenset(
    [
        "curl",
        "dig",
        "ftp",
        "host",
        "http",
        "httpie",
        "https",
        "nc",
        "ncat",
        "netcat",
        "nslookup",
        "ping",
        "scp",
        "sftp",
        "ssh",
        "telnet",
        "tracepath",
        "traceroute",
        "wget",
    ]
)
_INTERNET = (socket.AF_INET, socket.AF_INET6)
#: What stands between the commands of a shell.
_BETWEEN = re.compile(r"[;&|()`\n{}]+")
#: A look-up whose result is started: `$(which curl) ...`.
_LOOKED_UP = re.compile(r"(?:\$\(|`)\s*(?:which|whereis\s+-b|type\s+-p|command\s+-v)\s")
#: Words behind which the name of another program stands, with options, numbers and assignments in between.
_BEFORE = frozenset(
    [
        "busybox",
        "command",
        "do",
        "doas",
        "elif",
        "else",
        "env",
        "eval",
        "exec",
        "if",
        "ionice",
        "nice",
        "nohup",
        "setsid",
        "stdbuf",
        "sudo",
        "then",
        "time",
        "timeout",
        "until",
        "while",
        "xargs",
        "!",
    ]
)
_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "ksh", "fish"])


@dataclass(frozen=True, slots=True)
class _Block:
    """A block that is open, why, and whether it lets connections to this machine through."""

    why: str
    allow_loopback: bool


_open: list[_Block] = []
_opening = threading.Lock()
_hooked = False
_exempt = threading.local()


@contextmanager
def no_network(why: str, *, allow_loopback: bool = False) -> Iterator[None]:
    """Refuse every connection and datagram of this process over IP, and network clients, while the block lasts.

    Connections that were open before go on, and so do Unix sockets, which end on this machine by nature.

    Args:
        why: a clause for the error, e.g. `"test_a.py::test_b replays its cassette"`.
        allow_loopback: let connections to this machine through.

    Raises:
        OfflineError: inside the block, at a connection, a datagram, a look-up of a name, or the start of a network
            client. It is no `OSError`, which libraries would take for a server that is down, and try again or carry on
            without.
    """
    global _hooked
    plain_pair = socket.socketpair
    block = _Block(why, allow_loopback)

    def pair(*args: int, **options: int) -> tuple[socket.socket, socket.socket]:
        # Where the system has no pairs (Windows) one is made by a connection, and every event loop needs one.
        _exempt.now = True
        try:
            return plain_pair(*args, **options)
        finally:
            _exempt.now = False

    with _opening:
        if not _hooked:
            sys.addaudithook(_audit)  # for good: the interpreter has no way to take one back
            _hooked = True
        _open.append(block)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "socketpair", pair)
            yield
    finally:
        with _opening:
            _open.remove(block)


def _audit(event: str, args: tuple[object, ...]) -> None:
    """The hook; it is called at every event of the interpreter, most of which are none of the network."""
    if _open and (check := _CHECKS.get(event)) is not None and not getattr(_exempt, "now", False):
        check(*args)


def _at_connection(connecting: socket.socket, address: object) -> None:
    if connecting.family not in _INTERNET:
        return
    host, port = (*address, "")[:2] if isinstance(address, tuple) else (address, "")
    here = _is_this_machine(str(host))
    for block in tuple(_open):
        if not (here and block.allow_loopback):
            connecting.close()  # who connects tidies up after an OSError only, and open sockets are warned of
            raise OfflineError(_refusal(f"a connection to {host}:{port}", block.why, here))


def _at_datagram(sending: socket.socket, address: object) -> None:
    if sending.family not in _INTERNET or not isinstance(address, tuple):  # without an address, it is a connection's
        return
    here = _is_this_machine(str(address[0]))
    for block in tuple(_open):
        if not (here and block.allow_loopback):
            raise OfflineError(_refusal(f"a datagram to {address[0]}:{address[1]}", block.why, here))


def _at_look_up(host: object, *_: object) -> None:
    name = host.decode("utf-8", "replace") if isinstance(host, (bytes, bytearray)) else str(host or "")
    if name and not _is_address(name) and not _is_this_machine(name):
        raise OfflineError(_refusal(f"a look-up of {name}", _open[-1].why, here=False))


def _at_look_up_of_address(address: object, *_: object) -> None:
    host = str(address[0] if isinstance(address, tuple) else address)
    if not _is_this_machine(host):
        raise OfflineError(_refusal(f"a look-up of {host}", _open[-1].why, here=False))


def _at_start(program: object, words: object = (), *_: object) -> None:
    """Refuse to start a network client, by itself or in the words of a shell."""
    given = [_text(word) for word in words] if isinstance(words, (list, tuple)) else [_text(words)]
    names = {_name_of(_text(program)), *_programs(given)}
    if names & _SHELLS:
        parts = [part for word in given[1:] for part in _BETWEEN.split(_LOOKED_UP.sub(";", word))]
        names |= {name for part in parts for name in _programs(part.split())}
    if found := sorted(names & CLIENTS):
        raise OfflineError(_refusal(f"the start of {found[0]}", _open[-1].why, here=False))


def _programs(words: Sequence[str]) -> Iterator[str]:
    """The names of the programs that the words of one command start: the first, and those that start another."""
    for word in words:
        if word.startswith("-") or "=" in word or word[:1].isdigit():
            continue
        yield (name := _name_of(word))
        if name not in _BEFORE:
            return


def _at_shell(command: object) -> None:
    _at_start("sh", ["sh", _text(command)])


_CHECKS: dict[str, Callable[..., None]] = {
    "socket.connect": _at_connection,
    "socket.sendto": _at_datagram,
    "socket.sendmsg": _at_datagram,
    "socket.getaddrinfo": _at_look_up,
    "socket.gethostbyname": _at_look_up,
    "socket.gethostbyaddr": _at_look_up_of_address,
    "socket.getnameinfo": _at_look_up_of_address,
    "subprocess.Popen": _at_start,
    "os.posix_spawn": _at_start,
    "os.exec": _at_start,
    "os.system": _at_shell,
}


def _text(word: object) -> str:
    return os.fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else ""


def _name_of(program: str) -> str:
    return program.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")


def _refusal(what: str, why: str, here: bool) -> str:
    ways = "Replace in the test what connects"
    if here:
        ways += ", or let it through with @pytest.mark.cassette(allow_loopback=True)"
    return (
        f"{what} was refused: {why}, and a replay needs no network. {ways}. "
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
