"""Vectors, and the texts they are made from."""

from __future__ import annotations

from synalinks.data.data_model import DataModel, Field
from synalinks.data.models.kinds import holds


class EmbeddingRequest(DataModel):
    """Texts to be embedded."""

    texts: str | list[str] = Field(description="A text, or several")


class Embedding(DataModel):
    """One vector."""

    embedding: list[float] = Field(default=[], description="The vector")


class Embeddings(DataModel):
    """Vectors, one for each text, in their order."""

    embeddings: list[list[float]] = Field(default=[], description="The vectors")


def is_embedding(x: object) -> bool:
    """Whether a value has the field of `Embedding`."""
    return holds(x, Embedding)


def is_embedded(x: object) -> bool:
    """The same as `is_embedding`: whether a value carries its vector."""
    return holds(x, Embedding)


def is_embeddings(x: object) -> bool:
    """Whether a value has the field of `Embeddings`."""
    return holds(x, Embeddings)
