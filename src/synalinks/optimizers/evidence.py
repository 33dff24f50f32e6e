"""Evidence: the rewards of each state of a program by sample, and what they say of one state against another.

Two states are compared on the samples that both were scored on: the difference of two means over unequal samples
has the difficulty of the samples in it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synalinks.data import Variable
from synalinks.optimizers.candidates import Candidate

#: What all trained variables hold: the key of a candidate for each, in their order.
Keys = tuple[str, ...]
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


class Evidence:
    """Rewards by state of the program and sample."""

    def __init__(self) -> None:
        self._known: dict[Keys, dict[int, float]] = {}

    @staticmethod
    def state(variables: Sequence[Variable]) -> Keys:
        """The state that the variables are in."""
        return tuple(Candidate.of(variable).key for variable in variables)

    def known(self, state: Keys) -> Rewards:
        """The rewards of a state, by sample."""
        return self._known.get(state, {})

    def add(self, state: Keys, samples: Iterable[int], rewards: Iterable[float]) -> None:
        """Keep the rewards of a state; shapes: `(samples,)` each."""
        known = self._known.setdefault(state, {})
        known.update((sample, float(reward)) for sample, reward in zip(samples, rewards, strict=True))

    def get_state(self) -> list[Any]:
        """What is known, as JSON."""
        return [[" ".join(state), [list(one) for one in known.items()]] for state, known in self._known.items()]

    def set_state(self, state: Sequence[Any]) -> None:
        """Go on from what `get_state` gave, and nothing else."""
        self._known = {}
        for name, known in state:
            self.add(tuple(name.split(" ")), [sample for sample, _ in known], [reward for _, reward in known])

    def keep_only(self, pools: Sequence[Collection[str]]) -> None:
        """Drop states that can't come back, so that memory does not grow with the epochs.

        Args:
            pools: for each variable, the keys of the candidates that it may hold again.
        """
        self._known = {
            state: known
            for state, known in self._known.items()
            if all(key in pooled for key, pooled in zip(state, pools, strict=True))
        }
