"""CosineSimilarity: how near the texts of prediction and target are in the space of an embedding model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.modules import EmbeddingModel
from synalinks.rewards.reward import Reward
from synalinks.saving import serialize_synalinks_object


class CosineSimilarity(Reward):
    """The mean over fields of max(0, cos) between embeddings of prediction and target.

    Args:
        embedding_model: an `EmbeddingModel`, its name, or None for the session's default.
        axis: kept for programs that pass it.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Reward`.
    """

    def __init__(
        self,
        embedding_model: Any = None,
        axis: int = -1,
        name: str = "cosine_similarity",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(name, "mean", in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.embedding_model: EmbeddingModel | None = EmbeddingModel.get(embedding_model)
        self.axis = axis

    async def call(self, y_true: Any, y_pred: Any) -> float:
        """The mean similarity; 0 if a side has nothing, or if the embedding failed for good."""
        if y_true is None or y_pred is None:
            return 0.0
        ours, theirs = (list(map(str, tree.flatten(side.get_json()))) for side in (y_pred, y_true))
        if not ours or not theirs:
            return 0.0
        vectors = await self._model().embed([*ours, *theirs])
        if vectors is None:
            return 0.0
        pairs = list(zip(vectors[: len(ours)], vectors[len(ours) :], strict=False))
        shared = sum(max(0.0, _cosine(a, b)) for a, b in pairs)
        return min(1.0, shared / max(len(ours), len(theirs)))

    def _model(self) -> EmbeddingModel:
        model = self.embedding_model or EmbeddingModel.get(None)
        if model is None:
            raise ConfigurationError(
                "CosineSimilarity has no embedding model: pass embedding_model=, or set one for the session with "
                "synalinks.set_default_embedding_model('ollama/all-minilm')"
            )
        return model

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        model = serialize_synalinks_object(self.embedding_model)
        return {"embedding_model": model, "axis": self.axis, "name": self.name, **self.masks.config}


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    product = math.sumprod(a, b) if hasattr(math, "sumprod") else sum(map(float.__mul__, a, b))
    lengths = math.hypot(*a) * math.hypot(*b)
    return product / lengths if lengths else 0.0
