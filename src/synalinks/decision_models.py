"""Names that programs import from `synalinks.decision_models`. Any chat model can be a decision model."""

from __future__ import annotations

from synalinks.errors import UnsupportedSchemaError
from synalinks.language_models import model_info, provider_info, supported_models, supported_providers
from synalinks.modules import DecisionModel
from synalinks.modules.models.decision_form import score_schema
from synalinks.saving import deserialize_synalinks_object as deserialize
from synalinks.saving import serialize_synalinks_object as serialize

get = DecisionModel.get

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
