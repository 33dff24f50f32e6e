"""This library's part of the comparison: the same call by a `Generator`, live, stored, recorded, replayed."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from worker import CLOCK, Call, Job, Settings

import synalinks

#: Calls of a round, samples of an evaluation, modules of a chain.
CALLS, SAMPLES, CHAIN = 400, 1_000, 20


class Problem(synalinks.DataModel):
    """A problem."""

    problem: str = synalinks.Field(description="The math problem")


class Answer(synalinks.DataModel):
    """An answer."""

    thinking: str = synalinks.Field(description="Step by step calculation")
    answer: str = synalinks.Field(description="The numerical answer only")


def generator(url: str | None = None, **options: Any) -> synalinks.Generator:
    """A generator of answers."""
    model = synalinks.LanguageModel(model="ollama/instant", api_base=url, concurrency=1_000, **options)
    return synalinks.Generator(data_model=Answer, language_model=model)


def task() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Messages and schema of the call, for clients that are given them."""
    return generator(caching=False).messages(Problem(problem="2 + 3").to_json_data_model()), Answer.get_schema()


class Scripted:
    """A provider handler that answers at once."""

    name = "scripted"

    def __init__(self, text: str) -> None:
        self._reply = synalinks.lm.Reply(text=text, finish="stop")

    async def __call__(self, call: synalinks.lm.Call, /) -> synalinks.lm.Reply:
        return self._reply


async def record(path: Path, rows: int, answer: str) -> None:
    """Make a cassette of so many calls."""
    module = generator(caching=False)
    with synalinks.use_provider(Scripted(answer)), synalinks.use_cassette(path, record_mode="all"):
        for number in range(rows):
            await module(Problem(problem=f"2 + {number}"))


class Plain:
    """A `Generator` without cache and cassette, and what is measured of this library alone."""

    @staticmethod
    async def connect(settings: Settings, url: str) -> Call:
        """The same call each time."""
        module = generator(url, caching=False)
        return lambda: module(Problem(problem="2 + 3"))

    @staticmethod
    async def evaluate(settings: Settings) -> Job:
        """`Program.evaluate` on `SAMPLES` samples."""
        inputs = synalinks.Input(data_model=Problem)
        outputs = await generator(settings.server, caching=False)(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        program.compile(reward=synalinks.ExactMatch(in_mask=["answer"]))
        x = [Problem(problem=f"2 + {number}") for number in range(SAMPLES)]
        y = [Answer(thinking="", answer="5") for _ in x]

        async def job() -> int:
            await program.evaluate(x, y, verbose=0)
            return 1

        return job

    @staticmethod
    async def cached(settings: Settings) -> Job:
        """Answers of the disk cache, as a new run gets them."""
        module = generator(settings.server, cache_dir=f"{settings.folder}/synalinks")

        async def job() -> int:
            synalinks.clear_session(free_memory=False)
            CLOCK.begin()
            for number in range(CALLS):
                await module(Problem(problem=f"2 + {number}"))
            return CALLS

        return job

    @staticmethod
    def _replayed(settings: Settings, rows: int) -> Job:
        module = generator(caching=False)

        async def job() -> int:
            with synalinks.use_cassette(Path(settings.folder, f"{rows}.jsonl"), record_mode="none"):
                CLOCK.begin()
                for number in range(0, rows, rows // CALLS):
                    await module(Problem(problem=f"2 + {number}"))
                CLOCK.end()
            return len(range(0, rows, rows // CALLS))

        return job

    @classmethod
    async def replayed_1000(cls, settings: Settings) -> Job:
        """Calls from a cassette of 1,000 rows, opening not counted."""
        return cls._replayed(settings, 1_000)

    @classmethod
    async def replayed_100000(cls, settings: Settings) -> Job:
        """Calls from a cassette of 100,000 rows, opening not counted."""
        return cls._replayed(settings, 100_000)

    @staticmethod
    async def opened(settings: Settings) -> Job:
        """A cassette of 100,000 rows, opened."""

        async def job() -> int:
            with synalinks.use_cassette(Path(settings.folder, "100000.jsonl"), record_mode="none"):
                CLOCK.end()
            return 1

        return job

    @staticmethod
    async def chain(settings: Settings) -> Job:
        """A module of a chain of generators, answered by a function."""
        inputs = outputs = synalinks.Input(data_model=Problem)
        for _ in range(CHAIN):
            outputs = await generator(caching=False)(outputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        scripted = Scripted(settings.answer)

        async def job() -> int:
            with synalinks.use_provider(scripted):
                for _ in range(10):
                    await program(Problem(problem="2 + 3"))
            return 10 * CHAIN

        return job


class Storing:
    """A `Generator` whose cache stores each answer."""

    @staticmethod
    async def connect(settings: Settings, url: str) -> Call:
        """Another problem each time."""
        module = generator(url, cache_dir=f"{settings.folder}/stored")
        numbers = itertools.count()
        return lambda: module(Problem(problem=f"2 + {next(numbers)}"))


class Recording:
    """A `Generator` under a cassette that records."""

    @staticmethod
    async def connect(settings: Settings, url: str) -> Call:
        """Another problem each time."""
        if synalinks.lm.current_run().cassette is None:
            cassette = synalinks.use_cassette(f"{settings.folder}/recorded.jsonl", record_mode="all")
            settings.open.enter_context(cassette)
        module = generator(url, caching=False)
        numbers = itertools.count()
        return lambda: module(Problem(problem=f"2 + {next(numbers)}"))


async def prepare(folder: Path, answer: str, sizes: Iterable[int]) -> None:
    """Write down the call, and make cassettes of so many rows."""
    (folder / "task.json").write_text(json.dumps(task()))
    for rows in sizes:
        await record(folder / f"{rows}.jsonl", rows, answer)


if __name__ == "__main__":
    asyncio.run(prepare(Path(sys.argv[1]), sys.argv[2], map(int, sys.argv[3:])))
