"""Objects as JSON and back, and the names by which classes are found again."""

from synalinks.saving.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_synalinks_serializable,
)
from synalinks.saving.serialization import deserialize_synalinks_object, serialize_synalinks_object, sharing

__all__ = [
    "custom_object_scope",
    "deserialize_synalinks_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_synalinks_serializable",
    "serialize_synalinks_object",
    "sharing",
]
