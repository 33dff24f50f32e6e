"""kill -9 of workers at random moments of a fit under a small budget: the server is never sent more than it allows.

`SYNALINKS_KILLS=10` runs as many fits, with other moments, in place of two.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

import synalinks
from distribution.test_dispatcher import steady
from proofs import sums
from synalinks.distribution import Ray
from synalinks.lm import Budget
from synalinks.testing import OllamaServer

pytestmark = pytest.mark.ray
RUNS = int(os.environ.get("SYNALINKS_KILLS", "2"))
#: Calls that the budget of each fit allows, fewer than the fit makes.
CAP = 40


def process_of(worker: Any) -> int:
    return os.getpid()


class Killer:
    """Kills a worker when a server gets its nth request, for some n.

    Attributes:
        killed: how many were.
    """

    def __init__(self, workers: Ray, numbers: list[int], rng: random.Random) -> None:
        import ray

        workers._start_workers()
        self._processes = ray.get([actor.__ray_call__.remote(process_of) for actor in workers._actors])
        rng.shuffle(self._processes)
        self._numbers, self._rng, self.killed = numbers, rng, 0

    def __call__(self, number: int) -> float:
        """The seconds that an answer takes."""
        if number in self._numbers and self._processes:
            os.kill(self._processes.pop(), signal.SIGKILL)
            self.killed += 1
        return self._rng.random() * 0.05


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_workers_never_spend_more_than_a_budget_allows(ray_workers: Ray, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    ray_workers.close_workers()  # two new ones, that are known
    killer = Killer(ray_workers, rng.sample(range(1, CAP - 4), 2), rng)
    with (
        OllamaServer(env=True, model=steady, latency=killer) as server,
        synalinks.use_budget(Budget(calls=CAP)) as tracker,
        synalinks.use_distribution(ray_workers),
    ):
        outcome = asyncio.run(sums.train(tmp_path, build=sums.chain, concurrency=8))
        sent, answered = server.requests.number, server.requests.answered.calls
    assert killer.killed == 2
    attempts = sum(row["attempts"] for row in outcome.ledger)
    assert sent <= tracker.settled.calls == attempts <= CAP
    assert tracker.settled.calls - tracker.uncertain.calls <= answered <= sent
    assert sum(row["error"] is None for row in outcome.ledger) <= answered
    assert b'"stopped_by":"budget"' in outcome.history
