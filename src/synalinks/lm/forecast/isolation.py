"""A run beside the real one: calls are answered by a stand-in, and nothing that a run leaves behind is left behind.

What is process-wide is put aside and put back: cassette, stand-in, ledgers, the draws taken, and every model's own way to
the wire, with its limits. Budgets and ledgers of tasks are left by running in a context of one's own.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call, Handler, Reply, stack
from synalinks.lm.core.draws import Draws
from synalinks.lm.ledger.ledger import Ledger, LedgerLayer
from synalinks.lm.pricing.pricing import PriceLayer
from synalinks.lm.runtime import RUNTIME

T = TypeVar("T")
_inside: ContextVar[bool] = ContextVar("synalinks_estimating", default=False)


class _Guarded:
    """Answers the calls of the run beside; refuses those of anybody else, who must not get an invented answer."""

    name = "synthetic"

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, call: Call, /) -> Awaitable[Reply]:
        if not _inside.get():
            raise ConfigurationError(
                f"{call.request.model!r} was asked (at {call.scope}) while an estimate was being made in this process, "
                "which answers every model synthetically. Await the estimate first"
            )
        return self._handler(call)


@contextmanager
def no_limits() -> Iterator[None]:
    """Give models that are made inside the block no rates to wait for."""
    before = RUNTIME.unlimited
    RUNTIME.unlimited = True
    try:
        yield
    finally:
        RUNTIME.unlimited = before


@contextmanager
def isolated(handler: Handler) -> Iterator[Ledger]:
    """Have every call in this process answered by `handler`, at once; gives the ledger they are entered in.

    Afterwards cassette, stand-in, ledgers, draws and models are as they were.
    """
    guarded = _Guarded(handler)
    names = ("provider", "cassette", "cache_only", "trackers", "offline", "draws", "ledger")
    before = {name: getattr(RUNTIME, name) for name in names}
    models = [(client, client.stack, client.ledger) for client in RUNTIME.clients]
    ledger = Ledger()
    RUNTIME.provider, RUNTIME.cassette, RUNTIME.offline = guarded, None, False
    RUNTIME.cache_only, RUNTIME.trackers = None, ()
    RUNTIME.draws, RUNTIME.ledger = Draws(), ledger
    clock = RUNTIME.clock
    try:
        for client, _, _ in models:
            meter = LedgerLayer(client.spec.prefix, RUNTIME.ledgers, clock)
            client.stack, client.ledger = stack(guarded, meter, PriceLayer(client.price, clock)), Ledger()
        with no_limits():
            yield ledger
    finally:
        for client, own, its in models:
            client.stack, client.ledger = own, its
        for name, value in before.items():
            setattr(RUNTIME, name, value)


async def in_own_context(job: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine outside every budget, ledger and place that this task is in."""
    context = contextvars.Context()
    context.run(_inside.set, True)
    task = asyncio.get_running_loop().create_task(job(), context=context)
    try:
        return await task
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait((task,))
        raise
