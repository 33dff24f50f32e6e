"""What a local server can do at once: models in memory, slots of each, a queue, and the time that loading takes."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf

from synalinks.errors import ConfigurationError
from synalinks.testing.fake_server.dialect import RefusalError
from synalinks.testing.fake_server.faults import MESSAGES

_DURATION = re.compile(r"([-+]?\d+(?:\.\d*)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a local server can do at once; the defaults but for `parallel` are Ollama's.

    Example:
        >>> from synalinks.testing import Capacity, OllamaServer
        >>> server = OllamaServer(capacity=Capacity(parallel=2, loading=1.5), latency=0.2)

    Attributes:
        parallel: requests that a model answers at a time, as `OLLAMA_NUM_PARALLEL` or `llama-server -np`.
        queue: requests that may wait, for a slot or for their model; one more is answered 503.
        loading: seconds in which a model is loaded.
        models: models in memory at a time; a further one takes the place of the one that was idle longest.
        keep_alive: seconds that an idle model stays in memory, where a request says nothing.

    Raises:
        ConfigurationError: a count below 1, or negative seconds.
    """

    parallel: int = 1
    queue: int = 512
    loading: float = 0.0
    models: int = 3
    keep_alive: float = 300.0

    def __post_init__(self) -> None:
        if min(self.parallel, self.models) < 1 or min(self.queue, self.loading, self.keep_alive) < 0:
            raise ConfigurationError(f"a Capacity has at least 1 slot and 1 model, and no negative times, got {self}")


@dataclass(slots=True)
class Visit:
    """One request's way through the server: seconds that it waited for its model to be loaded, and for a slot."""

    loading: float = 0.0
    queued: float = 0.0


@dataclass(slots=True)
class _Loaded:
    """A model in memory; times are those of the event loop."""

    ready_at: float
    ready: bool
    expires: float = inf
    busy: int = 0


class Scheduler:
    """Hands out the slots of the models in memory, first come, first served, and loads and evicts models.

    Attributes:
        loads: names of the models in the order in which they were loaded.
    """

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.loads: list[str] = []
        self._loaded: dict[str, _Loaded] = {}  # the one that was idle longest is the first
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def slot(self, name: str, keep_alive: object = None) -> AsyncIterator[Visit]:
        """A slot of a model, which is loaded if it is not in memory.

        Args:
            name: the model's full name.
            keep_alive: as the request has it: a Go duration or seconds, negative for ever; None for the default.

        Raises:
            RefusalError: 503, if the queue is full; 400, if `keep_alive` is no duration.
        """
        seconds = self.capacity.keep_alive if keep_alive is None else seconds_of(keep_alive)
        loop = asyncio.get_running_loop()
        begun, turn = loop.time(), loop.create_future()
        self._waiting.append((name, turn))
        self._admit()
        if not turn.done() and len(self._waiting) > self.capacity.queue:
            self._waiting.pop()
            raise RefusalError(503, MESSAGES[503])
        try:
            await turn
        except asyncio.CancelledError:
            if (name, turn) in self._waiting:
                self._waiting.remove((name, turn))
            else:
                self._leave(name, seconds)
            raise
        model = self._loaded[name]
        loading = max(0.0, model.ready_at - begun)
        try:
            yield Visit(loading, max(0.0, loop.time() - begun - loading))
        finally:
            self._leave(name, seconds)

    @property
    def busy(self) -> int:
        """Requests that have a slot."""
        return sum(model.busy for model in self._loaded.values())

    def in_memory(self) -> dict[str, float]:
        """The models in memory, with the seconds until each is unloaded."""
        self._expire()
        now = asyncio.get_running_loop().time()
        return {name: model.expires - now for name, model in self._loaded.items()}

    def _leave(self, name: str, keep_alive: float) -> None:
        model = self._loaded.pop(name)
        model.busy -= 1
        model.expires = asyncio.get_running_loop().time() + keep_alive
        self._loaded[name] = model
        self._admit()

    def _expire(self) -> None:
        now = asyncio.get_running_loop().time()
        for name in [name for name, model in self._loaded.items() if not model.busy and model.expires <= now]:
            del self._loaded[name]

    def _admit(self) -> None:
        """Give slots to those that wait, in their order, as far as there are any."""
        self._expire()
        left = deque[tuple[str, asyncio.Future[None]]]()
        for name, turn in self._waiting:
            model = self._loaded.get(name) or self._load(name)
            if model is None or not model.ready or model.busy >= self.capacity.parallel:
                left.append((name, turn))
            elif not turn.done():
                model.busy += 1
                turn.set_result(None)
        self._waiting = left

    def _load(self, name: str) -> _Loaded | None:
        """Begin to load a model; None if there is no room for it."""
        loop = asyncio.get_running_loop()
        if len(self._loaded) >= self.capacity.models:
            idle = next((n for n, m in self._loaded.items() if not m.busy and m.ready), None)
            if idle is None:
                return None
            del self._loaded[idle]
        loading = self.capacity.loading
        model = self._loaded[name] = _Loaded(loop.time() + loading, ready=not loading)
        self.loads.append(name)
        if loading:
            loop.call_later(loading, self._is_loaded, model)
        return model

    def _is_loaded(self, model: _Loaded) -> None:
        model.ready = True
        self._admit()


def seconds_of(keep_alive: object) -> float:
    """Seconds of a `keep_alive`: a number, or a Go duration such as `5m`; negative is for ever.

    Raises:
        RefusalError: 400, for anything else.
    """
    if isinstance(keep_alive, int | float) and not isinstance(keep_alive, bool):
        seconds = float(keep_alive)
    elif isinstance(keep_alive, str) and (parts := _DURATION.findall(keep_alive)):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    else:
        raise RefusalError(400, f"time: invalid duration {keep_alive!r}")
    return inf if seconds < 0 else seconds
