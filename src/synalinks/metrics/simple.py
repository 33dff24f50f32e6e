"""Sum, and the mean cosine similarity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synalinks import rewards
from synalinks._json import JsonObject
from synalinks.metrics.metric import Mean, MeanMetricWrapper
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
        return self._sum.known


class CosineSimilarity(MeanMetricWrapper):
    """The mean of `rewards.CosineSimilarity` over all predictions.

    Args:
        axis: kept for programs that pass it.
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
        self._reward = rewards.CosineSimilarity(embedding_model, axis)
        super().__init__(self._reward, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        model = serialize_synalinks_object(self._reward.embedding_model)
        kept = {name: value for name, value in super().get_config().items() if name != "fn"}
        return {"axis": self._reward.axis, "embedding_model": model, **kept}
