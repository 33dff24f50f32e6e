"""What one Generator call takes, by the way it is answered, in counts that don't depend on the machine's load.

Python functions entered; system calls that Python makes, by the C functions that wrap one (those inside of SQLite are
not seen); memory blocks that are still there after the call; moves between source files of the package, which is how
often a reader who follows the call opens another file.

python benchmarks/counts.py [--profile ROW] [--seconds] [--bytes]
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import gc
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import synalinks

#: Calls that are counted, after as many that fill caches of patterns, schemas and templates.
CALLS = 50
REPLY = synalinks.lm.Reply(text='{"thinking": "2 + 3 = 5", "answer": "5"}', finish="stop")
PACKAGE = str(Path(synalinks.__file__).parent)
#: The names that a program takes.
NAMES = "from synalinks import DataModel, Field, Generator, Input, LanguageModel, Program"


class Problem(synalinks.DataModel):
    """A problem."""

    problem: str = synalinks.Field(description="The math problem")


class Answer(synalinks.DataModel):
    """An answer."""

    thinking: str = synalinks.Field(description="Step by step calculation")
    answer: str = synalinks.Field(description="The numerical answer only")


class Scripted:
    """A provider handler that gives the same answer to every call."""

    name = "scripted"

    async def __call__(self, call: synalinks.lm.Call, /) -> synalinks.lm.Reply:
        return REPLY


#: C functions that make a system call, by what they are a method of.
SYSTEM_CALLS = {
    "socket": frozenset({"accept", "bind", "close", "connect", "recv", "recv_into", "send", "sendto", "setsockopt"}),
    "epoll": frozenset({"modify", "poll", "register", "unregister"}),
    "poll": frozenset({"poll"}),
    "module": frozenset({"fstat", "fsync", "lstat", "open", "pread", "pwrite", "read", "stat", "write"}),
    "FileIO": frozenset({"close", "read", "readinto", "write"}),
    "BufferedWriter": frozenset({"flush"}),
    "Connection": frozenset({"execute"}),  # of SQLite: a statement, which makes some
}


class Calls:
    """Counts the Python functions that are entered while it is open, generators and coroutines at each resumption, the
    system calls that Python makes, and the files of the package: how often a function of each is entered after one of
    another."""

    def __init__(self) -> None:
        self.by_code: collections.Counter[CodeType] = collections.Counter()
        self.system: collections.Counter[str] = collections.Counter()
        self.moves: collections.Counter[str] = collections.Counter()
        self._file = ""

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        """One event of `sys.setprofile`."""
        if event == "call":
            self.by_code[frame.f_code] += 1
            file = frame.f_code.co_filename
            if file != self._file and file.startswith(PACKAGE):
                self.moves[file] += 1
                self._file = file
        elif event == "c_call":
            owner, name = type(getattr(argument, "__self__", None)).__name__, getattr(argument, "__name__", "")
            if name in SYSTEM_CALLS.get(owner, ()):
                self.system[name] += 1

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what the block calls."""
        gc.collect()
        gc.disable()  # what it frees may call back
        sys.setprofile(self.note)
        try:
            yield
        finally:
            sys.setprofile(None)
            gc.enable()


def generator(folder: str | None = None) -> synalinks.Generator:
    """A generator whose server is never called."""
    settings = {"caching": False} if folder is None else {"cache_dir": folder}
    model = synalinks.LanguageModel(model="ollama/instant", concurrency=64, **settings)
    return synalinks.Generator(data_model=Answer, language_model=model)


async def play(module: synalinks.Module, count: int, start: int = 0) -> None:
    """So many calls, one after another."""
    for number in range(start, start + count):
        await module(Problem(problem=f"2 + {number}"))


#: Around the measured part of a row: calls `measure(job)`, where `job` makes `CALLS` calls.
Measure = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]


async def scripted(measure: Measure) -> None:
    """A provider handler that answers at once, nothing else open."""
    module = generator()
    with synalinks.use_provider(Scripted()):
        await play(module, CALLS)
        await measure(lambda: play(module, CALLS))


async def symbolic_program(measure: Measure) -> None:
    """The same in a program of one module."""
    inputs = synalinks.Input(data_model=Problem)
    program = synalinks.Program(inputs=inputs, outputs=await generator()(inputs))
    with synalinks.use_provider(Scripted()):
        await play(program, CALLS)
        await measure(lambda: play(program, CALLS))


async def budgeted(measure: Measure) -> None:
    """The same within a budget."""
    module = generator()
    with synalinks.use_provider(Scripted()), synalinks.lm.use_budget(synalinks.lm.Budget(calls=1_000_000)):
        await play(module, CALLS)
        await measure(lambda: play(module, CALLS))


async def recorded(measure: Measure) -> None:
    """The same on a cassette that records."""
    module = generator()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        with synalinks.use_provider(Scripted()), synalinks.use_cassette(path, record_mode="all"):
            await play(module, CALLS, start=10_000_000)
            await measure(lambda: play(module, CALLS))


async def sent(measure: Measure) -> None:
    """A `Client.send` without a module, within a budget and on a cassette that records."""
    lm, client = synalinks.lm, synalinks.lm.Client("ollama/instant")

    async def job(start: int) -> None:
        for number in range(start, start + CALLS):
            message = {"role": "user", "content": f"2 + {number}"}
            await client.send(lm.Request("chat", client.model, messages=[message]))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        cassette, budget = synalinks.use_cassette(path, record_mode="all"), lm.Budget(usd=1000, calls=1_000_000)
        with synalinks.use_provider(Scripted()), cassette, lm.use_budget(budget):
            await job(0)
            await measure(lambda: job(CALLS))


async def replayed(measure: Measure) -> None:
    """From a cassette."""
    module = generator()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        with synalinks.use_provider(Scripted()), synalinks.use_cassette(path, record_mode="all"):
            await play(module, 2 * CALLS)
        with synalinks.use_cassette(path, record_mode="none"):
            await play(module, CALLS)
            await measure(lambda: play(module, CALLS, start=CALLS))


async def compiled() -> synalinks.Program:
    """A program of one module with a reward and an optimizer; under the same names each time, so that it replays."""
    inputs = synalinks.Input(data_model=Problem)
    model = synalinks.LanguageModel(model="ollama/instant", concurrency=64, caching=False)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model, name="answers")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="compiled")
    program.compile(reward=synalinks.ExactMatch(in_mask=["answer"]), optimizer=synalinks.RandomFewShot())
    return program


async def _replayed_run(measure: Measure, run: Callable[[synalinks.Program], Awaitable[object]]) -> None:
    """A run of a compiled program from its cassette; its recording has filled caches."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        with synalinks.use_provider(Scripted()), synalinks.use_cassette(path, record_mode="all"):
            await run(await compiled())
        program = await compiled()

        async def job() -> None:
            await run(program)

        with synalinks.use_cassette(path, record_mode="none") as cassette:
            await measure(job)
        assert cassette.played == CALLS, "the counts are a call"


def samples(count: int, first: int = 0) -> tuple[list[Problem], list[Answer]]:
    """Problems and their answers."""
    problems = [Problem(problem=f"2 + {number}") for number in range(first, first + count)]
    return problems, [Answer(thinking="", answer="5") for _ in problems]


async def evaluated(measure: Measure) -> None:
    """From a cassette, as the samples of an evaluation."""
    x, y = samples(CALLS)
    await _replayed_run(measure, lambda program: program.evaluate(x, y, batch_size=25, verbose=0))


async def trained(measure: Measure) -> None:
    """From a cassette, in a training: 20 calls of its steps, 22 to compare candidates, and 8 of the validation."""
    (x, y), held_out = samples(20), samples(8, first=1000)
    settings: dict[str, Any] = {"batch_size": 4, "minibatch_size": 3, "verbose": 0, "seed": 0}
    await _replayed_run(measure, lambda program: program.fit(x, y, validation_data=held_out, **settings))


@contextmanager
def server() -> Iterator[str]:
    """An `ollama` server that answers at once, in a process of its own."""
    from instant_server import Instant

    with Instant() as instant:
        yield instant.url


async def cached(measure: Measure) -> None:
    """From the disk cache."""
    with tempfile.TemporaryDirectory() as folder, server() as url:
        model = synalinks.LanguageModel(model="ollama/instant", api_base=url, concurrency=64, cache_dir=folder)
        module = synalinks.Generator(data_model=Answer, language_model=model)
        await play(module, CALLS)
        synalinks.clear_session(free_memory=False)
        await play(module, CALLS)
        synalinks.clear_session(free_memory=False)
        await measure(lambda: play(module, CALLS))


async def stored(measure: Measure) -> None:
    """A handler of one's own below the cache, which stores each answer."""
    from synalinks.lm.cache.layer import CacheLayer
    from synalinks.lm.cache.stores import open_store
    from synalinks.lm.core.draws import Draws

    with tempfile.TemporaryDirectory() as folder:
        store, draws = open_store(folder), Draws()
        layer = CacheLayer(lambda: store, "http://host", lambda _: draws, shares=lambda _: True)
        answer = layer(Scripted())

        async def job(start: int) -> None:
            for number in range(start, start + CALLS):
                message = {"role": "user", "content": f"2 + {number}"}
                await answer(synalinks.lm.Call(synalinks.lm.Request("chat", "ollama/instant", messages=[message])))

        await job(0)
        await measure(lambda: job(CALLS))


async def live(measure: Measure) -> None:
    """From a local server over HTTP."""
    with server() as url:
        model = synalinks.LanguageModel(model="ollama/instant", api_base=url, concurrency=64, caching=False)
        module = synalinks.Generator(data_model=Answer, language_model=model)
        await play(module, CALLS)
        await measure(lambda: play(module, CALLS))


#: Every way a call is answered.
WAYS = {
    way.__name__: way
    for way in (
        scripted,
        symbolic_program,
        budgeted,
        recorded,
        sent,
        replayed,
        evaluated,
        trained,
        cached,
        stored,
        live,
    )
}


def calls_of(way: str) -> Calls:
    """What `CALLS` Generator calls enter that are answered this way."""
    calls = Calls()

    async def measure(job: Callable[[], Awaitable[None]]) -> None:
        with calls.counting():
            await job()

    asyncio.run(WAYS[way](measure))
    return calls


def per_call(counts: collections.Counter[CodeType] | collections.Counter[str]) -> float:
    """The sum of some counts, a Generator call."""
    return sum(counts.values()) / CALLS


def blocks_of(way: str) -> float:
    """Memory blocks that a call leaves; most are of its entries in ledgers, which pack them by the hundred."""
    found: list[float] = []

    async def measure(job: Callable[[], Awaitable[None]]) -> None:
        gc.collect()
        before = sys.getallocatedblocks()
        await job()
        gc.collect()
        found.append((sys.getallocatedblocks() - before) / CALLS)

    asyncio.run(WAYS[way](measure))
    return found[0]


def seconds_of(way: str) -> float:
    """CPU seconds per call, the least of ten tries."""
    found: list[float] = []

    async def measure(job: Callable[[], Awaitable[None]]) -> None:
        begun = time.process_time()
        await job()
        found.append((time.process_time() - begun) / CALLS)

    for _ in range(10):
        asyncio.run(WAYS[way](measure))
    return min(found)


def bytes_of(way: str) -> int:
    """Bytes that a call leaves in memory and the peak above it, of `tracemalloc`."""
    found: list[int] = []

    async def measure(job: Callable[[], Awaitable[None]]) -> None:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        await job()
        found.append((tracemalloc.get_traced_memory()[0] - before) // CALLS)
        tracemalloc.stop()

    asyncio.run(WAYS[way](measure))
    return found[0]


def imported(program: str) -> int:
    """Modules that a fresh interpreter has loaded after a program, beyond those that it starts with."""
    code = f"import sys; begun = len(sys.modules); {program}; print(len(sys.modules) - begun)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


def print_table() -> None:
    """Every count, by name."""
    print(f"{'':<32}{'Python calls':>14}{'system calls':>14}{'blocks left':>14}{'moves':>14}")
    for way in WAYS:
        calls = calls_of(way)
        counts = (per_call(calls.by_code), per_call(calls.system), blocks_of(way), per_call(calls.moves))
        print(f"{way:<32}" + "".join(f"{count:14.2f}" for count in counts))
    for name, program in {"import synalinks": "import synalinks", "a program's names": NAMES}.items():
        print(f"modules of {name:<21}{imported(program):14d}")


def main() -> None:
    """Print the counts, or the functions behind one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=WAYS, help="print what one row calls")
    parser.add_argument("--seconds", action="store_true", help="print CPU time per call instead")
    parser.add_argument("--bytes", action="store_true", help="print what a call leaves in memory instead")
    arguments = parser.parse_args()
    os.environ.pop("SYNALINKS_CACHE", None)
    if arguments.profile:
        calls = calls_of(arguments.profile)
        for code, count in calls.by_code.most_common():
            if count >= CALLS // 2:
                file = "/".join(Path(code.co_filename).parts[-3:])
                print(f"{count / CALLS:8.2f}  {code.co_qualname}  {file}:{code.co_firstlineno}")
        for name, count in calls.system.most_common():
            print(f"{count / CALLS:8.2f}  system call: {name}")
    elif arguments.seconds:
        for way in WAYS:
            print(f"{way:<32}{seconds_of(way) * 1e6:10.1f} us")
    elif arguments.bytes:
        for way in WAYS:
            print(f"{way:<32}{bytes_of(way):10d} bytes")
    else:
        print_table()


if __name__ == "__main__":
    main()
