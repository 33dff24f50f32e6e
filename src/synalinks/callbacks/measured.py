"""Measured: the figures of a training with how sure they are. ScoredSamples: targets and rewards sample by sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from synalinks._json import Json, JsonObject
from synalinks.data import tree
from synalinks.scope import Scope

#: Standard normal quantile of a two-sided interval of 95 %.
Z = 1.959964
#: Samples of a phase that are kept; those beyond, as of an endless stream, are left out.
MOST = 100_000
#: A phase in which a sample is answered several times in one place, by one candidate after another.
_CANDIDATE = "candidate"
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


class ScoredSamples:
    """Targets by phase and sample, and rewards by epoch, phase and sample, for `synalinks report`.

    Example:
        >>> from synalinks.callbacks.measured import ScoredSamples
        >>> from synalinks.scope import Scope
        >>> found = ScoredSamples()
        >>> found.add(Scope(epoch=0, phase="train"), [7], [synalinks.Score(answer="4")], [1.0])
        >>> found.to_dict()
        {'targets': {'train': [[7, {'answer': '4'}]]}, 'rewards': [[0, 'train', [[7, 1.0]]]]}
    """

    def __init__(self) -> None:
        self._targets: dict[str, dict[int, object]] = {}
        self._rewards: dict[tuple[int | None, str], dict[int, float]] = {}

    def add(self, place: Scope, samples: Sequence[int], targets: Sequence[object], rewards: Sequence[float]) -> None:
        """Add the samples of a batch. Shapes: `(batch,)` each; a target is None where there is none."""
        phase = place.phase or ""
        kept = self._targets.setdefault(phase, {})
        earned = {} if phase == _CANDIDATE else self._rewards.setdefault((place.epoch, phase), {})
        for sample, target, reward in zip(samples, targets, rewards, strict=True):
            if sample in kept or len(kept) < MOST:
                kept[sample] = target
                earned[sample] = float(reward)

    def to_dict(self) -> JsonObject:
        """All of it as JSON: pairs of a sample and its target or reward."""
        targets = {
            phase: [[sample, tree.as_json(target)] for sample, target in found.items() if target is not None]
            for phase, found in self._targets.items()
        }
        rewards = [
            [epoch, phase, [list(one) for one in found.items()]] for (epoch, phase), found in self._rewards.items()
        ]
        return {"targets": {phase: found for phase, found in targets.items() if found}, "rewards": rewards}
