"""What workers give and cost: `python benchmarks/scale_out.py [--samples 200] [--workers 1 2 4] [--rows 100000]`.

It prints what stands in `docs/how-to/cluster.md` under "What it costs", in about three minutes on two cores:

1. A reward that takes CPU: the share of the ideal (time of one process / workers / time) with 1, 2 and 4 workers. No
   more can be gained than the machine has cores.
2. Calls a second with an instant provider, in one process and over Ray: what a sample costs more there, and what of it
   is the driver's.
3. Rows through `BatchPredictor`, Parquet in and out: rows a second, and the most memory that the worker and the driver
   took for a tenth of them and for all. `--rows 1000000` takes five minutes more; `--only-rows` leaves out the rest.
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
import textwrap
import time
from datetime import UTC, datetime
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


def on_paper(driver: float, rate: float, bytes_a_call: int, batches: tuple[int, int] = (64, 512)) -> None:
    """What saturates first; the batches are of so many rows."""
    through, leases, pulses = 1 / driver, leases_needed(WORKERS, CALLS), WORKERS / HEARTBEAT
    few, many = ((rate - pulses) * CALLS / (leases + 3 * CALLS / rows) for rows in batches)
    say(f"""A call over `Ray` is messages of {bytes_a_call / 1000:.1f} KB together, with a prompt of 2 KB. On paper, a
        billion calls of 1,000 workers:\n""")
    say(f"""- Through the stacks of one driver go {rounded(through)} calls a second, which takes
        {CALLS / through / 86400:.1f} days: some {rounded(2 * through)} at once, with answers of 2 seconds. The driver's
        core saturates first, at {bytes_a_call * through / 1e6:.0f} MB of messages a second; further workers then add
        CPU for rewards, and no calls.""")
    say(f"""- Workers of a `BatchPredictor` send three messages a batch of {batches[0]} rows and {rounded(leases)} for
        leases. The one actor that has the leases answered {rounded(rate)} messages a second, of which signs of life of
        1,000 workers take {pulses:.0f}; it saturates at {rounded(few)} calls a second ({CALLS / few / 3600:.0f} hours).
        With batches of {batches[1]} rows the same sum gives {rounded(many)}.""")


def say(text: str) -> None:
    """Print a paragraph in lines as those of the page."""
    indent = "  " if text.startswith("-") else ""
    print(textwrap.fill(" ".join(text.split()), 130, subsequent_indent=indent) + "\n" * text.endswith("\n"))


def rounded(number: float) -> str:
    """A number with three digits that count."""
    return f"{float(f'{number:.3g}'):,.0f}"


def table(*cells: object) -> None:
    """Print a row of a table, as soon as it is known."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def heading(*cells: str) -> None:
    """Print the first row of a table."""
    print()
    table(*cells)
    print("|---" * len(cells) + "|")


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
    print("\nParquet in and out, `batch_size=500`, blocks of 10,000 rows, and a provider that answers at once:")
    heading(
        "rows through one worker of a `BatchPredictor`", "rows a second", "most memory of the worker", "of the driver"
    )
    for count in (rows // 10, rows):
        speed, most = await asyncio.to_thread(rows_through, await made(synalinks.ExactMatch()), count)
        table(f"{count:,}", rounded(speed), f"{most:.0f} MB", f"{most_memory() / 1024:.0f} MB")
    print()


async def main(samples: int, workers: list[int], rows: int, only_rows: bool) -> None:
    """All measurements."""
    cores, today = os.cpu_count() or 1, datetime.now(UTC)
    say(f"""These figures are of {today:%-d %B %Y}, on {cores} cores, with a load of {os.getloadavg()[0]:.1f} of other
        work at the start.""")
    if not only_rows:
        driver, rate = await with_workers(samples, workers, cores)
    if rows:
        await through_a_predictor(rows)
    if not only_rows:
        on_paper(driver, rate, sum(sizes().values()))


async def with_workers(samples: int, workers: list[int], cores: int) -> tuple[float, float]:
    """The first two measurements: the driver's CPU seconds a call, and messages a second of the one with the leases."""
    heading(f"{samples} samples, a reward that takes CPU", "seconds", "share of the ideal")
    loaded, _ = await timed(await made(busy), samples, None)
    table("one process", f"{loaded:.1f}", "")
    for count in workers:
        with Ray(workers=count, object_store_memory=MEMORY) as distribution:
            seconds, _ = await timed(await made(busy), samples, distribution)
            name = f"{count} worker{'s' * (count > 1)}" + (f", of {cores} cores" if count > cores else "")
            table(name, f"{seconds:.1f}", f"{100 * loaded / seconds / count:.0f} %")
    calls = 10 * samples
    heading(f"{calls:,} calls, an instant provider", "calls a second", "CPU of the driver a sample")
    plain, cpu = await timed(await made(synalinks.ExactMatch()), calls, None)
    table("one process", rounded(calls / plain), f"{1000 * cpu / calls:.2f} ms")
    with Ray(workers=2, object_store_memory=MEMORY) as distribution:
        over_ray, cpu = await timed(await made(synalinks.ExactMatch()), calls, distribution)
        table("2 workers", rounded(calls / over_ray), f"{1000 * cpu / calls:.2f} ms")
        return cpu / calls, await desk_rate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only-rows", action="store_true")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    os.environ["SYNALINKS_CACHE"] = "off"
    asyncio.run(main(given.samples, given.workers, given.rows, given.only_rows))
