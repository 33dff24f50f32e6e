"""Measured: the figures of a training with how sure they are, and the rewards by sample that comparisons need."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from synalinks._json import Json, JsonObject

#: Standard normal quantile of a two-sided interval of 95 %.
Z = 1.959964
#: An interval: low and high.
Interval = tuple[float, float]


def interval(mean: float, count: int) -> Interval:
    """The 95 % score interval of a mean of so many rewards in [0, 1].

    That of a proportion (Wilson 1927). Rewards between 0 and 1 vary less than a proportion of the same mean, so that
    for them it is too wide rather than too narrow.

    Example:
        >>> from synalinks.callbacks.measured import interval
        >>> [round(bound, 2) for bound in interval(0.9, 60)]
        [0.8, 0.95]
    """
    if not count:
        return 0.0, 1.0
    square = Z * Z
    middle = (mean + square / (2 * count)) / (1 + square / count)
    half = Z / (1 + square / count) * math.sqrt(max(0.0, mean * (1 - mean)) / count + square / (4 * count * count))
    return max(0.0, min(mean, middle - half)), min(1.0, max(mean, middle + half))  # rounding aside


class Measured:
    """How sure the figures of a training are.

    Attributes:
        intervals: 95 % intervals of `reward`, `val_reward` and `test_reward`, one for each time it was measured.
        samples: the rewards by sample, of the last time, of `val_reward` and `test_reward`.

    Example:
        >>> from synalinks.callbacks.measured import Measured
        >>> measured = Measured()
        >>> measured.add("val_reward", [1.0, 0.0, 1.0], samples=[0, 1, 2])
        >>> measured.samples["val_reward"][1]
        0.0
    """

    def __init__(self) -> None:
        self.intervals: dict[str, list[Interval]] = {}
        self.samples: dict[str, dict[int, float]] = {}

    def add(self, name: str, rewards: Sequence[float], samples: Sequence[int] = ()) -> None:
        """Add a measurement; `samples` are those of the rewards."""
        self.add_mean(name, math.fsum(rewards) / len(rewards) if rewards else 0.0, len(rewards))
        if samples:
            self.samples[name] = {index: float(reward) for index, reward in zip(samples, rewards, strict=True)}

    def add_mean(self, name: str, mean: float, count: int) -> None:
        """Add a measurement of which only the mean is kept."""
        self.intervals.setdefault(name, []).append(interval(mean, count))

    def get_state(self) -> JsonObject:
        """All figures, as JSON."""
        samples = {name: [[index, one] for index, one in found.items()] for name, found in self.samples.items()}
        return {"intervals": {name: [list(one) for one in found] for name, found in self.intervals.items()},
                "samples": samples}  # fmt: skip

    def set_state(self, state: Mapping[str, Json]) -> None:
        """Go on from what `get_state` gave."""
        self.intervals = {name: [(low, high) for low, high in found] for name, found in state["intervals"].items()}
        self.samples = {name: dict(found) for name, found in state["samples"].items()}
