"""SimilarityEffect: a test of whether reward grows with the similarity of samples to the examples in the prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from synalinks._json import Json

#: Degrees of freedom below which no effect is significant: from here on Student's t is close to the normal.
ENOUGH = 30
#: Standard errors above 0 from which a slope is significant (one-sided level of 1 in 40).
SURE = 2.0


class SimilarityEffect:
    """The least-squares slope of reward over similarity, within runs of samples that saw the same examples.

    Only differences within a run count, so that a set of examples which is good (or many, or few) for another reason
    than its similarity says nothing about similarity. Holds sums, not samples.
    """

    def __init__(self) -> None:
        self._closed = [0.0] * 4  # degrees of freedom; sums of squares and products about the mean: xx, xy, yy
        self._open = [0.0] * 6  # of the run under way: n, x, y, xx, xy, yy
        self._examples: str | None = None

    def observe(self, examples: str, similarity: Sequence[float], rewards: Sequence[float]) -> None:
        """Take in samples.

        Args:
            examples: names the examples that they saw.
            similarity: of each sample to the nearest of those examples; `rewards`: what they scored.
        """
        if examples != self._examples:
            self._closed = self._totals()
            self._open, self._examples = [0.0] * 6, examples
        for x, y in zip(similarity, rewards, strict=True):
            self._open = [known + new for known, new in zip(self._open, (1.0, x, y, x * x, x * y, y * y), strict=True)]

    def _totals(self) -> list[float]:
        n, x, y, xx, xy, yy = self._open
        if not n:
            return list(self._closed)
        run = (n - 1, xx - x * x / n, xy - x * y / n, yy - y * y / n)
        return [known + new for known, new in zip(self._closed, run, strict=True)]

    @property
    def sure(self) -> bool:
        """Whether similarity has a significant effect: the slope is `SURE` standard errors above 0."""
        freedom, xx, xy, yy = self._totals()
        if freedom - 1 < ENOUGH or xx < 1e-9 or xy <= 0.0:
            return False
        slope = xy / xx
        unexplained = max(yy - slope * xy, 0.0)
        return slope > SURE * math.sqrt(unexplained / (freedom - 1) / xx)

    def get_state(self) -> list[Json]:
        """What was observed, as JSON."""
        return [self._closed, self._open, self._examples]

    def set_state(self, state: Sequence[Any]) -> None:
        """Restore what `get_state` gave."""
        closed, open_, self._examples = state
        self._closed, self._open = list(closed), list(open_)
