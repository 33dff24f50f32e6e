"""kill -9 at random moments, under a small budget: of workers, of model servers, of the server of a shared cache.

Servers together are never sent more than the budget allows, and a recording replays in one process.
`SYNALINKS_KILLS=10` makes as many runs, with other moments, in place of two.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import re
import signal
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synalinks
from distribution.test_dispatcher import steady
from lm.redis_server import redis_server
from programs_under_test import solver
from proofs import sums
from synalinks.distribution import BatchPredictor, Ray
from synalinks.lm import Amount, Budget
from synalinks.testing import OllamaServer

pytestmark = pytest.mark.ray
RUNS = int(os.environ.get("SYNALINKS_KILLS", "2"))
#: Calls that the budget of each run allows, fewer than it makes.
CAP = 40


def process_of(worker: Any) -> int:
    return os.getpid()


class Killer:
    """Does one thing at a time when servers get their nth request together, for some n; the latency of them all.

    Attributes:
        killed: how many things were done.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng, self._count, self._events = rng, itertools.count(1), dict[int, Callable[[], object]]()
        self.killed = 0

    def at_random(self, events: list[Callable[[], object]]) -> None:
        self._events = dict(zip(self._rng.sample(range(1, CAP - 4), len(events)), events, strict=True))

    def __call__(self, _: int) -> float:
        """The seconds that an answer takes."""
        if (event := self._events.pop(next(self._count), None)) is not None:
            event()
            self.killed += 1
        return self._rng.random() * 0.05


def kills_of(workers: Ray, rng: random.Random) -> list[Callable[[], object]]:
    """What kills the two workers, new ones."""
    import ray

    workers.close_workers()
    workers._start_workers()
    processes = ray.get([actor.__ray_call__.remote(process_of) for actor in workers._actors])
    rng.shuffle(processes)
    return [lambda process=process: os.kill(process, signal.SIGKILL) for process in processes]  # type: ignore[misc]


def stop_soon(server: OllamaServer) -> None:
    """Stop a server that is about to answer."""
    threading.Thread(target=server.stop).start()


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_workers_never_spend_more_than_a_budget_allows(ray_workers: Ray, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    killer = Killer(rng)
    with (
        OllamaServer(env=True, model=steady, latency=killer) as server,
        synalinks.use_budget(Budget(calls=CAP)) as tracker,
        synalinks.use_distribution(ray_workers),
    ):
        killer.at_random(kills_of(ray_workers, rng))
        outcome = asyncio.run(sums.train(tmp_path, build=sums.chain, concurrency=8))
        sent, answered = server.requests.number, server.requests.answered.calls
    assert killer.killed == 2
    attempts = sum(row["attempts"] for row in outcome.ledger)
    assert sent <= tracker.settled.calls == attempts <= CAP
    assert tracker.settled.calls - tracker.uncertain.calls <= answered <= sent
    assert sum(row["error"] is None for row in outcome.ledger) <= answered
    assert b'"stopped_by":"budget"' in outcome.history


@pytest.mark.parametrize("seed", range(RUNS))
def test_with_workers_a_server_and_a_cache_lost_the_rest_goes_on(ray_workers: Ray, tmp_path: Path, seed: int) -> None:
    """Two servers, one of which goes; a Redis that goes, or a cassette, which is replayed without workers."""
    rng = random.Random(seed)
    killer, cassette = Killer(rng), tmp_path / "cassette.jsonl"
    records = seed % 2 == 0

    def fit(**settings: Any) -> tuple[sums.Outcome, Amount]:
        with synalinks.use_budget(Budget(calls=CAP)) as tracker:
            outcome = asyncio.run(sums.train(tmp_path, build=sums.chain, concurrency=8, **settings))
        return outcome, tracker.settled

    with (
        OllamaServer(model=steady, latency=killer) as one,
        OllamaServer(model=steady, latency=killer) as other,
        redis_server() as redis,
        contextlib.ExitStack() as stack,
    ):
        lost = [lambda: stop_soon(rng.choice([one, other]))] if records else [redis.stop, lambda: stop_soon(other)]
        killer.at_random([*kills_of(ray_workers, rng)[: rng.randrange(1, 3)], *lost])
        if records:
            stack.enter_context(synalinks.use_cassette(cassette))
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="the answer cache")
        stack.enter_context(synalinks.use_distribution(ray_workers))
        settings = {"api_base": [one.url, other.url], **({} if records else {"cache_dir": redis.url})}
        outcome, settled = fit(**settings)
        sent = one.requests.number + other.requests.number
    assert sent <= settled.calls == sum(row["attempts"] for row in outcome.ledger) <= CAP
    assert any(row["error"] is None for row in outcome.ledger)
    if records:
        with synalinks.offline(), synalinks.use_cassette(cassette, "none", strict=True):
            again, settled_again = fit(**settings)
        assert (again.history, again.program, settled_again) == (outcome.history, outcome.program, settled)


class DiesAt:
    """A layer that ends its process at a question, before or after it was asked, once for each."""

    name = "dies_at"

    def __init__(self, moments: dict[int, bool], folder: Path) -> None:
        self.moments, self.folder = moments, folder

    def __call__(self, below: Any) -> Any:
        async def handler(call: Any) -> Any:
            number = number_in(call.request.messages)
            if self.moments.get(number) is False:
                self._end(number)
            reply = await below(call)
            if self.moments.get(number) is True:
                self._end(number)
            return reply

        return handler

    def _end(self, number: int) -> None:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.folder / f"died at {number}", os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)


def number_in(messages: Any) -> int:
    return int(re.findall(r"number (\d+)", "\n".join(str(message["content"]) for message in messages))[-1])


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_workers_of_a_batch_prediction_stay_within_the_budget(
    ray_workers: Ray, tmp_path: Path, seed: int
) -> None:
    pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    rng, rows, cap = random.Random(seed), 120, random.Random(seed).choice([60, 100, 400])
    source, target = tmp_path / "in.parquet", tmp_path / "out"
    parquet.write_table(pa.table({"question": [f"number {n}" for n in range(rows)]}), source, row_group_size=15)
    moments = {number: rng.random() < 0.5 for number in rng.sample(range(cap // 2), 2)}
    ray_workers.close_workers()

    def answer(asked: Any) -> str:
        return json.dumps({"answer": number_in(asked.messages)})

    with OllamaServer(model=answer) as one, OllamaServer(model=answer) as other:
        model = synalinks.LanguageModel(
            "ollama/test",
            api_base=[one.url, other.url],
            cache_dir=str(tmp_path / "cache"),
            concurrency=3,
            rpm=6000,
            layers=[DiesAt(moments, tmp_path)],
        )
        predictor = BatchPredictor(solver(model), workers=2, batch_size=8, budget=Budget(calls=cap), ray=ray_workers)
        bill = predictor.run(source, target, verbose=0)
        sent = one.requests.number + other.requests.number
    assert sent <= bill.settled.calls <= cap
    assert len([*tmp_path.glob("died at *")]) > 0 or sent == 0
    if cap > rows:
        found = [row["answer"] for row in parquet.read_table(target).to_pylist()]
        assert found == list(range(rows)) and bill.stopped_by is None
