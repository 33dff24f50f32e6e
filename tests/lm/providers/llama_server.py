"""A real llama.cpp server with a tiny model for live tests; they skip, with the reason, where it can't be had."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest
from tests.lm.providers.wire import ROOT

#: Seconds until the server answers; the first start on a machine fetches it.
START_SECONDS = 120.0
KEY = "sk-a-key-of-the-tests-own"


def needed() -> Path:
    """The script that starts the server, or a skip that says what is missing."""
    if not os.environ.get("SYNALINKS_LIVE"):
        pytest.skip("live tests start a real model server; set SYNALINKS_LIVE=1 to run them")
    shared = Path(os.environ.get("SYNALINKS_SHARED") or ROOT.parent / "shared")
    script = shared / "tools" / "llama-server" / "start.sh"
    if not script.is_file():
        pytest.skip(f"no {script}; set SYNALINKS_SHARED to the folder that holds tools/llama-server")
    return script


@contextmanager
def running(*flags: str) -> Iterator[str]:
    """The server on a free port of loopback, with further flags; gives its address without `/v1`."""
    script = needed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            ["sh", str(script), str(port), *flags], stdout=subprocess.DEVNULL, stderr=log, text=True
        )
        try:
            _await(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _await(process: subprocess.Popen[str], port: int, log: IO[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    log.seek(0)
    pytest.skip(f"the llama.cpp server can't be had here: {log.read()[-400:]}")
