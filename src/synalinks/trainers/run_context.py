"""What surrounds a run of a trainer: its ledger, its budgets, Ctrl-C in order, and those who are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from synalinks.callbacks import Callback, CallbackList, ProgbarLogger
from synalinks.lm.budget.layer import Budget, BudgetTracker
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.runtime import use_budget, use_ledger
from synalinks.trainers.budgeting.spending import money_spent, spent_of_budget
from synalinks.trainers.interrupt import OrderlyInterrupt

if TYPE_CHECKING:
    from synalinks.trainers.trainer import Trainer

Verbose = Literal["auto", 0, 1, 2]
Cap = Budget | Decimal | float | str


@contextmanager
def surrounded(
    program: Trainer, ledger: Ledger | None = None, caps: Iterable[Cap | None] = ()
) -> Iterator[BudgetTracker | None]:
    """A block in which a program runs: its first Ctrl-C is orderly, and its calls are collected and held to budgets.

    Args:
        ledger: what the calls are collected in; a new one where None. It becomes the program's `run_ledger`.
        caps: budgets of a `fit`, those that are None passed over.

    Yields:
        The tracker of the first budget, or None.
    """
    with ExitStack() as around:
        around.enter_context(OrderlyInterrupt())
        program.run_ledger = around.enter_context(use_ledger(ledger))
        name = f"budget of {program.name}.fit"
        trackers = [around.enter_context(use_budget(cap, name=name)) for cap in caps if cap is not None]
        yield trackers[0] if trackers else None


def listeners(
    program: Trainer,
    callbacks: Iterable[Callback] | None,
    verbose: Verbose,
    *,
    steps: int | None,
    at_most: int | None,
    **known: Any,
) -> CallbackList:
    """Those who are told of a run: its callbacks and, unless `verbose` is 0, the progress output.

    Args:
        steps: batches that the data have, None where unknown.
        at_most: batches that the caller wants, None for all.
        **known: what else is known of the run.
    """
    ledger = program.run_ledger
    bar = [ProgbarLogger(lambda: money_spent(ledger), spent_of_budget)] if verbose != 0 else []
    return CallbackList(
        [*(callbacks or ()), *bar],
        program=program,
        steps=min((count for count in (steps, at_most) if count is not None), default=None),
        verbose=1 if verbose == "auto" else verbose,
        **known,
    )
