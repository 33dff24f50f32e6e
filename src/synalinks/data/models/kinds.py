"""Whether a value has the fields of one of the library's own models."""

from __future__ import annotations

from synalinks.data import schema as schemas
from synalinks.data.operand import is_operand, schema_of


def holds(x: object, model: object) -> bool:
    """Whether `x` is a data model, of any kind, with all fields of `model`, defined exactly alike."""
    if x is None or not is_operand(x):
        return False
    return schemas.contains_schema(schema_of(x), schema_of(model))


def equals(x: object, model: object) -> bool:
    """Whether `x` is a data model, of any kind, with the fields of `model` and no others."""
    if x is None or not is_operand(x):
        return False
    return schemas.is_schema_equal(schema_of(x), schema_of(model))
