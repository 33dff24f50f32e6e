"""A replayed Generator call at 1,000 and at 100,000 rows, beside vcrpy replaying the same HTTP call.

python benchmarks/replay.py [--rounds N]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import httpx
from calls import Answer, Problem
from common import Row, interleaved, report, run
from instant_server import Instant

import synalinks

PLAYED = 500
REPLY = '{"thinking": "2 + 3 = 5", "answer": "5"}'


def model() -> synalinks.Generator:
    """A generator whose server is never called."""
    lm = synalinks.LanguageModel(model="ollama/instant", caching=False, concurrency=64)
    return synalinks.Generator(data_model=Answer, language_model=lm)


class Scripted:
    """Answers at once."""

    name = "scripted"

    async def __call__(self, call: synalinks.lm.Call, /) -> synalinks.lm.Reply:
        """The same words every time."""
        return synalinks.lm.Reply(text=REPLY, finish="stop")


async def make_cassette(path: Path, rows: int) -> None:
    """A cassette of so many calls."""
    generator = model()
    with synalinks.use_provider(Scripted()), synalinks.use_cassette(path, record_mode="all"):
        for i in range(rows):
            await generator(Problem(problem=f"2 + {i}"))


def vcr_rows(path: Path, rows: int, rounds: int) -> Row:
    """vcrpy recording the same number of HTTP calls, then replaying some of them; opening not counted."""
    import vcr

    options = {"match_on": ("method", "uri", "body")}
    seconds = []
    with Instant() as server:
        url = f"{server.url}/api/chat"
        bodies = [{"prompt": f"2 + {i}" + "x" * 1000} for i in range(rows)]
        with vcr.use_cassette(str(path), record_mode="all", **options), httpx.Client() as client:
            for body in bodies:
                client.post(url, json=body)
        for _ in range(rounds):
            with vcr.use_cassette(str(path), record_mode="none", **options), httpx.Client() as client:
                played = bodies[:: rows // 20]
                begun = time.perf_counter()
                for body in played:
                    client.post(url, json=body)
                seconds.append((time.perf_counter() - begun) / len(played))
    return Row("vcrpy, 1,000 rows, the HTTP call alone", seconds)


async def main() -> None:
    """Both sizes, then vcrpy at the small one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        jobs = {}
        for rows in (1_000, 100_000):
            path = Path(folder) / f"{rows}.jsonl"
            await make_cassette(path, rows)
            begun = time.perf_counter()
            with synalinks.use_cassette(path, record_mode="none"):
                print(
                    f"opening {rows:,} rows ({path.stat().st_size / 1e6:.0f} MB): {time.perf_counter() - begun:.2f} s"
                )

            def replay(path: Path = path, rows: int = rows):  # type: ignore[no-untyped-def]
                async def job() -> int:
                    generator = model()
                    with synalinks.use_cassette(path, record_mode="none"):
                        begun = time.perf_counter()
                        for i in range(0, rows, max(1, rows // PLAYED)):
                            await generator(Problem(problem=f"2 + {i}"))
                        job.seconds = (time.perf_counter() - begun) / PLAYED  # type: ignore[attr-defined]
                    return PLAYED

                return job

            jobs[f"replayed Generator call, {rows:,} rows"] = replay()
        rows_found = await interleaved(jobs, 1)
        for row, job in zip(rows_found, jobs.values(), strict=True):
            row.seconds = []
            for _ in range(rounds):
                await job()
                row.seconds.append(job.seconds)
        rows_found.append(vcr_rows(Path(folder) / "vcr.yaml", 1_000, rounds))
        report("replay, per call, opening not counted", rows_found, "replayed Generator call, 1,000 rows")


if __name__ == "__main__":
    run(main)
