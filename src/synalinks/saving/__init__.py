"""Objects as JSON and back, and the names by which classes are found again."""

from synalinks.saving.kinds import Kind
from synalinks.saving.registry import (
    NAMESPACES,
    CustomObjectScope,
    custom_object_scope,
    enable_unsafe_deserialization,
    exported,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    is_registered,
    is_unsafe_deserialization,
    register_synalinks_serializable,
)
from synalinks.saving.serialization import (
    cloning,
    constructed,
    deserialize_synalinks_object,
    is_cloning,
    is_serialized,
    load_as,
    serialize_synalinks_object,
    sharing,
)

__all__ = [
    "NAMESPACES",
    "CustomObjectScope",
    "Kind",
    "cloning",
    "constructed",
    "custom_object_scope",
    "deserialize_synalinks_object",
    "enable_unsafe_deserialization",
    "exported",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "is_cloning",
    "is_registered",
    "is_serialized",
    "is_unsafe_deserialization",
    "load_as",
    "register_synalinks_serializable",
    "serialize_synalinks_object",
    "sharing",
]
