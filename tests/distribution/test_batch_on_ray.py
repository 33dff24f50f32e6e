"""Batch prediction by actors over HTTP: a worker that is killed in mid-block, and a pause that one of two is told."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import synalinks
from distribution.conftest import PATHS
from programs_under_test import solver
from proofs.test_kill import until
from synalinks.distribution import BatchPredictor, Ray
from synalinks.distribution.batch_worker import Coordinator, RowWorker, Task
from synalinks.distribution.leases import SHARE
from synalinks.distribution.parcels import Parcel
from synalinks.lm import Budget
from synalinks.testing import Fault, OllamaServer

pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
pytestmark = pytest.mark.ray


def by_number(asked: Any) -> str:
    """The number that the question ends in."""
    text = "\n".join(str(message["content"]) for message in asked.messages)
    return json.dumps({"answer": int(re.findall(r"number (\d+)", text)[-1])})


def table_of(numbers: range) -> Any:
    return pa.table({"question": [f"number {n}" for n in numbers]})


def numbers() -> synalinks.Program:
    """A program whose calls go out one by one, whichever worker makes them."""
    return solver(synalinks.LanguageModel("ollama/test", concurrency=1, retry=1))


class Dies:
    """A layer that ends its process once it has the answer about a number, the first time."""

    name = "dies"

    def __init__(self, number: int, path: Path) -> None:
        self.number, self.path = number, path

    def __call__(self, below: Any) -> Any:
        async def handler(call: Any) -> Any:
            reply = await below(call)
            if reply.text == json.dumps({"answer": self.number}):
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(self.path, os.O_CREAT | os.O_EXCL))
                    os.kill(os.getpid(), signal.SIGKILL)
            return reply

        return handler


def test_a_worker_killed_in_mid_block_loses_no_row_and_pays_none_twice(ray_workers: Ray, tmp_path: Path) -> None:
    source, target, rows, cap = tmp_path / "in.parquet", tmp_path / "out", 60, 400
    pq.write_table(table_of(range(rows)), source, row_group_size=20)
    ray_workers.close_workers()
    with OllamaServer(model=by_number) as server:
        model = synalinks.LanguageModel(
            "ollama/test",
            api_base=server.url,
            cache_dir=str(tmp_path / "cache"),
            concurrency=1,
            layers=[Dies(33, tmp_path / "died")],
        )
        predictor = BatchPredictor(solver(model), workers=1, batch_size=8, budget=Budget(calls=cap), ray=ray_workers)
        bill = predictor.run(source, target, verbose=0)
        paid = server.requests.number
    assert (tmp_path / "died").exists()
    found = [row["answer"] for row in pq.read_table(target).to_pylist()]
    assert found == list(range(rows)) and bill.counts.failed == 0 and bill.stopped_by is None
    # With one call out at a time, what was answered before the end is in the cache; the next may have been sent.
    assert rows <= paid <= rows + 1
    lease = cap // SHARE  # what the one worker had at most when it ended, beyond what it had reported
    assert paid <= bill.settled.calls <= rows + lease <= cap
    assert 0 < bill.uncertain.calls <= lease


class Seat:
    """A row worker on an actor without an event loop of its own, as Ray Data has it."""

    def __init__(self, task: Task, coordinator: Any) -> None:
        self._worker = RowWorker(task, coordinator)

    def predict(self, number: int) -> int:
        """The prediction for one row."""
        return int(self._worker.predict(table_of(range(number, number + 1)), number).column("answer")[0].as_py())


def test_a_pause_that_one_worker_is_told_holds_back_the_other(ray_workers: Ray, tmp_path: Path) -> None:
    import ray

    ray_workers.close_workers()
    ray_workers.start()
    pause, arrived = 4.0, []

    def latency(number: int) -> float:
        arrived.append(time.monotonic())
        return 0.0

    with OllamaServer(model=by_number, latency=latency, faults=[Fault(at=3, status=429, retry_after=pause)]) as server:
        program = solver(synalinks.LanguageModel("ollama/test", api_base=server.url, caching=False))
        task = Task(Parcel.pack(program, ()), None, 2, 8, "", None)
        coordinator = ray.remote(Coordinator).options(num_cpus=0).remote(None, 2)
        one, other = (ray.remote(Seat).options(num_cpus=0).remote(task, coordinator) for _ in range(2))
        for number, worker in enumerate((one, other)):
            assert ray.get(worker.predict.remote(number)) == number
        told = one.predict.remote(2)
        ray.get(coordinator.pauses.remote("the test", 0))
        assert ray.get([told, other.predict.remote(3)]) == [2, 3]
        for worker in (one, other, coordinator):
            ray.kill(worker)
    assert len(arrived) == 5 and min(arrived[3:]) - arrived[2] > pause - 0.5


def test_after_a_kill_of_the_driver_the_blocks_that_are_whole_are_not_done_again(tmp_path: Path) -> None:
    """kill -9 in mid-run, then again to the end: rows are whole, none twice; the cache has what was answered."""
    source, target, rows = tmp_path / "in.parquet", tmp_path / "out", 48
    pq.write_table(table_of(range(rows)), source, row_group_size=8)

    def failing(asked: Any) -> str:
        number = json.loads(by_number(asked))["answer"]
        return "no number" if number == 13 else json.dumps({"answer": number})

    with OllamaServer(model=failing, latency=0.05) as server:
        environment = {
            **os.environ,
            "PYTHONPATH": PATHS,
            "OLLAMA_HOST": server.url,
            "SYNALINKS_CACHE": "on",
            "SYNALINKS_CACHE_DIR": str(tmp_path / "cache"),
            "COLUMNS": "80",
        }
        command = [sys.executable, str(Path(__file__).with_name("batch_recorder.py")), str(source), str(target)]
        first = subprocess.Popen(command, env=environment)
        try:
            until(lambda: len(list(target.glob("part-*.parquet"))) >= 2, first, patience=180.0)  # type: ignore[arg-type]
        finally:
            first.send_signal(signal.SIGKILL)
            first.wait(60)
        most = server.max_in_flight
        whole = {path: path.stat().st_mtime_ns for path in target.glob("part-*.parquet")}
        assert 2 <= len(whole) < 6
        second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        paid = server.requests.number
    assert second.returncode == 0, second.stderr
    found = pq.read_table(target).to_pylist()
    assert [row["question"] for row in found] == [f"number {n}" for n in range(rows)]
    assert [row["answer"] for row in found] == [None if n == 13 else n for n in range(rows)]
    assert [row["error"] is not None for row in found] == [n == 13 for n in range(rows)] and found[13]["error"]
    assert all(path.stat().st_mtime_ns == written for path, written in whole.items())
    # One call was out when the driver was killed, or two where a worker of it ended later.
    assert rows <= paid <= rows + 6 and most == 1, (paid, most)
    print(second.stderr, paid)
