"""Names that programs import from `synalinks.embedding_models`."""

from synalinks.modules import EmbeddingModel
from synalinks.saving import deserialize_synalinks_object as deserialize
from synalinks.saving import serialize_synalinks_object as serialize

get = EmbeddingModel.get

__all__ = ["EmbeddingModel", "deserialize", "get", "serialize"]
