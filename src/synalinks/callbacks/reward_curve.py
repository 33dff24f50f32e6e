"""The reward-per-call curve: what a training had cost, and how good the program was, after each step and epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from synalinks.callbacks.callback import Logs
from synalinks.errors import ConfigurationError
from synalinks.lm import Money, Totals


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A moment of a training.

    Costs are sums since its start, as if every call had been live: a run from cache or cassette gives the same curve.

    Attributes:
        epoch: from 0. step: the step that has just ended, from 0; None at the end of the epoch.
        calls: model calls so far, of every phase. tokens: of their answers, and of failed attempts.
        as_if: dollars.
        reward: mean over the epoch's training samples so far; None where there is no such figure.
        val_reward: mean over the validation set; None between validations.
    """

    epoch: int
    step: int | None
    calls: int
    tokens: int
    as_if: Money
    reward: float | None
    val_reward: float | None

    @classmethod
    def after(cls, total: Totals, start: CurvePoint | None, epoch: int, step: int | None, logs: Logs) -> CurvePoint:
        """The moment at which the ledger came to `total`; what a run that was cut off had cost comes from `start`."""
        calls, tokens, money = total.calls, total.tokens + total.failed_tokens, total.as_if
        if start is not None:
            calls, tokens, money = calls + start.calls, tokens + start.tokens, money + start.as_if
        return cls(epoch, step, calls, tokens, money, logs.get("reward"), logs.get("val_reward"))

    def to_dict(self) -> dict[str, Any]:
        """The point as JSON, dollars as a decimal string."""
        return {**asdict(self), "as_if": {"known": f"{self.as_if.known:f}", "unknown": self.as_if.unknown}}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> CurvePoint:
        """The point that `to_dict` wrote."""
        money = value["as_if"]
        return cls(**{**value, "as_if": Money(Decimal(money["known"]), money["unknown"])})


def best_within(
    curve: Iterable[CurvePoint],
    calls: int | None = None,
    tokens: int | None = None,
    usd: Decimal | float | str | None = None,
    monitor: str = "val_reward",
) -> float | None:
    """The best reward that was reached within so many calls, tokens or dollars; None if there was none by then.

    A point whose dollars are not all known is beyond any limit in dollars.

    Raises:
        ConfigurationError: `monitor` is neither `val_reward` nor `reward`.
    """
    if monitor not in ("val_reward", "reward"):
        raise ConfigurationError(f"best_within(monitor={monitor!r}): write 'val_reward' or 'reward'")
    most = None if usd is None else Decimal(str(usd))
    found: float | None = None
    for point in curve:
        money = point.as_if.exact
        if calls is not None and point.calls > calls:
            break
        if tokens is not None and point.tokens > tokens:
            break
        if most is not None and (money is None or money > most):
            break
        value = getattr(point, monitor)
        if value is not None and (found is None or value > found):
            found = value
    return found
