"""Ctrl-C, with a real process and a real signal: what was sent comes home, then the user gets the interrupt."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from synalinks.trainers.stopping.interrupt import AGAIN, NOTE, OrderlyInterrupt

SRC = Path(__file__).resolve().parents[3] / "src"

SCRIPT = """
import asyncio, json, os, sys, time
import numpy as np
import synalinks
from synalinks.lm.core.call import Reply, Usage

class Q(synalinks.DataModel):
    question: str
class A(synalinks.DataModel):
    answer: str

JOB, CASSETTE, SECONDS, SLOTS = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
sent = home = 0

async def provider(call):
    global sent, home
    sent += 1
    if sent == min(8, SLOTS):
        print("sent", flush=True)
    if JOB == "blocked" and sent == 8:
        time.sleep(SECONDS)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not os.path.exists(CASSETTE + ".released"):
        await asyncio.sleep(0.01)
    home += 1
    return Reply(text='{"answer": "x"}', finish="stop", usage=Usage(10, output_text=5))

async def main():
    synalinks.set_default_language_model(synalinks.LanguageModel("ollama/m", concurrency=SLOTS))
    inputs = synalinks.Input(data_model=Q)
    program = synalinks.Program(inputs=inputs, outputs=await synalinks.Generator(data_model=A)(inputs))
    program.compile(reward=synalinks.ExactMatch(), optimizer=synalinks.RandomFewShot())
    x = [Q(question=str(i)) for i in range(40)]
    y = [A(answer="x") for _ in range(40)]
    try:
        if JOB == "evaluate":
            await program.evaluate(x, y, batch_size=8, verbose=0)
        elif JOB == "predict":
            await program.predict(x, batch_size=8, verbose=0)
        else:
            await program.fit(x, y, batch_size=8, epochs=2, verbose=0)
    finally:
        history = getattr(program, "history", None)
        said = {"sent": sent, "home": home}
        said |= {"entries": len(program.run_ledger), "failed": program.run_ledger.total.failed}
        said["stopped_by"] = history.stopped_by if history else None
        print(json.dumps(said), flush=True)

with synalinks.use_cassette(CASSETTE), synalinks.lm.use_provider(provider):
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.exit(130)
"""


def press(
    tmp_path: Path, job: str, seconds: float, slots: int = 8, presses: int = 1
) -> tuple[dict[str, object], str, int]:
    script, cassette = tmp_path / "script.py", tmp_path / "cassette.jsonl"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), job, str(cassette), str(seconds), str(slots)]
    env = {**os.environ, "PYTHONPATH": str(SRC), "SYNALINKS_CACHE": "off"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "sent\n"
        notes = ""
        for press in range(presses):
            process.send_signal(signal.SIGINT)
            for _ in range(2 if press < 2 else 0):  # the note says that the signal has been dealt with
                notes += process.stderr.readline()
        if presses == 1:
            cassette.with_name(cassette.name + ".released").touch()  # what was sent is answered
        out, rest = process.communicate(timeout=20)
    lines = out.splitlines()
    assert lines[-1] == "interrupted", out + rest
    return json.loads(lines[-2]), notes + rest, process.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to a process")
@pytest.mark.parametrize("job", ["fit", "evaluate", "predict"])
def test_the_first_lets_calls_already_sent_come_home(tmp_path: Path, job: str) -> None:
    said, notes, code = press(tmp_path, job, 30)
    assert code == 130
    assert NOTE.strip() in notes
    assert said["sent"] == said["home"] == 8, "all that was sent, and no more"
    assert said["entries"] == 8, "each is on the bill"
    assert said["failed"] == 0
    assert said["stopped_by"] == ("interrupt" if job == "fit" else None)
    assert len((tmp_path / "cassette.jsonl").read_bytes().splitlines()) == 1 + 8, "and on the cassette"


def test_calls_that_wait_for_a_slot_are_not_sent(tmp_path: Path) -> None:
    said, _, _ = press(tmp_path, "evaluate", 30, slots=4)
    assert said["sent"] == said["home"] == said["entries"] == 4


def test_the_second_cancels_what_is_out(tmp_path: Path) -> None:
    said, notes, code = press(tmp_path, "fit", 30, presses=2)
    assert code == 130
    assert AGAIN.strip() in notes
    assert (said["home"], said["entries"], said["failed"]) == (0, 8, 8), "cancelled calls are on the bill too"


def test_code_that_never_lets_the_loop_run_is_interrupted_by_the_third(tmp_path: Path) -> None:
    said, _, code = press(tmp_path, "blocked", 30, presses=3)
    assert code == 130
    assert said["home"] == 0


def test_outside_the_main_thread_nothing_is_installed() -> None:
    found: list[object] = []

    async def main() -> None:
        with OrderlyInterrupt():
            found.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    thread.join()
    assert found == [before]


def test_a_handler_of_the_users_own_is_left_alone_and_the_old_one_comes_back() -> None:
    def mine(number: int, frame: object) -> None: ...

    async def main() -> object:
        with OrderlyInterrupt():
            return signal.getsignal(signal.SIGINT)

    async def nested() -> None:
        around = signal.getsignal(signal.SIGINT)
        with OrderlyInterrupt() as outer:
            assert signal.getsignal(signal.SIGINT) == outer._on_interrupt
            with OrderlyInterrupt():
                assert signal.getsignal(signal.SIGINT) == outer._on_interrupt
            assert signal.getsignal(signal.SIGINT) == outer._on_interrupt
        assert signal.getsignal(signal.SIGINT) == around

    before = signal.getsignal(signal.SIGINT)
    asyncio.run(nested())
    signal.signal(signal.SIGINT, mine)
    try:
        assert asyncio.run(main()) is mine
    finally:
        signal.signal(signal.SIGINT, before)
