"""SimulatedFit: the statistics of a synthetic fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synalinks.lm import Entry
from synalinks.lm.forecast import CallStatistics, Group, group_of
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.shape import Shape
from synalinks.trainers.forecasting.simulated_rewards import SimulatedRewards

#: A model and the module that calls it.
Caller = tuple[str, str | None]


@dataclass(frozen=True)
class SimulatedFit:
    """The statistics of a synthetic fit.

    Attributes:
        shape: its sizes.
        passes: predictions scored, by epoch and phase.
        statistics: of calls, by epoch, whether they belong to a step, and group.
        most, least: calls of a caller in one pass.
        epochs: the number of epochs.
        validated: epochs that ended with a validation.
    """

    shape: Shape
    passes: Counter[tuple[int | None, str | None]]
    statistics: dict[tuple[int, bool, Group], CallStatistics]
    most: dict[Caller, int]
    least: dict[Caller, int]
    epochs: int
    validated: tuple[int, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry], shape: Shape, rewards: SimulatedRewards, config: FitConfig) -> SimulatedFit:
        """The statistics of a fit of these calls."""
        statistics: dict[tuple[int, bool, Group], CallStatistics] = {}
        single: set[str] = set()
        for entry in entries:
            place = entry.scope
            key = (place.epoch or 0, place.step is not None, group_of(entry))
            statistics.setdefault(key, CallStatistics()).add(entry, single)
        epochs = min(config.span, 1 + max((epoch or 0 for epoch, _ in rewards.passes), default=0))
        freq = config.simulated(epochs)["validation_freq"]
        validated = tuple(epoch for epoch in range(epochs) if shape.validation and (epoch + 1) % freq == 0)
        passes = epochs * shape.train + len(validated) * shape.validation
        return cls(shape, rewards.passes, statistics, *_calls_in_a_pass(entries, passes), epochs, validated)

    def candidates(self, epoch: int) -> int:
        """Passes of phase `candidate` in an epoch."""
        return self.passes[epoch, "candidate"]

    def all_passes(self, epoch: int) -> int:
        """Passes of every phase in an epoch."""
        return sum(count for (other, _), count in self.passes.items() if other == epoch)


def _calls_in_a_pass(entries: Iterable[Entry], passes: int) -> tuple[dict[Caller, int], dict[Caller, int]]:
    """The most and the least calls of each caller in a pass of training or validation, of `passes` in all."""
    counts: dict[Caller, Counter[tuple[object, ...]]] = {}
    for entry in entries:
        place = entry.scope
        if place.phase in ("train", "validation"):
            one_pass = (place.epoch, place.step, place.phase, place.sample)
            counts.setdefault((entry.model, place.module), Counter())[one_pass] += 1
    most = {caller: max(found.values()) for caller, found in counts.items()}
    least = {caller: min(found.values()) if len(found) >= passes else 0 for caller, found in counts.items()}
    return most, least
