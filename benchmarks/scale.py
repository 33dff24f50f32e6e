"""Whether training costs the same at its end as at its beginning: time a step, memory, and the saved program.

A provider that answers at once takes the place of the model, so what is left is the engine. One fit of a single long
epoch, and one of many short epochs; each is cut into tenths, and the last is compared with the first. What does grow is
the ledger, by one entry a call, and it is shown apart.

With `--modules 1 20 400`, chains of so many generators are built, called, compiled, trained for an epoch of two steps,
saved and loaded instead, and what each takes a module is printed.

    python benchmarks/scale.py [--steps N] [--epochs N] [--optimizer omega] [--trace] [--modules N ...]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import json
import os
import statistics
import tempfile
import time
import tracemalloc
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import synalinks
from synalinks.lm.core.call import Call, Reply, Usage

TENTHS = 10
MINIBATCH = 4


class Problem(synalinks.DataModel):
    """A problem."""

    problem: str = synalinks.Field(description="The math problem")


class Answer(synalinks.DataModel):
    """An answer."""

    thinking: str = synalinks.Field(description="Step by step calculation")
    answer: str = synalinks.Field(description="The numerical answer only")


class AtOnce:
    """Answers at once: right two times in three, and a new instruction where one is asked for."""

    name = "at once"

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, call: Call, /) -> Reply:
        self.calls += 1
        if call.request.kind == "embed":
            return Reply(vectors=tuple(vector(text) for text in call.request.texts), usage=Usage(8, output_text=0))
        if call.request.model == "ollama/proposer":
            text = json.dumps({"thinking": "clearer", "instructions": f"Try this: {self.calls}."})
        else:
            number = call.request.messages[-1]["content"].rpartition("number ")[2].partition('"')[0]
            text = json.dumps({"thinking": "I see.", "answer": number if self.calls % 3 else "none"})
        return Reply(text=text, finish="stop", usage=Usage(60, output_text=16, raw={"eval_count": 16}))


def vector(text: str) -> bytes:
    """A direction of its own for each text."""
    return array("f", [byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()]).tobytes()


def data(count: int) -> tuple[list[Problem], list[Answer]]:
    """As many samples, all different."""
    return (
        [Problem(problem=f"number {n}") for n in range(count)],
        [Answer(thinking="", answer=str(n)) for n in range(count)],
    )


def resident() -> float:
    """Memory of this process in MB; where the system does not tell, the most it ever was."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass
class Gauge(synalinks.callbacks.Callback):
    """Notes, after each step, the time it took and, at every tenth, what else there is to see."""

    steps: int
    file: Path
    took: list[float] = field(default_factory=list)
    rows: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._begun = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """A step begins."""
        self._begun = time.process_time()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """A step has ended."""
        self.took.append(time.process_time() - self._begun)
        if len(self.took) % (self.steps // TENTHS) == 0:
            gc.collect()
            self.program.save(self.file)
            traced = tracemalloc.get_traced_memory()[0] / 2**20 if tracemalloc.is_tracing() else 0.0
            ledger = len(self.program.run_ledger)
            size = self.file.stat().st_size
            self.rows.append(
                {"steps": len(self.took), "mb": resident(), "traced": traced, "calls": ledger, "size": size}
            )


async def make(optimizer: str, modules: int = 1) -> synalinks.Program:
    """A chain of generators with an optimizer."""
    synalinks.clear_session()
    inputs = outputs = synalinks.Input(data_model=Problem)
    model = synalinks.LanguageModel(model="ollama/instant", concurrency=64)
    for _ in range(modules):
        outputs = await synalinks.Generator(data_model=Answer, language_model=model)(outputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="scale")
    omega = synalinks.OMEGA(language_model="ollama/proposer", embedding_model="ollama/embedder")
    program.compile(
        optimizer=omega if optimizer == "omega" else synalinks.RandomFewShot(),
        reward=synalinks.ExactMatch(in_mask=["answer"]),
    )
    return program


async def measure(title: str, optimizer: str, epochs: int, steps: int) -> None:
    """Fit, and print the tenths."""
    with tempfile.TemporaryDirectory() as folder, synalinks.use_provider(AtOnce()):
        program = await make(optimizer)
        x, y = data(steps)
        gauge = Gauge(epochs * steps, Path(folder) / "program.json")
        await program.fit(
            x, y, validation_data=data(8), epochs=epochs, batch_size=1, minibatch_size=MINIBATCH, verbose=0,
            callbacks=[gauge],
        )  # fmt: skip
    print_tenths(title, gauge)


def print_tenths(title: str, gauge: Gauge) -> None:
    """A row per tenth, and the last against the first."""
    print(f"\n{title}")
    print(f"  {'steps':>8} {'ms a step':>10} {'memory MB':>10} {'traced MB':>10} {'calls':>8} {'program kB':>11}")
    each = gauge.steps // TENTHS
    medians = []
    for i, row in enumerate(gauge.rows):
        medians.append(statistics.median(gauge.took[i * each : (i + 1) * each]) * 1e3)
        print(
            f"  {row['steps']:8,.0f} {medians[-1]:10.3f} {row['mb']:10.1f} {row['traced']:10.1f} {row['calls']:8,.0f} "
            f"{row['size'] / 1000:11.1f}"
        )
    second, last, half = gauge.rows[1], gauge.rows[-1], TENTHS // 2
    calls = last["calls"] - second["calls"]
    before, after = (max(row["size"] for row in rows) for rows in (gauge.rows[:half], gauge.rows[half:]))
    print(f"  processor time a step, last tenth / first: x {medians[-1] / medians[0]:.2f}")
    print(f"  largest saved program, last half / first: x {after / before:.2f}")
    name = "traced" if last["traced"] else "mb"
    bytes_a_call = (last[name] - second[name]) * 2**20 / calls
    print(f"  memory a call of the ledger, from the second tenth on: {bytes_a_call:,.0f} bytes")


class Parts:
    """What the parts of a program's life take, by name: here CPU seconds."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A block that is a part."""
        begun = time.process_time()
        yield
        self.taken[name] = time.process_time() - begun


async def live(modules: int, parts: Parts) -> int:
    """Let a chain of so many generators be built, called, trained, saved and loaded; the bytes of its file."""
    with tempfile.TemporaryDirectory() as folder, synalinks.use_provider(AtOnce()):
        path = Path(folder) / "program.json"
        with parts.part("build"):
            program = await make("few-shot", modules)
        with parts.part("call"):
            await program(Problem(problem="number 1"))
        x, y = data(8)
        with parts.part("fit"):
            await program.fit(x, y, validation_split=0.5, epochs=1, batch_size=2, verbose=0)
        with parts.part("save"):
            program.save(path)
        with parts.part("load"):
            synalinks.Program.load(path)
        return path.stat().st_size


async def measure_modules(counts: Sequence[int]) -> None:
    """The parts of a program's life, a module."""
    await live(1, Parts())  # loads what is loaded at the first use
    print(
        f"{'modules':>8}{'build':>9}{'call':>9}{'fit':>9}{'save':>9}{'load':>9}   ms of CPU a module{'kB a module':>14}"
    )
    for count in counts:
        parts = Parts()
        size = await live(count, parts)
        each = "".join(f"{seconds / count * 1e3:9.3f}" for seconds in parts.taken.values())
        print(f"{count:8}{each}{size / count / 1e3:35.1f}", flush=True)


async def main() -> None:
    """Both fits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--steps", type=int, default=4000, help="steps of the long epoch, and of the short ones together"
    )
    parser.add_argument("--epochs", type=int, default=50, help="of the second fit")
    parser.add_argument("--optimizer", choices=("few-shot", "omega"), default="few-shot")
    parser.add_argument("--trace", action="store_true", help="count the memory of Python objects exactly; slow")
    parser.add_argument("--modules", type=int, nargs="+", help="measure chains of so many modules instead")
    options = parser.parse_args()
    os.environ["SYNALINKS_CACHE"] = "off"
    if options.modules:
        await measure_modules(options.modules)
        return
    if options.trace:
        tracemalloc.start()
    await measure(f"one epoch of {options.steps:,} steps", options.optimizer, 1, options.steps)
    each = options.steps // options.epochs
    await measure(f"{options.epochs} epochs of {each} steps", options.optimizer, options.epochs, each)


if __name__ == "__main__":
    asyncio.run(main())
