"""Rewards of a run whose answers are invented: the real ones are asked, for their calls, and then replaced.

Invented answers are hardly ever right, and an optimizer that finds nothing good proposes nothing. So what a sample
scores is drawn instead: as a hash of its place, hence the same whatever runs first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from synalinks import scope
from synalinks.lm.providers.fake.synthetic import uniform
from synalinks.rewards import BatchReward, Reward
from synalinks.scope import Scope
from synalinks.trainers.compile.compiled import Compiled

#: Says how much the program's variables hold, in characters of JSON.
Size = Callable[[], int]
#: Place of a sample -> its reward.
Scored = Callable[[Scope, Size], float]
#: What a function of the user's may raise on an answer that makes no sense.
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
#: Characters of a state that is worth half of all.
_HALF = 1000


def none_right(place: Scope, size: Size) -> float:
    """Nothing is ever right."""
    return 0.0


def some_right(place: Scope, size: Size) -> float:
    """One sample in two is right."""
    return float(uniform("reward", place.epoch, place.step, place.sample) < 0.5)


def longest_best(place: Scope, size: Size) -> float:
    """The more the program is told, the better it does; never all right, so that mistakes are shown, too."""
    told = size()
    return 0.05 + 0.9 * told / (told + _HALF)


class SimulatedRewards(Compiled):
    """What a program was compiled with, its rewards replaced.

    Attributes:
        passes: predictions that were to be scored, by epoch and phase.
    """

    def __init__(self, compiled: Compiled, scored: Scored, size: Size) -> None:
        super().__init__(
            compiled.rewards, compiled.weights, compiled.metrics, compiled.per_output, _seen=compiled._seen
        )
        self._scored = lambda place: scored(place, size)
        self.passes: Counter[tuple[int | None, str | None]] = Counter()

    def by_output(self, y_true: Any, y_pred: Any) -> list[tuple[Reward, float, Any, Any]]:
        """As of the original, but for the rewards."""
        place = scope.current()
        self.passes[place.epoch, place.phase] += 1
        return [(self._replaced(reward), *rest) for reward, *rest in super().by_output(y_true, y_pred)]

    def _replaced(self, reward: Reward) -> Reward:
        if isinstance(reward, BatchReward):
            return _SimulatedBatchReward(reward, self._scored)
        return _SimulatedReward(reward, self._scored)


class _SimulatedReward(Reward):
    """A reward that asks the real one, and gives what was drawn."""

    def __init__(self, reward: Reward, scored: Callable[[Scope], float]) -> None:
        self._reward = reward
        self._scored = scored

    async def __call__(self, y_true: Any, y_pred: Any) -> float:
        with suppress(*_NONSENSE):  # a function that can't read an invented answer may well read a real one
            await self._reward(y_true, y_pred)
        return self._scored(scope.current())


class _SimulatedBatchReward(BatchReward):
    """The same, of a whole batch."""

    def __init__(self, reward: BatchReward, scored: Callable[[Scope], float]) -> None:
        self._reward = reward
        self._scored = scored

    async def of_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> list[float]:
        with suppress(*_NONSENSE):  # as above
            await self._reward.of_batch(y_true, y_pred)
        place = scope.current()
        return [self._scored(replace(place, sample=number)) for number in range(len(y_pred))]
