"""How much of a budget in dollars can be used, and how many calls are out at once under it.

python benchmarks/budget.py [--latency SECONDS]

A stand-in provider bills 400 to 900 prompt tokens and answers of different lengths, at the prices of gpt-4o; 32 calls
are made at once until the budget refuses one. "Usable share" is what of the cap was settled then, "mean in flight" the
mean over the time of the run. The aims are 98 % and 8 calls at $0.50.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from dataclasses import dataclass
from decimal import Decimal

from synalinks.errors import BudgetExceeded
from synalinks.lm import Budget, Call, Client, Limits, Reply, Request, Usage, use_budget, use_provider
from synalinks.lm.budget.expected import UsageStatistics
from synalinks.lm.process import PROCESS

MODEL = "openai/gpt-4o"
AT_ONCE = 32
#: Tokens of answers, least and most, by the name of the row.
ANSWERS = {"a number": (5, 15), "a paragraph": (60, 250), "an essay": (600, 2500)}
CAPS = ("0.05", "0.50", "5.00")


@dataclass
class Run:
    """What was seen of one run.

    Attributes:
        share: of the cap that was settled. in_flight: mean calls at once. calls: answered ones.
        over: whether the cap was exceeded.
    """

    share: float
    in_flight: float
    calls: int
    over: bool


class Provider:
    """Bills answers of random length, and no longer than it was allowed."""

    name = "stand-in"

    def __init__(self, answer: tuple[int, int], latency: float) -> None:
        self._answer, self._latency = answer, latency
        self._rng = random.Random(7)
        self.billed = Decimal(0)
        self.calls = self.out = 0
        self.weighted, self._at = 0.0, time.perf_counter()

    def _change(self, by: int) -> None:
        now = time.perf_counter()
        self.weighted += self.out * (now - self._at)
        self.out, self._at = self.out + by, now

    async def __call__(self, call: Call, /) -> Reply:
        whole = self._rng.randint(*self._answer)
        length = whole if call.output_limit is None else min(whole, call.output_limit)
        size = len(call.request.messages[0]["content"]) // 4
        self._change(1)
        await asyncio.sleep(self._latency * (0.3 + length / self._answer[1]))
        self._change(-1)
        self.calls += 1
        usage = Usage(size, output_text=length)
        return Reply("word " * length, usage=usage, finish="stop" if length == whole else "length")


def run(cap: str, answer: tuple[int, int], latency: float) -> Run:
    """One run, from a process's first call on."""
    PROCESS.clear()
    PROCESS.usage_statistics = UsageStatistics(PROCESS.ledger)  # those of the run before would set the caps of this one
    provider, rng = Provider(answer, latency), random.Random(3)
    client = Client(MODEL, limits=Limits(rpm=10**9, tpm=10**12, concurrency=AT_ONCE), cache="off")

    async def worker() -> None:
        while True:
            text = "x" * rng.randint(1600, 3600)
            try:
                await client.send(Request("chat", MODEL, messages=[{"role": "user", "content": text}]))
            except BudgetExceeded:
                return

    async def main() -> Run:
        with use_provider(provider), use_budget(Budget(usd=cap)) as tracker:
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(worker())
            seconds = time.perf_counter() - begun
        share = tracker.settled.usd / Decimal(cap)
        return Run(float(share), provider.weighted / seconds, provider.calls, share > 1)

    return asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description="How much of a budget can be used, and how many calls fit at once.")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds of the longest answers, less a quarter")
    given = parser.parse_args()
    print(f"{'answers':<14}{'budget':>8}{'calls':>8}{'usable share':>15}{'mean in flight':>17}")
    for name, answer in ANSWERS.items():
        for cap in CAPS:
            seen = run(cap, answer, given.latency)
            over = "  EXCEEDED" if seen.over else ""
            print(f"{name:<14}{'$' + cap:>8}{seen.calls:>8}{seen.share:>15.1%}{seen.in_flight:>17.1f}{over}")


if __name__ == "__main__":
    main()
