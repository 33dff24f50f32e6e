"""Paired: the differences in reward between two states of a program, or two candidates of a variable, sample by sample.

They are compared on the samples that both were scored on: the difference of two means over unequal samples has the
difficulty of the samples in it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from synalinks.optimizers.search.states import Answer

#: The answers of a state, by index of the case.
Answers = Mapping[int, Answer]


@dataclass(frozen=True, slots=True)
class Paired:
    """The differences in reward between two sides on shared samples.

    Attributes:
        count: shared samples.
        total: sum of the differences; above 0 where the first is better.
        unit: the mean size of those differences that are not 0; 0 where all are.
    """

    count: int
    total: float
    unit: float

    @classmethod
    def of(cls, states: Iterable[tuple[Answers, Answers]], leave_out: Collection[int] = ()) -> Paired:
        """The differences by sample, on the samples that both sides have and that are not left out.

        Args:
            states: one pair for two states; for two candidates of a variable, one for each state of the others.
            leave_out: samples that say nothing of either.
        """
        each: list[float] = []
        for first, second in states:
            shared = first.keys() & second.keys()
            each += [first[case].reward - second[case].reward for case in shared if case not in leave_out]
        sizes = [abs(one) for one in each if one]
        return cls(len(each), math.fsum(each), math.fsum(sizes) / len(sizes) if sizes else 0.0)

    @property
    def mean(self) -> float:
        """The mean difference; 0 without shared samples."""
        return self.total / self.count if self.count else 0.0

    @property
    def total_in_units(self) -> float:
        """The sum of the differences in units of what a sample makes where it makes one: 1 for right or wrong."""
        return self.total / self.unit if self.unit else 0.0

    @property
    def mean_in_units(self) -> float:
        """The same, per shared sample."""
        return self.total_in_units / self.count if self.count else 0.0
