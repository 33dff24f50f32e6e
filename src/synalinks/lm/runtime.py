"""The runtime of a call, and the `use_*` blocks that set it.

A `Runtime` is a frozen value: which cassette is open, which provider handler replaces the models' own, which budgets
and ledgers count the call. A block makes a changed copy for its own context, which tasks inherit from the task that
started them. `current()` finds the runtime of a call: that of the context; where there is none, as on a thread, the
process default, which is the outermost open block with the blocks that its opener has opened in it since; else
`OUTSIDE`.

Python does not say what started a thread. Of the blocks that the main thread has open when a thread starts, the thread
is taken to be in those that have no other beside them; so is a block that it opens. A block that another thread has
open is the default for calls only: a block opened meanwhile does not stand in it, since a server has a thread for each
request.

Blocks may be closed in any order, and in another context than they were opened in, as a generator's is. So a block that
is closed takes its own change out of the context's runtime and of nothing else; what the context held before the block
was opened is put back only if that is the same. (`Token.reset` does neither: it brings back a block closed meanwhile,
and it raises `ValueError` in another context.)
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol

from synalinks._concurrency import Clock, SystemClock
from synalinks.lm.budget.layer import BudgetTracker
from synalinks.lm.cache.cache_only import CacheOnlyProvider
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Handler, Reply
from synalinks.lm.core.draws import Draws
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.process import PROCESS

#: Clock, jitter, idle layers, and five yes or no.
StackKey = tuple[Clock, random.Random, frozenset[str], tuple[bool, ...]]


class Sender(Protocol):
    """What answers the calls of a process whose stacks stand in another one: gets a client and its call."""

    def __call__(self, client: object, call: Call, /) -> Awaitable[Reply]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """What surrounds a call.

    Attributes:
        ledger: every call; the process's, but in an isolated block.
        ledgers: those of the open `use_ledger` blocks, outermost first.
        trackers: of the open budgets, outermost first.
        cassette: the open cassette, or None.
        provider: the handler that replaces every provider, or None.
        cache_only: the provider that a recording takes its answers from instead, or None: the cache alone.
        offline: whether live calls are forbidden.
        isolated: whether this is a run beside the real one, which leaves nothing behind.
        unlimited: whether calls wait for no rate limit.
        keep_loaded: whether local servers are to keep models in memory between calls.
        cassette_folder: where cassettes are made instead of at their own paths, or None.
        draws: which answers of the cache the run has taken.
        clock: measures rate limits, back-off and the seconds of budgets.
        rng: jitter of the back-off, and of nothing else.
        sender: answers calls in place of every stack, as in a worker of a distributed run; None where stacks do.
        blocks: the open blocks that made it, outermost first.
        idle_layers: names of the layers of `Client` that would hand each call of this runtime on unchanged.
        replays_only: whether a cassette is open that can't record.
        taken: which answers the run has taken: of the open cassette, or else of the cache.
        all_ledgers: `ledger` and `ledgers`.
        stack_key: what is the same of runtimes that share the stacks of a client.
    """

    ledger: Ledger
    draws: Draws
    clock: Clock
    rng: random.Random
    ledgers: tuple[Ledger, ...] = ()
    trackers: tuple[BudgetTracker, ...] = ()
    cassette: Cassette | None = None
    provider: Handler | None = None
    cache_only: CacheOnlyProvider | None = None
    offline: bool = False
    isolated: bool = False
    unlimited: bool = False
    keep_loaded: bool = False
    cassette_folder: Path | None = None
    sender: Sender | None = None
    blocks: tuple[Block, ...] = field(default=(), repr=False)
    idle_layers: frozenset[str] = field(init=False, repr=False)
    replays_only: bool = field(init=False, repr=False)
    taken: Draws = field(init=False, repr=False)
    all_ledgers: tuple[Ledger, ...] = field(init=False, repr=False)
    stack_key: StackKey = field(init=False, repr=False)

    def __post_init__(self) -> None:  # once a block, so that a call computes none of it
        put = partial(object.__setattr__, self)
        put("replays_only", self.cassette is not None and not self.cassette.recording)
        put("taken", self.draws if self.cassette is None else self.cassette.draws)
        put("all_ledgers", (self.ledger, *self.ledgers))
        put("idle_layers", self._idle_layers())
        flags = (
            self.unlimited, self.isolated, bool(self.trackers), self.provider is None, self.cache_only is None,
        )  # fmt: skip
        put("stack_key", (self.clock, self.rng, self.idle_layers, flags))

    def _idle_layers(self) -> frozenset[str]:
        idle: frozenset[str] = frozenset()
        if self.cassette is None:
            idle |= {"cassette"}
        if not self.trackers and not self.replays_only and self.cache_only is None:
            idle |= {"budget"}
        if self.cassette is not None or self.provider is not None:
            idle |= {"cache"}
        if self.replays_only:
            idle |= {"single_flight", "rate_limit", "retry", "attempt", "validate", "price"}
        return idle


Change = Callable[[Runtime], Runtime]

#: The runtime outside all blocks.
OUTSIDE = Runtime(PROCESS.ledger, Draws(), SystemClock(), random.Random())
_context: ContextVar[Runtime | None] = ContextVar("synalinks_runtime", default=None)
#: Gives the runtime of the context; None on a thread without one.
of_context: Callable[[], Runtime | None] = _context.get


def current() -> Runtime:
    """The runtime of a call made here."""
    runtime = of_context()
    return _OPEN.default_for_call() if runtime is None else runtime


def clear() -> None:
    """Begin a new session: no answer is taken, and the ledger of the process is empty."""
    OUTSIDE.draws.clear()
    PROCESS.clear()


class Block:
    """A `with` block that changes the runtime of its context.

    Args:
        change: makes the block's runtime of the one around it.
    """

    __slots__ = ("_before", "_others", "change", "owner", "runtime")

    def __init__(self, change: Change) -> None:
        self.change = change
        self.owner: object = None
        self.runtime = OUTSIDE
        self._before: Runtime | None = None
        self._others: list[threading.Thread] = []

    def __enter__(self) -> Runtime:
        self._before = before = _context.get()
        self.owner = running_owner()
        if threading.current_thread() is threading.main_thread():
            self._others = threading.enumerate()
        self.runtime = _nested(self, _OPEN.default_for_block() if before is None else before)
        _context.set(self.runtime)
        _OPEN.add(self)
        return self.runtime

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _OPEN.remove(self)
        here = _context.get()
        if here is self.runtime:
            _context.set(self._before)
        elif here is not None and self in here.blocks:  # blocks opened within this one are still open
            left = [block for block in here.blocks if block is not self]
            _context.set(_made_by(left) if left else None)  # None: the process default counts again

    @property
    def inherited_by_threads(self) -> bool:
        """Whether the running thread was started while the block, one of the main thread, was open."""
        return bool(self._others) and threading.current_thread() not in self._others


def _nested(block: Block, outer: Runtime) -> Runtime:
    return replace(block.change(outer), blocks=(*outer.blocks, block))


def _made_by(blocks: Sequence[Block]) -> Runtime:
    """The runtime of blocks within one another, outermost first."""
    runtime = OUTSIDE
    for block in blocks:
        runtime = _nested(block, runtime)
    return runtime


def running_owner() -> object:
    """The running task, or the thread outside any: what opens blocks one after the other."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return threading.get_ident() if task is None else task


class _OpenBlocks:
    """The open blocks of the process, for threads that have no context of their own."""

    def __init__(self) -> None:
        self._open: dict[Block, None] = {}  # in the order of opening
        self._lock = threading.Lock()

    def add(self, block: Block) -> None:
        """Take in a block that was opened."""
        with self._lock:
            self._open[block] = None

    def remove(self, block: Block) -> None:
        """Leave out a block that is closed."""
        with self._lock:
            self._open.pop(block, None)

    def default_for_call(self) -> Runtime:
        """The process default: the runtime of a call on a thread without a context."""
        shared = self._shared() if self._open else ()
        if not shared:
            return OUTSIDE
        outermost = shared[0]
        return _runtime_of([b for b in shared if b.owner == outermost.owner or b.inherited_by_threads], [outermost])

    def default_for_block(self) -> Runtime:
        """The runtime around a block that is opened on a thread without a context."""
        return _runtime_of([block for block in self._shared() if block.inherited_by_threads]) if self._open else OUTSIDE

    def _shared(self) -> list[Block]:
        with self._lock:
            return [block for block in self._open if not block.runtime.isolated]


def _runtime_of(blocks: Sequence[Block], chain: Sequence[Block] = ()) -> Runtime:
    """The runtime of a chain of nested blocks, with those of `blocks` within it that have no other beside them."""
    chain, known = list(chain), set(blocks)
    while True:
        within = [block for block in blocks if [b for b in block.runtime.blocks[:-1] if b in known] == chain]
        opened_by_same = [block for block in within if chain and block.owner == chain[-1].owner]
        if len(within) != 1 and not opened_by_same:
            break
        chain.append((opened_by_same or within)[0])
    innermost = chain[-1].runtime if chain else OUTSIDE
    return innermost if innermost.blocks == tuple(chain) else _made_by(chain)


_OPEN = _OpenBlocks()
