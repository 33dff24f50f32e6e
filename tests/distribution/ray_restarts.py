"""A fit on two workers of a Ray that it starts, whose driver is killed at a point: see `callbacks/restarts.py`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import synalinks
from callbacks import restarts
from synalinks.distribution import Ray


class Killed(restarts.Dies):
    """Ends the driver as `kill -9` does."""

    def _reach(self, hook: str, batch: int) -> None:
        if self.point == (hook, self.epoch, batch):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    restarts.Dies = Killed  # type: ignore[misc]
    with Ray(workers=2, object_store_memory=100 * 2**20) as distribution, synalinks.use_distribution(distribution):
        asyncio.run(restarts.run(Path(sys.argv[1]), *sys.argv[2:]))
