"""Accuracies: of words, of yes and no, of labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from synalinks.data import tree
from synalinks.metrics.f_score import words
from synalinks.metrics.labels import decisions, labels_of
from synalinks.metrics.tally import Tally, ratio


class Accuracy(Tally):
    """The words of each field that are in both, of those that are in either, as sets.

    Source: Jaccard (1912), The distribution of the flora in the alpine zone; the "accuracy" of multi-label
    classification in Godbole and Sarawagi (2004), summed over samples.

    Args: see `Tally`.
    """

    def __init__(self, average: str | None = None, name: str = "accuracy", **masks: Any) -> None:
        super().__init__(average, name, **masks)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Count the words of one prediction and its target, field by field."""
        sides = [tree.flatten(side.get_json()) for side in (y_pred, y_true)]
        for index, pair in enumerate(zip_longest(*sides, fillvalue="")):
            ours, theirs = (set(words(str(leaf))) for leaf in pair)
            self.count(index, len(ours & theirs), len(ours | theirs))

    def score(self, *counts: int) -> float:
        """The share of the first count in the second."""
        return ratio(*counts)


class BinaryAccuracy(Tally):
    """How often a yes-or-no field is decided as in the target.

    Args:
        threshold: a number above it means yes.
        average, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Tally`.
    """

    def __init__(
        self, average: str | None = None, threshold: float = 0.5, name: str = "binary_accuracy", **masks: Any
    ) -> None:
        self.threshold = threshold
        super().__init__(average, name, **masks)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Compare the fields of one prediction that are bool or number in the target."""
        for index, (ours, theirs) in enumerate(decisions(y_true, y_pred, self.threshold)):
            self.count(index, int(ours is theirs), 1)

    def score(self, *counts: int) -> float:
        """The share of the first count in the second."""
        return ratio(*counts)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"threshold": self.threshold, **super().get_config()}


class CategoricalAccuracy(Tally):
    """How well the set of labels of a prediction agrees with that of its target.

    With `labels`, a score per label: how often both have it or both lack it. Without, the labels in both, of those in
    either.

    Args:
        labels: the labels there are.
        average, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Tally`.
    """

    def __init__(
        self,
        average: str | None = None,
        labels: Sequence[str] | None = None,
        name: str = "categorical_accuracy",
        **masks: Any,
    ) -> None:
        self.labels = None if labels is None else list(labels)
        super().__init__(average, name, **masks)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Compare the labels of one prediction with those of its target."""
        ours, theirs = labels_of(y_pred), labels_of(y_true)
        if self.labels is None:
            self.count(0, len(ours & theirs), len(ours | theirs))
        for index, label in enumerate(self.labels or ()):
            self.count(index, int((label in ours) is (label in theirs)), 1)

    def score(self, *counts: int) -> float:
        """The share of the first count in the second."""
        return ratio(*counts)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"labels": self.labels, **super().get_config()}
