"""The context of a run: its ledger and budgets, Ctrl-C in order, and its callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from synalinks import session
from synalinks.callbacks import Callback, CallbackList, Monitor, ProgbarLogger, get
from synalinks.lm import BudgetTracker, Ledger, use_budget, use_ledger
from synalinks.modules.models.folding import folded_warnings
from synalinks.trainers.budgeting.spending import money_spent, spent_of_budget
from synalinks.trainers.fit_config import Cap, Verbose
from synalinks.trainers.forecasting import dry_run
from synalinks.trainers.stopping.interrupt import OrderlyInterrupt
from synalinks.trainers.stopping.words import words_of_calls

#: Seconds between two drawings while nothing ends.
TICK = 0.5


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a run is given.

    Attributes:
        ledger: collects its calls.
        tracker: of its first budget, or None.
    """

    ledger: Ledger
    tracker: BudgetTracker | None


@contextmanager
def run_context(
    name: str, ledger: Ledger | None = None, budgets: Iterable[Cap] = (), kept: Callable[[Ledger], str] = words_of_calls
) -> Iterator[RunContext]:
    """A block in which a program runs: the first Ctrl-C is orderly; calls are collected and held to budgets;
    warnings of failed ones are folded.

    Args:
        name: what messages call the budgets.
        ledger: collects the calls; a new one where None.
        budgets: of a `fit`.
        kept: says after Ctrl-C what is kept of the run.
    """
    with ExitStack() as stack:
        collected = Ledger() if ledger is None else ledger
        stack.enter_context(OrderlyInterrupt(lambda: kept(collected)))
        stack.enter_context(folded_warnings())
        stack.enter_context(use_ledger(collected))
        trackers = [stack.enter_context(use_budget(budget, name=name)) for budget in budgets]
        yield RunContext(collected, trackers[0] if trackers else None)


def callbacks_of(given: Callback | str | Sequence[Callback | str] | None) -> Sequence[Callback]:
    """One or several callbacks as a list; those named by a string are looked up, `enable_observability` adds its own.

    Raises:
        ConfigurationError: a name that no callback has, or something that is no callback.
    """
    if isinstance(given, (Callback, str)):
        given = [given]
    found = CallbackList([get(one) if isinstance(one, str) else one for one in given or ()]).callbacks
    observed = session.get_setting("observability") is not None and dry_run.current() is None
    return [*found, Monitor()] if observed and not any(isinstance(one, Monitor) for one in found) else found


async def _redrawing(bar: ProgbarLogger) -> None:
    """Redraw the progress while calls are out, so that a long step is seen to go on."""
    while True:
        await asyncio.sleep(TICK)
        bar.redraw()


@contextmanager
def use_callbacks(
    program: object,
    ledger: Ledger,
    callbacks: Iterable[Callback] | None,
    verbose: Verbose,
    *,
    steps: int | None,
    at_most: int | None,
    **params: int | str,
) -> Iterator[CallbackList]:
    """A block with the callbacks of a run and, unless `verbose` is 0, its progress output.

    Args:
        ledger: of the run; the progress output shows its money and tokens.
        steps: batches that the data have, None where unknown.
        at_most: batches to run, None for all.
        **params: what else callbacks may read of the run.
    """
    bar = ProgbarLogger(
        lambda: money_spent(ledger), spent_of_budget, lambda: ledger.total.tokens, lambda: ledger.total.failed
    )
    try:
        called = CallbackList([*(callbacks or ()), *([bar] if verbose != 0 else [])], program=program)
        known = min((count for count in (steps, at_most) if count is not None), default=None)
        called.set_params({"steps": known, "verbose": 1 if verbose == "auto" else verbose, **params})
        ticking = asyncio.create_task(_redrawing(bar)) if verbose != 0 else None
        try:
            yield called
        finally:
            if ticking is not None:
                ticking.cancel()
    finally:
        bar.close()
