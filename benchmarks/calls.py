"""What a Generator call costs beside its floors: the ollama client alone, and diskcache alone.

python benchmarks/calls.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from common import interleaved, report, run
from instant_server import Instant

import synalinks

CALLS = 320


class Problem(synalinks.DataModel):
    """A problem."""

    problem: str = synalinks.Field(description="The math problem")


class Answer(synalinks.DataModel):
    """An answer."""

    thinking: str = synalinks.Field(description="Step by step calculation")
    answer: str = synalinks.Field(description="The numerical answer only")


def generator(url: str, **settings: object) -> synalinks.Generator:
    """A generator against the instant server."""
    model = synalinks.LanguageModel(model="ollama/instant", api_base=url, concurrency=64, **settings)
    return synalinks.Generator(data_model=Answer, language_model=model)


async def live(rounds: int) -> None:
    """Sequential and 32 at once, cache off and on."""
    import ollama

    with Instant() as server, tempfile.TemporaryDirectory() as folder:
        client = ollama.AsyncClient(server.url)
        bare = generator(server.url, caching=False)
        stored = generator(server.url, cache_dir=folder)
        prompt = bare.messages(Problem(problem="2 + 3").to_json_data_model())
        schema = Answer.get_schema()
        number = iter(range(10**9))

        async def by_client() -> None:
            await client.chat("instant", prompt, format=schema)

        async def by_generator() -> None:
            await bare(Problem(problem="2 + 3"))

        async def by_storing() -> None:
            await stored(Problem(problem=f"2 + {next(number)}"))

        def one_by_one(call):  # type: ignore[no-untyped-def]
            async def job() -> int:
                for _ in range(CALLS):
                    await call()
                return CALLS

            return job

        def at_once(call):  # type: ignore[no-untyped-def]
            async def job() -> int:
                for _ in range(CALLS // 32):
                    async with asyncio.TaskGroup() as group:
                        for _ in range(32):
                            group.create_task(call())
                return CALLS

            return job

        calls = {
            "ollama client alone": by_client,
            "Generator, cache off": by_generator,
            "Generator, cache on": by_storing,
        }
        rows = await interleaved({name: one_by_one(call) for name, call in calls.items()}, rounds)
        report("instant server, sequential, per call", rows, "ollama client alone")
        rows = await interleaved({name: at_once(call) for name, call in calls.items()}, rounds)
        report("instant server, 32 at once, per call", rows, "ollama client alone")


async def cached(rounds: int) -> None:
    """Answered by the disk cache."""
    import diskcache

    with Instant() as server, tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        model = generator(server.url, cache_dir=folder)
        for i in range(CALLS):
            await model(Problem(problem=f"2 + {i}"))
        plain = diskcache.Cache(other)
        for i in range(CALLS):
            plain.set(f"key {i}", b"x" * 400)

        async def by_diskcache() -> int:
            for i in range(CALLS):
                plain.get(f"key {i}")
            return CALLS

        async def by_generator() -> int:
            synalinks.clear_session(free_memory=False)
            for i in range(CALLS):
                await model(Problem(problem=f"2 + {i}"))
            return CALLS

        jobs = {"diskcache alone": by_diskcache, "Generator call": by_generator}
        report("answered by the disk cache, per call", await interleaved(jobs, rounds), "diskcache alone")
        plain.close()


async def ideal(rounds: int) -> None:
    """32 at once with 20 ms latency: the share of what 32 connections could carry if clients took no time."""
    import ollama

    latency, tasks = 0.020, 32
    with Instant(latency * 1000) as server:
        client = ollama.AsyncClient(server.url)
        model = generator(server.url, caching=False)
        prompt = model.messages(Problem(problem="2 + 3").to_json_data_model())
        schema = Answer.get_schema()

        class Scripted:
            name = "sleeping"

            async def __call__(self, call: object) -> object:
                await asyncio.sleep(latency)
                return REPLY

        async def task(call) -> None:  # type: ignore[no-untyped-def]
            for _ in range(10):
                await call()

        def job(call):  # type: ignore[no-untyped-def]
            async def all_tasks() -> int:
                async with asyncio.TaskGroup() as group:
                    for _ in range(tasks):
                        group.create_task(task(call))
                return 10

            return all_tasks

        async def sleeping() -> int:
            with synalinks.use_provider(Scripted()):
                return await job(lambda: model(Problem(problem="2 + 3")))()

        jobs = {
            "asyncio.sleep alone": job(lambda: asyncio.sleep(latency)),
            "ollama client alone": job(lambda: client.chat("instant", prompt, format=schema)),
            "Generator over HTTP": job(lambda: model(Problem(problem="2 + 3"))),
            "Generator, provider that only sleeps": sleeping,
        }
        rows = await interleaved(jobs, rounds)
        report("32 at once, 20 ms latency, per wave", rows, "asyncio.sleep alone")
        for row in rows:
            print(f"  {row.name:<44} share of the ideal {latency / row.median:.3f}")


REPLY = synalinks.lm.Reply(text='{"thinking": "2 + 3 = 5", "answer": "5"}', finish="stop")


async def main() -> None:
    """All of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    os.environ.pop("SYNALINKS_CACHE", None)
    for part in (live, cached, ideal):
        if arguments.only in part.__name__:
            await part(arguments.rounds)


if __name__ == "__main__":
    assert Path(__file__).exists()
    run(main)
