"""Worker: replicas of programs in a process that answers none of their model calls by itself.

A replica calls and scores samples as the driver says. A model call of its program goes to the driver, where the
whole stack of the model stands; an attempt that is to be sent comes back, and the worker sends it.
"""

from __future__ import annotations

import asyncio
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TextIO

from synalinks import scope as scopes
from synalinks import session
from synalinks.data import Variable
from synalinks.distribution.attempts import send_attempt
from synalinks.distribution.messages import (
    Answer,
    Asked,
    Attempt,
    CallSample,
    CancelAttempt,
    CancelJob,
    Done,
    FailedCall,
    FromWorker,
    Job,
    Piece,
    ScoreRow,
    ToWorker,
    Values,
    Warned,
    Withdrawn,
)
from synalinks.distribution.parcels import Parcel, sendable
from synalinks.errors import ConfigurationError
from synalinks.lm import Call, Client, Reply, Sink
from synalinks.lm.blocks import use_sender
from synalinks.lm.core.place import move
from synalinks.lm.servers import runtime_of
from synalinks.modules.core.added_rewards import collecting_rewards
from synalinks.modules.models.folding import use_failures
from synalinks.optimizers.scored_predictions import Predictions

#: The job that the running task is part of.
_job: ContextVar[tuple[Replica, int] | None] = ContextVar("synalinks_job", default=None)


class Worker:
    """Replicas of the programs of runs, by run."""

    def __init__(self) -> None:
        self._replicas: dict[str, Replica] = {}

    async def open(self, run: str, parcel: Parcel) -> None:
        """Make the replica of a run."""
        self._replicas[run] = Replica(parcel)

    async def update(self, run: str, version: int, after: int | None, values: Values) -> None:
        """Set variables; see `Replica.update`."""
        self._replicas[run].update(version, after, values)

    async def deliver(self, run: str, messages: Sequence[ToWorker]) -> None:
        """Take messages in."""
        if (replica := self._replicas.get(run)) is not None:
            for message in messages:
                replica.take(message)

    async def outbox(self, run: str) -> list[FromWorker]:
        """The messages of a run, as soon as there are any; none when the run is closed."""
        replica = self._replicas.get(run)
        return [] if replica is None else await replica.outbox()

    async def close(self, run: str) -> None:
        """Drop the replica of a run, and what it is doing."""
        if (replica := self._replicas.pop(run, None)) is not None:
            replica.close()


@dataclass
class _PendingCall:
    """A call that the driver has not answered yet, of a job."""

    job: int
    answer: asyncio.Future[Reply]
    sink: Sink | None


@dataclass
class _Jobs:
    """The tasks of a kind that are running, by number."""

    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, number: int, work: Any) -> None:
        task = self.tasks[number] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _: self.tasks.pop(number, None))

    def cancel(self, number: int) -> None:
        if (task := self.tasks.get(number)) is not None:
            task.cancel()


class Replica:
    """A program and its rewards, as they are in the driver.

    Args:
        parcel: what the driver packed.
    """

    def __init__(self, parcel: Parcel) -> None:
        settings, self._program, self._rewards = parcel.unpack()
        for name, value in settings.items():
            session.set_setting(name, value)
        self._variables: dict[str, Variable] = {one.path: one for one in self._program.trainable_variables}
        for variable in self._variables.values():
            variable.get_json()["current_predictions"] = Predictions()
        self._version = 0
        self._waiting_updates: dict[int, tuple[int, Values]] = {}
        self._updated = asyncio.Condition()
        self._loop = asyncio.get_running_loop()
        self._messages: list[FromWorker] = []
        self._ready = asyncio.Event()
        self._closed = False
        self._jobs, self._attempts = _Jobs(), _Jobs()
        self._calls: dict[int, _PendingCall] = {}
        self._errors: dict[int, list[tuple[int, BaseException]]] = {}
        self._clients: dict[str, Client] = {}
        self._call_count = 0

    # --- messages --------------------------------------------------------------------------------------------

    def take(self, message: ToWorker) -> None:
        """Act on a message of the driver."""
        match message:
            case Job():
                self._jobs.start(message.number, self._do(message))
            case Attempt():
                if message.client is not None:
                    self._clients[message.origin] = message.client
                work = send_attempt(message, self._clients[message.origin], self._post)
                self._attempts.start(message.number, work)
            case Answer():
                self._answered(message)
            case Piece():
                if (call := self._calls.get(message.number)) is not None and call.sink is not None:
                    call.sink(message.delta)
            case CancelJob():
                self._jobs.cancel(message.number)
            case CancelAttempt():
                self._attempts.cancel(message.number)

    async def outbox(self) -> list[FromWorker]:
        """What there is to say, as soon as there is something."""
        await self._ready.wait()
        messages, self._messages = self._messages, []
        if not self._closed:
            self._ready.clear()
        return messages

    def _post(self, message: FromWorker) -> None:
        self._loop.call_soon_threadsafe(self._add, message)  # a tool may make calls on a thread

    def _add(self, message: FromWorker) -> None:
        self._messages.append(message)
        self._ready.set()

    def close(self) -> None:
        """End all that is running."""
        self._closed = True
        self._ready.set()
        for task in [*self._jobs.tasks.values(), *self._attempts.tasks.values()]:
            task.cancel()

    # --- variables -------------------------------------------------------------------------------------------

    def update(self, version: int, after: int | None, values: Values) -> None:
        """Set variables.

        Args:
            version: that the values make.
            after: the version that they are changes of; None if they are all values.
        """
        if after is not None and after != self._version:  # updates may come in another order
            self._waiting_updates[after] = (version, values)
            return
        for path, fields in values.items():
            self._variables[path].get_json().update(fields)
        self._version = version
        if (later := self._waiting_updates.pop(version, None)) is not None:
            self.update(later[0], version, later[1])
        asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        async with self._updated:
            self._updated.notify_all()

    async def _at(self, version: int) -> None:
        if self._version < version:
            async with self._updated:
                await self._updated.wait_for(lambda: self._version >= version)

    # --- jobs ------------------------------------------------------------------------------------------------

    async def _do(self, job: Job) -> None:
        try:
            await self._at(job.version)
            with use_sender(self._ask), _in_job(self, job):
                value = await self._work(job)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  handed to the driver
            self._post(self._failed(job.number, error))
            return
        finally:
            self._errors.pop(job.number, None)
        self._post(Done(job.number, value, self._records(job)))

    async def _work(self, job: Job) -> Any:
        if isinstance(job, CallSample):
            with collecting_rewards() as added:
                return await self._program(job.x, training=job.training), added
        assert isinstance(job, ScoreRow)
        return [await self._rewards[number](y, found) for number, y, found in job.row]

    def _failed(self, number: int, error: BaseException) -> Done:
        raised = self._errors.get(number, ())
        of_call = next((call for call, one in raised if one is error), None)
        if of_call is None:
            error.add_note("In a worker:\n" + "".join(traceback.format_exception(error)).rstrip())
        return Done(number, error=sendable(error), of_call=of_call)

    def _records(self, job: Job) -> dict[str, list[Any]]:
        """The predictions that the modules recorded in a job, taken out of the variables."""
        found: dict[str, list[Any]] = {}
        if isinstance(job, CallSample) and job.training:
            sample = job.scope.get("sample")
            for path, variable in self._variables.items():
                value = variable.get_json()
                records = value["current_predictions"]
                if mine := [record for record in records if record.get("sample") == sample]:
                    found[path] = mine
                    value["current_predictions"] = Predictions(one for one in records if one.get("sample") != sample)
        return found

    def warn(self, job: int, model: str, kind: str, message: str) -> None:
        """Have the driver warn of a call that failed for good."""
        self._post(FailedCall(job, model, kind, message))

    def warn_of(self, job: int, warning: warnings.WarningMessage) -> None:
        """Have the driver warn."""
        self._post(Warned(job, warning.message, warning.category, warning.filename, warning.lineno))

    # --- the calls of a job ----------------------------------------------------------------------------------

    async def _ask(self, client: object, call: Call) -> Reply:
        """Have the driver answer a call."""
        running = _job.get()
        assert isinstance(client, Client)
        if running is None:
            raise ConfigurationError(
                f"{call.request.model!r} was called on a thread that does not belong to a sample; run the work with "
                "asyncio.to_thread, or in a copy of the context, so that the call has its place in the run"
            )
        _check_no_blocks(call)
        self._call_count += 1
        number, known = self._call_count, client.origin in self._clients
        self._clients[client.origin] = client
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        pending = self._calls[number] = _PendingCall(running[1], answer, call.sink)
        self._post(
            Asked(
                running[1],
                number,
                client.origin,
                None if known else client,
                call.request,
                call.scope,
                call.is_fallback,
                call.check,
                call.sink is not None,
            )
        )
        try:
            return await pending.answer
        except asyncio.CancelledError:
            self._post(Withdrawn(running[1], number))
            raise
        finally:
            del self._calls[number]

    def _answered(self, answer: Answer) -> None:
        call = self._calls.get(answer.number)
        if call is None:
            return
        if answer.error is not None:
            self._errors.setdefault(call.job, []).append((answer.number, answer.error))
        call.answer.get_loop().call_soon_threadsafe(_settle, call.answer, answer)


def _settle(waiting: asyncio.Future[Reply], answer: Answer) -> None:
    if waiting.done():
        return
    if answer.error is not None:
        waiting.set_exception(answer.error)
    elif answer.reply is not None:
        waiting.set_result(answer.reply)


@contextmanager
def _in_job(replica: Replica, job: Job) -> Iterator[None]:
    """A block in the place of a job; its warnings go to the driver."""
    token, place = _job.set((replica, job.number)), move(job.scope)
    try:
        with use_failures(lambda model, kind, message: replica.warn(job.number, model, kind, message)):
            yield
    finally:
        scopes.leave(place)
        _job.reset(token)


def _check_no_blocks(call: Call) -> None:
    """Refuse `use_*` blocks that a program opens around its own calls: they stand in this process, the stack does not.

    Raises:
        ConfigurationError: naming what is open.
    """
    runtime = runtime_of(call)
    inside = {"use_budget": runtime.trackers, "use_cassette": runtime.cassette, "use_provider": runtime.provider}
    opened = [name for name, value in {**inside, "use_ledger": runtime.ledgers}.items() if value]
    if opened:
        raise ConfigurationError(
            f"{call.request.model!r} was called in a {opened[0]} block of the program itself (at {call.scope}). "
            "In a distributed run these blocks go around fit, evaluate or predict, where the calls of all meet"
        )


def forward_warnings() -> None:
    """Have the warnings of this process's jobs go to their drivers."""
    shown = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if (running := _job.get()) is None:
            shown(message, category, filename, lineno, file, line)
        else:
            replica, job = running
            replica.warn_of(job, warnings.WarningMessage(message, category, filename, lineno))

    warnings.showwarning = show
    warnings.simplefilter("always")
