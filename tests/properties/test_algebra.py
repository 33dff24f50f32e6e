"""Values and schemas come out of every operator alike."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from synalinks.data import JsonDataModel
from synalinks.data import schema as schemas
from synalinks.data.algebra import keys
from synalinks.data.algebra import values as algebra
from synalinks.data.algebra.plurals import plural, singular

NAMES = st.sampled_from(
    ["answer", "answers", "answer_1", "answers_2", "query", "queries", "status", "analysis", "data", "box_1"]
)
Case = tuple[dict[str, Any], dict[str, Any]]


@st.composite
def fields(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], Any]:
    """A field's definition and a value of it."""
    kind = draw(st.sampled_from(["string", "integer", "list", "object", "objects"] if depth else ["string"]))
    if kind == "string":
        return {"type": "string"}, draw(st.text(max_size=3))
    if kind == "integer":
        return {"type": "integer"}, draw(st.integers(0, 9))
    if kind == "list":
        return {"type": "array", "items": {"type": "string"}}, draw(st.lists(st.text(max_size=2), max_size=2))
    schema, value = draw(objects(depth - 1, whole=True))
    if kind == "object":
        return schema, value
    return {"type": "array", "items": schema}, [value] * draw(st.integers(0, 2))


@st.composite
def objects(draw: st.DrawFn, depth: int = 2, whole: bool = False) -> Case:
    """A schema and a value of it; unless `whole`, fields that are not required may be missing."""
    properties: dict[str, Any] = {}
    value: dict[str, Any] = {}
    required = []
    for name in draw(st.lists(NAMES, max_size=5, unique=True)):
        properties[name], there = draw(fields(depth))
        needed = whole or draw(st.booleans())
        if needed:
            required.append(name)
        if needed or draw(st.booleans()):
            value[name] = there
    schema = {"type": "object", "additionalProperties": False, "properties": properties, "required": required}
    return schema, value


MASKS = st.lists(NAMES, max_size=3)
PATTERNS = st.sampled_from([None, "^a", "s$", "_"])


def obeys(value: Any, schema: dict[str, Any]) -> bool:
    return bool(jsonschema_rs.validator_for(schema).is_valid(value))


def model(case: Case) -> JsonDataModel:
    return JsonDataModel(*case)


def in_schema_order(result: JsonDataModel) -> bool:
    names = [name for name in result.get_schema()["properties"] if name in result.get_json()]
    return names == list(result.keys())


@settings(max_examples=150, deadline=None)
@given(objects(), objects())
def test_concat_agrees_and_loses_nothing(a: Case, b: Case) -> None:
    made = model(a) + model(b)
    assert obeys(made.get_json(), made.get_schema())
    assert in_schema_order(made)
    assert list(made.values()) == [*a[1].values(), *b[1].values()]
    assert list(made.get_schema()["properties"])[: len(a[0]["properties"])] == list(a[0]["properties"])
    assert model(a) in made
    bases = [keys.base_name(name) for case in (a, b) for name in case[0]["properties"]]
    assert [keys.base_name(name) for name in made.get_schema()["properties"]] == bases


@settings(max_examples=150, deadline=None)
@given(objects(), MASKS, PATTERNS, st.booleans())
def test_masks_agree_and_are_complements(case: Case, mask: list[str], pattern: str | None, deep: bool) -> None:
    kept = model(case).in_mask(mask=mask, pattern=pattern, recursive=deep)
    left = model(case).out_mask(mask=mask, pattern=pattern, recursive=deep)
    for made in (kept, left):
        assert obeys(made.get_json(), made.get_schema())
        assert in_schema_order(made)
    assert set(kept.keys()) | set(left.keys()) == set(case[1])
    assert not set(kept.keys()) & set(left.keys())
    assert kept.in_mask(mask=mask, pattern=pattern, recursive=deep).get_json() == kept.get_json()
    if deep:
        assert kept.out_mask(mask=mask, pattern=pattern).get_json() == {}


@settings(max_examples=150, deadline=None)
@given(objects(depth=1), objects(depth=1))
def test_factorize_agrees(a: Case, b: Case) -> None:
    made = (model(a) + model(b)).factorize()
    assert set(made.keys()) <= set(made.get_schema()["properties"])
    loose = {**made.get_schema(), "required": []}
    assert obeys(made.get_json(), loose)
    bases = [keys.base_name(name) for name in made.get_schema()["properties"]]
    assert len(bases) == len(set(bases))
    assert made.factorize().get_json() == made.get_json()


@settings(max_examples=50, deadline=None)
@given(objects(whole=True), st.sampled_from(["x", "my_own"]))
def test_prefix_and_suffix_agree(case: Case, word: str) -> None:
    for made in (model(case).prefix(word), model(case).suffix(word)):
        assert obeys(made.get_json(), made.get_schema())
        assert list(made.values()) == list(case[1].values())


NOUNS = st.sampled_from(
    [
        "answer",
        "query",
        "key",
        "class",
        "box",
        "match",
        "status",
        "response",
        "house",
        "size",
        "prize",
        "analysis",
        "child",
        "person",
        "man",
        "index",
        "criterion",
        "knife",
        "hero",
        "quiz",
        "movie",
        "cache",
        "address",
        "process",
        "day",
        "boy",
        "city",
        "tax",
        "brush",
        "use",
        "excuse",
        "data",
        "series",
        "message",
        "score",
        "title",
        "entity",
        "label",
        "step",
        "tool",
        "page",
        "file",
        "image",
        "voice",
        "choice",
        "source",
        "sentence",
        "purpose",
        "phase",
        "case",
        "course",
        "value",
        "date",
        "time",
        "language",
        "service",
        "device",
        "price",
        "race",
        "image",
        "axis",
    ]
)


@given(NOUNS, NOUNS)
def test_singular_undoes_plural(first: str, second: str) -> None:
    name = f"{first}_{second}"
    assert singular(plural(name)) == name == singular(name)
    assert keys.base_name(plural(name) + "_7") == keys.base_name(name) == name


@settings(deadline=None)
@given(objects())
def test_a_copy_is_equal_and_shares_nothing(case: Case) -> None:
    copied = algebra.copy_json(case[1])
    assert copied == case[1]
    for name, value in copied.items():
        assert not isinstance(value, dict | list) or value is not case[1][name]


@settings(deadline=None)
@given(objects(), objects())
def test_schema_concat_contains_the_first(a: Case, b: Case) -> None:
    assert schemas.contains_schema(schemas.concat(a[0], b[0]), a[0])
