"""CosineSimilarity: the cosine of the embeddings of prediction and target."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from synalinks._json import JsonObject
from synalinks.errors import ConfigurationError
from synalinks.modules import EmbeddingModel
from synalinks.modules.models.missing import MissingModel
from synalinks.rewards.leaves import paired
from synalinks.rewards.reward import Reward
from synalinks.saving import serialize_synalinks_object


async def cosine_similarity(y_true: object, y_pred: object, embedding_model: object = None, axis: int = -1) -> float:
    """The mean over fields of max(0, cos) between embeddings of two data models, in [0, 1].

    A field that one of them lacks counts 0; so does a missing prediction, or an embedding that failed for good.

    Args:
        embedding_model: an `EmbeddingModel`, its name, or None for the session's default.
        axis: along which the cosine is taken in the table of embeddings, a row a field: -1 (or 1) compares the two
            embeddings of each field, 0 the values of each component over the fields.

    Raises:
        ConfigurationError: there is no embedding model, or no such axis.
    """
    rows = _is_by_row(axis)
    if y_true is None or y_pred is None:
        return 0.0
    pairs = [(wanted, found) for _, wanted, found in paired(y_true, y_pred)]
    both = [(str(wanted), str(found)) for wanted, found in pairs if wanted is not None and found is not None]
    if not both:
        return 0.0
    vectors = await _model(embedding_model).embed([*(found for _, found in both), *(wanted for wanted, _ in both)])
    if vectors is None:
        return 0.0
    ours: Iterable[Sequence[float]] = vectors[: len(both)]
    theirs: Iterable[Sequence[float]] = vectors[len(both) :]
    if not rows:
        ours, theirs = zip(*ours, strict=True), zip(*theirs, strict=True)
    cosines = [max(0.0, _cosine(a, b)) for a, b in zip(ours, theirs, strict=True)]
    return min(1.0, math.fsum(cosines) / len(cosines) * len(both) / len(pairs))


def _is_by_row(axis: int) -> bool:
    """Whether an axis of the table of embeddings goes along its rows.

    Raises:
        ConfigurationError: it has no such axis.
    """
    if isinstance(axis, bool) or axis not in (-2, -1, 0, 1):
        raise ConfigurationError(
            f"CosineSimilarity(axis={axis!r}): -1 compares the two embeddings of each field, 0 each component over all "
            "fields"
        )
    return axis in (-1, 1)


def _model(given: object) -> EmbeddingModel:
    model: EmbeddingModel | None = EmbeddingModel.get(given)
    if model is None:
        raise MissingModel({"embedding": ["CosineSimilarity"]})
    return model


class CosineSimilarity(Reward):
    """The mean over fields of max(0, cos) between embeddings of prediction and target.

    Args:
        embedding_model: an `EmbeddingModel`, its name, or None for the session's default.
        axis: -1: of the embeddings of each field; 0: of each component over all fields.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Reward`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> reward = synalinks.rewards.CosineSimilarity(embedding_model="ollama/all-minilm")
        >>> with synalinks.use_provider(ScriptedProvider([[[1.0, 0.0], [0.6, 0.8]]])):
        ...     round(asyncio.run(reward(Answer(answer="red"), Answer(answer="blue"))), 3)
        ...
        0.6
    """

    needs_target: ClassVar[bool] = True

    def __init__(
        self,
        embedding_model: object = None,
        axis: int = -1,
        name: str = "cosine_similarity",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(name, "mean", in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.embedding_model: EmbeddingModel | None = EmbeddingModel.get(embedding_model)
        _is_by_row(axis)
        self.axis = axis

    async def call(self, y_true: Any, y_pred: Any) -> float:
        """The mean similarity; 0 if a side has nothing, or if the embedding failed for good."""
        return await cosine_similarity(y_true, y_pred, self.models_called()[0], self.axis)

    def models_called(self) -> tuple[EmbeddingModel]:
        """The models it calls: its own, or the session's default.

        Raises:
            ConfigurationError: there is neither.
        """
        return (_model(self.embedding_model),)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        model = serialize_synalinks_object(self.embedding_model)
        return {"embedding_model": model, "axis": self.axis, "name": self.name, **self.field_masks.config}


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    product = math.sumprod(a, b) if hasattr(math, "sumprod") else sum(map(float.__mul__, a, b))
    lengths = math.hypot(*a) * math.hypot(*b)
    return product / lengths if lengths else 0.0
