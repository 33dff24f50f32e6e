"""What the epochs of a fit cost: what is kept back for validation, and whether another epoch can be paid for.

Costs are what the budgets were charged: nothing for what the cache answered, and as if live for what a cassette replays.
So a replay decides as the recorded run did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from synalinks.errors import BudgetExceeded
from synalinks.lm.budget.layer import NOTHING, QUEUE, Amount, Budget, BudgetTracker
from synalinks.lm.core.call import Call, Request
from synalinks.lm.pricing.pricing import FINEST
from synalinks.lm.runtime import RUNTIME, open_trackers
from synalinks.scope import Scope
from synalinks.trainers.data.data import Samples

if TYPE_CHECKING:
    from synalinks.trainers.fit_loop import Fitting

#: How much dearer a validation may be than what the samples before it cost at most.
VALIDATION_MARGIN = 1.25
#: The model that a cassette's row names for an epoch that was not begun. It is no call, and no provider has this prefix.
NOT_BEGUN = "epoch/not-begun"
#: The cap of a tracker that only counts.
_NO_CAP = 10**18


@dataclass(frozen=True, slots=True)
class EpochCost:
    """What one epoch took.

    Attributes:
        charged: what the budgets were charged.
        seconds: wall-clock time.
        steps: steps begun.
        trained, scored, validated: calls of the program on training samples, for candidates, in validation.
    """

    charged: Amount
    seconds: float
    steps: int
    trained: int
    scored: int
    validated: int

    @property
    def program_calls(self) -> int:
        """Calls of the program, of whatever kind."""
        return self.trained + self.scored + self.validated

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "charged": amount_to_dict(self.charged)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> EpochCost:
        """What `to_dict` wrote."""
        return cls(**{**value, "charged": amount_from_dict(value["charged"])})


class EpochCosts:
    """The money of one fit.

    An epoch begins only if it can be expected to end with its validation: at what the last epoch was charged, call of
    the program for call, for as many calls as this one will make. Training samples and validation samples are known,
    those for candidates are as many a step as they were. The first epoch, of which nothing is known, begins. So does
    every epoch that its own budget (`per_epoch`) will cut short, as long as a step and the validation fit into that.

    From the first step on, money for the epoch's validation is kept back: as much as the dearest samples so far would
    take, and VALIDATION_MARGIN on top; before any is known, validation's share of the calls of the program in an epoch,
    which are N_train + 2 * steps * min(minibatch, N_val) + N_val at most.

    Of a stream's length is known what its last pass gave. In the first pass nothing is kept back for a validation
    stream; for a stream of training data, the first step is taken for the whole epoch, which keeps back the most.

    Attributes:
        dearest: what a sample cost at most.
        last: what the last epoch took, or None.
        validation_cut: whether the last epoch's validation did not end.
        paid: what a run that was cut off had spent on the epoch that this one begins with; its answers are in the
            cache, if there is one.
    """

    def __init__(self, fit: Fitting) -> None:
        self._fit = fit
        self.dearest = NOTHING
        self.last: EpochCost | None = None
        self.validation_cut = False
        self.paid = NOTHING
        self._known = False
        self._kept: dict[BudgetTracker, Amount] = {}
        self.tracker: BudgetTracker | None = None
        self._begin = (NOTHING, 0.0)
        self._counts = {"steps": 0, "trained": 0, "scored": 0, "validated": 0}

    # --- counting --------------------------------------------------------------------------------------------

    def open(self) -> BudgetTracker | None:
        """The tracker whose charges are watched: the fit's own or, under budgets from outside, one that only counts and
        has to be opened; None where no budget is."""
        self.tracker = self._fit.tracker
        if self.tracker is None and open_trackers():
            self.tracker = BudgetTracker(Budget(calls=_NO_CAP), RUNTIME.clock, "count")
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

    def end_epoch(self) -> None:
        """Remember what the epoch took, and keep nothing back any more."""
        self.release_earmark()
        settled, now = self._now()
        if any(self._counts.values()):
            self.last = EpochCost(settled - self._begin[0], now - self._begin[1], **self._counts)

    def _now(self) -> tuple[Amount, float]:
        return (NOTHING, 0.0) if self.tracker is None else (self.tracker.settled, self.tracker.clock.now())

    def learn(self, since: int, samples: int) -> None:
        """Remember what a sample of this fit cost at most; `since` is a mark in the run's ledger."""
        total = self._fit.program.run_ledger.since(since).total
        tokens, calls = total.tokens + total.wasted_tokens, max(total.calls, total.attempts)
        one = Amount(total.as_if.known / samples, -(-tokens // samples), -(-calls // samples))
        self.dearest = self.dearest.at_least(one)
        self._known = True

    # --- keeping back for validation -----------------------------------------------------------------------------

    def earmark(self, epoch: int, batch: int) -> None:
        """Keep back what the epoch's validation will cost, in every budget that is open; `batch` is a step's size."""
        count = self._validating(epoch)
        if not count:
            return
        for tracker in open_trackers():
            if self._known:
                margin = Decimal(VALIDATION_MARGIN)
                amount = Amount(
                    self.dearest.usd * count * margin,
                    int(self.dearest.tokens * count * VALIDATION_MARGIN),
                    self.dearest.calls * count,
                )
            else:
                amount = _part(_free(tracker), Fraction(count, self._most_calls(batch, count)))
            self._keep(tracker, amount)

    def release_earmark(self) -> None:
        """Keep nothing back any more."""
        for tracker in list(self._kept):
            self._keep(tracker, NOTHING)
        self._kept.clear()

    def _keep(self, tracker: BudgetTracker, amount: Amount) -> None:
        with QUEUE.lock:  # a budget from outside may be shared with another fit
            tracker.aside += amount - self._kept.get(tracker, NOTHING)
            self._kept[tracker] = amount
            QUEUE.advance()

    def _most_calls(self, batch: int, validating: int) -> int:
        """The most calls of the program in an epoch (SEMANTICS, section 1)."""
        fit = self._fit
        steps, trained = self._training() or (1, batch)
        compared = batch
        if isinstance(fit.validation, Samples):
            compared = min(fit.minibatch_size or validating, len(fit.validation))
        return trained + 2 * steps * compared + validating

    def _training(self) -> tuple[int, int] | None:
        """Steps and training samples of an epoch; None where that is not known."""
        fit = self._fit
        if isinstance(fit.train, Samples):
            count = len(fit.train)
            steps = -(-count // fit.batch_size)
            if fit.steps_per_epoch is not None:
                steps = min(steps, fit.steps_per_epoch)
            return steps, min(count, steps * fit.batch_size)
        return None if self.last is None else (self.last.steps, self.last.trained)

    def _validating(self, epoch: int) -> int:
        """Validation samples of an epoch; 0 where there are none or their number is not known."""
        fit = self._fit
        if fit.validation is None or (epoch + 1) % fit.validation_freq:
            return 0
        if isinstance(fit.validation, Samples):
            count = len(fit.validation)
            return (
                count if fit.validation_steps is None else min(count, fit.validation_steps * fit.validation_batch_size)
            )
        return 0 if self.last is None else self.last.validated

    # --- another epoch? ------------------------------------------------------------------------------------------

    def why_not(self, epoch: int) -> str | None:
        """Why an epoch can't be expected to end with its validation, in words; None if it can."""
        budgets = list(open_trackers())
        if not budgets:
            return None
        if (own := self._own(epoch)) is not None:
            budgets.append(own)
        cassette = RUNTIME.cassette
        replaying = cassette is not None and not cassette.recording
        call = Call(Request("chat", NOT_BEGUN), Scope(epoch=epoch))
        if cassette is not None and replaying and (found := cassette.refusal(call, budgets)) is not None:
            self._note_end(budgets[found[0]], own, epoch)
            return str(found[1])
        reason = self._lacking(epoch, budgets, own, timed=not replaying)
        if reason is None:
            return None
        tracker, text = reason
        self._note_end(tracker, own, epoch)
        text = (
            f"epoch {epoch + 1} of {self._fit.epochs} was not begun: {text}. What was paid for is kept; run again with "
            "a larger budget to go on from here"
        )
        if cassette is not None and cassette.recording:
            cassette.note_refusal(call, BudgetExceeded(text), tracker)
        return text

    def _note_end(self, tracker: BudgetTracker, own: BudgetTracker | None, epoch: int) -> None:
        """Tell the budget that ended the training; an epoch's own is part of the fit's."""
        whole = self._fit.tracker if tracker is own else tracker
        if whole is not None:
            whole.note_end(f"before epoch {epoch + 1} of {self._fit.epochs}")

    def _own(self, epoch: int) -> BudgetTracker | None:
        """The epoch's own budget, as it will be opened."""
        whole = self._fit.tracker
        budget = None if whole is None else whole.budget.per_epoch
        return None if budget is None else BudgetTracker(budget, RUNTIME.clock, f"budget of epoch {epoch}")

    def _lacking(
        self, epoch: int, trackers: Sequence[BudgetTracker], own: BudgetTracker | None, timed: bool
    ) -> tuple[BudgetTracker, str] | None:
        """The budget that is too small and the words for it; None if the epoch can be expected to end."""
        last, training = self.last, self._training()
        if last is None or not last.program_calls or training is None:
            return None
        steps, trained = training
        per_step = Fraction(last.scored, last.steps) if last.steps else Fraction(0)
        validating = self._validating(epoch)
        share = (trained + steps * per_step + validating) / last.program_calls
        need, seconds = _part(last.charged, share, up=False), last.seconds * float(share)
        if own is not None:
            if self.validation_cut:
                return own, "the budget of the epoch before did not hold its validation, and this one's is the same"
            least = (min(trained, self._fit.batch_size) + per_step + validating) / last.program_calls
            if (text := _short(own, _part(last.charged, least, up=False), 0.0)) is not None:
                return own, f"a step and the validation are expected to take about {text}"
            need, seconds = _capped(need, own.budget), min(seconds, own.budget.seconds or seconds)
        if epoch == self._fit.initial_epoch:
            need = (need - self.paid).at_least(NOTHING)
        for tracker in trackers:
            if tracker is own:
                continue
            if (text := _short(tracker, need, seconds if timed else 0.0)) is not None:
                return tracker, f"with its validation it is expected to take about {text}"
        return None

    # --- state -----------------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What is known, as JSON."""
        return {
            "dearest": amount_to_dict(self.dearest),
            "known": self._known,
            "last": None if self.last is None else self.last.to_dict(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Know what `get_state` gave."""
        self.dearest = amount_from_dict(state["dearest"])
        self._known = state["known"]
        self.last = None if state["last"] is None else EpochCost.from_dict(state["last"])


def _free(tracker: BudgetTracker) -> Amount:
    """What is not spent of the caps; meaningless for what is not capped."""
    return (tracker.left + tracker.reserved + tracker.aside).at_least(NOTHING)


def _part(amount: Amount, share: Fraction, up: bool = True) -> Amount:
    """A share of an amount, rounded up or, as an expectation, down."""
    usd, tokens, calls = (share * count for count in (Fraction(amount.usd), amount.tokens, amount.calls))
    exact = Decimal(usd.numerator) / Decimal(usd.denominator)
    if up:
        return Amount(exact.quantize(FINEST, ROUND_CEILING), -(-tokens // 1), -(-calls // 1))
    return Amount(exact.quantize(FINEST, "ROUND_FLOOR"), tokens // 1, calls // 1)


def _capped(amount: Amount, budget: Budget) -> Amount:
    """No more than the caps of a budget."""
    return Amount(
        amount.usd if budget.usd is None else min(amount.usd, Decimal(budget.usd)),
        amount.tokens if budget.tokens is None else min(amount.tokens, budget.tokens),
        amount.calls if budget.calls is None else min(amount.calls, budget.calls),
    )


def _short(tracker: BudgetTracker, need: Amount, seconds: float) -> str | None:
    """What is needed and what is left, in words, of the first cap that does not hold it; None if all do."""
    left, budget, name = tracker.left, tracker.budget, tracker.name
    if budget.usd is not None and need.usd > left.usd:
        return f"${need.usd:.4f}, and ${max(Decimal(0), left.usd):.4f} of ${budget.usd} is left of the {name}"
    if budget.tokens is not None and need.tokens > left.tokens:
        return f"{need.tokens:,} tokens, and {max(0, left.tokens):,} of {budget.tokens:,} are left of the {name}"
    if budget.calls is not None and need.calls > left.calls:
        return f"{need.calls:,} calls, and {max(0, left.calls):,} of {budget.calls:,} are left of the {name}"
    if budget.seconds is not None and seconds > (time := tracker.seconds_left or 0.0):
        return f"{seconds:.0f} s, and {max(0.0, time):.0f} of {budget.seconds:g} s are left of the {name}"
    return None


def amount_to_dict(amount: Amount) -> dict[str, Any]:
    """An amount as JSON."""
    return {"usd": str(amount.usd), "tokens": amount.tokens, "calls": amount.calls}


def amount_from_dict(value: Mapping[str, Any]) -> Amount:
    """What `amount_to_dict` wrote."""
    return Amount(Decimal(value["usd"]), value["tokens"], value["calls"])
