"""What workers give and cost: `python benchmarks/scale_out.py [--samples 200] [--workers 1 2 4]`.

1. A reward that takes CPU: the share of the ideal (time of one process / workers / time) with 1, 2 and 4 workers. No
   more can be gained than the machine has cores.
2. Calls a second with an instant provider, in one process and over Ray: what a sample costs more there, and what of it
   is the driver's.
3. With `--rows 1000000`: so many rows through `BatchPredictor`, Parquet in and out: rows a second, and the most memory
   that the worker and the driver took for a tenth of them and for all. `--only-rows` leaves out the rest.
4. On paper: 1,000 workers and 10^9 calls, from the sizes and rates measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
from pyarrow import parquet
from ray import cloudpickle

import synalinks
from synalinks.distribution import BatchPredictor, Ray
from synalinks.distribution.batch_worker import HEARTBEAT, Coordinator
from synalinks.distribution.leases import SHARE
from synalinks.distribution.messages import Answer, Asked, Attempt, Attempted, CallSample, Done
from synalinks.lm import Amount, Budget, Call, Reply, Request

WORKERS, CALLS = 1000, 10**9
#: Bytes of the object store of the Ray that is started here.
MEMORY = 100 * 2**20


class Question(synalinks.DataModel):
    """A question."""

    text: str


class Words(synalinks.DataModel):
    """An answer."""

    answer: str


async def busy(y_true: Any, y_pred: Any) -> float:
    """Takes about as much CPU as the reward that parses and runs a short program."""
    total = 0
    for number in range(300_000):
        total += number * number
    return float(total > 0)


async def instant(call: Call) -> Reply:
    """A provider that answers at once."""
    return Reply('{"answer": "yes"}', finish="stop")


async def made(reward: Any) -> synalinks.Program:
    """A program of one call."""
    inputs = synalinks.Input(data_model=Question)
    model = synalinks.LanguageModel("ollama/any")
    outputs = await synalinks.Generator(data_model=Words, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    program.compile(reward=reward)
    return program


async def timed(program: synalinks.Program, samples: int, distribution: Ray | None) -> tuple[float, float]:
    """Seconds of an evaluation, and CPU seconds of this process in it; everything was started before."""
    x = [Question(text=f"question {number}") for number in range(samples)]
    y = [Words(answer="yes")] * samples
    with synalinks.use_provider(instant):
        await program.evaluate(x[:8], y[:8], batch_size=8, verbose=0, distribution=distribution)
        begun, cpu = time.perf_counter(), time.process_time()
        await program.evaluate(x, y, batch_size=samples, verbose=0, distribution=distribution)
        return time.perf_counter() - begun, time.process_time() - cpu


def sizes() -> dict[str, int]:
    """Bytes of the messages of one call, with a prompt of 2 KB and an answer of 0.5 KB."""
    place = synalinks.lm.core.place.Scope(epoch=0, phase="train", sample=1, module="generator")
    request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "x" * 2000}])
    reply = Reply("y" * 500, finish="stop")
    messages = {
        "sample": CallSample(1, 0, place, {"text": "x" * 500}, True),
        "call": Asked(1, 1, "name", None, request, place, False, None, False),
        "attempt": Attempt(1, "name", None, "http://host", Call(request, place), False),
        "outcome": Attempted(1, reply, None, None),
        "answer": Answer(1, reply, None),
        "result": Done(1, {"answer": "y" * 500}, {}),
    }
    return {name: len(cloudpickle.dumps(message)) for name, message in messages.items()}


async def desk_rate(count: int = 1000) -> float:
    """Messages a second that the one actor with the leases answers."""
    coordinator = ray.remote(Coordinator).options(num_cpus=0).remote(Budget(calls=10**9), 100)
    nothing = Amount()
    await coordinator.lease.remote("a", nothing, nothing, nothing, Amount(calls=1))
    begun = time.perf_counter()
    await asyncio.wait(
        [
            asyncio.wrap_future(coordinator.lease.remote("a", nothing, nothing, nothing, nothing).future())
            for _ in range(count)
        ]
    )
    return count / (time.perf_counter() - begun)


def leases_needed(workers: int, calls: int) -> float:
    """Leases until a budget of so many calls is spent: each is what is left divided by `parts`, and 1 at the end."""
    parts = SHARE * workers
    return parts * math.log(calls / parts) + parts


def on_paper(driver: float, rate: float, bytes_a_call: int, batch: int = 64) -> None:
    """What saturates first."""
    through, leases, reports = 1 / driver, leases_needed(WORKERS, CALLS), 3 * CALLS / batch
    a_call, pulses = (leases + reports) / CALLS, WORKERS / HEARTBEAT
    print(f"\n4. On paper: {WORKERS:,} workers, {CALLS:.0e} calls")
    print(f"  through the stacks of one driver: {through:,.0f} calls/s, {CALLS / through / 86400:,.1f} days, with")
    print(f"  {bytes_a_call * through / 1e6:,.1f} MB/s of messages; the driver's core saturates first:")
    print(f"  with answers of 2 s, at {2 * through:,.0f} calls out at once")
    print(
        f"  BatchPredictor: {leases:,.0f} leases, and {reports:,.0f} messages of batches of {batch} rows (one as each"
    )
    print(f"  begins, and at its end one of what was spent and one of what came of it); {a_call:.4f} messages")
    print(f"  a call; the coordinator answers {rate:,.0f} messages/s, of which signs of life take {pulses:,.0f}:")
    print(f"  it saturates at {max(0.0, rate - pulses) / a_call:,.0f} calls/s")


_frugal = itertools.count()


def most_memory() -> int:
    """The most memory that this process ever took, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def note_memory() -> None:
    """Write it where the driver reads it."""
    Path(os.environ["SCALE_OUT_MEMORY"]).write_text(str(most_memory()))


async def frugal(call: Call) -> Reply:
    """Answers at once; every 500th call notes the most memory that its process ever took."""
    if next(_frugal) % 500 == 499:
        note_memory()
    return Reply('{"answer": "yes"}', finish="stop")


def rows_through(program: synalinks.Program, rows: int) -> tuple[float, float]:
    """Rows a second, and MB, of one worker that predicts a table of so many rows in blocks of 10,000."""
    with tempfile.TemporaryDirectory() as folder:
        source, memory = Path(folder, "in.parquet"), Path(folder, "memory")
        os.environ["SCALE_OUT_MEMORY"] = str(memory)
        with parquet.ParquetWriter(source, pa.schema([("text", pa.string())])) as writer:
            for first in range(0, rows, 10_000):
                texts = [f"question {number}" for number in range(first, min(first + 10_000, rows))]
                writer.write_table(pa.table({"text": texts}))
        begun = time.perf_counter()
        with Ray(workers=1, object_store_memory=MEMORY) as ray_here, synalinks.use_provider(frugal):
            bill = BatchPredictor(program, workers=1, batch_size=500, ray=ray_here).run(
                source, Path(folder, "out"), verbose=0
            )
        assert (bill.counts.rows, bill.counts.failed) == (rows, 0)
        return rows / (time.perf_counter() - begun), int(memory.read_text()) / 1024


async def through_a_predictor(rows: int) -> None:
    """The third measurement."""
    print(f"\n3. {rows:,} rows through one worker of a BatchPredictor, its start included")
    for count in (rows // 10, rows):
        speed, most = await asyncio.to_thread(rows_through, await made(synalinks.ExactMatch()), count)
        print(f"  {count:,}: {speed:,.0f} rows/s, at most {most:,.0f} MB; the driver {most_memory() / 1024:,.0f} MB")


async def main(samples: int, workers: list[int], rows: int, only_rows: bool) -> None:
    """All measurements."""
    print(f"{os.cpu_count()} cores")
    if only_rows:
        await through_a_predictor(rows)
        return
    loaded, _ = await timed(await made(busy), samples, None)
    print(f"\n1. A reward that takes CPU, {samples} samples\n  one process: {loaded:.2f} s")
    costs: list[tuple[float, float]] = []
    for count in workers:
        with Ray(workers=count, object_store_memory=MEMORY) as distribution:
            seconds, _ = await timed(await made(busy), samples, distribution)
            print(f"  {count} workers: {seconds:.2f} s, {loaded / seconds / count:.0%} of the ideal")
            if count == 2:
                costs.append(await timed(await made(synalinks.ExactMatch()), 10 * samples, distribution))
                rate = await desk_rate()
    plain, plain_cpu = await timed(await made(synalinks.ExactMatch()), 10 * samples, None)
    (over_ray, cpu), calls = costs[0], 10 * samples
    print(f"\n2. {calls:,} calls, an instant provider in the driver")
    print(f"  one process: {calls / plain:,.0f} calls/s, {plain_cpu / calls * 1e6:,.0f} us of CPU a sample")
    more = (over_ray - plain) / calls
    print(f"  over Ray, 2 workers: {calls / over_ray:,.0f} calls/s; {more * 1e6:,.0f} us more a sample,")
    print(f"  the driver's CPU: {cpu / calls * 1e6:,.0f} us a sample, its reward included")
    found = sizes()
    print("  bytes: " + ", ".join(f"{name} {size:,}" for name, size in found.items()))
    if rows:
        await through_a_predictor(rows)
    on_paper(cpu / calls, rate, sum(found.values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--only-rows", action="store_true")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    os.environ["SYNALINKS_CACHE"] = "off"
    asyncio.run(main(given.samples, given.workers, given.rows, given.only_rows))
