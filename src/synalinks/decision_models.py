"""Names that programs import from `synalinks.decision_models`. Any chat model can be a decision model."""

from __future__ import annotations

from collections.abc import Mapping

from synalinks._json import JsonObject
from synalinks.errors import UnsupportedSchemaError
from synalinks.language_models import model_info, provider_info, supported_models, supported_providers
from synalinks.modules import DecisionModel
from synalinks.modules.models.decision_form import score_schema
from synalinks.saving import load_as, serialize_synalinks_object

get = DecisionModel.get


def serialize(decision_model: DecisionModel) -> JsonObject:
    """The model's class and settings, as a file has them; no key is among them."""
    saved: JsonObject = serialize_synalinks_object(decision_model)
    return saved


def deserialize(config: JsonObject, custom_objects: Mapping[str, object] | None = None) -> DecisionModel:
    """The model that `serialize` described.

    Raises:
        ConfigurationError: the config describes something else.
    """
    model: DecisionModel = load_as(DecisionModel, config, custom_objects)
    return model


__all__ = [
    "DecisionModel",
    "UnsupportedSchemaError",
    "deserialize",
    "get",
    "model_info",
    "provider_info",
    "score_schema",
    "serialize",
    "supported_models",
    "supported_providers",
]
