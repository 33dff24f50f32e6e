"""Budget: the most a run may spend."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from synalinks._base.numbers import is_number, is_whole
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.pricing.pricing import dollars


@dataclass(frozen=True)
class Budget:
    """The most a run may spend; None means no cap.

    Example:
        >>> from synalinks.lm import Budget
        >>> budget = Budget(usd="0.50", calls=2000, per_epoch=Budget(calls=500))
        >>> budget.usd, budget.per_epoch.calls
        (Decimal('0.50'), 500)

    Args:
        usd: dollars.
        tokens: prompt and answer tokens together.
        calls: requests sent, retries included.
        seconds: wall-clock time from the moment the budget is opened; no call is sent after it.
        per_epoch: caps that start anew with every epoch of a `fit`.
        unpriced: what a call of unknown price does under a cap in dollars: `raise`, or count as `free`.
        mode: what is reserved for a call. `hard`: the most it can take, so that no cap is ever exceeded. `expected`:
            what calls like it have rarely gone over (expected.py; the most it can take until enough are known), so
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
            if cap is not None and not (is_whole(cap) and cap >= 0):
                raise ConfigurationError(f"Budget({name}={cap!r}): write a whole number, 0 or more")
        if self.seconds is not None and not (is_number(self.seconds) and self.seconds >= 0):
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
