"""Processes that share a cache, on disk or on a Redis server, pay for one answer once, also where one is killed."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lm.redis_server import redis_server
from synalinks.testing import OllamaServer

TESTS = Path(__file__).resolve().parents[1]
#: Seconds that anything here may take before something must be wrong.
PATIENCE = 120.0
#: Seconds of a request that is to be open while the others come.
SLOW = 0.5

Environment = dict[str, str]


@pytest.fixture(params=["disk", "redis"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environment]:
    """The environment that names a cache."""
    if request.param == "disk":
        yield {"SYNALINKS_CACHE": "on", "SYNALINKS_CACHE_DIR": str(tmp_path / "cache")}
    else:
        with redis_server() as server:
            yield {"SYNALINKS_CACHE": server.url}


class Process:
    """A process that makes calls: begun at once, so that it is ready when `go` is called."""

    def __init__(
        self, cache: Environment, server: OllamaServer, calls: list[list[Any]], lease: float = 30.0, warn: str = "error"
    ) -> None:
        paths = os.pathsep.join(map(str, (TESTS.parent / "src", TESTS)))
        self.process = subprocess.Popen(
            [sys.executable, "-W", warn, str(TESTS / "proofs" / "sharer.py"), str(lease), json.dumps(calls)],
            env={**os.environ, **cache, "PYTHONPATH": paths, "OLLAMA_HOST": server.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if warn != "error" else None,
            text=True,
        )

    def ready(self) -> None:
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answers(self) -> list[Any]:
        output, self.said = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0
        answers: list[Any] = json.loads(output)
        return answers

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def together(*processes: Process) -> list[list[Any]]:
    """Let processes begin at the same time, and give what each was answered."""
    try:
        for process in processes:
            process.ready()
        for process in processes:
            process.go()
        return [process.answers() for process in processes]
    finally:
        for process in processes:
            process.kill()


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.002)


def prompts(server: OllamaServer) -> Counter[str]:
    """How often each text was asked for, embeddings text by text."""
    counts: Counter[str] = Counter()
    for request in server.requests:
        body = json.loads(request.data) if request.number else {}
        counts.update(body.get("input") or [message["content"] for message in body.get("messages", ())])
    return counts


def numbered() -> OllamaServer:
    """A slow server no two of whose answers are the same."""
    numbers = itertools.count(1)
    return OllamaServer(latency=SLOW, model=lambda request: f"answer {next(numbers)}")


def stuck(requests: int) -> OllamaServer:
    """A server whose first requests get no answer as long as a test lasts."""
    seconds = itertools.chain([2 * PATIENCE] * requests, itertools.repeat(0.0))
    return OllamaServer(latency=lambda number: next(seconds), model=lambda request: "hi")


def test_no_answer_is_paid_for_twice(cache: Environment) -> None:
    single = [["chat", f"single {number}", {"temperature": 0}, 0] for number in range(20)]
    draws = [["chat", f"draw {number}", {"temperature": 1}, epoch] for number in range(5) for epoch in range(3)]
    with numbered() as server:
        first, second, third = together(*(Process(cache, server, single + draws) for _ in range(3)))
        asked = prompts(server)
    assert first == second == third
    assert len(set(first)) == 20 + 15
    assert asked == {f"single {n}": 1 for n in range(20)} | {f"draw {n}": 3 for n in range(5)}


def test_no_text_is_embedded_twice(cache: Environment) -> None:
    one = [["embed", ["a", "b", "c"]], ["embed", ["d", "e"]], ["embed", [f"many {n}" for n in range(40)]]]
    other = [["embed", ["c", "d"]], ["embed", ["e", "f", "a"]], ["embed", [f"many {n}" for n in range(39, 50)]]]
    with OllamaServer(latency=SLOW) as server:
        first, second = together(Process(cache, server, one), Process(cache, server, other))
        asked = prompts(server)
    assert set(asked.values()) == {1} and len(asked) == 6 + 50
    assert second[0] == [first[0][2], first[1][0]]
    assert second[1][0] == first[1][1] and second[1][2] == first[0][0]
    assert second[2][0] == first[2][39]


def test_a_process_that_is_killed_holds_no_answer_up(cache: Environment) -> None:
    calls = [["chat", "hello", {"temperature": 0}, 0], ["embed", ["a", "b"]]]
    with stuck(len(calls)) as server:
        holder, waiter = (Process(cache, server, calls, lease=2.0) for _ in range(2))
        try:
            holder.ready()
            holder.go()
            until(lambda: server.requests.number == len(calls))
            waiter.ready()
            waiter.go()
            holder.kill()
            assert waiter.answers()[0] == "hi"
        finally:
            holder.kill()
            waiter.kill()
        assert prompts(server) == {"hello": 2, "a": 2, "b": 2}
        [again] = together(Process(cache, server, calls))
        assert again[0] == "hi" and server.requests.number == 2 * len(calls)


def test_a_failure_of_one_process_is_not_one_of_the_others(cache: Environment) -> None:
    call = ["chat", "hello", {"temperature": 0}, 0]
    with stuck(1) as server:
        holder, waiter = (Process(cache, server, [call]) for _ in range(2))
        try:
            holder.ready()
            holder.go()
            until(lambda: server.requests.number == 1)
            waiter.ready()
            waiter.go()
            holder.process.send_signal(2)  # Ctrl-C: the lease is released at once, long before it ends
            holder.process.wait(PATIENCE)
            assert waiter.answers() == ["hi"]
        finally:
            holder.kill()
            waiter.kill()
        assert prompts(server) == {"hello": 2}


def test_a_run_goes_on_when_its_redis_server_is_killed() -> None:
    calls = [["chat", f"hello {number}", {"temperature": 0}, 0] for number in range(4)]
    with redis_server() as shared, OllamaServer(latency=4 * SLOW, model=lambda request: "hi") as server:
        process = Process({"SYNALINKS_CACHE": shared.url}, server, calls, warn="always")
        try:
            process.ready()
            process.go()
            until(lambda: server.requests.number == len(calls))
            shared.stop()
            assert process.answers() == ["hi"] * len(calls)
            assert process.said.count("the run goes on without it") == 1
        finally:
            process.kill()
