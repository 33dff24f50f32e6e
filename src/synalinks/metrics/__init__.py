"""Metrics: numbers watched over many predictions, which never steer training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks import rewards as reward_namespace
from synalinks.errors import ConfigurationError
from synalinks.metrics.accuracy import Accuracy, BinaryAccuracy, CategoricalAccuracy
from synalinks.metrics.f_score import F1Score, FBetaScore, Precision, Recall
from synalinks.metrics.label_scores import (
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
    name: cls for cls in _CLASSES for name in (to_snake_case(cls.__name__), str(cls().name))
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
            raise ConfigurationError(f"no metric is called {identifier!r}; there are {known}")
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
    "F1Score",
    "FBetaScore",
    "GapK",
    "Mean",
    "MeanMetricWrapper",
    "Metric",
    "PassAtK",
    "PassHatK",
    "Precision",
    "Recall",
    "Sum",
    "deserialize",
    "get",
    "serialize",
]
