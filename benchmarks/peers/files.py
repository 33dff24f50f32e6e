"""What reads answers from files: diskcache and orjson as floors, vcrpy as what users would take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worker import CLOCK, Job, Settings

#: Rows of a cassette of vcrpy, and how many of them a round plays.
ROWS, PLAYED = 1_000, 20


class Diskcache:
    """diskcache alone."""

    @staticmethod
    async def cached(settings: Settings) -> Job:
        """A text of the size of an answer, by its key."""
        import diskcache

        cache = settings.open.enter_context(diskcache.Cache(f"{settings.folder}/diskcache"))
        for number in range(320):
            cache.set(f"key {number}", b"x" * 400)

        async def job() -> int:
            for number in range(320):
                cache.get(f"key {number}")
            return 320

        return job


class Vcrpy:
    """vcrpy, on the HTTP call alone, by httpx."""

    @staticmethod
    async def replayed_1000(settings: Settings) -> Job:
        """A call from a cassette of `ROWS` rows, opening not counted."""
        import httpx
        import vcr

        path = f"{settings.folder}/vcr.yaml"
        options: dict[str, Any] = {"match_on": ("method", "uri", "body")}
        url = f"{settings.server}/api/chat"
        bodies = [{"prompt": f"2 + {number}" + "x" * 1000} for number in range(ROWS)]

        def call(mode: str, each: int) -> None:
            with vcr.use_cassette(path, record_mode=mode, **options), httpx.Client() as client:
                CLOCK.begin()
                for body in bodies[::each]:
                    client.post(url, json=body)
                CLOCK.end()

        call("all", 1)

        async def job() -> int:
            call("none", ROWS // PLAYED)
            return PLAYED

        return job


class Orjson:
    """orjson alone."""

    @staticmethod
    async def opened(settings: Settings) -> Job:
        """Every line of a cassette of 100,000 rows, parsed."""
        import orjson

        path = Path(settings.folder, "100000.jsonl")

        def parse() -> None:
            with path.open("rb") as file:
                for line in file:
                    orjson.loads(line)

        async def job() -> int:
            parse()
            return 1

        return job
