"""Evidence: the rewards of each state of a program by sample, and what they say of one candidate against another.

Two candidates are compared on the samples that both were scored on: the difference of two means over unequal samples
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
    """The differences in reward between two states or candidates on shared samples.

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
        return cls.of_differences(differences(first, second, leave_out))

    @classmethod
    def of_differences(cls, found: Iterable[float]) -> Paired:
        """Of the difference of each shared sample."""
        each = list(found)
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

    def lead(self, uncertainty: float) -> float:
        """The lower confidence bound of the mean difference, where one sample is so uncertain; of no sample, -inf."""
        return (self.total - uncertainty * math.sqrt(self.count)) / self.count if self.count else -math.inf


def differences(first: Rewards, second: Rewards, leave_out: Collection[int] = ()) -> list[float]:
    """The differences of two states' rewards, on shared samples that are not left out."""
    return [first[sample] - second[sample] for sample in sorted((first.keys() & second.keys()).difference(leave_out))]


class Evidence:
    """Rewards by state of the program and sample."""

    def __init__(self) -> None:
        self._known: dict[Keys, dict[int, float]] = {}
        self._states: dict[tuple[int, str], tuple[Keys, ...]] = {}

    @staticmethod
    def state(variables: Sequence[Variable]) -> Keys:
        """The state that the variables are in."""
        return tuple(Candidate.of(variable).key for variable in variables)

    def known(self, state: Keys) -> Rewards:
        """The rewards of a state, by sample."""
        return self._known.get(state, {})

    def add(self, state: Keys, samples: Iterable[int], rewards: Iterable[float]) -> None:
        """Keep the rewards of a state; shapes: `(samples,)` each."""
        if state not in self._known:
            for place, key in enumerate(state):
                self._states[place, key] = (*self._states.get((place, key), ()), state)
        known = self._known.setdefault(state, {})
        known.update((sample, float(reward)) for sample, reward in zip(samples, rewards, strict=True))

    def paired(self, place: int, one: str, other: str) -> Paired:
        """A candidate of a variable against another, on samples that both were scored on in the same surroundings.

        Args:
            place: of the variable, among those that are trained. All others held the same in both states.
            one, other: keys of the candidates.
        """
        found: list[float] = []
        for state in self._states.get((place, one), ()):
            beside = (*state[:place], other, *state[place + 1 :])
            if (known := self._known.get(beside)) is not None:
                found += differences(self._known[state], known)
        return Paired.of_differences(found)

    def leads(self, place: int, keys: Sequence[str], uncertainty: float) -> Any:
        """`Paired.lead` of all candidates of a variable over all, `(n, n)`; NaN where two share no sample."""
        import numpy as np  # only training needs it

        columns: dict[tuple[Keys, int], int] = {}
        cells: list[tuple[int, int, float]] = []
        for row, key in enumerate(keys):
            for state in self._states.get((place, key), ()):
                beside = state[:place] + state[place + 1 :]
                for sample, reward in self._known[state].items():
                    cells.append((row, columns.setdefault((beside, sample), len(columns)), reward))
        known, rewards = np.zeros((2, len(keys), len(columns)))
        for row, column, reward in cells:
            known[row, column], rewards[row, column] = 1.0, reward
        counts, sums = known @ known.T, rewards @ known.T
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (sums - sums.T - uncertainty * np.sqrt(counts)) / counts
        return np.where(counts > 0, found, np.nan)

    def get_state(self) -> list[Any]:
        """What is known, as JSON."""
        return [[" ".join(state), [list(one) for one in known.items()]] for state, known in self._known.items()]

    def set_state(self, state: Sequence[Any]) -> None:
        """Go on from what `get_state` gave, and nothing else."""
        self._known, self._states = {}, {}
        for name, known in state:
            self.add(tuple(name.split(" ")), [sample for sample, _ in known], [reward for _, reward in known])

    def keep_only(self, pools: Sequence[Collection[str]]) -> None:
        """Drop states that can't come back, so that memory does not grow with the epochs.

        Args:
            pools: for each variable, the keys of the candidates that it may hold again.
        """
        kept = [s for s in self._known if all(key in pooled for key, pooled in zip(s, pools, strict=True))]
        known, self._known, self._states = self._known, {}, {}
        for state in kept:
            self.add(state, known[state].keys(), known[state].values())
