"""kill -9 of PromptRacing at random points, again and again: the program that comes out is the same, byte for byte."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from proofs.racer import CALLS, SAMPLES
from synalinks.testing import ArithmeticModel, ChatRequest, Law, OllamaServer

TESTS = Path(__file__).resolve().parents[1]
PATHS = (TESTS.parent / "src", TESTS)
#: Fits that are killed, and how often each.
FITS, KILLS = 3, int(os.environ.get("SYNALINKS_KILLS", "4"))
#: Seconds after which something must be wrong.
PATIENCE = 60.0


class Steady(ArithmeticModel):
    """Gives a prompt the same answer each time, so that runs differ by what the search does alone."""

    def reply(self, request: ChatRequest) -> Any:
        return super().reply(replace(request, asked=0))


def start(server: OllamaServer, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, str(TESTS / "proofs" / "racer.py"), str(folder)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, PATHS)),
            "OLLAMA_HOST": server.url,
            "SYNALINKS_CACHE": "off",
        },
    )


def kill_after(calls: int, server: OllamaServer, folder: Path) -> bool:
    """Begin, or go on, and kill the process once it has made so many calls; whether it was still at work."""
    process, before, begun = start(server, folder), server.requests.number, time.monotonic()
    while process.poll() is None and server.requests.number < before + calls:
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    return process.wait(PATIENCE) == -signal.SIGKILL


def left_by(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("program.json", "candidates.json")]


def test_a_search_that_is_killed_again_and_again_ends_with_the_same_program(tmp_path: Path) -> None:
    law = Law(base=0.2, examples=40, cue_gain=0.3)
    with OllamaServer(model=Steady(law), latency=lambda number: 0.001 * (number % 5)) as server:
        assert start(server, tmp_path / "whole").wait(PATIENCE) == 0
        whole, calls = left_by(tmp_path / "whole"), server.requests.number
        assert b"child: kept" in whole[1] and b"examples: kept" in whole[1], "or there is nothing to lose"
        points, resumed = list[int](), False
        for fit in range(FITS):
            folder, rng = tmp_path / f"killed {fit}", random.Random(f"fit {fit}")
            for _ in range(KILLS):
                at = rng.randrange(1, 2 * SAMPLES)
                if not kill_after(at, server, folder):
                    break
                points.append(at)
            kept, before = any((folder / "state").glob("*")), server.requests.number
            assert start(server, folder).wait(PATIENCE) == 0
            assert left_by(folder) == whole
            assert not kept or server.requests.number - before < calls, "what was answered is not paid for again"
            resumed = resumed or kept
        assert calls <= CALLS
    assert len(points) >= 10 and resumed, points
