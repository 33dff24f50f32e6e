"""Schemas in the form that OpenAI's strict mode takes."""

from __future__ import annotations

import copy

import pytest

from synalinks.lm.providers.openai.strict_schema import strict_schema, without_ref_siblings

NESTED = {
    "$defs": {
        "Step": {
            "type": "object",
            "properties": {
                "text": {"type": "string", "minLength": 1, "description": "what"},
                "default": {"type": "null"},
            },
            "required": ["text"],
        }
    },
    "type": "object",
    "properties": {
        "steps": {"type": "array", "items": {"$ref": "#/$defs/Step", "description": "one"}, "uniqueItems": True},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "best": {"allOf": [{"$ref": "#/$defs/Step"}], "description": "the best"},
        "kind": {"oneOf": [{"const": "a"}, {"const": "b"}], "discriminator": {"propertyName": "kind"}},
        "when": {"type": "string", "format": "date-time"},
        "where": {"type": "string", "format": "uri"},
    },
    "required": ["steps"],
}


def test_objects_are_closed_and_require_all_they_name() -> None:
    given = copy.deepcopy(NESTED)
    strict = strict_schema(given)
    assert given == NESTED
    assert strict is not None
    assert list(strict["properties"]) == strict["required"] == list(NESTED["properties"])
    assert strict["additionalProperties"] is False
    step = strict["$defs"]["Step"]
    assert step["required"] == ["text", "default"] and step["additionalProperties"] is False
    assert step["properties"]["text"] == {"type": "string", "description": "what"}
    assert strict["properties"]["steps"] == {"type": "array", "items": {"$ref": "#/$defs/Step"}}
    assert strict["properties"]["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert strict["properties"]["best"] == {"$ref": "#/$defs/Step"}
    assert strict["properties"]["kind"] == {"anyOf": [{"const": "a"}, {"const": "b"}]}
    assert strict["properties"]["when"]["format"] == "date-time"
    assert strict["properties"]["where"] == {"type": "string"}


def test_bounds_may_be_kept() -> None:
    kept = strict_schema(NESTED, bounds=True)
    assert kept is not None
    assert kept["$defs"]["Step"]["properties"]["text"]["minLength"] == 1
    assert kept["properties"]["where"]["format"] == "uri"
    assert "default" not in kept["properties"]["note"]


def test_a_root_that_is_a_reference_is_put_in_its_place() -> None:
    strict = strict_schema({"$ref": "#/$defs/Step", "$defs": NESTED["$defs"]})
    assert strict is not None and strict["type"] == "object" and "Step" in strict["$defs"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"any": {"type": "object"}}},
        {"type": "object", "properties": {"x": True}},
        {"type": "object", "properties": {"x": {"not": {"type": "string"}}}},
        {"type": "object", "properties": {"x": {"allOf": [{"type": "string"}, {"minLength": 2}]}}},
        {"anyOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
        {"$ref": "#/$defs/Loop", "$defs": {"Loop": {"$ref": "#/$defs/Loop"}}},
        {"$ref": "#/$defs/Missing"},
    ],
)
def test_what_has_no_strict_form(schema: dict) -> None:
    assert strict_schema(schema) is None


def test_nothing_stands_beside_a_reference() -> None:
    given = {"properties": {"a": {"$ref": "#/$defs/A", "description": "x"}}, "$defs": {"A": {"type": "string"}}}
    assert without_ref_siblings(given) == {**given, "properties": {"a": {"$ref": "#/$defs/A"}}}
