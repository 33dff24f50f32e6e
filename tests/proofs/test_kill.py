"""kill -9 in the middle of recording a fit: no answered call is lost, and the rest is all that is still paid for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import synalinks
from proofs.sums import Outcome, train
from synalinks import _json
from synalinks.lm.cassette.session import Cassette
from synalinks.testing import OllamaServer

TESTS = Path(__file__).resolve().parents[1]
PATHS = (TESTS.parent / "src", TESTS)
#: Seconds that anything here may take before something must be wrong.
PATIENCE = 30.0
#: A request that is to be open when the process dies.
FOR_EVER = 60.0
WIDTH = 8


def until(ready: Callable[[], bool], process: subprocess.Popen[bytes], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not ready():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline, "it never came so far"
        time.sleep(0.002)


def record_and_kill(cassette: Path, server: OllamaServer, when: Callable[[], bool], mode: str = "once") -> None:
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "proofs" / "recorder.py"), str(cassette), mode, str(cassette.parent)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS)), "OLLAMA_HOST": server.url},
    )
    try:
        until(when, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    assert process.returncode == -signal.SIGKILL


def rows_in(cassette: Path) -> int:
    """Whole rows in the file, header aside."""
    return max(0, cassette.read_bytes().count(b"\n") - 1) if cassette.exists() else 0


def go_on(cassette: Path) -> tuple[Outcome, OllamaServer]:
    """The same program again, recording what the cassette lacks from a server of its own."""

    async def main() -> Outcome:
        with synalinks.use_cassette(cassette, record_mode="new_episodes", strict=True):
            return await train(cassette.parent)

    with OllamaServer(env=True) as server:
        return asyncio.run(main()), server


def replay(cassette: Path) -> Outcome:
    async def main() -> Outcome:
        with synalinks.offline(), synalinks.use_cassette(cassette, record_mode="none", strict=True):
            return await train(cassette.parent)

    return asyncio.run(main())


def assert_completes(cassette: Path, kept: int) -> None:
    """Every row that was kept is played, only the rest is asked for, and the whole replays from then on."""
    finished, server = go_on(cassette)
    sources = [row["source"] for row in finished.ledger]
    assert sources.count("cassette") == kept
    assert sources.count("live") == len(sources) - kept == server.requests.number
    again = replay(cassette)
    assert (again.history, again.program) == (finished.history, finished.program)
    assert rows_in(cassette) == len(finished.ledger)


@pytest.mark.parametrize("answered", [5, 21])
def test_every_answer_that_was_sent_is_on_the_cassette(tmp_path: Path, answered: int) -> None:
    """Some requests of a batch are answered, the others stay open for ever: exactly the answered ones are rows."""
    cassette = tmp_path / "cassette.jsonl"
    with OllamaServer(latency=lambda number: 0.0 if number <= answered else FOR_EVER) as server:
        record_and_kill(cassette, server, lambda: rows_in(cassette) == server.requests.answered.calls == answered)
    with pytest.warns(UserWarning, match=f"cut off after {answered} calls and is taken up again"):
        Cassette(cassette, "once").close()
    assert_completes(cassette, answered)


def test_killed_under_full_load(tmp_path: Path) -> None:
    """At any moment: what was answered is on the cassette, but for answers that were still on their way."""
    cassette = tmp_path / "cassette.jsonl"
    with OllamaServer(latency=lambda number: 0.001 * (number % 7)) as server:
        record_and_kill(cassette, server, lambda: server.requests.answered.calls >= 20)
        answered = server.requests.answered.calls
    kept = rows_in(cassette)
    assert answered - WIDTH <= kept <= answered
    for line in cassette.read_bytes().splitlines()[1 : kept + 1]:
        assert _json.loads(line)["reply"]["text"]
    assert_completes(cassette, kept)


def test_killed_while_recording_anew(tmp_path: Path) -> None:
    """`all` keeps the old cassette until it is done; what was answered before the kill is merged into it."""
    cassette = tmp_path / "cassette.jsonl"
    _, server = go_on(cassette)
    old = rows_in(cassette)
    assert old == server.requests.number
    journal = cassette.with_name(cassette.name + ".recording")
    with OllamaServer(latency=lambda number: 0.0 if number <= 9 else FOR_EVER) as server:
        record_and_kill(cassette, server, lambda: rows_in(journal) == server.requests.answered.calls == 9, mode="all")
    assert rows_in(cassette) == old
    with pytest.warns(UserWarning, match="re-recording was cut off after 9 calls"):
        replayed = replay(cassette)
    assert len(replayed.ledger) == old
    assert not journal.exists()
