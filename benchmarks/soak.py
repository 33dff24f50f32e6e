"""Hundreds of thousands of calls in one process: what grows. Memory, open files, tasks and threads along the way.

python benchmarks/soak.py [CALLS] [--live]

Calls of one model under a budget and a ledger, 64 at once, answered by a scripted provider, or with `--live` by a
server on loopback. After the first tenth, memory should be flat, once the latest half a million requests and places are
counted: exit status 1 if it grows by more than `ALLOWED` megabytes for 300,000 calls, if a call takes more than
`SLOWER` times the CPU at the end, or if files, tasks or threads are left over, but for the two ends of each connection
to the server.
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
from typing import NamedTuple

from synalinks.lm import Budget, Client, Ledger, Reply, Request, Usage, use_budget, use_ledger, use_provider
from synalinks.testing import OllamaServer

AT_ONCE = 64
#: Numbers of calls after which to look, beside each tenth of all.
LOOKS = (1_000, 10_000, 100_000)
#: Megabytes that may come on top after the first tenth; 300,000 plain entries of a ledger take about 300.
ALLOWED = 30
#: The most that a call may take at the end, of what it took after the first tenth; other work of the machine is in it.
SLOWER = 2.0


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


class Look(NamedTuple):
    """What is seen after a number of calls; the seconds are CPU of a call since the look before."""

    megabytes: float
    files: int
    tasks: int
    threads: int
    seconds: float


async def soak(calls: int, client: Client, ledger: Ledger, connections: int = 0) -> bool:
    """Make the calls; whether what is left afterwards is what there was.

    Args:
        connections: files that may be open besides, for connections that are kept.
    """
    print(f"{'calls':>10}{'MB':>9}{'files':>8}{'tasks':>8}{'threads':>9}{'us of CPU a call':>19}")
    tenths = [calls * tenth // 10 for tenth in range(1, 11)]
    early: list[Look] = []
    made, todo = 0, iter(range(1, calls + 1))

    async def worker(end: int) -> None:
        for number in todo:
            messages = [{"role": "user", "content": f"question {number}"}]
            await client.send(Request("chat", client.model, messages=messages, options={"max_tokens": 50}))
            if number > end - AT_ONCE:
                return

    for end in sorted({*tenths, *(look for look in LOOKS if look < calls)}):
        begun, before = time.process_time(), made
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, end - made)):
                group.create_task(worker(end))
        made = len(ledger)
        seconds = (time.process_time() - begun) / (made - before)
        gc.collect()
        look = Look(resident(), handles(), len(asyncio.all_tasks()), threading.active_count(), seconds)
        if end >= tenths[0]:
            early.append(look)
        numbers = f"{look.megabytes:9.0f}{look.files:8}{look.tasks:8}{look.threads:9}{look.seconds * 1e6:19.0f}"
        print(f"{made:10,}{numbers}", flush=True)
    first, second, last = early[0], early[1], early[-1]
    problems = []
    if last.megabytes - first.megabytes > ALLOWED * max(1.0, calls / 300_000):
        problems.append("memory grows")
    if last.files - first.files > connections + 4 or last.tasks > 1 or last.threads > first.threads:
        problems.append("files, tasks or threads are left over")
    if last.seconds > SLOWER * second.seconds:
        problems.append("calls get slower")
    total = ledger.total
    found = "; ".join(problems) or "all is flat"
    print(f"{total.calls:,} calls, {total.failed:,} failed, {total.tokens:,} tokens; {found}")
    return not problems and not total.failed


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
