"""Sum, and the mean cosine similarity."""

from __future__ import annotations

import math
from typing import Any

from synalinks import rewards
from synalinks.metrics.metric import Mean, MeanMetricWrapper
from synalinks.saving import serialize_synalinks_object


class Sum(Mean):
    """The exact sum of the numbers taken in, each times its weight."""

    def result(self) -> float:
        """The sum."""
        return math.fsum(self._sum)


class CosineSimilarity(MeanMetricWrapper):
    """The mean of `rewards.CosineSimilarity` over all predictions.

    Args:
        axis: kept for programs that pass it.
        embedding_model: an `EmbeddingModel`, its name, or None for the session's default.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Metric`.
    """

    def __init__(
        self, name: str = "cosine_similarity", axis: int = -1, embedding_model: Any = None, **masks: Any
    ) -> None:
        self._reward = rewards.CosineSimilarity(embedding_model, axis)
        super().__init__(self._reward, name, **masks)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        model = serialize_synalinks_object(self._reward.embedding_model)
        kept = {name: value for name, value in super().get_config().items() if name != "fn"}
        return {"axis": self._reward.axis, "embedding_model": model, **kept}
