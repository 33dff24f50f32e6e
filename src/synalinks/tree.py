"""Names that programs import from `synalinks.tree`: nested lists, tuples and dicts."""

from synalinks.data.tree import (
    assert_same_structure,
    flatten,
    is_nested,
    map_structure,
    pack_sequence_as,
)

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]
