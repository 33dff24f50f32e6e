"""BudgetTracker: a budget that is open, with what is settled, reserved and set aside of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Protocol

from synalinks import _json
from synalinks._concurrency import Clock
from synalinks.lm.budget.budget import Budget
from synalinks.lm.budget.expected import WINDOW, Recent
from synalinks.lm.core.amount import NOTHING, ZERO, Amount
from synalinks.lm.core.dollars import dollars_text
from synalinks.lm.core.errors import BudgetExceeded

#: How many times more than usual an attempt needs that is called too large: where it does not fit, it fails by itself.
UNUSUAL = 4


class Size(Protocol):
    """What is known of an attempt beforehand (see `Needs`)."""

    @property
    def least(self) -> Amount:
        """The least that has to be reserved for it."""


class BudgetTracker:
    """A budget that is open: what is settled, what is reserved, what is set aside.

    `settled + reserved <= cap` at every moment, as long as no provider reports more than a request allows it; one that
    does causes a warning, and what it reported is settled all the same. In mode `expected`, `settled + reserved
    + at_risk <= cap + worst_overshoot`: the left side grows only when a call is let out, and is looked at then.

    Example:
        >>> from synalinks.lm import Budget, Client, Request, use_budget
        >>> from synalinks.testing import ScriptedProvider
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "What is 2 + 2?"}])
        >>> with use_budget(Budget(calls=3)) as tracker, synalinks.use_provider(ScriptedProvider(["4"])):
        ...     reply = asyncio.run(Client("ollama/any", cache="off").send(request))
        >>> tracker.settled.calls, tracker.left.calls
        (1, 2)

    Attributes:
        budget: the caps.
        settled: spent for certain (a live bill, or the as-if bill of a replay).
        reserved: what is kept for calls that are out: their bounds or, in mode `expected`, what they usually take.
        at_risk: what the calls that are out may take beyond what is reserved for them; nothing in mode `hard`.
        worst_overshoot: the greatest `overshoot_bound` so far.
        aside: kept for later, such as an epoch's validation; not given to ordinary calls.
        aside_seconds: the end of the time cap that is kept for later in the same way.
        refused: the refusal that ended this budget, or None.
        ended: where it first ended something, in words that go behind "ended the run"; kept when it is reopened.
        refused_on_cassette: whether that was the refusal of a recorded run. In its replay what the cassette holds is
            played all the same: the recorded run had it before, or beside.
        uncertain: amounts settled at their bound because the true cost is not known.
        in_flight: the bounds of attempts that were sent and are not settled yet.
        carried_over: what is settled already of a run that was cut off, and may come again from a cassette; a recorded
            call is charged only for what it takes beyond that.
        sizes: the latest attempts that were let out since `is_unusual` last looked at them.
        refill: awaited with what is known of an attempt before it is reserved, where caps grow on demand; or None.
        watch: called, under the lock of the queue, after each change of what is settled or in flight; or None.
    """

    def __init__(self, budget: Budget, clock: Clock, name: str = "budget") -> None:
        self.budget = budget
        self.name = name
        self.settled = NOTHING
        self.reserved = NOTHING
        self.at_risk = NOTHING
        self.worst_overshoot = NOTHING
        self.aside = NOTHING
        self.aside_seconds = 0.0
        self.uncertain = NOTHING
        self.in_flight = NOTHING
        self.carried_over = NOTHING
        self.refused: BudgetExceeded | None = None
        self.ended: str | None = None
        self.refused_on_cassette = False
        self.refill: Callable[[Any], Awaitable[None]] | None = None
        self.watch: Callable[[BudgetTracker], None] | None = None
        self.clock = clock
        self.sizes: deque[Size] = deque(maxlen=WINDOW)
        self._dollars, self._tokens = Recent(), Recent()
        self._opened = clock.now()

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "watch": None}  # a journal is of this process

    @property
    def left(self) -> Amount:
        """What new calls may still reserve; meaningless for what is not capped."""
        settled, reserved, aside = self.settled, self.reserved, self.aside
        usd, tokens, calls = self.budget.usd, self.budget.tokens, self.budget.calls
        return Amount(
            (ZERO if usd is None else Decimal(usd)) - (settled.usd + reserved.usd + aside.usd),
            (tokens or 0) - settled.tokens - reserved.tokens - aside.tokens,
            (calls or 0) - settled.calls - reserved.calls - aside.calls,
        )

    @property
    def charged(self) -> Amount:
        """Charges of this run, recorded calls included: `settled` less what is carried over and not yet replayed."""
        return self.settled - self.carried_over

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time cap, or None without one."""
        if self.budget.seconds is None:
            return None
        return self.budget.seconds - (self.clock.now() - self._opened)

    @property
    def seconds_open(self) -> float | None:
        """Seconds until it lets no call out any more, or None without a time cap."""
        left = self.seconds_left
        return None if left is None else max(0.0, left - self.aside_seconds)

    # --- overshoot -------------------------------------------------------------------------------------------

    @property
    def overshoot(self) -> Amount:
        """By how much what is settled is over the caps; nothing in mode `hard`, unless a provider reported more than
        the request allowed it."""
        return self._over(self.settled)

    @property
    def overshoot_bound(self) -> Amount:
        """The most by which the caps can be exceeded, if every call that is out takes all it can."""
        return self._over(self.settled + self.reserved + self.at_risk)

    def _over(self, used: Amount) -> Amount:
        usd, tokens, calls = self.budget.usd, self.budget.tokens, self.budget.calls
        return Amount(
            ZERO if usd is None else max(ZERO, used.usd - Decimal(usd)),
            0 if tokens is None else max(0, used.tokens - tokens),
            0 if calls is None else max(0, used.calls - calls),
        )

    # --- changing, under the lock of the queue ------------------------------------------------------------------

    def share(self, bound: Amount, usual: Amount | None) -> Amount:
        """What is reserved for a call: its bound or, in mode `expected`, what it usually takes, if that is known."""
        return bound if self.budget.mode == "hard" or usual is None else usual.at_most(bound)

    def beyond(self, known: Amount) -> Amount:
        """What a recorded call takes beyond what is carried over."""
        return known if self.carried_over == NOTHING else known - self.carried_over.at_most(known)

    def take(self, share: Amount, bound: Amount, sent: Amount = NOTHING) -> None:
        """Reserve `share` for a call that takes at most `bound`, and send `sent` of it."""
        self.reserved += share
        self.in_flight += sent
        if share is not bound:
            self.at_risk += bound - share
        if self.budget.mode == "expected":
            self.worst_overshoot = self.worst_overshoot.at_least(self.overshoot_bound)
        if sent is not NOTHING and self.watch is not None:
            self.watch(self)

    def send(self, bound: Amount) -> None:
        """Note that an attempt which takes at most `bound` is sent."""
        self.in_flight += bound
        if self.watch is not None:
            self.watch(self)

    def give_back(
        self, share: Amount, bound: Amount, spent: Amount | None, sent: Amount = NOTHING, uncertain: Amount = NOTHING
    ) -> None:
        """Put what a call spent in place of what was reserved for it; None is uncertain, and counts as its bound.

        Args:
            sent: what `send` noted of it.
            uncertain: part of `spent` for attempts whose cost is not known.
        """
        self.reserved -= share
        if share is not bound:
            self.at_risk -= bound - share
        self.in_flight -= sent
        self.settled += bound if spent is None else spent
        if spent is None or uncertain is not NOTHING:
            self.uncertain += bound if spent is None else uncertain
        if self.watch is not None:
            self.watch(self)

    def carry_over(self, amount: Amount, uncertain: Amount) -> None:
        """Settle what a run that was cut off had been charged, `uncertain` of it for attempts that were in flight."""
        self.settled += amount
        self.uncertain += uncertain
        self.carried_over += amount

    # --- what is too large -------------------------------------------------------------------------------------

    def is_unusual(self, size: Size, ordinary: Amount) -> bool:
        """Whether an attempt that does not fit is out of the ordinary, and calls of the usual size would still fit.

        Args:
            size: of the attempt.
            ordinary: what is usual, as long as nothing was let out.
        """
        while self.sizes:
            taken = self.sizes.popleft().least
            self._dollars.add(float(taken.usd))
            self._tokens.add(taken.tokens)
        usd, tokens, least = self._dollars.median(), self._tokens.median(), size.least
        usual = ordinary if tokens is None or usd is None else Amount(Decimal(usd), int(tokens), 1)
        above = (self.budget.usd is not None and least.usd > UNUSUAL * usual.usd) or (
            self.budget.tokens is not None and least.tokens > UNUSUAL * usual.tokens
        )
        return above and self.lacking(usual, returned=self.reserved) is None

    # --- refusing --------------------------------------------------------------------------------------------

    def late(self) -> str | None:
        """That the time cap has passed, in words, or None."""
        seconds = self.seconds_left
        if seconds is None or seconds > self.aside_seconds:
            return None
        if seconds > 0:
            return f"the last {seconds:.1f} s of the time cap of {self.budget.seconds:g} s are kept for later"
        return f"the time cap of {self.budget.seconds:g} s has passed"

    def lacking(self, bound: Amount, returned: Amount = NOTHING) -> str | None:
        """Which cap `bound` does not fit under, in words, or None.

        Args:
            bound: the most it may take.
            returned: what is reserved now and counted as given back.
        """
        if (late := self.late()) is not None:
            return late
        left, budget = self.left if returned is NOTHING else self.left + returned, self.budget
        if budget.calls is not None and bound.calls > left.calls:
            return f"{_calls(bound.calls)} needed, {max(0, left.calls):,} of {budget.calls:,} left"
        if budget.tokens is not None and bound.tokens > left.tokens:
            return f"up to {bound.tokens:,} tokens needed, {max(0, left.tokens):,} of {budget.tokens:,} left"
        if budget.usd is not None and bound.usd > left.usd:
            rest = max(ZERO, left.usd)
            needed, cap = dollars_text(bound.usd, rest), dollars_text(Decimal(budget.usd))
            return f"up to {needed} needed, {dollars_text(rest, bound.usd)} of {cap} left"
        return None

    def refusal(self, lacking: str) -> BudgetExceeded:
        """Note that this budget has ended, and the error that says so."""
        kept = f" ({self.aside} of the rest is kept for later)" if self.aside != NOTHING else ""
        self.refused = BudgetExceeded(
            f"the {self.name} is used up: {lacking}{kept}. Spent so far: {self.settled}. "
            "What was paid for is kept; run again with a larger budget to go on from here"
        )
        return self.refused

    def note_end(self, where: str) -> None:
        """Keep where the budget ended something first, e.g. `at epoch=1 phase=train` or `before epoch 2 of 3`."""
        if self.ended is None:
            self.ended = where

    def reopen(self) -> None:
        """Let calls that fit pass again after a refusal, e.g. into what was set aside for them."""
        self.refused = None
        self.refused_on_cassette = False

    def to_dict(self) -> dict[str, str]:
        """Name and caps, as cassettes keep them."""
        mode = {} if self.budget.mode == "hard" else {"mode": self.budget.mode}
        return {"name": self.name, **mode, **{name: str(cap) for name, cap in self.budget.caps.items()}}

    @property
    def key(self) -> str:
        """The same as text, by which a cassette finds it."""
        return _json.canonical(self.to_dict()).decode()

    def __repr__(self) -> str:
        text = f"<BudgetTracker {self.name}: settled {self.settled}; reserved {self.reserved}; aside {self.aside}"
        if self.budget.mode == "expected":
            text += f"; over by at most {self.overshoot_bound}, at worst {self.worst_overshoot}"
        return text + ">"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
