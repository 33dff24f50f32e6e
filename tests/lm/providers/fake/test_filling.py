"""Values that obey JSON schemas."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import jsonschema_rs
import pytest

from synalinks.lm.providers.fake.filling import Filler
from synalinks.testing.fake_server.faults import uniform


def suggest(path: tuple[str, ...], kind: str) -> Any:
    return Fraction(5, 2) if kind in ("number", "integer") else "some text"


def fill(schema: Any, seed: int = 0) -> Any:
    return Filler(schema, suggest, lambda label: uniform(seed, label)).fill()


TREE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "left": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "more": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["name"],
        }
    },
    "$ref": "#/$defs/Node",
}
SCHEMAS = [
    {"type": "string", "minLength": 12},
    {"type": "string", "maxLength": 3},
    {"type": "string", "format": "date-time"},
    {"type": "string", "pattern": "^[a-z]{3}$"},
    {"type": "integer", "minimum": 3, "maximum": 4},
    {"type": "integer", "multipleOf": 7, "minimum": 10},
    {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
    {"type": "number", "minimum": 0, "maximum": 1},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
    {"type": "number", "maximum": -3},
    {"type": "number", "multipleOf": 0.25},
    {"type": "boolean"},
    {"type": "null"},
    {"type": ["integer", "null"]},
    {"enum": ["red", "green"]},
    {"type": "number", "enum": [0.0, 0.1, 1.0]},
    {"const": {"a": 1}},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    {"allOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["a", "b"]}], "type": "object"},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {"type": "object", "required": ["x"], "additionalProperties": {"type": "boolean"}},
    {"oneOf": [{"type": "null"}, {"type": "object", "properties": {"k": {"const": "v"}}, "required": ["k"]}]},
    {"properties": {"a": True, "b": {"minimum": 2}}},
    {},
    TREE,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema)[:60])
def test_values_obey_the_schema(schema: Any) -> None:
    for seed in range(5):
        value = fill(schema, seed)
        jsonschema_rs.validate(schema, value)


def test_a_suggestion_that_fits_is_taken() -> None:
    schema = {"properties": {"n": {"type": "number"}, "s": {"type": "string"}, "e": {"enum": ["x", "some text"]}}}
    assert fill(schema) == {"n": 2.5, "s": "some text", "e": "some text"}


def test_enums_are_drawn() -> None:
    assert {fill({"enum": ["a", "b", "c"]}, seed) for seed in range(40)} == {"a", "b", "c"}


def test_recursion_that_is_required_ends_all_the_same() -> None:
    endless = {"$defs": {"N": {"type": "object", "required": ["n"], "properties": {"n": {"$ref": "#/$defs/N"}}}}}
    assert fill({**endless, "$ref": "#/$defs/N"})["n"]
    assert fill({"$ref": "#"}) == "some text"
