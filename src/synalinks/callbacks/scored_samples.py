"""ScoredSamples: the targets of samples, and the reward of each in each epoch, for `synalinks report`."""

from __future__ import annotations

from collections.abc import Sequence

from synalinks._json import JsonObject
from synalinks.data import tree
from synalinks.scope import Scope

#: Samples of a phase that are kept; those beyond, as of an endless stream, are left out.
MOST = 100_000
#: A phase in which a sample is answered several times in one place, by one candidate after another.
_CANDIDATE = "candidate"


class ScoredSamples:
    """Targets by phase and sample, and rewards by epoch, phase and sample.

    Example:
        >>> from synalinks.callbacks.scored_samples import ScoredSamples
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
