"""Paired: what the answers say of one state against another, on the cases that both have answered."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from synalinks.optimizers.search import Answer


@dataclass(frozen=True, slots=True)
class Paired:
    """The differences in reward between two states on shared cases.

    Attributes:
        count: shared cases.
        total: sum of the differences; above 0 where the first state is better.
        unit: the mean size of those differences that are not 0; 0 where all are.
    """

    count: int
    total: float
    unit: float

    @classmethod
    def of(cls, first: Mapping[int, Answer], second: Mapping[int, Answer], leave_out: Collection[int] = ()) -> Paired:
        """The differences of two states' answers, on the cases that both have answered and that are not left out."""
        shared = [index for index in first if index in second and index not in leave_out]
        found = [first[index].reward - second[index].reward for index in shared]
        sizes = [abs(one) for one in found if one]
        return cls(len(found), math.fsum(found), math.fsum(sizes) / len(sizes) if sizes else 0.0)

    @property
    def total_in_units(self) -> float:
        """The sum of the differences in units of what a case makes where it makes one: 1 for right or wrong."""
        return self.total / self.unit if self.unit else 0.0

    @property
    def mean_in_units(self) -> float:
        """The same, per shared case."""
        return self.total_in_units / self.count if self.count else 0.0
