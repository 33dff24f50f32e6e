"""What the tests of the command line share: a command in this process or in one of its own, and rows."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

import synalinks
from synalinks.cli import commands
from synalinks.lm.core.call import Usage
from synalinks.lm.ledger.ledger import Entry
from synalinks.scope import Scope

SOURCE = Path(synalinks.__file__).parent.parent


def call(*words: object, answers: str | None = None) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(commands, [str(word) for word in words], input=answers, prog_name="synalinks")


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers its first request with these bytes; gives its address, and what it was sent."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", received
        thread.join()


def command(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m synalinks` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "synalinks", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONWARNINGS": "error", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def entry(**changes: Any) -> Entry:
    """A ledger entry of a live call that cost $0.01."""
    scope = Scope(**{name: changes.pop(name) for name in ("epoch", "phase", "module") if name in changes})
    values: dict[str, Any] = {
        "scope": scope,
        "draw": 0,
        "kind": "chat",
        "model": "fake/m",
        "provider": "fake",
        "source": "live",
        "usage": Usage(input_fresh=1000, output_text=20),
        "as_if": Decimal("0.01"),
        "billed": Decimal("0.01"),
        "seconds": 0.1,
        "attempts": 1,
        "finish": "stop",
        "error": None,
        "caller": 1,
        "digest": "d",
    }
    return Entry(**{**values, **changes})
