"""Slots, queue, loading and eviction of the stand-in server; its scheduler in virtual time, and over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import ollama
import pytest
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks.errors import ConfigurationError
from synalinks.testing import Capacity, LlamaCppServer, OllamaServer
from synalinks.testing.fake_server.capacity import Scheduler, Visit, seconds_of
from synalinks.testing.fake_server.dialect import RefusalError


async def visit(scheduler: Scheduler, name: str, seconds: float = 1.0, keep_alive: Any = None) -> tuple[Visit, float]:
    async with scheduler.slot(name, keep_alive) as found:
        await asyncio.sleep(seconds)
    return found, LoopClock().now()


async def together(*jobs: Any) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    return [task.result() for task in tasks]


def test_so_many_slots_a_model_first_come_first_served() -> None:
    async def main() -> None:
        scheduler, begun = Scheduler(Capacity(parallel=2)), LoopClock().now()
        done = await together(*(visit(scheduler, "m") for _ in range(5)), visit(scheduler, "other"))
        assert [round(at - begun) for _, at in done] == [1, 1, 2, 2, 3, 1]
        assert [round(found.queued) for found, _ in done] == [0, 0, 1, 1, 2, 0]

    run(main())


def test_loading_is_told_apart_from_the_queue() -> None:
    async def main() -> None:
        scheduler = Scheduler(Capacity(loading=3.0))
        done = await together(visit(scheduler, "m"), visit(scheduler, "m"))
        assert [(round(one.loading), round(one.queued)) for one, _ in done] == [(3, 0), (3, 1)]
        again, _ = await visit(scheduler, "m")
        assert (again.loading, scheduler.loads) == (0.0, ["m"])

    run(main())


def test_the_model_that_was_idle_longest_makes_room() -> None:
    async def main() -> None:
        scheduler = Scheduler(Capacity(models=2, loading=1.0))
        for name in ("a", "b", "a", "c", "a", "b"):
            await visit(scheduler, name)
        assert scheduler.loads == ["a", "b", "c", "b"]
        await together(*(visit(scheduler, name) for name in ("a", "b", "c")))  # c waits until one is idle
        assert set(scheduler.in_memory()) <= {"a", "b", "c"} and len(scheduler.in_memory()) == 2

    run(main())


def test_an_idle_model_is_unloaded_after_its_keep_alive() -> None:
    async def main() -> None:
        scheduler = Scheduler(Capacity(keep_alive=10.0, models=4))
        await visit(scheduler, "short")
        await visit(scheduler, "long", keep_alive="1h")
        await visit(scheduler, "ever", keep_alive=-1)
        await visit(scheduler, "none", keep_alive=0)
        assert set(scheduler.in_memory()) == {"short", "long", "ever"}
        await asyncio.sleep(30)
        assert set(scheduler.in_memory()) == {"long", "ever"}

    run(main())


def test_a_full_queue_is_busy_and_those_who_leave_make_room() -> None:
    async def main() -> None:
        scheduler = Scheduler(Capacity(queue=1))
        async with asyncio.TaskGroup() as group:
            first, waiting = (group.create_task(visit(scheduler, "m")) for _ in range(2))
            await asyncio.sleep(0.5)
            with pytest.raises(RefusalError, match="maximum pending requests"):
                await visit(scheduler, "m")
            waiting.cancel()
            await asyncio.sleep(0)
            late = group.create_task(visit(scheduler, "m"))
        assert first.done() and late.result()[0].queued == pytest.approx(0.5, abs=0.01)
        assert scheduler.busy == 0

    run(main())


@pytest.mark.parametrize(("said", "seconds"), [("5m", 300), ("1h30m", 5400), (20, 20), ("250ms", 0.25)])
def test_durations(said: Any, seconds: float) -> None:
    assert seconds_of(said) == seconds


def test_what_is_no_duration_is_refused() -> None:
    for said in ("soon", "", True, {}):
        with pytest.raises(RefusalError, match="invalid duration"):
            seconds_of(said)


def test_a_capacity_without_slots_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least 1 slot"):
        Capacity(parallel=0)


def test_the_server_queues_loads_and_lists_what_is_in_memory() -> None:
    async def main(url: str) -> list[ollama.ChatResponse]:
        client = ollama.AsyncClient(host=url)
        messages = [{"role": "user", "content": "2 + 2"}]
        answers = await together(*(client.chat("m", messages) for _ in range(3)))
        loaded = await client.ps()
        await client.chat("m", messages, keep_alive=0)
        left = await client.ps()
        await client._client.aclose()
        assert [one.model for one in loaded.models] == ["m:latest"] and not left.models
        return answers

    with OllamaServer(latency=0.05, capacity=Capacity(parallel=2, loading=0.2)) as server:
        answers = asyncio.run(main(server.url))
        assert server.loads == ["m:latest"]
        assert [record.loading > 0.05 for record in server.requests if record.number] == [True, True, True, False]
    for answer in answers:
        assert (answer.load_duration or 0) > 5e7
        assert (answer.eval_duration or 0) + (answer.load_duration or 0) <= (answer.total_duration or 0)


def test_a_full_queue_answers_503_as_ollama_does() -> None:
    async def main(url: str) -> list[int]:
        body = {"model": "m", "messages": [{"role": "user", "content": "2 + 2"}], "stream": False}
        async with httpx.AsyncClient(base_url=url) as client:
            found = await together(*(client.post("/api/chat", json=body) for _ in range(4)))
        return sorted(reply.status_code for reply in found)

    with OllamaServer(latency=0.3, capacity=Capacity(queue=1)) as server:
        assert asyncio.run(main(server.url)) == [200, 200, 503, 503]


def test_llama_cpp_tells_its_slots_and_has_no_paths_of_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLAMA_CPP_API_BASE", raising=False)
    with LlamaCppServer(capacity=Capacity(parallel=3), env=True) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/props").json()["total_slots"] == 3
        assert [slot["is_processing"] for slot in client.get("/slots").json()] == [False] * 3
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/api/tags").status_code == client.get("/api/version").status_code == 404
        assert client.post("/v1/completions", json={"model": "m", "prompt": "2 + 2"}).status_code == 200
        assert repr(server).startswith("<LlamaCppServer at ")
