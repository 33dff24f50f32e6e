"""Paired: the differences in reward between two states of a program, sample by sample.

Two states are compared on the samples that both were scored on: the difference of two means over unequal samples
has the difficulty of the samples in it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

Rewards = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Paired:
    """The differences in reward between two states on shared samples.

    Attributes:
        count: shared samples.
        total: sum of the differences; above 0 where the first is better.
        unit: the mean size of those differences that are not 0; 0 where all are.
    """

    count: int
    total: float
    unit: float

    @classmethod
    def of(cls, first: Rewards, second: Rewards, leave_out: Collection[int] = ()) -> Paired:
        """The differences of rewards by sample, on the samples that both have and that are not left out."""
        shared = sorted((first.keys() & second.keys()).difference(leave_out))
        each = [first[sample] - second[sample] for sample in shared]
        sizes = [abs(one) for one in each if one]
        return cls(len(each), math.fsum(each), math.fsum(sizes) / len(sizes) if sizes else 0.0)

    @property
    def total_in_units(self) -> float:
        """The sum of the differences in units of what a sample makes where it makes one: 1 for right or wrong."""
        return self.total / self.unit if self.unit else 0.0

    @property
    def mean_in_units(self) -> float:
        """The same, per shared sample."""
        return self.total_in_units / self.count if self.count else 0.0
