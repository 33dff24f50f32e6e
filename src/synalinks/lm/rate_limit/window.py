"""Rates over time: one that is stated and kept, and one that a provider states and that is followed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from synalinks.lm.core.rate_limit import MINUTE, Quota

#: Seconds of the window that a rate is kept over: a minute, and one second for calls that leave evenly and arrive
#: bunched. A provider that counts any 60 seconds, not the minutes of the clock, never counts more than the rate.
WINDOW = MINUTE + 1.0
#: The part of a minute's allowance that may go at once. A tenth lets small runs begin without waiting, and stays
#: within what providers allow that enforce a rate over some seconds at a time.
BURST = 0.1
#: Seconds that what a provider says of its limits may hold a call back. Where it takes longer, as at the end of a day's
#: quota, the call goes out: the provider's refusal says more than silence would.
LONGEST_HOLD = 60.0
#: What sums of floats may be wrong by, in tokens; and the least time to sleep, so that waiting always gets on.
ROUNDING, LEAST_WAIT = 1e-6, 1e-6


@dataclass(slots=True)
class Pace:
    """How fast a rate lets things out within its window: a tenth of a minute's allowance at once, and then evenly.

    Attributes:
        burst: the most at once.
        per_second: what is let out in a second after that.
    """

    burst: float
    per_second: float
    _level: float = 0.0
    _at: float = 0.0

    def wait(self, now: float, amount: float) -> float:
        """Seconds until `amount` may go, 0 if it may now."""
        self._level = max(0.0, self._level - (now - self._at) * self.per_second)
        self._at = now
        excess = self._level + min(amount, self.burst) - self.burst
        return max(excess / self.per_second, LEAST_WAIT) if excess > ROUNDING else 0.0

    def take(self, amount: float) -> None:
        """Note that `amount` goes out at the moment that was last looked at."""
        self._level += min(amount, self.burst)


@dataclass(slots=True)
class Window:
    """A rate in force: at most so much in any window of a little more than a minute, whenever the window begins.

    Attributes:
        per_minute: the rate. A part of one is kept by a longer window: 0.5 is one in two minutes.
    """

    per_minute: float
    _log: deque[tuple[float, float]] = field(default_factory=deque)
    _sum: float = 0.0
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(max(1.0, BURST * self.per_minute), self.per_minute / MINUTE)

    @property
    def most(self) -> float:
        """The most in a window; whole, because nothing goes out by halves."""
        return max(1.0, float(int(self.per_minute)))

    def wait(self, now: float, amount: float) -> float:
        """Seconds until `amount` fits, 0 if it does now. More than a whole window holds waits for an empty one."""
        return max(self._pace.wait(now, amount), self._wait_for_room(now, amount))

    def _wait_for_room(self, now: float, amount: float) -> float:
        window = WINDOW * self.most / self.per_minute
        while self._log and self._log[0][0] <= now - window:
            self._sum -= self._log.popleft()[1]
        if not self._log:
            self._sum = 0.0  # and without what rounding left
        excess = self._sum + min(amount, self.most) - self.most
        for at, size in self._log:
            if excess <= ROUNDING:
                return 0.0
            excess -= size
            if excess <= ROUNDING:
                return max(at + window - now, LEAST_WAIT)
        return 0.0

    def take(self, now: float, amount: float) -> None:
        """Note that `amount` goes out now."""
        self._pace.take(amount)
        amount = min(amount, self.most)
        self._log.append((now, amount))
        self._sum += amount


class ReportedLimit:
    """One limit of a provider's, followed from what it last said of it and what went out since."""

    __slots__ = ("_at", "_back_at", "_left", "_quota")

    def __init__(self, quota: Quota, now: float, unseen: float) -> None:
        """
        Args:
            quota: as it was stated.
            now: seconds, of the answer that told.
            unseen: what went out after the request of that answer, which it may not have counted.
        """
        self._quota = quota
        self._left = max(0.0, quota.remaining - unseen)
        self._at = now
        self._back_at = now + (quota.period if quota.reset is None else quota.reset)

    def hold(self, now: float, amount: float) -> float:
        """Seconds until `amount` is left, 0 if it is; also 0 if that takes too long to wait for."""
        self._refill(now)
        amount = min(amount, self._quota.limit)
        if self._left >= amount:
            return 0.0
        if self._quota.at_once:
            wait = self._back_at - now
        else:
            wait = (amount - self._left) * self._quota.period / self._quota.limit
        return wait if wait <= LONGEST_HOLD else 0.0

    def spend(self, amount: float) -> None:
        """Note that `amount` goes out."""
        self._left = max(0.0, self._left - amount)

    def _refill(self, now: float) -> None:
        quota = self._quota
        if not quota.at_once:
            self._left = min(quota.limit, self._left + (now - self._at) * quota.limit / quota.period)
        elif now >= self._back_at:
            self._left = quota.limit
            self._back_at = now + quota.period
        self._at = now
