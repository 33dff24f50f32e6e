"""A budget, and a tracker: a budget that is open, with what is spent, reserved and set aside of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

from synalinks._concurrency import Clock
from synalinks.errors import BudgetExceeded, ConfigurationError
from synalinks.lm.core.call import ZERO
from synalinks.lm.pricing.pricing import dollars


@dataclass(frozen=True)
class Budget:
    """The most a run may spend; None means no cap.

    Args:
        usd: dollars.
        tokens: prompt and answer tokens together.
        calls: requests sent, retries included.
        seconds: wall-clock time from the moment the budget is opened; no call is sent after it.
        per_epoch: caps that start anew with every epoch of a `fit`.
        unpriced: what a call of unknown price does under a cap in dollars: `raise`, or count as `free`.
        mode: what is reserved for a call. `hard`: the most it can take, so that no cap is ever exceeded. `expected`:
            what calls like it have rarely gone over (learnt.py; the most it can take until enough are known), so
            that many more run at once under a tight cap. Then a cap may be exceeded, by no more than the tracker's
            `overshoot_bound` says at that moment.

    Raises:
        ConfigurationError: a cap that is no number or is negative, or no cap at all.
    """

    usd: Decimal | float | str | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    per_epoch: Budget | None = None
    unpriced: Literal["raise", "free"] = "raise"
    mode: Literal["hard", "expected"] = "hard"

    def __post_init__(self) -> None:
        if self.usd is not None:
            object.__setattr__(self, "usd", dollars(self.usd))
        for name in ("tokens", "calls"):
            cap = getattr(self, name)
            if cap is not None and (isinstance(cap, bool) or not isinstance(cap, int) or cap < 0):
                raise ConfigurationError(f"Budget({name}={cap!r}): write a whole number, 0 or more")
        if self.seconds is not None and not (isinstance(self.seconds, (int, float)) and self.seconds >= 0):
            raise ConfigurationError(f"Budget(seconds={self.seconds!r}): write a number of seconds, 0 or more")
        if self.unpriced not in ("raise", "free"):
            raise ConfigurationError(f"Budget(unpriced={self.unpriced!r}): write 'raise' or 'free'")
        if self.mode not in ("hard", "expected"):
            raise ConfigurationError(f"Budget(mode={self.mode!r}): write 'hard' or 'expected'")
        self._check_per_epoch()
        if not self.caps and self.per_epoch is None:
            raise ConfigurationError("Budget() caps nothing; give usd=, tokens=, calls=, seconds= or per_epoch=")

    def _check_per_epoch(self) -> None:
        inner = self.per_epoch
        if inner is None:
            return
        if not isinstance(inner, Budget):
            raise ConfigurationError(
                f"Budget(per_epoch={inner!r}): give a budget, e.g. per_epoch=Budget(usd=0.10, calls=500)"
            )
        if inner.per_epoch is not None:
            raise ConfigurationError("Budget(per_epoch=...): a budget per epoch can't have one itself")
        for name, cap in inner.caps.items():
            whole = self.caps.get(name)
            if whole is not None and cap > whole:
                raise ConfigurationError(
                    f"Budget({name}={whole}, per_epoch=Budget({name}={cap})): an epoch can't have more than the run"
                )

    @property
    def caps(self) -> dict[str, Decimal | float]:
        """The caps that are set, by name; `per_epoch` is not one."""
        pairs = ((name, getattr(self, name)) for name in ("usd", "tokens", "calls", "seconds"))
        return {name: cap for name, cap in pairs if cap is not None}

    @classmethod
    def of(cls, value: Budget | Decimal | float | str) -> Budget:
        """A budget, or an amount in dollars made into one.

        Raises:
            ConfigurationError: neither.
        """
        return value if isinstance(value, Budget) else cls(usd=value)


@dataclass(frozen=True, slots=True)
class Amount:
    """Something spent, reserved or left: dollars, tokens, calls."""

    usd: Decimal = ZERO
    tokens: int = 0
    calls: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.usd + other.usd, self.tokens + other.tokens, self.calls + other.calls)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.usd - other.usd, self.tokens - other.tokens, self.calls - other.calls)

    def at_most(self, other: Amount) -> Amount:
        """The lesser of each two."""
        return Amount(min(self.usd, other.usd), min(self.tokens, other.tokens), min(self.calls, other.calls))

    def at_least(self, other: Amount) -> Amount:
        """The greater of each two."""
        return Amount(max(self.usd, other.usd), max(self.tokens, other.tokens), max(self.calls, other.calls))

    def times(self, count: int) -> Amount:
        """So many of it."""
        return Amount(self.usd * count, self.tokens * count, self.calls * count)

    def __str__(self) -> str:
        return f"${self.usd:.6f}, {self.tokens:,} tokens, {self.calls:,} {'call' if self.calls == 1 else 'calls'}"


NOTHING = Amount()


class CassetteRow(Protocol):
    """What is read of a row of a cassette."""

    @property
    def value(self) -> Mapping[str, Any]: ...

    @property
    def refused(self) -> bool: ...


class Rows(Protocol):
    """A cassette that can be looked through."""

    def rows(self) -> Iterable[CassetteRow]: ...


class BudgetTracker:
    """A budget that is open: what is settled, what is reserved, what is set aside.

    `settled + reserved <= cap` at every moment, as long as no provider reports more than a request allows it; one that
    does is told of in a warning, and what it reported is settled all the same. In mode `expected`, `settled + reserved
    + at_risk <= cap + worst_overshoot`: the left side grows only when a call is let out, and is looked at then.

    Attributes:
        budget: the caps.
        settled: spent for certain (a live bill, or the as-if bill of a replay).
        reserved: what is kept for calls that are out: their bounds or, in mode `expected`, what they usually take.
        at_risk: what the calls that are out may take beyond what is reserved for them; nothing in mode `hard`.
        worst_overshoot: the greatest `overshoot_bound` so far.
        aside: kept for later, such as an epoch's validation; not given to ordinary calls.
        refused: the refusal that ended this budget, or None.
        ended: where it first ended something, in words that go behind "ended the run"; kept when it is reopened.
        refused_on_cassette: whether that was the refusal of a recorded run. In its replay what the cassette holds is
            played all the same: the recorded run had it before, or beside.
        uncertain: amounts settled at their bound because the true cost is not known.
        watch: called, under the lock of the queue, after each change of what is settled or reserved; or None.
    """

    def __init__(self, budget: Budget, clock: Clock, name: str = "budget") -> None:
        self.budget = budget
        self.name = name
        self.settled = NOTHING
        self.reserved = NOTHING
        self.at_risk = NOTHING
        self.worst_overshoot = NOTHING
        self.aside = NOTHING
        self.uncertain = NOTHING
        self.refused: BudgetExceeded | None = None
        self.ended: str | None = None
        self.refused_on_cassette = False
        self.watch: Callable[[BudgetTracker], None] | None = None
        self.clock = clock
        self._opened = clock.now()
        self._followed: tuple[Rows, bool] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "watch": None, "_followed": None}  # a journal and a cassette are of this process

    @property
    def left(self) -> Amount:
        """What new calls may still reserve; meaningless for what is not capped."""
        used = self.settled + self.reserved + self.aside
        usd, tokens, calls = self.budget.usd, self.budget.tokens, self.budget.calls
        return Amount(
            Decimal(usd if usd is not None else 0) - used.usd,
            (tokens or 0) - used.tokens,
            (calls or 0) - used.calls,
        )

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time cap, or None without one."""
        if self.budget.seconds is None:
            return None
        return self.budget.seconds - (self.clock.now() - self._opened)

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

    def take(self, share: Amount, bound: Amount) -> None:
        """Reserve `share` for a call that takes at most `bound`."""
        self.reserved += share
        if share is not bound:
            self.at_risk += bound - share
        if self.budget.mode == "expected":
            self.worst_overshoot = self.worst_overshoot.at_least(self.overshoot_bound)
        if self.watch is not None:
            self.watch(self)

    def give_back(self, share: Amount, bound: Amount, spent: Amount | None) -> None:
        """Put what a call spent in place of what was reserved for it; None is uncertain, and counts as its bound."""
        self.reserved -= share
        if share is not bound:
            self.at_risk -= bound - share
        self.settled += bound if spent is None else spent
        if spent is None:
            self.uncertain += bound
        if self.watch is not None:
            self.watch(self)

    def count(self, spent: Amount) -> None:
        """Settle what was not reserved, since it was known beforehand."""
        self.settled += spent
        if self.watch is not None:
            self.watch(self)

    def follows(self, cassette: Rows) -> bool:
        """Whether this is the budget, of mode `expected`, that ended the run on a cassette. In its replay the cassette says
        where it ends: calls that were out together may have gone over the caps, and all of them were answered."""
        if self.budget.mode == "hard":
            return False
        if self._followed is None or self._followed[0] is not cassette:
            budget = self.to_dict()
            found = any(row.refused and row.value["refused"]["budget"] == budget for row in cassette.rows())
            self._followed = (cassette, found)
        return self._followed[1]

    def follow(self, cassette: Rows) -> None:
        """Note that the cassette says so from now on."""
        self._followed = (cassette, True)

    # --- refusing --------------------------------------------------------------------------------------------

    def lacking(self, bound: Amount, returned: Amount = NOTHING) -> str | None:
        """Which cap `bound` does not fit under, in words, or None.

        Args:
            bound: the most it may take.
            returned: what is reserved now and counted as given back.
        """
        seconds = self.seconds_left
        if seconds is not None and seconds <= 0:
            return f"the time cap of {self.budget.seconds:g} s has passed"
        return self.short_of(bound, returned)

    def short_of(self, bound: Amount, returned: Amount = NOTHING) -> str | None:
        """As `lacking`, the time cap left out."""
        left, budget = self.left + returned, self.budget
        if budget.calls is not None and bound.calls > left.calls:
            return f"{_calls(bound.calls)} needed, {max(0, left.calls):,} of {budget.calls:,} left"
        if budget.tokens is not None and bound.tokens > left.tokens:
            return f"up to {bound.tokens:,} tokens needed, {max(0, left.tokens):,} of {budget.tokens:,} left"
        if budget.usd is not None and bound.usd > left.usd:
            return f"up to ${bound.usd:.6f} needed, ${max(ZERO, left.usd):.6f} of ${budget.usd} left"
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
        """Remember where the budget ended something first, e.g. `at epoch=0 phase=train` or `before epoch 2 of 3`."""
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

    def __repr__(self) -> str:
        text = f"<BudgetTracker {self.name}: settled {self.settled}; reserved {self.reserved}; aside {self.aside}"
        if self.budget.mode == "expected":
            text += f"; over by at most {self.overshoot_bound}, at worst {self.worst_overshoot}"
        return text + ">"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
