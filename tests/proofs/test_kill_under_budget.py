"""kill -9 of a fit under a budget, again and again: all runs together never send more than it allows.

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
from pathlib import Path

import pytest

from synalinks.testing import OllamaServer

TESTS = Path(__file__).resolve().parents[1]
PATHS = (TESTS.parent / "src", TESTS)
KILLS = int(os.environ.get("SYNALINKS_KILLS", "4"))
#: Calls that the budget of each series of runs allows, and calls at once.
CAP, WIDTH = 40 + 12 * KILLS, 8
#: Seconds after which something must be wrong.
PATIENCE = 60.0


def start(server: OllamaServer, cassette: Path | None, folder: Path, cache: Path | None) -> subprocess.Popen[bytes]:
    environment = (
        {"SYNALINKS_CACHE": "off"} if cache is None else {"SYNALINKS_CACHE_DIR": str(cache), "SYNALINKS_CACHE": "on"}
    )
    return subprocess.Popen(
        [sys.executable, str(TESTS / "proofs" / "spender.py"), str(cassette or "-"), str(folder), str(CAP)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS)), "OLLAMA_HOST": server.url, **environment},
    )


@pytest.mark.parametrize("store", ["neither", "cache", "cassette"])
def test_a_fit_that_is_killed_again_and_again_never_sends_more_than_its_budget_allows(
    tmp_path: Path, store: str
) -> None:
    cassette = tmp_path / "cassette.jsonl" if store == "cassette" else None
    cache = tmp_path / "cache" if store == "cache" else None
    rng, killed = random.Random(store), 0
    with OllamaServer(latency=lambda number: 0.002 * (number % 9)) as server:
        for _ in range(KILLS):
            process = start(server, cassette, tmp_path, cache)
            at = server.requests.number + rng.randrange(1, 2 * CAP // KILLS)
            begun = time.monotonic()
            while process.poll() is None and server.requests.number < at:
                assert time.monotonic() - begun < PATIENCE
                time.sleep(0.001)
            time.sleep(rng.random() * 0.01)
            process.send_signal(signal.SIGKILL)
            killed += process.wait(PATIENCE) == -signal.SIGKILL
            assert server.requests.number <= CAP
            if (tmp_path / "spent.json").exists():
                break
        assert start(server, cassette, tmp_path, cache).wait(PATIENCE) == 0
        sent = server.requests.number
    said = json.loads((tmp_path / "spent.json").read_text())
    assert killed
    assert sent <= said["settled"] <= CAP, "what was in flight is charged, once"
    assert said["settled"] - said["uncertain"] <= sent, (
        "and shown as uncertain; nothing else is charged that was not sent"
    )
    assert said["uncertain"] <= killed * WIDTH
