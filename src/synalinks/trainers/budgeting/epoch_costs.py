"""EpochCosts: what the epochs of a fit cost, what is earmarked for validation, and whether another epoch fits.

Costs are what the budgets were charged: nothing for what the cache answered, and as if live for what a cassette
replays. So a replay decides as the recorded run did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from synalinks import scope
from synalinks.lm import NOTHING, Amount, Budget, BudgetTracker, Earmarks, Ledger, current_run
from synalinks.trainers.budgeting.amounts import amount_from_dict, amount_to_dict, capped, part, shortage, unspent
from synalinks.trainers.budgeting.epoch_cost import EpochCost, EpochSizes
from synalinks.trainers.data.splitting import FitData
from synalinks.trainers.fit_config import FitConfig

#: How much dearer a validation may be than what the samples before it cost at most.
VALIDATION_MARGIN = 1.25
#: The part of what an epoch is expected to take, in dollars and tokens, that is enough to begin it: answers vary in
#: length, and an epoch that is cut short loses its last steps, not its validation. Calls are known exactly.
ENOUGH = Fraction(4, 5)
#: The event that a cassette records where an epoch was not begun. It is no call, and no provider has this prefix.
NOT_BEGUN = "epoch/not-begun"
#: The cap of a tracker that only counts.
_NO_CAP = 10**18


class EpochCosts:
    """The costs of one fit.

    An epoch begins only if it can be expected to end with its validation: at what the last epoch was charged, call of
    the program for call, for as many calls as this one will make. Training samples and validation samples are known,
    those for candidates are as many a step as they were. The first epoch, of which nothing is known, begins. So does
    every epoch that its own budget (`per_epoch`) will cut short, as long as a step and the validation fit into that.

    From the first step on, an amount is earmarked for the epoch's validation: as much as the dearest samples so far
    would take, and VALIDATION_MARGIN on top; before any is known, validation's share of the calls of the program in an
    epoch, which are N_train + 2 * steps * min(minibatch, N_val) + N_val at most. In the first pass nothing is earmarked
    for a validation stream; for a stream of training data, the first step is taken for the whole epoch, which earmarks
    the most.

    Args:
        config, data: of the fit.
        ledger: of its calls.
        tracker: of the fit's own budget, or None.

    Attributes:
        dearest: what a sample cost at most.
        last: what the last epoch took, or None.
        validation_cut: whether the last epoch's validation did not end.
        paid: what a run that was cut off had spent on the epoch that this one begins with; its answers are in the
            cache, if there is one.
        first_epoch: the epoch that this run begins with.
        made: calls of the program and of the optimizer in this fit.
    """

    def __init__(self, config: FitConfig, data: FitData, ledger: Ledger, tracker: BudgetTracker | None = None) -> None:
        self._config, self._data, self._ledger, self._whole = config, data, ledger, tracker
        self.dearest = NOTHING
        self.last: EpochCost | None = None
        self.validation_cut = False
        self.paid = NOTHING
        self.first_epoch = config.initial_epoch
        self.tracker = tracker
        self.made = 0
        self._known = False
        self._slowest: float | None = None  # seconds a call of the program, at the pace of the fit
        self._earmarks = Earmarks()
        self._begin = (NOTHING, 0.0)
        self._counts = {"steps": 0, "trained": 0, "scored": 0, "validated": 0}

    @property
    def _sizes(self) -> EpochSizes:
        return EpochSizes(self._config, self._data, self.last)

    # --- counting ----------------------------------------------------------------------------------------

    def open(self) -> BudgetTracker | None:
        """The tracker whose charges are counted: the fit's own or, under budgets from outside, one that only counts and
        has to be opened; None where no budget is."""
        run = current_run()
        if self._whole is None and run.budgets:
            self.tracker = run.new_tracker(Budget(calls=_NO_CAP), "count")
        return self.tracker

    def begin_epoch(self) -> None:
        """Begin to count."""
        self._begin = self._now()
        self._counts = dict.fromkeys(self._counts, 0)
        self.validation_cut = False

    def count(self, **more: int) -> None:
        """Count steps and calls of the program."""
        for name, number in more.items():
            self._counts[name] += number
            self.made += number if name != "steps" else 0

    def count_optimizer(self, since: int) -> None:
        """Count the optimizer's calls; `since` is a mark in the ledger."""
        self.made += len(self._ledger) - since

    def has_room(self, epoch: int, batch: int) -> bool:
        """Whether `fit(calls=...)` leaves room for a step and the epoch's validation."""
        most = self._config.calls
        return most is None or self.made + self._sizes.calls_of_step(batch, self._sizes.validating(epoch)) <= most

    def end_epoch(self) -> None:
        """Keep what the epoch took, and release its earmark."""
        self.release_earmark()
        settled, now = self._now()
        if any(self._counts.values()):
            self.last = EpochCost(settled - self._begin[0], now - self._begin[1], **self._counts)

    def _now(self) -> tuple[Amount, float]:
        return (NOTHING, 0.0) if self.tracker is None else (self.tracker.charged, current_run().now())

    def add_samples(self, since: int, samples: int) -> None:
        """Take into account what samples of this fit cost; `since` is a mark in its ledger."""
        total = self._ledger.since(since).total
        tokens, calls = total.tokens + total.failed_tokens, max(total.calls, total.attempts)
        one = Amount(total.as_if.known / samples, -(-tokens // samples), -(-calls // samples))
        self.dearest = self.dearest.at_least(one)
        self._known = True
        if calls_made := self._counts["trained"] + self._counts["scored"] + self._counts["validated"]:
            self._slowest = max(self._slowest or 0.0, (self._now()[1] - self._begin[1]) / calls_made)

    # --- the earmark of the validation ---------------------------------------------------------------------

    def earmark(self, epoch: int, batch: int) -> None:
        """Keep what the epoch's validation will cost, in every open budget; `batch` is the size of a step."""
        count = self._sizes.validating(epoch)
        if not count:
            return
        for tracker in current_run().budgets:
            self._earmarks.set(
                tracker, self._of_validation(tracker, count, batch), self._seconds_of_validation(tracker, count, batch)
            )

    def _of_validation(self, tracker: BudgetTracker, count: int, batch: int) -> Amount:
        """What a validation of so many samples will take of a budget."""
        if not self._known:
            return part(unspent(tracker), Fraction(count, self._sizes.most_calls(batch, count)))
        return Amount(
            self.dearest.usd * count * Decimal(VALIDATION_MARGIN),
            int(self.dearest.tokens * count * VALIDATION_MARGIN),
            self.dearest.calls * count,
        )

    def _seconds_of_validation(self, tracker: BudgetTracker, count: int, batch: int) -> float:
        """Seconds to reserve for a validation of `count` samples under a time cap; a share of the rest until known."""
        if self._slowest is not None:
            return self._slowest * count * VALIDATION_MARGIN
        return (tracker.seconds_left or 0.0) * count / self._sizes.most_calls(batch, count)

    def release_earmark(self) -> None:
        """Keep nothing any more."""
        self._earmarks.release()

    # --- another epoch? ------------------------------------------------------------------------------------

    def reason_against(self, epoch: int) -> str | None:
        """Why an epoch can't be expected to end with its validation, in words; None if it can."""
        run = current_run()
        budgets = list(run.budgets)
        if not budgets:
            return None
        if (own := self.own_tracker(epoch)) is not None:
            budgets.append(own)
        with scope.enter(epoch=epoch):
            if (recorded := run.recorded_event(NOT_BEGUN, budgets)) is not None:
                self._note_end(budgets[recorded[0]], own, epoch)
                return recorded[1]
            if (found := self._shortage(epoch, budgets, own, timed=not run.replays)) is None:
                return None
            tracker, text = found
            reason = (
                f"epoch {scope.shown('epoch', epoch)} of {self._config.epochs} was not begun: {text}. What was paid "
                "for is kept; run again with a larger budget to go on from here"
            )
            self._note_end(tracker, own, epoch)
            run.record_event(NOT_BEGUN, reason, tracker)
            return reason

    def own_tracker(self, epoch: int) -> BudgetTracker | None:
        """The tracker of the epoch's own budget (`per_epoch`), to be opened; None without one."""
        budget = None if self._whole is None else self._whole.budget.per_epoch
        name = f"budget of epoch {scope.shown('epoch', epoch)}"
        return None if budget is None else current_run().new_tracker(budget, name)

    def _note_end(self, tracker: BudgetTracker, own: BudgetTracker | None, epoch: int) -> None:
        """Note the end on the budget that ended the training; an epoch's own is part of the fit's."""
        whole = self._whole if tracker is own else tracker
        if whole is not None:
            whole.note_end(f"before epoch {scope.shown('epoch', epoch)} of {self._config.epochs}")

    def _shortage(
        self, epoch: int, trackers: Sequence[BudgetTracker], own: BudgetTracker | None, timed: bool
    ) -> tuple[BudgetTracker, str] | None:
        """The budget that is too small and the words for it; None if the epoch can be expected to end."""
        last, training, validating = self.last, self._sizes.training, self._sizes.validating(epoch)
        if last is None or not last.program_calls or training is None:
            return None
        steps, trained = training
        share = (trained + steps * last.scored_a_step + validating) / last.program_calls
        need, seconds = part(last.charged, share, up=False), last.seconds * float(share)
        if own is not None:
            if (text := self._shortage_of_own(own, last, trained, validating)) is not None:
                return own, text
            need, seconds = capped(need, own.budget), min(seconds, own.budget.seconds or seconds)
        if epoch == self.first_epoch:
            need = (need - self.paid).at_least(NOTHING)
        for tracker in trackers:
            if tracker is own:
                continue
            least = replace(part(need, ENOUGH, up=False), calls=need.calls)
            if shortage(tracker, least, seconds if timed else 0.0) is None:
                continue
            if (text := shortage(tracker, need, seconds if timed else 0.0)) is not None:
                return tracker, f"with its validation it is expected to take about {text}"
        return None

    def _shortage_of_own(self, own: BudgetTracker, last: EpochCost, trained: int, validating: int) -> str | None:
        """Why an epoch's own budget holds no step and validation; None if it does."""
        if self.validation_cut:
            return "the budget of the epoch before did not hold its validation, and this one's is the same"
        step = min(trained, self._config.batch_size)
        least = (step + last.scored_a_step + validating) / last.program_calls
        text = shortage(own, part(last.charged, least, up=False), 0.0)
        return None if text is None else f"a step and the validation are expected to take about {text}"

    # --- state -------------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What is known, as JSON."""
        return {
            "dearest": amount_to_dict(self.dearest),
            "known": self._known,
            "made": self.made,
            "last": None if self.last is None else self.last.to_dict(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave."""
        self.dearest = amount_from_dict(state["dearest"])
        self._known = state["known"]
        self.made = state.get("made", 0)  # states of versions before don't have it
        self.last = None if state["last"] is None else EpochCost.from_dict(state["last"])
