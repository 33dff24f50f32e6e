"""What an answer of the cache and a miss cost on disk and on a Redis server of this machine, in microseconds.

python benchmarks/cache_stores.py [--rounds N]   # needs the extra `redis` and redis-server
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

import redis
from common import interleaved, report, run
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from synalinks.lm import Client, Reply, Request
from synalinks.lm.cache.layer import CacheLayer
from synalinks.lm.cache.stores import open_store
from synalinks.lm.core.call import Call
from synalinks.lm.core.draws import Draws

CALLS, AT_ONCE = 320, 32
MODEL = "ollama/instant"


async def answered(call: Call) -> Reply:
    """A provider that takes no time."""
    return Reply("4", finish="stop")


def request(number: int) -> Request:
    """One of many requests with a single answer."""
    return Request("chat", MODEL, messages=[{"role": "user", "content": f"2 + {number}"}], options={"temperature": 0})


async def main() -> None:
    """Hits one by one and 32 at once, misses with and without leases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    os.environ.pop("SYNALINKS_CACHE", None)
    with tempfile.TemporaryDirectory(prefix="sb-") as folder:
        path = Path(folder) / "s"
        options = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder]
        words = ["redis-server", *map(str, options)]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: ASYNC220  nothing else runs yet
        try:
            with redis.Redis(unix_socket_path=str(path), retry=Retry(ConstantBackoff(0.05), 200)) as client:
                client.ping()
            await measure({"disk": f"{folder}/cache", "redis": f"unix://{path}"}, arguments.rounds)
        finally:
            server.kill()
            server.wait()


async def measure(places: dict[str, str], rounds: int) -> None:
    """Hits through a whole client, misses through the cache layer alone."""
    clients = {name: Client(MODEL, cache_dir=place) for name, place in places.items()}
    for place in places.values():
        layer = CacheLayer(lambda place=place: open_store(place), clients["disk"].endpoint, lambda _: Draws(), no)
        for number in range(CALLS):
            await layer(answered)(Call(request(number)))
    known = [request(number) for number in range(CALLS)]

    def one_by_one(client: Client):  # type: ignore[no-untyped-def]
        async def job() -> int:
            for asked in known:
                assert (await client.send(asked)).source == "cache"
            return CALLS

        return job

    def at_once(client: Client):  # type: ignore[no-untyped-def]
        async def job() -> int:
            for begin in range(0, CALLS, AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    for asked in known[begin : begin + AT_ONCE]:
                        group.create_task(client.send(asked))
            return CALLS

        return job

    numbers = iter(range(CALLS, 10**9))

    def misses(place: str, shares: bool):  # type: ignore[no-untyped-def]
        store, draws = open_store(place), Draws()
        layer = CacheLayer(lambda: store, "http://host", lambda _: draws, no, shares=lambda _: shares)(answered)

        async def job() -> int:
            for _ in range(CALLS):
                await layer(Call(request(next(numbers))))
            return CALLS

        return job

    rows = await interleaved({name: one_by_one(client) for name, client in clients.items()}, rounds)
    report("a cached answer, one by one", rows, "disk")
    rows = await interleaved({name: at_once(client) for name, client in clients.items()}, rounds)
    report(f"a cached answer, {AT_ONCE} at once", rows, "disk")
    jobs = {
        f"{name}, {'with a lease' if shares else 'without a lease'}": misses(place, shares)
        for name, place in places.items()
        for shares in (False, True)
    }
    report("a miss: looked up, stored", await interleaved(jobs, rounds), "disk, without a lease")


def no(_: Call) -> bool:
    """No call passes by the cache."""
    return False


if __name__ == "__main__":
    run(main)
