"""One participant in a process of its own, in an environment of its own: measures the rows that are named on stdin.

`python worker.py PARTICIPANT SETTINGS` answers each line, the name of a row, with a line of JSON: seconds of this
process's CPU and of the clock, for one operation. A row that is named for the first time is prepared, and run once
without being measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: One operation, e.g. a structured call over HTTP.
Call = Callable[[], Awaitable[object]]
#: Some operations; returns how many.
Job = Callable[[], Awaitable[int]]

#: What is measured of a live call: operations a round, and how many of them are under way at once.
LIVE = {"one_by_one": (100, 1), "at_once_32": (160, 32), "at_once_128": (384, 128), "at_once_1000": (1_000, 1_000)}
#: The same of a server that answers after `LATENCY` seconds: tasks, each of which makes `WAVES` calls.
DELAYED = {"delayed_32": 32, "delayed_128": 128}
LATENCY, WAVES = 0.020, 10


@dataclass
class Settings:
    """What the participants of a run share.

    Attributes:
        server, delayed: URLs of a server that answers at once, and of one that takes `LATENCY` seconds.
        folder: for files; that of a participant is its own, but for the cassettes.
        messages, schema: of the structured call.
        answer: the text that the servers answer with.
    """

    server: str
    delayed: str
    folder: str
    messages: list[dict[str, str]]
    schema: dict[str, Any]
    answer: str
    open: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)


class Clock:
    """The time of a job; one whose first or last part is not measured calls `begin` and `end` itself."""

    def begin(self) -> None:
        """From now on."""
        self._ended: tuple[float, float] | None = None
        self._begun = time.process_time(), time.perf_counter()

    def end(self) -> None:
        """Up to now, or to where it ended before."""
        self._ended = self._ended or (time.process_time(), time.perf_counter())

    def seconds(self, count: int) -> dict[str, float]:
        """Of one of `count` operations."""
        self.end()
        assert self._ended is not None
        cpu, wall = (end - begin for begin, end in zip(self._begun, self._ended, strict=True))
        return {"cpu": cpu / count, "wall": wall / count}


CLOCK = Clock()


def repeated(call: Call, count: int, width: int) -> Job:
    """`count` calls, `width` of them at once."""

    async def one_by_one() -> int:
        for _ in range(count):
            await call()
        return count

    async def at_once() -> int:
        for _ in range(count // width):
            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    group.create_task(call())  # type: ignore[arg-type]
        return count

    return one_by_one if width == 1 else at_once


def waves(call: Call, tasks: int) -> Job:
    """So many tasks, each of which makes `WAVES` calls; an operation is one call of each."""

    async def task() -> None:
        for _ in range(WAVES):
            await call()

    async def job() -> int:
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(task())
        return WAVES

    return job


async def prepare(participant: str, row: str, settings: Settings) -> Job:
    """What measures a row."""
    module, _, name = PARTICIPANTS[participant].partition(":")
    found = getattr(importlib.import_module(module), name)
    if row in LIVE:
        return repeated(await found.connect(settings, settings.server), *LIVE[row])
    if row in DELAYED:
        return waves(await found.connect(settings, settings.delayed), DELAYED[row])
    job: Job = await getattr(found, row)(settings)
    return job


#: Where each participant is written: a module of this folder and a class in it.
PARTICIPANTS = {
    "aiohttp": "clients:Aiohttp",
    "httpx": "clients:Httpx",
    "ollama": "clients:Ollama",
    "ollama, 1,000 connections": "clients:OllamaPool",
    "litellm": "clients:Litellm",
    "DSPy": "clients:Dspy",
    "asyncio.sleep": "clients:Sleep",
    "diskcache": "files:Diskcache",
    "vcrpy": "files:Vcrpy",
    "orjson": "files:Orjson",
    "synalinks": "ours:Plain",
    "synalinks, storing": "ours:Storing",
    "synalinks, recording": "ours:Recording",
}


async def main(participant: str, settings: Settings) -> None:
    """Answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a package prints is no answer
    jobs: dict[str, Job] = {}
    async with settings.open:
        for line in sys.stdin:  # nothing else is under way
            row = line.strip()
            if row not in jobs:
                jobs[row] = await prepare(participant, row, settings)
                await jobs[row]()
            gc.collect()
            CLOCK.begin()
            print(json.dumps(CLOCK.seconds(await jobs[row]())), file=answers)


if __name__ == "__main__":
    sys.modules["worker"] = sys.modules["__main__"]
    asyncio.run(main(sys.argv[1], Settings(**json.loads(Path(sys.argv[2]).read_text()))))
