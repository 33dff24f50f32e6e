"""Names that programs import from `synalinks.decision_models`. Any chat model can be a decision model."""

from __future__ import annotations

from synalinks._json import JsonObject
from synalinks.errors import UnsupportedSchemaError
from synalinks.language_models import model_info, provider_info, supported_models, supported_providers
from synalinks.modules import DecisionModel
from synalinks.modules.models.decision_form import score_schema
from synalinks.saving import Kind

MODELS: Kind[DecisionModel] = Kind("a decision model", DecisionModel, (DecisionModel,))
get = DecisionModel.get
deserialize = MODELS.deserialize


def serialize(decision_model: DecisionModel) -> JsonObject:
    """The model's class and settings, as a file has them; no key is among them."""
    return MODELS.serialize(decision_model)


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
