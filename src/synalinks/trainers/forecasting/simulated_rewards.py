"""Simulated rewards: the real rewards run, for the calls they make, and their values are replaced.

Synthetic answers are hardly ever right, and an optimizer without a good prediction proposes nothing. So the reward of a
sample is computed from its place, and is the same in whatever order samples run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any

from synalinks import scope
from synalinks.lm.forecast import uniform
from synalinks.rewards import BatchReward, Reward
from synalinks.scope import Scope
from synalinks.trainers.compile.compiled import Compiled

#: The size of the program's variables, in characters of JSON.
Size = Callable[[], int]
#: The reward of a sample by its place, in [0, 1].
RewardRule = Callable[[Scope, Size], float]
#: Errors of a user's function on a synthetic answer.
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
#: Characters of variables at which `longest_best` is half of its range.
_HALF = 1000


def none_right(place: Scope, size: Size) -> float:
    """0 for every sample."""
    return 0.0


def half_right(place: Scope, size: Size) -> float:
    """1 for about every second sample, else 0."""
    return float(uniform("reward", place.epoch, place.step, place.sample) < 0.5)


def longest_best(place: Scope, size: Size) -> float:
    """Between 0.05 and 0.95, growing with the size of the variables; below 1, so that mistakes are shown too."""
    length = size()
    return 0.05 + 0.9 * length / (length + _HALF)


class SimulatedRewards(Compiled):
    """The rewards and metrics of a program, with the values of its rewards replaced.

    Attributes:
        passes: predictions scored, by epoch and phase.
    """

    def __init__(self, compiled: Compiled, rule: RewardRule, size: Size) -> None:
        super().__init__(**{field.name: getattr(compiled, field.name) for field in fields(Compiled)})
        self._rule = lambda place: rule(place, size)
        self.passes: Counter[tuple[int | None, str | None]] = Counter()

    def by_output(self, y_true: Any, y_pred: Any) -> list[tuple[Reward, float, Any, Any]]:
        """As `Compiled.by_output`, with simulated rewards."""
        place = scope.current()
        self.passes[place.epoch, place.phase] += 1
        return [(self._replaced(reward), *rest) for reward, *rest in super().by_output(y_true, y_pred)]

    def _replaced(self, reward: Reward) -> Reward:
        if isinstance(reward, BatchReward):
            return _SimulatedBatchReward(reward, self._rule)
        return _SimulatedReward(reward, self._rule)


class _SimulatedReward(Reward):
    """A reward that runs the real one, and returns that of a rule."""

    def __init__(self, reward: Reward, rule: Callable[[Scope], float]) -> None:
        self._reward = reward
        self._rule = rule

    async def __call__(self, y_true: Any, y_pred: Any) -> float:
        with suppress(*_NONSENSE):  # a function that fails on a synthetic answer may work on a real one
            await self._reward(y_true, y_pred)
        return self._rule(scope.current())


class _SimulatedBatchReward(BatchReward):
    """A batch reward that runs the real one, and returns those of a rule."""

    def __init__(self, reward: BatchReward, rule: Callable[[Scope], float]) -> None:
        self._reward = reward
        self._rule = rule

    async def of_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> list[float]:
        with suppress(*_NONSENSE):  # as above
            await self._reward.of_batch(y_true, y_pred)
        place = scope.current()
        return [self._rule(place.replace({"sample": number})) for number in range(len(y_pred))]
