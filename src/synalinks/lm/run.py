"""Run: what the code above this layer may see and change of the blocks its calls are made in.

A training loop reads what is left of a budget, earmarks a part of it, and records where it stopped. It
does so through `current_run()`, and never through the layers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from synalinks.lm.blocks import use_runtime, use_tracker
from synalinks.lm.budget.layer import NOTHING, QUEUE, Amount, Budget, BudgetTracker
from synalinks.lm.budget.upper_bound import check_price
from synalinks.lm.cache.location import default_directory
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.client import Client
from synalinks.lm.core import place as scope
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.process import PROCESS
from synalinks.lm.runtime import current

#: Answers taken so far, by digest of their request: positions in the ordered set of answers.
Snapshot = Mapping[str, Sequence[int]]


class Run:
    """The run that the current task is part of: its budgets, its cassette and its clock.

    Example:
        >>> import synalinks
        >>> from synalinks.lm import current_run
        >>> with synalinks.use_budget(synalinks.Budget(calls=3)):
        ...     [tracker.left.calls for tracker in current_run().budgets]
        [3]
    """

    # --- budgets -----------------------------------------------------------------------------------------

    @property
    def budgets(self) -> tuple[BudgetTracker, ...]:
        """The trackers of the open budgets, outermost first."""
        return current().trackers

    def new_tracker(self, budget: Budget, name: str) -> BudgetTracker:
        """A tracker of a budget, on this run's clock, that is not open yet."""
        return BudgetTracker(budget, current().clock, name)

    @contextmanager
    def use_tracker(self, tracker: BudgetTracker) -> Iterator[BudgetTracker]:
        """Hold the calls of the block to a tracker, which may have been open before."""
        with use_tracker(tracker):
            yield tracker

    @contextmanager
    def keep_models_loaded(self) -> Iterator[None]:
        """Have local servers keep the models of the block's calls in memory in its pauses, as between two epochs."""
        with use_runtime(lambda runtime: replace(runtime, keep_loaded=True)):
            yield

    def check_price(self, client: Client, more: Sequence[Budget] = ()) -> None:
        """Refuse a client's model where its price is unknown and a budget in dollars is open.

        Args:
            more: budgets that will be opened.

        Raises:
            ConfigurationError: saying how to state the price.
        """
        check_price(client.model, client.price(client.model), [*(tracker.budget for tracker in self.budgets), *more])

    # --- the cassette ------------------------------------------------------------------------------------

    @property
    def cassette(self) -> Cassette | None:
        """The open cassette, or None."""
        return current().cassette

    @property
    def replays(self) -> bool:
        """Whether a cassette is open that answers every call and records none."""
        return current().replays_only

    def recorded_event(self, name: str, trackers: Sequence[BudgetTracker]) -> tuple[int, str] | None:
        """What a replayed cassette says ended the recorded run at the current place; None if nothing did.

        Args:
            name: of the event, e.g. `epoch/not-begun`.
            trackers: budgets of which one may have ended it.

        Returns:
            The index of that tracker, and the reason in words.
        """
        cassette = current().cassette
        if cassette is None or cassette.recording:
            return None
        return cassette.recorded_event(name, scope.current(), [tracker.to_dict() for tracker in trackers])

    def record_event(self, name: str, reason: str, tracker: BudgetTracker) -> None:
        """Record on an open cassette that a budget ended the run at the current place; it is no call."""
        cassette = current().cassette
        if cassette is not None and cassette.recording:
            cassette.record_event(name, scope.current(), reason, tracker.to_dict())

    # --- a run that goes on ------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, list[int]]:
        """The answers that this run has taken, as JSON."""
        return current().draws.get_state()

    def restore(self, snapshot: Snapshot, first: int) -> None:
        """Make this run one that has taken the answers of a snapshot.

        Args:
            snapshot: what `snapshot` gave.
            first: the value of the place's outermost label that comes next; what an open cassette holds of the values
                before counts as played.
        """
        runtime = current()
        runtime.draws.set_state(snapshot, first)
        if runtime.cassette is not None:
            runtime.cassette.begin_at(first)

    # --- an orderly end ----------------------------------------------------------------------------------

    def request_stop(self) -> None:
        """From now on refuse every call of this process that is not sent yet (`Interrupted`)."""
        PROCESS.stopping = True

    def withdraw_stop(self) -> None:
        """Let calls be sent again."""
        PROCESS.stopping = False

    # --- the rest ----------------------------------------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        """The ledger of every call of this process."""
        return current().ledger

    @property
    def offline(self) -> bool:
        """Whether live calls are forbidden."""
        return current().offline

    @property
    def is_simulated(self) -> bool:
        """Whether models' answers are invented, as in an estimate or a dry run: nothing is done on their word."""
        return bool(getattr(current().provider, "invents_answers", False))

    def now(self) -> float:
        """The time on this run's clock, seconds."""
        return current().clock.now()

    @property
    def directory(self) -> Path:
        """The user's cache directory (`SYNALINKS_CACHE_DIR`)."""
        return default_directory()


class Earmarks:
    """Amounts of open budgets that are kept for calls to come; other calls cannot reserve them.

    Each holder has earmarks of its own, so several may share a budget.

    Example:
        >>> import synalinks
        >>> from synalinks.lm import Amount, Earmarks
        >>> with synalinks.use_budget(synalinks.Budget(calls=10)) as tracker:
        ...     earmarks = Earmarks()
        ...     earmarks.set(tracker, Amount(calls=4))
        ...     print(tracker.left.calls)
        ...     earmarks.release()
        ...     print(tracker.left.calls)
        6
        10
    """

    def __init__(self) -> None:
        self._kept: dict[BudgetTracker, tuple[Amount, float]] = {}

    def set(self, tracker: BudgetTracker, amount: Amount, seconds: float = 0.0) -> None:
        """Keep an amount of a budget, and the last seconds of its time cap, in place of what was kept of it before."""
        with QUEUE.lock:
            before, time = self._kept.get(tracker, (NOTHING, 0.0))
            tracker.aside += amount - before
            tracker.aside_seconds += seconds - time
            self._kept[tracker] = (amount, seconds)
            QUEUE.advance()

    def release(self) -> None:
        """Keep nothing any more."""
        for tracker in list(self._kept):
            self.set(tracker, NOTHING)
        self._kept.clear()


_RUN = Run()


def current_run() -> Run:
    """The run that the current task is part of."""
    return _RUN
