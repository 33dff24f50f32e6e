"""What the benchmarks share: interleaved rounds, medians, ratios, one table.

Each benchmark runs its rival or floor in the same process, round by round in turn, so that a machine whose speed
drifts slows both. Absolute times are of this machine; the ratios are what to read.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass
class Row:
    """One measured thing: seconds per operation, one number a round."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        """Median over rounds."""
        return statistics.median(self.seconds)


async def interleaved(jobs: dict[str, Callable[[], Awaitable[int]]], rounds: int) -> list[Row]:
    """Run every job once per round, in turn; a job returns how many operations it made."""
    rows = {name: Row(name, []) for name in jobs}
    for job in jobs.values():
        await job()
    gc.collect()
    for _ in range(rounds):
        for name, job in jobs.items():
            begun = time.perf_counter()
            count = await job()
            rows[name].seconds.append((time.perf_counter() - begun) / count)
    return list(rows.values())


def report(title: str, rows: list[Row], floor: str) -> None:
    """Print medians and ratios to the floor."""
    base = next(row for row in rows if row.name == floor).median
    print(f"\n{title}")
    for row in rows:
        low, high = min(row.seconds) * 1e6, max(row.seconds) * 1e6
        print(f"  {row.name:<44} {row.median * 1e6:10.1f} us  ({low:.1f} to {high:.1f})   x {row.median / base:5.2f}")


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a benchmark's main function."""
    asyncio.run(main())  # type: ignore[arg-type]
