"""Dispatcher: the driver's side of one run on workers.

Samples go to the worker with the fewest. The model calls of all workers are answered here, by the stacks of this
process: one ledger, one budget, one account a provider, one cache and one cassette, with all that these promise. What a
stack is to send goes to the worker that asked, or to another if that one was lost.

A sample whose worker is lost is called again by another. Its calls that were answered before, or are still out, are
not made again: the replica that repeats them gets the same answers.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from synalinks import _json, scope
from synalinks.data import BOOKKEEPING, Variable
from synalinks.distribution.attempts import Attempts, Post
from synalinks.distribution.messages import (
    Answer,
    Asked,
    Attempted,
    CallSample,
    CancelJob,
    Done,
    FailedCall,
    FromWorker,
    Job,
    Piece,
    ScoreRow,
    Values,
    Warned,
    Withdrawn,
)
from synalinks.distribution.parcels import sendable
from synalinks.errors import SynalinksError, WorkerLost
from synalinks.lm import Call, Client, Reply
from synalinks.lm.core.place import move
from synalinks.lm.process import PROCESS
from synalinks.modules.core.added_rewards import collect_rewards
from synalinks.modules.models.folding import warn_of_failure

#: Seconds that workers have to end a run before the driver no longer waits for them.
CLOSING = 5.0
#: Workers that a sample may lose before the run ends: a sample that ends its process would end every other one too.
MOST_LOSSES = 3


class LinkLost(Exception):
    """The worker at the other end of a link has ended; says why."""


class Link(Post, Protocol):
    """The way to one worker, for one run."""

    def update(self, version: int, after: int | None, values: Values) -> None:
        """Set variables of the replica."""

    async def receive(self) -> Sequence[FromWorker]:
        """The next messages.

        Raises:
            LinkLost: the worker has ended.
        """

    def close(self) -> None:
        """Have the worker drop its replica; what `receive` waits for comes at once, and is empty."""


#: Gives a link to the worker that takes the place of a lost one, with a replica of the run.
Replace = Callable[[Link], Coroutine[Any, Any, Link]]
_Key = tuple[str, str, str, int]


@dataclass(eq=False)
class _Running:
    """A job that is not done.

    Attributes:
        job: what the worker gets.
        context: of the task that waits for it.
        result: what it waits for.
        link: where it runs.
        calls: of models, by client, place, request and how often these were asked for before; kept for a repetition.
        asked: how often each was asked for in this run of the job.
        tasks: the calls, by the number that the worker gave them.
        losses: workers that were lost with it.
    """

    job: Job
    context: contextvars.Context
    result: asyncio.Future[Any]
    link: Link | None = None
    calls: dict[_Key, asyncio.Task[Reply]] = field(default_factory=dict)
    asked: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    tasks: dict[int, tuple[_Key, asyncio.Task[Reply]]] = field(default_factory=dict)
    losses: int = 0


class Dispatcher:
    """Calls and scores the samples of one run on workers; see `trainers.distributing.Runner`.

    Args:
        variables: of the program, as the replicas have them.
        links: to the workers.
        replacement: makes the link that takes the place of a lost one.
    """

    def __init__(self, variables: Sequence[Variable], links: Iterable[Link], replacement: Replace) -> None:
        self._variables = variables
        self._values = _values_of(variables)
        self._version = 0
        self._links: dict[Link, set[_Running]] = {}
        self._any_link = asyncio.Event()
        self._replacement = replacement
        self._pumps: set[asyncio.Task[None]] = set()
        self._unplaced: list[_Running] = []
        self._jobs: dict[int, _Running] = {}
        self._attempts = Attempts()
        self._clients: dict[str, Client] = {}
        self._known: dict[Link, set[str]] = {}
        self._numbers = itertools.count(1)
        self._lost: Exception | None = None
        self._closed = False
        for link in links:
            self._add(link)

    async def close(self) -> None:
        """End what is running."""
        self._closed = True
        for link in self._links:
            link.close()
        pumps = [*self._pumps]
        _, late = await asyncio.wait(pumps, timeout=CLOSING) if pumps else ((), ())
        for task in late:
            task.cancel()
        await asyncio.wait(late) if late else None

    # --- what the trainer calls ------------------------------------------------------------------------------

    async def call(self, x: Any, training: bool) -> Any:
        """What the program makes of an input, from the place of the running task."""
        self._send_values()
        found, added = await self._run(CallSample(next(self._numbers), self._version, scope.current(), x, training))
        collect_rewards(added)
        return found

    async def reward(self, row: Sequence[tuple[int, Any, Any]]) -> list[float]:
        """The rewards of one sample's outputs; shapes: `(outputs,)` each."""
        rewards: list[float] = await self._run(ScoreRow(next(self._numbers), self._version, scope.current(), row))
        return rewards

    async def _run(self, job: Job) -> Any:
        if self._lost is not None:
            raise self._lost
        context = contextvars.copy_context()
        running = _Running(job, context, asyncio.get_running_loop().create_future())
        self._jobs[job.number] = running
        try:
            self._place(running)
            return await running.result
        except asyncio.CancelledError:
            if running.link is not None:
                running.link.post(CancelJob(job.number))
            raise
        finally:
            del self._jobs[job.number]
            if running.link is not None:
                self._links.get(running.link, set()).discard(running)
            await _ended(running.calls.values())

    def _send_values(self) -> None:
        """Send the variables that have changed to every worker, each once."""
        values = _values_of(self._variables)
        changed = {path: fields for path, fields in values.items() if fields != self._values[path]}
        if changed:
            self._values = values
            self._version += 1
            for link in self._links:
                link.update(self._version, self._version - 1, _unpacked(changed))

    # --- workers ---------------------------------------------------------------------------------------------

    def _add(self, link: Link) -> None:
        self._links[link] = set()
        self._any_link.set()
        self._known[link] = set()
        pump = asyncio.get_running_loop().create_task(self._pump(link))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)

    async def _pump(self, link: Link) -> None:
        """Take in what a worker says; where it is lost, have others do its work and another take its place."""
        try:
            while not self._closed:
                for message in await link.receive():
                    self._take(link, message)
            return
        except LinkLost as lost:
            if self._closed:
                return
            self._drop(link, lost)
            try:
                new = await self._replacement(link)
            except SynalinksError as error:
                if not self._links:
                    self._fail_all(error)
                return
        except Exception as error:  # or the run would wait for ever
            self._fail_all(error)
            raise
        if self._closed:
            new.close()
            return
        new.update(self._version, None, _unpacked(self._values))
        self._add(new)
        waiting, self._unplaced = self._unplaced, []
        for running in waiting:
            self._place(running)

    def _drop(self, link: Link, lost: LinkLost) -> None:
        jobs = self._links.pop(link)
        if not self._links:
            self._any_link.clear()
        del self._known[link]
        self._attempts.drop(link, lost)
        for running in sorted(jobs, key=lambda one: one.job.number):
            running.losses += 1
            running.link = None
            if running.losses < MOST_LOSSES:
                self._place(running)
            elif not running.result.done():
                running.result.set_exception(
                    WorkerLost(
                        f"{running.losses} workers ended one after the other while they had this sample (at "
                        f"{running.job.scope}); the last: {lost}. If it takes more memory than a worker has, give "
                        "Ray fewer workers; what was paid for is kept"
                    )
                )

    def _fail_all(self, error: Exception) -> None:
        self._lost = error
        for running in self._jobs.values():
            if not running.result.done():
                running.result.set_exception(error)

    def _place(self, running: _Running) -> None:
        """Give a job to the worker that has the fewest."""
        if running.result.done():
            return
        if not self._links:
            self._unplaced.append(running)
            return
        running.link = min(self._links, key=lambda link: len(self._links[link]))
        self._links[running.link].add(running)
        running.asked.clear()
        running.tasks.clear()
        running.link.post(running.job)

    # --- messages --------------------------------------------------------------------------------------------

    def _take(self, link: Link, message: FromWorker) -> None:
        if isinstance(message, Piece | Attempted):
            self._attempts.take(message)
            return
        job = message.number if isinstance(message, Done) else message.job
        running = self._jobs.get(job)
        if running is None or running.link is not link or running.result.done():
            return
        match message:
            case Asked():
                self._ask(link, running, message)
            case Withdrawn():
                if (known := running.tasks.pop(message.number, None)) is not None:
                    running.calls.pop(known[0], None)
                    known[1].cancel()
            case Done():
                self._done(running, message)
            case FailedCall():
                self._in_context(running, partial(warn_of_failure, message.model, message.kind, message.message))
            case Warned():
                self._in_context(
                    running,
                    partial(warnings.warn_explicit, message.message, message.category, message.filename, message.line),
                )

    def _in_context(self, running: _Running, warn: Callable[[], object]) -> None:
        """Warn as the task of a job would have; where warnings are errors, the job fails of it."""
        try:
            running.context.copy().run(warn)
        except Warning as error:
            self._give_up(running, error)

    def _give_up(self, running: _Running, error: BaseException) -> None:
        running.result.set_exception(error)
        if running.link is not None:
            running.link.post(CancelJob(running.job.number))

    def _done(self, running: _Running, done: Done) -> None:
        if done.error is not None:
            error = done.error
            if done.of_call is not None and (known := running.tasks.get(done.of_call)) is not None:
                error = known[1].exception() or error  # the error itself, with its cause
            running.result.set_exception(error)
            return
        for path, records in (done.records or {}).items():
            variable = next(one for one in self._variables if one.path == path)
            variable.get_json()["current_predictions"].extend(records)
        running.result.set_result(done.value)

    # --- model calls -----------------------------------------------------------------------------------------

    def _ask(self, link: Link, running: _Running, asked: Asked) -> None:
        """Answer a call, with the answer of the same call where the job was run before."""
        self._known[link].add(asked.origin)
        try:
            client = self._client(asked)
            place = (asked.origin, str(asked.scope), asked.request.digest)
            key = (*place, running.asked[place])
            running.asked[place] += 1
            task = running.calls.get(key)
            repeated = task is not None
            if task is None:
                work = self._answer(client, link, running, asked)
                task = asyncio.get_running_loop().create_task(work, context=running.context.copy())
                running.calls[key] = task
        except TypeError as error:  # a request that holds what is no JSON
            link.post(Answer(asked.number, None, sendable(error)))
            return
        running.tasks[asked.number] = (key, task)
        task.add_done_callback(partial(self._hand_over, link, asked, repeated))

    def _client(self, asked: Asked) -> Client:
        """This process's client of which the worker has a copy, or a copy of one that the worker made."""
        known = PROCESS.clients.get(asked.origin) or self._clients.get(asked.origin)
        if known is None:
            assert asked.client is not None, "a worker sends a client that it made with the first call of it"
            known = self._clients[asked.origin] = asked.client
        assert isinstance(known, Client)
        return known

    async def _answer(self, client: Client, link: Link, running: _Running, asked: Asked) -> Reply:
        move(asked.scope)
        sink = None if not asked.streams else lambda delta: link.post(Piece(asked.number, delta))
        via = partial(self._send, client, link)
        return await client.send(asked.request, sink, asked.is_fallback, asked.check, via)

    def _hand_over(self, link: Link, asked: Asked, repeated: bool, task: asyncio.Task[Reply]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            link.post(Answer(asked.number, None, sendable(error)))
            return
        reply = task.result()
        if repeated and asked.streams:
            reply.feed(lambda delta: link.post(Piece(asked.number, delta)))
        link.post(Answer(asked.number, reply, None))

    async def _send(self, client: Client, link: Link, call: Call) -> Reply:
        """Have a worker send an attempt: the one that asked, or the next that there is where it is lost."""
        await self._any_link.wait()
        if link not in self._links:
            link = min(self._links, key=lambda one: len(self._links[one]))
        known = client.origin in self._known[link]
        self._known[link].add(client.origin)
        return await self._attempts.send(client, call, link, known)


async def _ended(calls: Iterable[asyncio.Task[Reply]]) -> None:
    """Cancel calls that nothing waits for any more, and wait until they have ended: they are on the bill by then."""
    left = [call for call in calls if not call.done()]
    for call in left:
        call.cancel()
    if left:
        await asyncio.wait(left)
    for call in calls:
        if not call.cancelled():
            call.exception()  # retrieved, or asyncio logs it


def _values_of(variables: Sequence[Variable]) -> dict[str, str]:
    """The fields of variables that their modules read, by path, as JSON in the order that prompts show."""
    return {
        variable.path: _json.dumps(
            {name: value for name, value in variable.items() if name not in BOOKKEEPING or name == "examples"}
        )
        for variable in variables
    }


def _unpacked(values: dict[str, str]) -> Values:
    return {path: _json.exact(fields) for path, fields in values.items()}
