"""What a provider says, beside an answer, of its own limits: how much of which rate is left, and whether to wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What limits count; `tokens` are those of prompt and answer together.
Unit = Literal["requests", "tokens", "input_tokens", "output_tokens"]
UNITS: tuple[Unit, ...] = ("requests", "tokens", "input_tokens", "output_tokens")
#: The period that most limits are stated for, in seconds.
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Quota:
    """One of a provider's limits, as it stood when it answered.

    Attributes:
        unit: what is counted.
        limit: the most of it in a period.
        remaining: what was left.
        period: seconds in which the whole limit comes back.
        reset: seconds until it is back; None if not said.
        at_once: whether it all comes back at that moment, rather than little by little.
    """

    unit: Unit
    limit: float
    remaining: float
    period: float = MINUTE
    reset: float | None = None
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """All that one response says of limits.

    Attributes:
        wait: seconds that the provider requires to wait, although it answered; or None.
        quotas: its limits.
        slots: calls that it answers at once; None if it does not say.
    """

    wait: float | None = None
    quotas: tuple[Quota, ...] = ()
    slots: int | None = None
