"""Runs on the actors of a Ray that is started on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from callbacks import restarts
from distribution.conftest import PATHS
from distribution.test_dispatcher import Steady, same, steady
from programs_under_test import Question, compiled, data, provider_of, right
from proofs import sums
from proofs.test_kill import go_on, replay, rows_in, until
from synalinks.distribution import Ray
from synalinks.errors import ConfigurationError
from synalinks.lm import Budget
from synalinks.testing import OllamaServer

pytestmark = pytest.mark.ray
RECORDER = Path(__file__).with_name("ray_recorder.py")
RESTARTER = Path(__file__).with_name("ray_restarts.py")
#: A request that is to be open when a process dies, seconds.
FOR_EVER = 300.0
ROOT = Path(__file__).resolve().parents[2]


def trained(folder: Path, distribution: Ray | None, **options: Any) -> sums.Outcome:
    with synalinks.use_provider(Steady(3)), synalinks.use_distribution(distribution):
        return asyncio.run(sums.train(folder, **options))


def test_a_fit_is_that_of_one_process(ray_workers: Ray, tmp_path: Path) -> None:
    assert same(trained(tmp_path, ray_workers, build=sums.chain), trained(tmp_path, None, build=sums.chain))


def test_workers_send_what_the_stack_in_the_driver_lets_out(ray_workers: Ray, tmp_path: Path) -> None:
    """Over HTTP: the server is named in the environment of the driver alone."""
    with (
        OllamaServer(env=True, model=steady) as server,
        synalinks.use_budget(Budget(calls=20)) as tracker,
        synalinks.use_distribution(ray_workers),
    ):
        there = asyncio.run(sums.train(tmp_path))
    assert tracker.settled.calls == server.requests.number == sum(row["attempts"] for row in there.ledger) == 20
    assert b'"stopped_by":"budget"' in there.history


def test_a_cassette_of_workers_replays_in_one_process_and_back(ray_workers: Ray, tmp_path: Path) -> None:
    there, here = tmp_path / "there.jsonl", tmp_path / "here.jsonl"
    with synalinks.use_cassette(there):
        trained(tmp_path, ray_workers)
    with synalinks.use_cassette(here):
        trained(tmp_path, None)
    again = replay(there)
    with (
        synalinks.offline(),
        synalinks.use_cassette(here, "none", strict=True),
        synalinks.use_distribution(ray_workers),
    ):
        back = asyncio.run(sums.train(tmp_path))
    assert (again.history, again.program) == (back.history, back.program)


async def slow_to_die(y_true: Any, y_pred: Any) -> float:
    """A reward that ends its process, the first time that it is asked for by a file."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(y_true.get("question"), os.O_CREAT | os.O_EXCL))
        os.kill(os.getpid(), signal.SIGKILL)
    return 1.0


def test_a_worker_killed_in_mid_batch_costs_nothing_twice(ray_workers: Ray, tmp_path: Path) -> None:
    program = compiled(reward=slow_to_die)
    x, y = data(6)[0], [Question(question=str(tmp_path / "died"))] * 6
    provider = provider_of(right)
    with synalinks.use_provider(provider):
        assert asyncio.run(program.evaluate(x, y, verbose=0, distribution=ray_workers)) == {"reward": 1.0}
        assert (tmp_path / "died").exists() and len(provider.calls) == 6
        found = asyncio.run(program.predict(x, batch_size=6, verbose=0, distribution=ray_workers))
    assert [one.get("answer") for one in found] == list(range(6))


def test_after_a_kill_of_the_driver_the_run_goes_on_from_its_cassette(tmp_path: Path) -> None:
    """kill -9 of a recording driver with workers; what was answered is on the cassette, and one process goes on."""
    pytest.importorskip("ray")
    cassette = tmp_path / "cassette.jsonl"

    def latency(number: int) -> float:
        return 0.0 if number <= 12 else FOR_EVER

    with OllamaServer(latency=latency, env=True) as server:
        process = subprocess.Popen(
            [sys.executable, str(RECORDER), str(cassette), str(tmp_path)],
            env={**os.environ, "PYTHONPATH": PATHS, "OLLAMA_HOST": server.url},
        )
        try:
            until(lambda: rows_in(cassette) >= 12, process, patience=180.0)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(60)
    kept = rows_in(cassette)
    finished, _ = go_on(cassette)
    sources = [row["source"] for row in finished.ledger]
    assert sources.count("cassette") == kept >= 12
    assert rows_in(cassette) == len(finished.ledger)
    again = replay(cassette)
    assert (again.history, again.program) == (finished.history, finished.program)


def test_after_a_kill_of_the_driver_in_mid_epoch_a_fit_resumes_and_pays_nothing_twice(tmp_path: Path) -> None:
    """kill -9 in the second epoch, then `resume=True` on new workers: files and calls are those of one process."""
    pytest.importorskip("ray")
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    with OllamaServer() as server:
        assert restarts_of(Path(restarts.__file__), server, alone, "none", "never") == 0
        calls = server.requests.number
    with OllamaServer() as server:
        assert restarts_of(RESTARTER, server, killed, "resume", "on_train_batch_end:1:2") == -signal.SIGKILL
        assert 0 < server.requests.number < calls
        assert restarts_of(RESTARTER, server, killed, "resume", "never") == 0
        assert server.requests.number == calls
    for name in ("program.json", "history.json", "log.csv", "best.json"):
        assert (killed / name).read_bytes() == (alone / name).read_bytes(), name


def restarts_of(script: Path, server: OllamaServer, folder: Path, how: str, point: str) -> int:
    folder.mkdir(exist_ok=True)
    cache = {"SYNALINKS_CACHE": "on", "SYNALINKS_CACHE_DIR": str(folder / "cache")}
    environment = {**os.environ, "PYTHONPATH": PATHS, "OLLAMA_HOST": server.url, **cache}
    return subprocess.run(
        [sys.executable, str(script), str(folder), how, point], env=environment, timeout=300, check=False
    ).returncode


@pytest.mark.parametrize(("protocol", "start"), [("", r"\(ray"), ("ray://", r"\(GRPC_ENABLE_FORK_SUPPORT=0 ray")])
def test_an_address_where_nothing_is_says_so(protocol: str, start: str) -> None:
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"{protocol}127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ConfigurationError, match=f"nothing answers at {address}: .*{start} start --head"):
        Ray(address=address).start()


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """A cluster of a process of its own: what it can be joined by, and the environment to do so in."""
    ray = shutil.which("ray", path=os.path.dirname(sys.executable))
    if ray is None:
        pytest.skip("the extra `ray` is not installed")
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, clients = one.getsockname()[1], other.getsockname()[1]
    has_client = importlib.util.find_spec("grpc") is not None
    listens = [f"--port={port}", *([f"--ray-client-server-port={clients}"] if has_client else [])]
    kept = [
        "--num-cpus=2",
        "--include-dashboard=false",
        "--object-store-memory=104857600",
        "--node-ip-address=127.0.0.1",
    ]
    # "auto" is the cluster that was started last on this machine.
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "ab" * 32}
    env = {**os.environ, "PYTHONPATH": PATHS, **token, "GRPC_ENABLE_FORK_SUPPORT": "0"}
    env.pop("RAY_ADDRESS", None)
    head = subprocess.Popen([ray, "start", "--head", "--block", *listens, *kept], env=env, stdout=subprocess.DEVNULL)
    try:
        for needed in [port, clients] if has_client else [port]:
            until(lambda needed=needed: _listens(needed), head, patience=180.0)  # type: ignore[misc]
        joined_by = {"address": f"127.0.0.1:{port}", "auto": "auto"}
        yield joined_by | ({"client": f"ray://127.0.0.1:{clients}"} if has_client else {}), env
    finally:
        head.send_signal(signal.SIGTERM)
        head.wait(120)


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("by", ["address", "auto", "client"])
def test_a_cluster_is_joined(cluster: tuple[dict[str, str], dict[str, str]], by: str) -> None:
    joined_by, env = cluster
    if by not in joined_by:
        pytest.skip("ray[client] is not installed")
    with OllamaServer() as server:
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "cluster" / "train.py"), joined_by[by]],
            env={**env, "OLLAMA_HOST": server.url, "SYNALINKS_CACHE": "off"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode and "util/client/server/proxier.py" in done.stderr:
            pytest.skip("Ray's server for clients did not start a process for this one, as on a busy machine")
        assert done.returncode == 0, done.stderr
        assert f"{server.requests.number} calls on" in done.stdout and server.requests.number > 24
    assert "Traceback" not in done.stderr, done.stderr


def test_a_sample_that_cant_be_pickled_is_said_and_the_run_ends(ray_workers: Ray) -> None:
    program, (x, _) = compiled(), data(2)
    odd = [Question.model_construct(question=(letter for letter in "ab")) for _ in x]
    with synalinks.use_provider(provider_of(right)), pytest.raises(ConfigurationError, match="a sample can't be sent"):
        asyncio.run(program.predict(odd, batch_size=2, verbose=0, distribution=ray_workers))


@pytest.mark.usefixtures("ray_workers")
def test_workers_that_dont_fit_in_the_cluster_are_said() -> None:
    program, (x, _) = compiled(), data(1)
    greedy = Ray(workers=1, num_cpus=500, start_timeout=3.0)
    try:
        with pytest.raises(ConfigurationError, match=r"none of 1 workers has started in 3 s; the cluster has .*CPU"):
            asyncio.run(program.predict(x, verbose=0, distribution=greedy))
    finally:
        greedy.close()


def test_the_examples_of_the_how_to_run(ray_workers: Ray, tmp_path: Path) -> None:
    """Training on workers over HTTP, then Parquet in and out with the saved program."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    pa = pytest.importorskip("pyarrow")
    assert ray_workers
    saved, source = tmp_path / "program.json", tmp_path / "in.parquet"
    asyncio.run(sums.solver()).save(saved)
    parquet.write_table(pa.table({"question": [f"{n} + 2" for n in range(12)]}), source, row_group_size=6)
    with OllamaServer() as server:
        for arguments in (["train.py"], ["predict.py", str(saved), str(source), str(tmp_path / "out")]):
            script, *rest = arguments
            done = subprocess.run(
                [sys.executable, str(ROOT / "examples" / "cluster" / script), *rest],
                env={**os.environ, "PYTHONPATH": PATHS, "OLLAMA_HOST": server.url, "SYNALINKS_CACHE": "off"},
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
    rows = parquet.read_table(tmp_path / "out").to_pylist()
    assert [row["question"] for row in rows] == [f"{n} + 2" for n in range(12)]
    assert all(row["answer"] for row in rows)


def test_ctrl_c_ends_a_run_on_workers_in_order(tmp_path: Path) -> None:
    """Calls that were out are answered and recorded; the recording goes on from there, each row of it played."""
    cassette = tmp_path / "cassette.jsonl"
    with OllamaServer(latency=lambda number: 0.2, env=True) as server:
        process = subprocess.Popen(
            [sys.executable, str(RECORDER), str(cassette), str(tmp_path)],
            env={**os.environ, "PYTHONPATH": PATHS, "OLLAMA_HOST": server.url},
            stderr=subprocess.PIPE,
        )
        try:
            until(lambda: rows_in(cassette) >= 3, process, patience=180.0)
            process.send_signal(signal.SIGINT)
            _, printed = process.communicate(timeout=120)
        finally:
            process.kill()
        answered = server.requests.answered.calls
    assert process.returncode == -signal.SIGINT and b"are free" in printed, printed
    assert rows_in(cassette) == answered < 28
    finished, _ = go_on(cassette)
    assert [row["source"] for row in finished.ledger].count("cassette") == answered
