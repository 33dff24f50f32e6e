"""Attempts: what the stacks in the driver let out, and workers send to the providers. Both ends of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from synalinks.distribution.messages import Attempt, Attempted, CancelAttempt, FromWorker, Piece, ToWorker
from synalinks.distribution.parcels import sendable
from synalinks.errors import ConnectionFailed, LMError
from synalinks.lm import Call, Client, Delta, Reply
from synalinks.lm.core.call import Trace


class Post(Protocol):
    """The way to a worker.

    Attributes:
        name: of the worker, for messages.
    """

    name: str

    def post(self, message: ToWorker) -> None:
        """Send a message; one to a worker that is lost is dropped."""


class Attempts:
    """The driver's end: the attempts that are out at workers."""

    def __init__(self) -> None:
        self._out: dict[int, tuple[Post, Call, asyncio.Future[Reply]]] = {}
        self._numbers = itertools.count(1)

    async def send(self, client: Client, call: Call, link: Post, known: bool) -> Reply:
        """Have a worker send an attempt.

        Args:
            known: whether the worker has the client.
        """
        number = next(self._numbers)
        outcome: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._out[number] = (link, call, outcome)
        sent = replace(call, sink=None, admission=None, trace=Trace(), check=None, via=None, runtime=None)
        endpoint = client.endpoint_for(call)
        link.post(Attempt(number, client.origin, None if known else client, endpoint, sent, call.sink is not None))
        try:
            return await outcome
        except asyncio.CancelledError:
            link.post(CancelAttempt(number))
            raise
        finally:
            del self._out[number]

    def take(self, message: Piece | Attempted) -> None:
        """Take in what a worker says of an attempt."""
        if (found := self._out.get(message.number)) is None:
            return
        _, call, outcome = found
        if isinstance(message, Piece):
            if call.sink is not None:
                call.sink(message.delta)
        elif not outcome.done():
            call.trace.rate_limit_status = message.status
            if message.error is not None:
                outcome.set_exception(message.error)
            elif message.reply is not None:
                outcome.set_result(message.reply)

    def drop(self, link: Post, why: object) -> None:
        """End the attempts that are out at a worker that is lost: they may have been answered."""
        for at, _, outcome in self._out.values():
            if at is link and not outcome.done():
                error = f"{link.name}, which waited for the answer, has ended ({why})"
                outcome.set_exception(ConnectionFailed(error, uncertain=True))


async def send_attempt(attempt: Attempt, client: Client, post: Callable[[FromWorker], None]) -> None:
    """The worker's end: send a request to the provider, and tell the driver what came of it."""

    def sink(delta: Delta) -> None:
        post(Piece(attempt.number, delta))

    call = replace(attempt.call, sink=sink if attempt.streams else None)
    reply, error = None, None
    try:
        reply = await client.send_here(call, attempt.endpoint)
    except asyncio.CancelledError:
        raise
    except BaseException as caught:  # noqa: BLE001  handed to the driver
        error = sendable(caught)
        if isinstance(error, LMError):
            error.__traceback__ = None
    post(Attempted(attempt.number, reply, error, call.trace.rate_limit_status))
