from __future__ import annotations

from typing import Any

import pytest

from synalinks.data import DataModel, Field, check_mask, contains_schema, is_schema_equal
from synalinks.data import schema as schemas
from synalinks.errors import ConfigurationError


class Step(DataModel):
    text: str


class Query(DataModel):
    """A question."""

    query: str = Field(description="The question")


class Answer(DataModel):
    steps: list[Step] = []
    answer: str = Field(description="The answer")


QUERY: dict[str, Any] = Query.get_schema()
ANSWER: dict[str, Any] = Answer.get_schema()


def test_concat_schema() -> None:
    made = schemas.concat(QUERY, schemas.concat(ANSWER, QUERY))
    assert list(made) == ["$defs", "additionalProperties", "properties", "required", "title", "type"]
    assert list(made["properties"]) == ["query", "steps", "answer", "query_1"]
    assert made["properties"]["query_1"] == {
        "description": "The question",
        "title": "Query 1",
        "type": "string",
    }
    assert made["required"] == ["query", "answer", "query_1"]
    assert made["title"] == "Query" and made["additionalProperties"] is False


def test_concat_drops_empty_definitions_and_description() -> None:
    made = schemas.concat(QUERY, QUERY)
    assert "$defs" not in made and "description" not in made


def test_definitions_of_one_name_that_differ_are_both_kept() -> None:
    other = {**ANSWER, "$defs": {"Step": {"type": "object", "properties": {"code": {"type": "string"}}}}}
    made = schemas.concat(ANSWER, other)
    assert made["$defs"]["Step"] == ANSWER["$defs"]["Step"]
    assert made["properties"]["steps_1"]["items"] == {"$ref": "#/$defs/Step_1"}
    assert made["$defs"]["Step_1"]["properties"] == {"code": {"type": "string"}}
    assert ANSWER["properties"]["steps"]["items"] == {"$ref": "#/$defs/Step"}


def test_contains_and_equal() -> None:
    whole = schemas.concat(QUERY, ANSWER)
    assert contains_schema(whole, QUERY) and contains_schema(whole, ANSWER)
    assert not contains_schema(QUERY, whole)
    assert is_schema_equal(whole, schemas.concat(ANSWER, QUERY))
    other = {**QUERY, "properties": {"query": {**QUERY["properties"]["query"], "description": "Another"}}}
    assert not contains_schema(whole, other) and not is_schema_equal(QUERY, other)


def test_factorize_schema() -> None:
    made = schemas.factorize(schemas.concat(ANSWER, ANSWER))
    assert made["properties"] == {
        "steps": {"items": {"$ref": "#/$defs/Step"}, "title": "Steps", "type": "array"},
        "answers": {"items": {"type": "string"}, "title": "Answers", "type": "array"},
    }
    assert made["required"] == ["steps", "answers"]


def test_factorize_of_different_kinds() -> None:
    schema = {
        "type": "object",
        "properties": {
            "value": {"type": "string"},
            "value_1": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "values": {"type": "array", "items": {"type": "string"}},
        },
    }
    made = schemas.factorize(schema)
    assert made["properties"]["values"]["items"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def test_in_mask_schema_masks_definitions_and_prunes_them() -> None:
    assert schemas.in_mask(ANSWER, ["step", "text"])["$defs"]["Step"]["properties"] == {
        "text": {"title": "Text", "type": "string"}
    }
    only = schemas.in_mask(ANSWER, ["step"])
    assert only["$defs"]["Step"]["properties"] == {} and "required" not in only["$defs"]["Step"]
    assert "required" not in only
    assert schemas.in_mask(ANSWER, ["answers"])["$defs"] == {}
    assert schemas.in_mask(ANSWER)["properties"] == {}


def test_out_mask_schema() -> None:
    made = schemas.out_mask(ANSWER, ["text"])
    assert list(made["properties"]) == ["steps", "answer"] and made["required"] == ["answer"]
    assert made["$defs"]["Step"]["properties"] == {}
    assert schemas.out_mask(ANSWER, ["text"], recursive=False)["$defs"] == ANSWER["$defs"]
    assert schemas.out_mask(ANSWER) == ANSWER


def test_masks_go_into_inline_objects() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    schema = {"type": "object", "properties": {"x": {"anyOf": [inner, {"type": "null"}]}, "y": inner}}
    made = schemas.out_mask(schema, ["a"])
    assert list(made["properties"]["x"]["anyOf"][0]["properties"]) == ["b"]
    assert list(made["properties"]["y"]["properties"]) == ["b"]


def test_prefix_and_suffix_schema() -> None:
    made = schemas.prefix(ANSWER, "first_try")
    assert list(made["properties"]) == ["first_try_steps", "first_try_answer"]
    assert made["properties"]["first_try_answer"]["title"] == "First Try Answer"
    assert made["required"] == ["first_try_steps", "first_try_answer"]
    assert schemas.suffix(ANSWER, "x")["properties"]["answer_x"]["title"] == "Answer X"


def test_check_mask_passes_what_names_a_field() -> None:
    check_mask(["answers", "text"], ANSWER)
    check_mask(None, ANSWER, pattern="^ans")
    check_mask([], ANSWER, keeps=True)


def test_check_mask_names_the_nearest_field() -> None:
    with pytest.raises(ConfigurationError, match=r"ExactMatch\(in_mask\) names 'anwser'.*'answer'"):
        check_mask(["anwser"], ANSWER, where="ExactMatch(in_mask)")
    with pytest.raises(ConfigurationError, match="no such field. Its fields are"):
        check_mask(["zzzzzz"], ANSWER)


def test_check_mask_refuses_a_pattern_without_a_match() -> None:
    with pytest.raises(ConfigurationError, match=r"'\^z', which matches no field of Answer"):
        check_mask(["answer"], ANSWER, pattern="^z")


def test_check_mask_refuses_to_keep_nothing() -> None:
    with pytest.raises(ConfigurationError, match="nothing would be left"):
        check_mask(["text"], ANSWER, keeps=True)
    check_mask(["text"], ANSWER)
