"""Ray: workers that are actors of a Ray cluster, on this machine or on many."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from synalinks._base.warning import warn
from synalinks.distribution.dispatcher import Dispatcher, Link, LinkLost
from synalinks.distribution.messages import FromWorker, ToWorker, Values
from synalinks.distribution.parcels import Parcel, packed_message, unpacked_message
from synalinks.distribution.worker import Worker, forward_warnings
from synalinks.errors import ConfigurationError, WorkerLost

#: Workers that a run may lose for each that it has, before it ends.
LOSSES_A_WORKER = 5
#: Seconds to wait for a connection to a cluster.
CONNECT_TIMEOUT = 10.0
#: Methods of an actor that are under way at once: the outbox of each run, and what is delivered meanwhile.
METHODS_AT_ONCE = 1000


class Ray:
    """A distribution over the actors of a Ray cluster (extra `ray`).

    Each worker has a replica of the program and of the rewards, and an event loop of its own. Ledger, budgets, rate
    limits, cache and cassette stay in this process, and mean what they mean without workers. The actors are started at
    the first run and last until `close`.

    Args:
        workers: how many; the CPUs of the cluster where None.
        address: None starts Ray on this machine, or takes the one that this process has started; `"auto"`, `host:port`
            or `ray://host:port` join a cluster.
        num_cpus: that a worker takes of its machine; 0.1, say, where programs mostly wait for models.
        resources: of Ray's, that a worker takes, e.g. `{"gpu_host": 1}`.
        runtime_env: what Ray ships to the workers, e.g. `{"working_dir": "."}`; see Ray's documentation.
        object_store_memory: bytes, of a Ray that is started here.
        start_timeout: seconds to wait for the workers; the run goes on without those that have not started by then.

    Raises:
        ConfigurationError: from a run: Ray is not installed, nothing answers at the address, no worker could be
            started, or the program can't be pickled (the part is named).
        WorkerLost: from a run: workers ended again and again.

    Example:
        >>> distribution = synalinks.distribution.Ray(workers=2)
        >>> distribution
        Ray(workers=2, address=None)
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        address: str | None = None,
        num_cpus: float = 1.0,
        resources: Mapping[str, float] | None = None,
        runtime_env: Mapping[str, Any] | None = None,
        object_store_memory: int | None = None,
        start_timeout: float = 120.0,
    ) -> None:
        if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
            raise ConfigurationError(f"Ray(workers={workers!r}): a whole number of at least 1 is needed")
        self.workers = workers
        self.address = address
        self._options: dict[str, Any] = {"num_cpus": num_cpus, "resources": dict(resources or {})}
        self._runtime_env = None if runtime_env is None else dict(runtime_env)
        self._object_store_memory = object_store_memory
        self._start_timeout = start_timeout
        self._actors: list[Any] = []
        self._started_ray = False

    # --- runs --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def open(self, program: Any, rewards: Sequence[Any]) -> AsyncIterator[Dispatcher]:
        """A block in which every worker has a replica of a built program and its rewards."""
        self._start_workers()
        parcel = Parcel.pack(program, rewards)
        variables = list(program.trainable_variables)
        run = _Run(self, uuid.uuid4().hex, _ray().put(parcel))
        dispatcher = Dispatcher(variables, await run.links(), run.replaced)
        try:
            yield dispatcher
        finally:
            await dispatcher.close()

    def start(self) -> Any:
        """Start Ray, or join a cluster; gives the library."""
        ray = _ray()
        if self.address is not None and not self._actors:
            self._check_address(self.address)
        if not ray.is_initialized():
            self._init(ray)
            self._actors = []
        return ray

    def _start_workers(self) -> None:
        """Start the workers that are missing."""
        ray = self.start()
        count = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1) / (self._options["num_cpus"] or 1)))
        while len(self._actors) < count:
            self._actors.append(self._new_actor())

    def _init(self, ray: Any) -> None:
        given: dict[str, Any] = {"runtime_env": self._runtime_env, "logging_level": "warning"}
        if self.address is None:
            cpus = None if self.workers is None else max(1, round(self.workers * self._options["num_cpus"] + 0.5))
            given |= {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": self._object_store_memory}
            given["address"] = "local"
        else:
            given["address"] = self.address
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Ray's own changes to come
                ray.init(**given)
        except Exception as error:  # Ray raises this very class where a node does not start in time
            raise self._unreachable(str(error)) from error
        self._started_ray = True

    def _check_address(self, address: str) -> None:
        """Refuse an address where nothing listens, for which Ray itself waits minutes.

        Raises:
            ConfigurationError: saying so.
        """
        address = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
        parts = urlsplit(address if "://" in address else f"//{address}")
        if parts.port is None:  # `auto` or another of Ray's own words, which it looks up itself
            return
        try:
            socket.create_connection((parts.hostname, parts.port), CONNECT_TIMEOUT).close()
        except OSError as error:
            raise self._unreachable(f"nothing answers at {address}: {error}") from error

    def _unreachable(self, why: str) -> ConfigurationError:
        if self.address is None:
            return ConfigurationError(
                f"Ray could not be started on this machine: {why}. If the machine is busy, give it longer: "
                "RAY_raylet_start_wait_time_s=180 in the environment"
            )
        forks = "GRPC_ENABLE_FORK_SUPPORT=0 " if self.address.startswith("ray://") else ""  # see docs/how-to/cluster.md
        return ConfigurationError(
            f"Ray(address={self.address!r}) could not be reached: {why}. Is a cluster there ({forks}ray start --head), "
            "and has this process its token (RAY_AUTH_TOKEN)? Without address= Ray is started on this machine"
        )

    def _new_actor(self) -> Any:
        return (
            _ray()
            .remote(_Actor)
            .options(max_concurrency=METHODS_AT_ONCE, runtime_env=self._runtime_env, **self._options)
            .remote()
        )

    def replaced(self, place: int, actor: Any) -> Any:
        """The actor at a place where one has ended; another run may have started it already."""
        if self._actors[place] is actor:
            self._actors[place] = self._new_actor()
        return self._actors[place]

    def close_workers(self) -> None:
        """End the workers; the next run starts others."""
        ray = _ray()
        if ray.is_initialized():
            for actor in self._actors:
                ray.kill(actor)
        self._actors = []

    def close(self) -> None:
        """End the workers, and Ray where it was started here."""
        self.close_workers()
        if self._started_ray:
            _ray().shutdown()
        self._started_ray = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ray(workers={self.workers}, address={self.address!r})"


class _Actor(Worker):
    """A worker in a process of its own."""

    def __init__(self) -> None:
        super().__init__()
        forward_warnings()

    async def deliver_packed(self, run: str, messages: Sequence[bytes]) -> None:
        """Take messages in."""
        await self.deliver(run, [unpacked_message(message) for message in messages])


class _Run:
    """One run: its links to the actors."""

    def __init__(self, distribution: Ray, name: str, parcel: Any) -> None:
        self._distribution = distribution
        self._name = name
        self._parcel = parcel
        self._losses = 0

    async def links(self) -> list[Link]:
        """A link to each worker that has started in time, with its replica.

        Raises:
            ConfigurationError: none has, or the replica can't be made.
        """
        actors, timeout = self._distribution._actors, self._distribution._start_timeout
        opening = [asyncio.ensure_future(self._opened(place)) for place in range(len(actors))]
        _, late = await asyncio.wait(opening, timeout=timeout)
        for task in late:
            task.cancel()
        if len(late) == len(opening):
            raise ConfigurationError(
                f"none of {len(opening)} workers has started in {timeout:g} s; the cluster has "
                f"{_ray().cluster_resources()}, and a worker takes {self._distribution._options}. Ask for fewer "
                "workers, or for less a worker: Ray(workers=..., num_cpus=...)"
            )
        if late:
            warn(
                f"{len(late)} of {len(opening)} workers have not started in {timeout:g} s; the run begins without them",
                RuntimeWarning,
            )
        in_time = [task for task in opening if task not in late]
        if failed := [error for task in in_time if (error := task.exception()) is not None]:
            raise failed[0]
        return [task.result() for task in in_time]

    async def _opened(self, place: int, again: bool = True) -> Link:
        """A link to the worker at a place; one that has ended since the run before is replaced."""
        from ray.exceptions import RayActorError, RayTaskError

        actor = self._distribution._actors[place]
        try:
            await actor.open.remote(self._name, self._parcel)
        except RayTaskError as error:
            raise error.cause if isinstance(error.cause, ConfigurationError) else error from None
        except RayActorError as error:
            if again:
                self._distribution.replaced(place, actor)
                return await self._opened(place, again=False)
            raise ConfigurationError(f"a worker could not be started: {error}") from error
        return _RayLink(actor, self._name, place)

    async def replaced(self, link: Link) -> Link:
        """A link to the worker that takes the place of a lost one.

        Raises:
            WorkerLost: too many were lost, or it can't be started either.
        """
        assert isinstance(link, _RayLink)
        self._losses += 1
        if self._losses > LOSSES_A_WORKER * len(self._distribution._actors):
            raise WorkerLost(f"{self._losses} workers of this run have ended, the last for this reason: {link.reason}")
        self._distribution.replaced(link.place, link.actor)
        try:
            async with asyncio.timeout(self._distribution._start_timeout):
                return await self._opened(link.place)
        except (TimeoutError, ConfigurationError) as error:
            raise WorkerLost(
                f"{link.name} has ended ({link.reason}), and no other could be started: {error}"
            ) from error


class _RayLink:
    """The way to one actor. What is posted in one turn of the event loop goes out as one message."""

    def __init__(self, actor: Any, run: str, place: int) -> None:
        self.actor, self.place, self.name, self.reason = actor, place, f"worker {place}", ""
        self._run = run
        self._posted: list[bytes] = []

    def post(self, message: ToWorker) -> None:
        """See `Link.post`.

        Raises:
            ConfigurationError: it holds what can't be pickled, such as a file in a sample.
        """
        packed = packed_message(message)
        if not self._posted:
            asyncio.get_running_loop().call_soon(self._flush)
        self._posted.append(packed)

    def _flush(self) -> None:
        posted, self._posted = self._posted, []
        self.actor.deliver_packed.options(num_returns=0).remote(self._run, posted)

    def update(self, version: int, after: int | None, values: Values) -> None:
        """See `Link.update`."""
        self.actor.update.options(num_returns=0).remote(self._run, version, after, values)

    def close(self) -> None:
        """See `Link.close`."""
        self.actor.close.options(num_returns=0).remote(self._run)

    async def receive(self) -> Sequence[FromWorker]:
        """See `Link.receive`."""
        from ray.exceptions import RayActorError

        try:
            messages: Sequence[FromWorker] = await self.actor.outbox.remote(self._run)
        except RayActorError as error:
            self.reason = " ".join(str(error).split())
            raise LinkLost(self.reason) from None
        return messages


def _ray() -> Any:
    """The library.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import ray  # an extra, and heavy
    except ImportError:
        raise ConfigurationError(
            "distribution needs Ray, which is an extra: pip install 'synalinks-replay[ray]'"
        ) from None
    return ray
