"""Names that programs import from `synalinks.language_models`."""

from synalinks.modules import LanguageModel
from synalinks.saving import deserialize_synalinks_object as deserialize
from synalinks.saving import serialize_synalinks_object as serialize

get = LanguageModel.get

__all__ = ["LanguageModel", "deserialize", "get", "serialize"]
