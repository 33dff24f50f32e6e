"""Metrics: numbers over many predictions and over the calls of a run; training does not depend on them."""

from __future__ import annotations

from typing import Any

from synalinks._json import JsonObject
from synalinks.metrics.classification.accuracy import Accuracy, BinaryAccuracy, CategoricalAccuracy
from synalinks.metrics.classification.f_score import F1Score, FBetaScore, Precision, Recall
from synalinks.metrics.classification.label_scores import (
    BinaryF1Score,
    BinaryFBetaScore,
    BinaryPrecision,
    BinaryRecall,
    CategoricalF1Score,
    CategoricalFBetaScore,
    CategoricalPrecision,
    CategoricalRecall,
)
from synalinks.metrics.mean import Mean, MeanMetricWrapper
from synalinks.metrics.metric import Metric
from synalinks.metrics.operational import classes as operational_classes
from synalinks.metrics.operational.classes import *  # noqa: F403
from synalinks.metrics.operational.metric import (
    EmbeddingModelOperationalMetric,
    EmbeddingModelOptimizersOperationalMetric,
    EmbeddingModelRewardsOperationalMetric,
    LMOperationalMetric,
    LMOptimizersOperationalMetric,
    LMRewardsOperationalMetric,
    OperationalMetric,
    ProgramOperationalMetric,
)
from synalinks.metrics.pass_at_k import BatchMetric, GapK, PassAtK, PassHatK
from synalinks.metrics.simple import CosineSimilarity, Sum
from synalinks.rewards import REWARDS, Reward
from synalinks.saving import Kind
from synalinks.session import to_snake_case

# The names by which lists of labels are scored.
ListFBetaScore = CategoricalFBetaScore
ListF1Score = CategoricalF1Score

_CLASSES = (
    Accuracy,
    BinaryAccuracy,
    BinaryF1Score,
    BinaryFBetaScore,
    BinaryPrecision,
    BinaryRecall,
    CategoricalAccuracy,
    CategoricalF1Score,
    CategoricalFBetaScore,
    CategoricalPrecision,
    CategoricalRecall,
    CosineSimilarity,
    F1Score,
    FBetaScore,
    GapK,
    Mean,
    PassAtK,
    PassHatK,
    Precision,
    Recall,
    Sum,
)


def _wrap(fn: Any) -> MeanMetricWrapper:
    return MeanMetricWrapper(fn, name=fn.name if isinstance(fn, Reward) else getattr(fn, "__name__", None))


METRICS: Kind[Metric] = Kind(
    "a metric",
    Metric,
    {  # by the name a metric has in logs and by its class's name in snake case
        name: cls
        for cls in (*_CLASSES, *(getattr(operational_classes, name) for name in operational_classes.__all__))
        for name in (to_snake_case(cls.__name__), str(cls().name))
    },
    wrap=_wrap,
    other=REWARDS,
)

deserialize, get = METRICS.deserialize, METRICS.get


def serialize(metric: Metric) -> JsonObject:
    """A metric's class and settings, as a file has them."""
    return METRICS.serialize(metric)


__all__ = [
    "Accuracy",
    "BatchMetric",
    "BinaryAccuracy",
    "BinaryF1Score",
    "BinaryFBetaScore",
    "BinaryPrecision",
    "BinaryRecall",
    "CategoricalAccuracy",
    "CategoricalF1Score",
    "CategoricalFBetaScore",
    "CategoricalPrecision",
    "CategoricalRecall",
    "CosineSimilarity",
    "EmbeddingModelOperationalMetric",
    "EmbeddingModelOptimizersOperationalMetric",
    "EmbeddingModelRewardsOperationalMetric",
    "F1Score",
    "FBetaScore",
    "GapK",
    "LMOperationalMetric",
    "LMOptimizersOperationalMetric",
    "LMRewardsOperationalMetric",
    "ListF1Score",
    "ListFBetaScore",
    "Mean",
    "MeanMetricWrapper",
    "Metric",
    "OperationalMetric",
    "PassAtK",
    "PassHatK",
    "Precision",
    "ProgramOperationalMetric",
    "Recall",
    "Sum",
    "deserialize",
    "get",
    "serialize",
]
__all__ += operational_classes.__all__
