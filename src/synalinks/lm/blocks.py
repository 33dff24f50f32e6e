"""The `use_*` blocks, each of which changes the runtime of its context.

`Block` in runtime.py says which calls a block holds.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from synalinks._base.with_block import with_block
from synalinks._concurrency import Clock
from synalinks.lm.budget.layer import Budget, BudgetTracker
from synalinks.lm.budget.upper_bound import OUTPUT_ALLOWANCE, needs_of
from synalinks.lm.cache.cache_only import CacheOnlyProvider
from synalinks.lm.cache.location import Location
from synalinks.lm.cassette import RecordMode
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Handler, Request
from synalinks.lm.core.draws import Draws
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.pricing.pricing import price_for
from synalinks.lm.runtime import OUTSIDE, Block, Change, Runtime, Sender, current, running_owner


@with_block
def use_runtime(change: Change) -> Iterator[Runtime]:
    """Change the runtime of the block; all other `use_*` blocks are made of this one.

    Args:
        change: makes the block's runtime of the one around it, e.g. `lambda runtime: replace(runtime, clock=clock)`.
    """
    with Block(change) as runtime:
        yield runtime


@with_block
def use_sender(sender: Sender) -> Iterator[None]:
    """Have another process answer the calls of the block, whatever the blocks around it are."""
    with Block(lambda _: replace(OUTSIDE, sender=sender)):
        yield


@with_block
def use_cassette(
    path: str | Path, record_mode: RecordMode = "once", *, strict: bool = False, record_errors: bool = True
) -> Iterator[Cassette]:
    """Replay calls from a cassette, or record them to it, while the block lasts.

    Args:
        path: a `.jsonl` file, or `.jsonl.gz`.
        record_mode: `none` replays only; `once` records if the file is not there, or goes on if its first
            recording was cut off, and replays only if it is whole; `new_episodes` replays what is there and records
            what is not; `all` records everything anew.
        strict: warn at the end of a replay of rows that were not played.
        record_errors: record calls that failed in the end too; in a replay they fail again, as they happened.
            Without, a replay misses them.

    Raises:
        CassetteMiss: inside the block, at a call the cassette does not hold.
        CassetteFormatError, CassetteInUse: the file is no cassette, or is being recorded elsewhere.
        ConfigurationError: this task, or this thread outside any task, has another cassette open.
    """
    _check_no_cassette(path)
    folder = current().cassette_folder
    if folder is not None:
        path = folder / hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest() / Path(path).name
        record_mode = record_mode if path.exists() else "all"
    with (
        Cassette(path, record_mode, strict=strict, record_errors=record_errors, bound=_upper_bound) as cassette,
        Block(lambda runtime: replace(runtime, cassette=cassette)),
    ):
        yield cassette


def _check_no_cassette(path: str | Path) -> None:
    """Refuse a second cassette in the task or thread that opened the first; other tasks may open their own."""
    runtime = current()
    opener = next((block for block in runtime.blocks if block.runtime.cassette is runtime.cassette), None)
    if runtime.cassette is not None and opener is not None and opener.owner == running_owner():
        raise ConfigurationError(
            f"a cassette is open already ({runtime.cassette.path}); close it before opening {path}"
        )


def _upper_bound(request: Request) -> Decimal | None:
    """The most an answer can cost in dollars; None if the price is unknown, or by the hour."""
    price = price_for(request)
    if price is None or price.per_hour:
        return None
    needs = needs_of(request, price, ())
    return needs.amount(OUTPUT_ALLOWANCE if needs.limit is None else needs.limit).usd


@with_block
def use_cache_only(directory: Location | None = None) -> Iterator[CacheOnlyProvider]:
    """Answer recordings inside the block from the cache in a folder or at a URL (None: that of all runs), without a
    live call.

    Raises:
        OfflineError: inside the block, at a call that the cache holds no answer to.
    """
    provider = CacheOnlyProvider(directory, current().draws)
    with Block(lambda runtime: replace(runtime, cache_only=provider)):
        yield provider


@with_block
def use_provider(handler: Handler) -> Iterator[Handler]:
    """Let `handler` answer in place of every model's provider while the block lasts.

    All layers stay above it except the cache, which is bypassed: its answers are not the model's.

    Raises:
        ConfigurationError: `handler` is no handler, e.g. None or a class; calls would go to the models' own providers,
            or fail one by one.
    """
    if not callable(handler) or isinstance(handler, type):
        raise ConfigurationError(
            f"use_provider({handler!r}): a handler is awaited with a Call and returns a Reply; write an async "
            "function, or take a ScriptedProvider"
        )
    with Block(lambda runtime: replace(runtime, provider=handler)):
        yield handler


@with_block
def use_budget(budget: Budget | Decimal | float | str, *, name: str = "budget") -> Iterator[BudgetTracker]:
    """Hold every call inside the block to a budget (an amount is in dollars); blocks nest.

    The calls of tasks and threads that are started inside the block are held too. Other processes are not held, and
    neither are threads with blocks of their own that were running before, or that were started by another thread than
    the main one: run their work in a copy of the context there, as `asyncio.to_thread` does.

    Args:
        budget: the caps.
        name: what messages call it.

    Raises:
        BudgetExceeded: inside the block, before a call that might not fit is sent.
    """
    with use_tracker(BudgetTracker(Budget.of(budget), current().clock, name)) as tracker:
        yield tracker


@with_block
def use_tracker(tracker: BudgetTracker) -> Iterator[BudgetTracker]:
    """Hold the calls of the block to a tracker that may have been open before."""
    with Block(lambda runtime: replace(runtime, trackers=(*runtime.trackers, tracker))):
        yield tracker


@with_block
def use_ledger(ledger: Ledger | None = None) -> Iterator[Ledger]:
    """Collect the entries of every call inside the block."""
    collected = Ledger() if ledger is None else ledger
    try:
        with Block(lambda runtime: replace(runtime, ledgers=(*runtime.ledgers, collected))):
            yield collected
    finally:
        collected.flush()


@with_block
def use_clock(clock: Clock) -> Iterator[Clock]:
    """Measure rate limits, back-off and the seconds of budgets by another clock while the block lasts."""
    with Block(lambda runtime: replace(runtime, clock=clock)):
        yield clock


@with_block
def offline() -> Iterator[None]:
    """Forbid live calls while the block lasts: only cassette, cache and a provider of `use_provider` answer."""
    with Block(lambda runtime: replace(runtime, offline=True)):
        yield


@with_block
def isolated(handler: Handler) -> Iterator[Ledger]:
    """Make the calls inside the block a run beside the real one; gives the ledger they are entered in.

    `handler` answers every model, without cassette, cache, budgets or rate limits. The block is never the process
    default, so other tasks and threads get none of its answers.
    """
    ledger, draws = Ledger(), Draws()
    with Block(
        lambda outer: Runtime(ledger, draws, outer.clock, outer.rng, provider=handler, isolated=True, unlimited=True)
    ):
        yield ledger
