"""Hundreds of thousands of calls in one process: what grows. Memory, open files, tasks and threads along the way.

python benchmarks/soak.py [CALLS] [--live]

Calls of one model under a budget and a ledger, 64 at once, answered by a scripted provider, or with `--live` by a
server on loopback. After the first tenth, memory should be flat but for some 20 bytes a call, which count the calls
of each place: exit status 1 if it grows by more than `ALLOWED` megabytes for 300,000 calls, or if files, tasks or
threads are left over, but for the two ends of each connection to the server.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import threading
import time
from pathlib import Path

from synalinks.lm import Budget, Client, Ledger, Reply, Request, Usage, use_budget, use_ledger, use_provider
from synalinks.testing import OllamaServer

AT_ONCE = 64
STEPS = 10
#: Megabytes that may come on top after the first tenth; 300,000 plain entries of a ledger take about 300.
ALLOWED = 30


def resident() -> float:
    """Megabytes of memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def handles() -> int:
    """Open files and sockets."""
    return len(os.listdir("/proc/self/fd"))


class Scripted:
    """A provider handler that answers at once, each time a little differently."""

    name = "scripted"

    async def __call__(self, call: object, /) -> Reply:
        await asyncio.sleep(0)
        return Reply("an answer", usage=Usage(120, output_text=40), finish="stop")


async def soak(calls: int, client: Client, ledger: Ledger, connections: int = 0) -> bool:
    """Make the calls; whether what is left afterwards is what there was.

    Args:
        connections: files that may be open besides, for connections that are kept.
    """
    print(f"{'calls':>10}{'MB':>9}{'files':>8}{'tasks':>8}{'threads':>9}{'calls/s':>10}")
    first: tuple[float, int, int] | None = None
    todo = iter(range(calls))

    async def worker(end: int) -> None:
        for number in todo:
            messages = [{"role": "user", "content": f"question {number}"}]
            await client.send(Request("chat", client.model, messages=messages, options={"max_tokens": 50}))
            if number >= end:
                return

    for step in range(1, STEPS + 1):
        begun, end = time.perf_counter(), calls * step // STEPS - AT_ONCE
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker(end))
        seconds = time.perf_counter() - begun
        gc.collect()
        seen = (resident(), handles(), threading.active_count())
        tasks = len(asyncio.all_tasks())
        first = first or seen
        rate = calls / STEPS / seconds
        print(f"{len(ledger):>10,}{seen[0]:>9.0f}{seen[1]:>8}{tasks:>8}{seen[2]:>9}{rate:>10,.0f}", flush=True)
    assert first is not None
    allowed = ALLOWED * max(1.0, calls / 300_000)
    files = seen[1] - first[1] - connections
    flat = seen[0] - first[0] <= allowed and files <= 4 and tasks == 1 and seen[2] <= first[2]
    total = ledger.total
    print(
        f"{total.calls:,} calls, {total.failed:,} failed, {total.tokens:,} tokens; memory {'flat' if flat else 'GROWS'}"
    )
    return flat and not total.failed


def main() -> int:
    parser = argparse.ArgumentParser(description="Hundreds of thousands of calls in one process: what grows.")
    parser.add_argument("calls", type=int, nargs="?", default=300_000)
    parser.add_argument("--live", action="store_true", help="over HTTP, with a server on loopback")
    given = parser.parse_args()
    with use_ledger() as ledger, use_budget(Budget(calls=10**9, tokens=10**12)):
        if given.live:
            with OllamaServer(model=lambda request: "an answer", keep=10) as server:
                client = Client("ollama/soak", api_base=server.url, cache="off")
                return 0 if asyncio.run(soak(given.calls, client, ledger, 2 * AT_ONCE)) else 1
        with use_provider(Scripted()):
            return 0 if asyncio.run(soak(given.calls, Client("ollama/soak", cache="off"), ledger)) else 1


if __name__ == "__main__":
    sys.exit(main())
