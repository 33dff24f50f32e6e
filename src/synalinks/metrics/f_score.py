"""Precision, recall and F-beta over the words of texts."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.metrics.metric import Metric

#: Words and signs that don't count, as in SQuAD's evaluation script (Rajpurkar et al., 2016, section 5), plus
#: `of` and `is`, which existing programs rely on.
STOP_WORDS = frozenset({"a", "an", "the", "of", "is"})
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
AVERAGES = (None, "micro", "macro", "weighted")


def words(text: str) -> list[str]:
    """A text's words, lower case, without punctuation and stop words."""
    kept = " ".join(word for word in text.lower().split() if word not in STOP_WORDS)
    return kept.translate(_NO_PUNCTUATION).split()


class FBetaScore(Metric):
    """The F-beta score over the words of each field: (1 + b^2) P R / (b^2 P + R), in [0, 1].

    Precision and recall are taken over multisets of words, per field, summed over samples.

    Args:
        average: over the fields: `micro` (counts are summed), `macro` (mean of scores), `weighted` (by words
            in the targets), or None (a score per field; a single number for a single field).
        beta: weight of recall against precision.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Metric`.

    Source: van Rijsbergen, Information Retrieval, 1979, chapter 7.
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        name: str = "fbeta_score",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        if average not in AVERAGES:
            raise ConfigurationError(f"{type(self).__name__}(average={average!r}): write one of {AVERAGES}")
        if beta <= 0:
            raise ConfigurationError(f"{type(self).__name__}(beta={beta!r}): beta must be above 0")
        self.average = average
        self.beta = beta
        super().__init__(name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    def reset_state(self) -> None:
        """Forget everything taken in."""
        self._counts: list[list[int]] = []  # per field: words in both, in predictions, in targets

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Count the words of one prediction against its target, field by field."""
        sides = [tree.flatten(side.get_json()) for side in (y_pred, y_true)]
        for index, (ours, theirs) in enumerate(zip_longest(*sides, fillvalue="")):
            predicted, wanted = Counter(words(str(ours))), Counter(words(str(theirs)))
            if index == len(self._counts):
                self._counts.append([0, 0, 0])
            for place, count in enumerate((predicted & wanted, predicted, wanted)):
                self._counts[index][place] += count.total()

    def result(self) -> float | list[float]:
        """The score, or a list of scores by field."""
        if not self._counts:
            return 0.0
        if self.average == "micro":
            return self.score(*map(sum, zip(*self._counts, strict=True)))
        scores = [self.score(*counts) for counts in self._counts]
        if self.average == "macro":
            return sum(scores) / len(scores)
        if self.average == "weighted":
            weights = [counts[2] for counts in self._counts]
            total = sum(weights)
            return sum(s * w for s, w in zip(scores, weights, strict=True)) / total if total else 0.0
        return scores[0] if len(scores) == 1 else scores

    def score(self, both: int, predicted: int, wanted: int) -> float:
        """The score of counts; 0 where nothing was predicted or wanted."""
        square = self.beta**2
        divisor = square * wanted + predicted
        return (1 + square) * both / divisor if divisor else 0.0

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"average": self.average, "beta": self.beta, **super().get_config()}


class F1Score(FBetaScore):
    """The F-beta score with beta 1: the harmonic mean of precision and recall over words.

    Args: see `FBetaScore`.
    """

    def __init__(
        self,
        average: str | None = None,
        name: str = "f1_score",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {name: value for name, value in super().get_config().items() if name != "beta"}
