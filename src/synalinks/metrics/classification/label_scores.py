"""Precision, recall and F-beta of decisions: yes-or-no fields, and sets of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synalinks._json import JsonObject
from synalinks.metrics.classification.f_score import FBetaScore, OfPredicted, OfWanted, WithoutBeta
from synalinks.metrics.classification.labels import decisions, labels_of


class BinaryFBetaScore(FBetaScore, name="binary_fbeta_score"):
    """The F-beta score of yes-or-no fields, field by field.

    Args:
        threshold: a number above it means yes.
        average, beta, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `FBetaScore`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: bool
        ...
        >>> metric = synalinks.metrics.BinaryFBetaScore()
        >>> asyncio.run(metric.update_state(Answer(answer=True), Answer(answer=True)))
        >>> asyncio.run(metric.update_state(Answer(answer=False), Answer(answer=True)))
        >>> round(metric.result(), 3)
        0.667
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float = 0.5,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.threshold = threshold
        super().__init__(average, beta, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Count yes in both, in the prediction, in the target."""
        for path, ours, theirs in decisions(y_true, y_pred, self.threshold):
            self.count(path, int(ours and theirs), int(ours), int(theirs))

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"threshold": self.threshold, **super().get_config()}


class CategoricalFBetaScore(FBetaScore, name="categorical_fbeta_score"):
    """The F-beta score of sets of labels: per label where `labels` are given, else over all labels together.

    Args:
        labels: the labels there are.
        average, beta, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `FBetaScore`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: list[str]
        ...
        >>> metric = synalinks.metrics.CategoricalFBetaScore()
        >>> asyncio.run(metric.update_state(Answer(answer=['news', 'sport']), Answer(answer=['news'])))
        >>> round(metric.result(), 3)
        0.667
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        labels: Sequence[str] | None = None,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.labels = None if labels is None else list(labels)
        super().__init__(average, beta, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Count labels in both, in the prediction, in the target."""
        ours, theirs = labels_of(y_pred), labels_of(y_true)
        if self.labels is None:
            self.count("", len(ours & theirs), len(ours), len(theirs))
        for label in self.labels or ():
            self.count(label, int(label in ours and label in theirs), int(label in ours), int(label in theirs))

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"labels": self.labels, **super().get_config()}


class BinaryF1Score(WithoutBeta, BinaryFBetaScore, name="binary_f1_score"):
    """The binary F-beta score with beta 1.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: bool
        ...
        >>> metric = synalinks.metrics.BinaryF1Score()
        >>> asyncio.run(metric.update_state(Answer(answer=True), Answer(answer=True)))
        >>> asyncio.run(metric.update_state(Answer(answer=False), Answer(answer=True)))
        >>> round(metric.result(), 3)
        0.667
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
        super().__init__(average, 1.0, threshold, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)


class BinaryPrecision(OfPredicted, BinaryF1Score):
    """How often a yes is right, field by field.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: bool
        ...
        >>> metric = synalinks.metrics.BinaryPrecision()
        >>> asyncio.run(metric.update_state(Answer(answer=True), Answer(answer=True)))
        >>> asyncio.run(metric.update_state(Answer(answer=False), Answer(answer=True)))
        >>> metric.result()
        0.5
    """


class BinaryRecall(OfWanted, BinaryF1Score):
    """How many a yes of the target is found, field by field.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: bool
        ...
        >>> metric = synalinks.metrics.BinaryRecall()
        >>> asyncio.run(metric.update_state(Answer(answer=True), Answer(answer=True)))
        >>> asyncio.run(metric.update_state(Answer(answer=False), Answer(answer=True)))
        >>> metric.result()
        1.0
    """


class CategoricalF1Score(WithoutBeta, CategoricalFBetaScore, name="categorical_f1_score"):
    """The categorical F-beta score with beta 1.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: list[str]
        ...
        >>> metric = synalinks.metrics.CategoricalF1Score()
        >>> asyncio.run(metric.update_state(Answer(answer=['news', 'sport']), Answer(answer=['news'])))
        >>> round(metric.result(), 3)
        0.667
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
        super().__init__(average, 1.0, labels, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)


class CategoricalPrecision(OfPredicted, CategoricalF1Score):
    """The share of predicted labels that are right.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: list[str]
        ...
        >>> metric = synalinks.metrics.CategoricalPrecision()
        >>> asyncio.run(metric.update_state(Answer(answer=['news', 'sport']), Answer(answer=['news'])))
        >>> metric.result()
        1.0
    """


class CategoricalRecall(OfWanted, CategoricalF1Score):
    """The share of the targets' labels that are predicted.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: list[str]
        ...
        >>> metric = synalinks.metrics.CategoricalRecall()
        >>> asyncio.run(metric.update_state(Answer(answer=['news', 'sport']), Answer(answer=['news'])))
        >>> metric.result()
        0.5
    """
