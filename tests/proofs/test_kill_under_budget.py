"""kill -9 of a fit under a budget, again and again: all runs together never send, or are billed, more than it allows.

`SYNALINKS_KILLS=50` kills at so many random points, in place of a handful.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from proofs.spender import INPUT, OUTPUT
from synalinks.testing import OllamaServer

TESTS = Path(__file__).resolve().parents[1]
PATHS = (TESTS.parent / "src", TESTS)
KILLS = int(os.environ.get("SYNALINKS_KILLS", "4"))
#: Calls that the budget of each series of runs allows, and calls at once.
CAP, WIDTH = 40 + 12 * KILLS, 8
#: The same in dollars, with what is lost in a kill: the bounds of the calls that were out.
DOLLARS = Decimal("0.05") + Decimal("0.04") * KILLS
#: Seconds after which something must be wrong.
PATIENCE = 60.0


def start(
    server: OllamaServer, cassette: Path | None, folder: Path, cache: Path | None, cap: str = str(CAP)
) -> subprocess.Popen[bytes]:
    environment = (
        {"SYNALINKS_CACHE": "off"} if cache is None else {"SYNALINKS_CACHE_DIR": str(cache), "SYNALINKS_CACHE": "on"}
    )
    return subprocess.Popen(
        [sys.executable, str(TESTS / "proofs" / "spender.py"), str(cassette or "-"), str(folder), cap],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS)), "OLLAMA_HOST": server.url, **environment},
    )


def kill_again_and_again(
    server: OllamaServer,
    begin: Callable[[], subprocess.Popen[bytes]],
    folder: Path,
    seed: str,
    calls: int,
    check: Callable[[], object],
) -> int:
    """Kill a process that begins again each time, then let one end: how many were killed.

    Args:
        calls: that all of them make, about.
        check: called after each kill.
    """
    rng, killed = random.Random(seed), 0
    for _ in range(KILLS):
        process = begin()
        at = server.requests.number + rng.randrange(1, 2 * calls // KILLS)
        begun = time.monotonic()
        while process.poll() is None and server.requests.number < at:
            assert time.monotonic() - begun < PATIENCE
            time.sleep(0.001)
        time.sleep(rng.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        killed += process.wait(PATIENCE) == -signal.SIGKILL
        check()
        if (folder / "spent.json").exists():
            break
    assert begin().wait(PATIENCE) == 0
    assert killed
    return killed


@pytest.mark.parametrize("store", ["neither", "cache", "cassette"])
def test_a_fit_that_is_killed_again_and_again_never_sends_more_than_its_budget_allows(
    tmp_path: Path, store: str
) -> None:
    cassette = tmp_path / "cassette.jsonl" if store == "cassette" else None
    cache = tmp_path / "cache" if store == "cache" else None

    def check() -> None:
        assert server.requests.number <= CAP

    with OllamaServer(latency=lambda number: 0.002 * (number % 9)) as server:
        killed = kill_again_and_again(
            server, lambda: start(server, cassette, tmp_path, cache), tmp_path, store, CAP, check
        )
        sent = server.requests.number
    said = json.loads((tmp_path / "spent.json").read_text())
    assert sent <= said["settled"] <= CAP, "what was in flight is charged, once"
    assert said["settled"] - said["uncertain"] <= sent, (
        "and shown as uncertain; nothing else is charged that was not sent"
    )
    assert said["uncertain"] <= killed * WIDTH


def billed(server: OllamaServer) -> Decimal:
    """Dollars of all answers that the server sent, whether or not they arrived."""
    counts = server.requests.answered
    return (INPUT * counts.prompt_tokens + OUTPUT * counts.completion_tokens) / Decimal(1_000_000)


def test_the_servers_bill_never_exceeds_a_budget_in_dollars(tmp_path: Path) -> None:
    def check() -> None:
        assert billed(server) <= DOLLARS

    with OllamaServer(latency=lambda number: 0.002 * (number % 9)) as server:
        kill_again_and_again(
            server, lambda: start(server, None, tmp_path, None, f"${DOLLARS}"), tmp_path, "dollars", CAP, check
        )
        bill = billed(server)
    said = json.loads((tmp_path / "spent.json").read_text())
    assert 0 < bill <= Decimal(said["usd"]) <= DOLLARS
    assert said["stopped_by"] == "budget", "or nothing is shown"
