"""Sum, and the mean cosine similarity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from synalinks import rewards
from synalinks._json import JsonObject
from synalinks.metrics.mean import Mean, MeanMetricWrapper
from synalinks.modules import EmbeddingModel
from synalinks.saving import serialize_synalinks_object


class Sum(Mean):
    """The exact sum of the numbers taken in, each times its weight. Args: see `Metric`.

    Example:
        >>> metric = synalinks.metrics.Sum()
        >>> metric.add(1.5)
        >>> metric.add(2)
        >>> metric.result()
        3.5
    """

    def __init__(
        self,
        name: str | None = "sum",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    def result(self) -> float:
        """The sum."""
        return math.fsum(self.sums.get("total"))


class CosineSimilarity(MeanMetricWrapper):
    """The mean of `rewards.CosineSimilarity` over all predictions.

    Args:
        axis: -1: of the embeddings of each field; 0: of each component over all fields.
        embedding_model: an `EmbeddingModel`, its name, or None for the session's default.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Metric`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = synalinks.metrics.CosineSimilarity(embedding_model="ollama/all-minilm")
        >>> with synalinks.use_provider(ScriptedProvider([[[1.0, 0.0], [0.6, 0.8]]])):
        ...     asyncio.run(metric.update_state(Answer(answer="red"), Answer(answer="blue")))
        ...
        >>> round(metric.result(), 3)
        0.6
    """

    direction = "up"
    fn: rewards.CosineSimilarity

    def __init__(
        self,
        name: str = "cosine_similarity",
        axis: int = -1,
        embedding_model: Any = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(
            rewards.CosineSimilarity(embedding_model, axis), name, in_mask, out_mask, in_mask_pattern, out_mask_pattern
        )

    @property
    def axis(self) -> int:
        """The axis of the reward."""
        return self.fn.axis

    @property
    def embedding_model(self) -> EmbeddingModel | None:
        """What the vectors come from; None: the session's default, at the first call."""
        return self.fn.embedding_model

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        model = serialize_synalinks_object(self.embedding_model)
        kept = {name: value for name, value in super().get_config().items() if name != "fn"}
        return {"axis": self.axis, "embedding_model": model, **kept}
