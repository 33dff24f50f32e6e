"""A structured call over HTTP, by the clients that users would take: sent, answered, its JSON read.

Each class is one participant, imported in an environment that holds its package; `connect` gives a function that makes
one call.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from worker import LATENCY, Call, Job, Settings

#: Samples of an evaluation.
SAMPLES = 1_000


def body(settings: Settings) -> dict[str, Any]:
    """The request of Ollama's API."""
    return {"model": "instant", "messages": settings.messages, "format": settings.schema, "stream": False}


class Sleep:
    """The ideal: calls that take the server's time and nothing else."""

    @staticmethod
    async def connect(settings: Settings, url: str) -> Call:
        """A call of the event loop."""
        return lambda: asyncio.sleep(LATENCY)


class Aiohttp:
    """aiohttp alone, with as many connections as there are calls."""

    @staticmethod
    async def connect(settings: Settings, url: str) -> Call:
        """A call by one session."""
        import aiohttp

        session = await settings.open.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        request = body(settings)

        async def call() -> Any:
            async with session.post(f"{url}/api/chat", json=request) as response:
                return json.loads((await response.json())["message"]["content"])

        return call


class Httpx:
    """httpx alone, with as many connections as there are calls."""

    @staticmethod
    async def connect(settings: Settings, url: str) -> Call:
        """A call by one client."""
        import httpx

        unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        client = await settings.open.enter_async_context(httpx.AsyncClient(limits=unlimited, timeout=60))
        request = body(settings)

        async def call() -> Any:
            response = await client.post(f"{url}/api/chat", json=request)
            return json.loads(response.json()["message"]["content"])

        return call


class Ollama:
    """The client `ollama`, as it is made by default."""

    options: dict[str, Any] = {}

    @classmethod
    async def connect(cls, settings: Settings, url: str) -> Call:
        """A call by one client, which validates the response."""
        import ollama

        client = ollama.AsyncClient(url, **cls.options)

        async def call() -> Any:
            response = await client.chat("instant", settings.messages, format=settings.schema)
            return json.loads(response.message.content or "")

        return call


class OllamaPool(Ollama):
    """The client `ollama` with as many kept connections as there are calls."""

    @classmethod
    async def connect(cls, settings: Settings, url: str) -> Call:
        """A call by one client."""
        import httpx

        cls.options = {"limits": httpx.Limits(max_connections=1_000, max_keepalive_connections=1_000)}
        return await super().connect(settings, url)


class Litellm:
    """litellm's `acompletion`."""

    @staticmethod
    async def connect(settings: Settings, url: str) -> Call:
        """A call of Ollama's chat."""
        import litellm

        litellm.suppress_debug_info = True
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": settings.schema}}

        async def call() -> Any:
            response = await litellm.acompletion(
                "ollama_chat/instant", messages=settings.messages, response_format=form, api_base=url
            )
            return json.loads(response.choices[0].message.content)

        return call


class Dspy:
    """A DSPy program of one `Predict`, whose adapter requests JSON."""

    @staticmethod
    def _program(url: str, cache: bool = False) -> tuple[Any, dict[str, Any]]:
        """A program, and the settings that it runs in."""
        import dspy

        class Solve(dspy.Signature):  # type: ignore[misc]
            """Solve a problem."""

            problem: str = dspy.InputField(desc="The math problem")
            thinking: str = dspy.OutputField(desc="Step by step calculation")
            answer: str = dspy.OutputField(desc="The numerical answer only")

        lm = dspy.LM("ollama_chat/instant", api_base=url, cache=cache)
        return dspy.Predict(Solve), {"lm": lm, "adapter": dspy.JSONAdapter()}

    @classmethod
    async def connect(cls, settings: Settings, url: str) -> Call:
        """A call of the program."""
        import dspy

        predict, context = cls._program(url)

        async def call() -> Any:
            with dspy.context(**context):
                return await predict.acall(problem="2 + 3")

        return call

    @classmethod
    async def evaluate(cls, settings: Settings) -> Job:
        """An evaluation by its own means: threads."""
        import dspy

        logging.getLogger("dspy").setLevel(logging.WARNING)
        predict, context = cls._program(settings.server)
        examples = [
            dspy.Example(problem=f"2 + {n}", answer="5").with_inputs("problem") for n in range(SAMPLES)
        ]  # fmt: skip
        measure = dspy.Evaluate(
            devset=examples,
            metric=lambda example, found, trace=None: float(example.answer == found.answer),
            num_threads=32,
            display_progress=False,
        )

        async def job() -> int:
            with dspy.context(**context):
                measure(predict)
            return 1

        return job

    @classmethod
    async def cached(cls, settings: Settings) -> Job:
        """Answers of its disk cache, without the one in memory."""
        import dspy

        dspy.configure_cache(
            enable_disk_cache=True, enable_memory_cache=False, disk_cache_dir=f"{settings.folder}/dspy"
        )
        predict, context = cls._program(settings.server, cache=True)

        async def job() -> int:
            with dspy.context(**context):
                for number in range(100):
                    await predict.acall(problem=f"2 + {number}")
            return 100

        return job
