"""Schemas in the part of JSON Schema that a provider knows."""

from __future__ import annotations

from typing import Any

import pytest

from synalinks.lm.core.call import Schema
from synalinks.lm.providers.common.schema_subset import Subset, as_subset, closable

PLAIN = Subset(frozenset({"type"}), frozenset())


def test_a_schema_is_as_subset_once() -> None:
    schema = Schema({"type": "string", "minLength": 1})
    assert as_subset(schema, PLAIN) is as_subset(schema, PLAIN)


def test_a_property_named_like_a_keyword_is_a_property() -> None:
    schema = Schema({"type": "object", "properties": {"minLength": {"type": "integer"}, "$ref": {"type": "string"}}})
    assert as_subset(schema, PLAIN) == schema.value


def test_true_and_false_are_schemas() -> None:
    schema = Schema({"type": "array", "items": True})
    assert as_subset(schema, PLAIN) == schema.value


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (_object(a={"type": "string"}), True),
        ({**_object(a=True), "additionalProperties": True}, True),
        (_object(a={"$ref": "#/$defs/A"}, b={"$ref": "#/$defs/A"}) | {"$defs": {"A": _object(c=True)}}, True),
        (_object(a={"type": "object"}), False),
        (_object(a={"type": "object", "additionalProperties": False}), True),
        (_object(a={"type": "object", "additionalProperties": {"type": "string"}}), False),
        (_object(a={"type": "array", "items": {"anyOf": [{"type": "object"}, {"type": "null"}]}}), False),
        (_object(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": _object(c={"$ref": "#/$defs/A"})}}, False),
        (_object(a={"$ref": "https://example.org/schema"}), False),
        (_object(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": {"type": "object"}}}, False),
        (_object(additionalProperties={"type": "string"}), True),
    ],
)
def test_closable(value: dict[str, Any], answer: bool) -> None:
    assert closable(Schema(value)) is answer
