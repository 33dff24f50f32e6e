"""Accuracies: of words, of yes and no, of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synalinks._json import JsonObject
from synalinks.metrics.classification.counts import Share
from synalinks.metrics.classification.f_score import text_of, words
from synalinks.metrics.classification.labels import decisions, labels_of
from synalinks.rewards.leaves import paired


class Accuracy(Share):
    """The words of each field that are in both, of those that are in either, as sets.

    Source: Jaccard (1912), The distribution of the flora in the alpine zone, both counts summed over samples: what
    scikit-learn calls `jaccard_score(average="micro")` over a field's words.

    Args: see `Tally`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = synalinks.metrics.Accuracy()
        >>> asyncio.run(metric.update_state(Answer(answer='the red fox'), Answer(answer='red fox')))
        >>> metric.result()
        1.0
    """

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Count the words of one prediction and its target, field by field."""
        for path, wanted, found in paired(y_true, y_pred):
            ours, theirs = (set(words(text_of(leaf))) for leaf in (found, wanted))
            self.count(path, len(ours & theirs), len(ours | theirs))


class BinaryAccuracy(Share):
    """How often a yes-or-no field is decided as in the target.

    Args:
        threshold: a number above it means yes.
        average, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Tally`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: bool
        ...
        >>> metric = synalinks.metrics.BinaryAccuracy()
        >>> asyncio.run(metric.update_state(Answer(answer=True), Answer(answer=True)))
        >>> asyncio.run(metric.update_state(Answer(answer=False), Answer(answer=True)))
        >>> metric.result()
        0.5
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float = 0.5,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.threshold = threshold
        super().__init__(average, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Compare the fields of one prediction that are bool or number in the target."""
        for path, ours, theirs in decisions(y_true, y_pred, self.threshold):
            self.count(path, int(ours is theirs), 1)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"threshold": self.threshold, **super().get_config()}


class CategoricalAccuracy(Share):
    """How well the set of labels of a prediction agrees with that of its target.

    With `labels`, a score per label: how often both have it or both lack it. Without, the labels in both, of those in
    either.

    Args:
        labels: the labels there are.
        average, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Tally`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: list[str]
        ...
        >>> metric = synalinks.metrics.CategoricalAccuracy()
        >>> asyncio.run(metric.update_state(Answer(answer=['news', 'sport']), Answer(answer=['news'])))
        >>> metric.result()
        0.5
    """

    def __init__(
        self,
        average: str | None = None,
        labels: Sequence[str] | None = None,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.labels = None if labels is None else list(labels)
        super().__init__(average, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Compare the labels of one prediction with those of its target."""
        ours, theirs = labels_of(y_pred), labels_of(y_true)
        if self.labels is None:
            self.count("", len(ours & theirs), len(ours | theirs))
        for label in self.labels or ():
            self.count(label, int((label in ours) is (label in theirs)), 1)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"labels": self.labels, **super().get_config()}
