"""Workers in this very process, for tests of what driver and workers say to each other; they can be killed."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from synalinks.distribution import parcels
from synalinks.distribution.dispatcher import Dispatcher, Link, LinkLost
from synalinks.distribution.messages import Asked, FromWorker, Job, ToWorker, Values
from synalinks.distribution.parcels import Parcel
from synalinks.distribution.worker import Worker
from synalinks.errors import WorkerLost

RUN = "run"


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parcels are pickled by the standard library: what they hold comes from modules that can be imported."""
    monkeypatch.setattr(parcels, "_dumps", pickle.dumps)
    monkeypatch.setattr(parcels, "_loads", pickle.loads)


class LocalLink:
    """A worker and the way to it; what goes over it is pickled. Each link has a worker of its own."""

    def __init__(self, name: str, owner: Local) -> None:
        self.name = name
        self.worker = Worker()
        self.dead = asyncio.Event()
        self._owner = owner
        self.versions: list[tuple[int, int | None, Values]] = []

    def post(self, message: ToWorker) -> None:
        if not self.dead.is_set():
            asyncio.get_running_loop().create_task(self.worker.deliver(RUN, [pickle.loads(pickle.dumps(message))]))
        if isinstance(message, Job):
            self._owner.jobs.append((self.name, message))

    def update(self, version: int, after: int | None, values: Values) -> None:
        self.versions.append((version, after, values))
        asyncio.get_running_loop().create_task(self.worker.update(RUN, version, after, values))

    async def receive(self) -> Sequence[FromWorker]:
        outbox = asyncio.create_task(self.worker.outbox(RUN))
        death = asyncio.create_task(self.dead.wait())
        await asyncio.wait([outbox, death], return_when=asyncio.FIRST_COMPLETED)
        outbox.cancel()
        death.cancel()
        if self.dead.is_set():
            raise LinkLost("it was killed")
        messages: list[FromWorker] = pickle.loads(pickle.dumps(outbox.result()))
        self._owner.messages += messages
        if self._owner.on_message is not None:
            for message in messages:
                self._owner.on_message(self, message)
        return [] if self.dead.is_set() else messages

    def close(self) -> None:
        asyncio.get_running_loop().create_task(self.worker.close(RUN))

    async def kill(self) -> None:
        self.dead.set()
        await self.worker.close(RUN)


class Local:
    """A distribution over workers in this process.

    Args:
        workers: how many.
        on_message: sees each message of a worker before it is delivered; may kill the worker.
        replaces: whether killed workers are replaced.
    """

    def __init__(
        self,
        workers: int = 2,
        on_message: Callable[[LocalLink, FromWorker], None] | None = None,
        replaces: bool = True,
    ) -> None:
        self._count = workers
        self.on_message = on_message
        self._replaces = replaces
        self.links: list[LocalLink] = []
        self.jobs: list[tuple[str, Job]] = []
        self.messages: list[FromWorker] = []

    @property
    def asked(self) -> list[Asked]:
        """The model calls that workers made."""
        return [message for message in self.messages if isinstance(message, Asked)]

    @asynccontextmanager
    async def open(self, program: Any, rewards: Sequence[Any]) -> AsyncIterator[Dispatcher]:
        self.links = []
        self._parcel = Parcel.pack(program, rewards)
        variables = list(program.trainable_variables)
        links = [await self._link() for _ in range(self._count)]
        dispatcher = Dispatcher(variables, links, self._replaced)
        try:
            yield dispatcher
        finally:
            await dispatcher.close()
            for link in self.links:
                await link.kill()

    async def _link(self) -> LocalLink:
        link = LocalLink(f"worker {len(self.links)}", self)
        self.links.append(link)
        await link.worker.open(RUN, self._parcel)
        return link

    async def _replaced(self, link: Link) -> Link:
        if not self._replaces:
            raise WorkerLost("no other worker could be started")
        return await self._link()
