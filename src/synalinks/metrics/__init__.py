"""Metrics: numbers watched over many predictions and over the calls of a run, which never steer training."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from synalinks import rewards as reward_namespace
from synalinks.errors import ConfigurationError
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
from synalinks.metrics.metric import Mean, MeanMetricWrapper, Metric
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
from synalinks.rewards import Reward
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object
from synalinks.session import to_snake_case

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
#: By the name a metric has in logs and by its class's name in snake case.
_ALL: dict[str, type[Metric]] = {
    name: cls
    for cls in (*_CLASSES, *(getattr(operational_classes, name) for name in operational_classes.__all__))
    for name in (to_snake_case(cls.__name__), str(cls().name))
}

serialize = serialize_synalinks_object
deserialize = deserialize_synalinks_object


def get(identifier: Any) -> Any:
    """A metric from an instance, a name, a saved config, or a reward or function whose mean it is.

    Raises:
        ConfigurationError: anything else.
    """
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        cls = _ALL.get(to_snake_case(identifier))
        if cls is not None:
            return cls()
        if to_snake_case(identifier) not in reward_namespace.NAMES:
            known = sorted({*_ALL, *reward_namespace.NAMES})
            near = difflib.get_close_matches(to_snake_case(identifier), known, n=3)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {known}"
            raise ConfigurationError(f"no metric is called {identifier!r}; {hint}")
        identifier = reward_namespace.get(identifier)
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, Reward):
        return MeanMetricWrapper(identifier, name=identifier.name)
    if callable(identifier):
        return MeanMetricWrapper(identifier, name=getattr(identifier, "__name__", None))
    raise ConfigurationError(f"not a metric: {identifier!r}")


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
