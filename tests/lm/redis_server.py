"""A real Redis or Valkey server on a socket of this machine; tests of it are skipped where none is installed."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: Seconds that a start may take before something must be wrong.
PATIENCE = 60.0


class Server:
    """A server that keeps nothing on disk.

    Attributes:
        url: of its socket.
        path: of its socket.
    """

    def __init__(self, program: str, folder: Path, options: tuple[str, ...]) -> None:
        self.path = folder / "s"
        self.url = f"unix://{self.path}"
        keeps_nothing = ("--save", "", "--appendonly", "no", "--dir", str(folder))
        self._command = (program, "--port", "0", "--unixsocket", str(self.path), *keeps_nothing, *options)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self._accepts():
            assert self._process.poll() is None and time.monotonic() < end, "the server did not start"
            time.sleep(0.005)

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.path)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(PATIENCE)
            self.path.unlink(missing_ok=True)
        self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def command(self, *words: str) -> object:
        redis = pytest.importorskip("redis")
        with redis.Redis(unix_socket_path=str(self.path)) as client:
            return client.execute_command(*words)


def free_port() -> int:
    """A port of loopback that nothing listens at, so low that a cluster's second one, 10,000 higher, exists."""
    with socket.socket() as found:
        for port in range(21_000, 31_000):
            with contextlib.suppress(OSError):
                found.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no port is free")


def tls_options(folder: Path, port: int) -> tuple[str, ...]:
    """Options of a server that listens with TLS, with a certificate for 127.0.0.1; skips where that can't be."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("redis-server or openssl is not installed")
    tried = subprocess.run([program, "--port", "0", "--tls-port", "0"], capture_output=True, text=True, cwd=folder)
    if "tls-port" in tried.stdout + tried.stderr:
        pytest.skip("this server was built without TLS")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    named = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate))
    subprocess.run([*made.split(), *named], check=True, capture_output=True)
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate))
    return ("--tls-port", str(port), "--tls-auth-clients", "no", *files)


@contextmanager
def redis_server(*options: str) -> Iterator[Server]:
    """A running server; skips where the client or the server is not installed."""
    pytest.importorskip("redis")
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    with tempfile.TemporaryDirectory(prefix="sr-") as folder:  # a socket's path has 100 characters at most
        server = Server(program, Path(folder), options)
        server.start()
        try:
            yield server
        finally:
            server.stop()
