"""Tests of the normal form: one value in two spellings is one value, by the schema and by the class alike."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import computed_field, model_validator

import synalinks
from synalinks.data.algebra.normal import has_one_spelling, normal_form
from synalinks.data.form import Form
from synalinks.testing import ScriptedProvider


class Stop(synalinks.DataModel):
    town: str
    nights: int = 1
    note: str | None = None


class Hotel(synalinks.DataModel):
    kind: Literal["hotel"] = "hotel"
    stars: int


class Tent(synalinks.DataModel):
    kind: Literal["tent"] = "tent"
    persons: int


class Trip(synalinks.DataModel):
    first_name: str = synalinks.Field(alias="firstName")
    stops: list[Stop]
    tags: set[str] = set()
    begins: datetime | None = None
    price: Decimal | None = None
    bed: Hotel | Tent | None = None
    notes: dict[str, int | None] = {}

    @computed_field
    @property
    def nights(self) -> int:
        return sum(stop.nights for stop in self.stops)


TRIP = Trip(
    firstName="Ada",
    stops=[Stop(town="Oslo"), Stop(town="Bergen", nights=2)],
    tags={"sea", "rain", "north"},
    begins=datetime(2026, 1, 2, tzinfo=UTC),
    bed=Tent(persons=2),
    notes={"a": 1, "b": None},
)
NORMAL = {
    "firstName": "Ada",
    "stops": [{"town": "Oslo", "nights": 1}, {"town": "Bergen", "nights": 2}],
    "tags": ["north", "rain", "sea"],
    "begins": "2026-01-02T00:00:00Z",
    "bed": {"kind": "tent", "persons": 2},
    "notes": {"a": 1, "b": None},
}
SPELLINGS: list[dict[str, Any]] = [
    {"firstName": "Ada", "stops": [{"town": "Oslo", "nights": 1, "note": None}, {"town": "Bergen", "nights": 2.0}],
     "tags": ["sea", "north", "rain"], "begins": "2026-01-02T00:00:00+00:00", "price": None,
     "bed": {"persons": 2}, "notes": {"a": 1, "b": None}},
    {"firstName": "Ada", "stops": [{"nights": 1, "town": "Oslo"}, {"town": "Bergen", "nights": 2, "note": None}],
     "tags": ["rain", "sea", "north"], "begins": "2026-01-02T00:00:00Z",
     "bed": {"kind": "tent", "persons": 2.0}, "notes": {"a": 1, "b": None}},
]  # fmt: skip


def test_a_value_is_written_by_its_schema() -> None:
    assert TRIP.get_json() == NORMAL and list(TRIP.get_json()) == list(NORMAL)
    assert set(TRIP.get_json()) <= set(Trip.get_schema()["properties"])
    assert Trip.from_config(TRIP.get_config()).get_json() == NORMAL


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("model", [Trip, None], ids=["by class", "by schema"])
def test_every_spelling_of_an_answer_is_the_value(spelling: dict[str, Any], model: Any) -> None:
    before = copy.deepcopy(spelling)
    assert Form(Trip.get_schema(), model).read(spelling) == NORMAL
    assert spelling == before


def test_a_target_in_any_spelling_matches_the_answer() -> None:
    inputs = synalinks.Input(data_model=Stop)

    async def reward_of(target: Any) -> float:
        outputs = await synalinks.Generator(data_model=Trip, language_model="ollama/m")(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        program.compile(reward="exact_match", optimizer="random_few_shot")
        with synalinks.use_provider(ScriptedProvider(lambda call: json.dumps(SPELLINGS[1]))):
            return (await program.evaluate([Stop(town="x")], [target], verbose=0))["reward"]

    for target in (TRIP, *(synalinks.JsonDataModel(schema=Trip.get_schema(), json=value) for value in SPELLINGS)):
        assert asyncio.run(reward_of(target)) == 1.0


def test_a_pickle_and_a_copy_have_the_form() -> None:
    answers = Form(Trip.get_schema(), Trip)
    assert copy.deepcopy(answers) is answers
    assert pickle.loads(pickle.dumps(answers)).read(SPELLINGS[0]) == NORMAL


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from([Trip.get_schema(), Stop.get_schema(), {}, {"$ref": "#/$defs/x"}]))
def test_it_takes_any_value_and_is_idempotent(value: Any, schema: dict[str, Any]) -> None:
    once = normal_form(value, schema)
    assert normal_form(once, schema) == once


@given(st.text(), st.none() | st.integers(), st.none() | st.text())
def test_class_and_schema_agree(town: str, nights: int | None, note: str | None) -> None:
    value = {"town": town, **({} if nights is None else {"nights": nights}), "note": note}
    assert Form(Stop.get_schema(), Stop).read(value) == Form(Stop.get_schema()).read(value)


class Spelt(synalinks.DataModel):
    when: datetime | None = None
    at: time | None = None
    lasts: timedelta | None = None
    key: UUID | None = None
    price: Decimal | None = None
    prices: dict[str, list[Decimal]] = {}
    some: set[Decimal] = set()
    ratio: float = 0
    ratios: list[float] = []


#: Field, spellings of one value, and the one that is kept; by the class alone for a Decimal, whose schema is that of a
#: number or any text.
ONE_VALUE = [
    ("when", ["2026-01-02T00:00:00+00:00", "2026-01-02T00:00:00.000Z", "2026-01-02T00:00:00z", "2026-01-02 00:00:00Z"],
     "2026-01-02T00:00:00Z", True),
    ("when", ["2026-01-02T03:00:00.5+02:00", "2026-01-01T20:00:00.5-05:00"], "2026-01-02T01:00:00.500000Z", True),
    ("when", ["2026-01-02T03:00:00"], "2026-01-02T03:00:00", True),
    ("when", ["0001-01-01T00:00:00+02:00"], "0001-01-01T00:00:00+02:00", True),
    ("at", ["14:00:00+02:00", "07:00-05:00"], "12:00:00Z", True),
    ("at", ["01:00:00+02:00"], "01:00:00+02:00", True),
    ("at", ["12:00:00+00:00", "12:00:00.0Z", "12:00Z"], "12:00:00Z", True),
    ("lasts", ["PT24H", "P1D", "P0Y1DT0S"], "P1D", True),
    ("key", ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"], "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", True),
    ("price", [1, 1.0, "1", "1.00", "1E0", "+1", "01"], "1", False),
    ("price", [0, "0.00", "-0", "0E9", -0.0], "0", False),
    ("price", [1200, "1.2E3", "1200.0"], "1200", False),
    ("price", [0.1, "0.10", "1e-1"], "0.1", False),
    ("price", ["-12.50"], "-12.5", False),
    ("price", ["1E+400", "10E399"], "1E+400", False),
    ("ratio", [5, 5.0, 5e0], 5.0, True),
    ("ratio", [0, 0.0, -0.0], 0.0, True),
    ("ratio", [2**60], 2**60, True),
    ("ratios", [[1, 2.5], [1.0, 2.5]], [1.0, 2.5], True),
    ("prices", [{"a": [1, "2.0"]}, {"a": ["1.0", 2]}], {"a": ["1", "2"]}, False),
    ("some", [["1.50", "2"], [2, 1.5]], ["1.5", "2"], False),
]  # fmt: skip


def test_a_whole_default_is_a_float_as_a_given_one_is() -> None:
    assert repr(Spelt().get_json()["ratio"]) == repr(Spelt(ratio=0).get_json()["ratio"]) == "0.0"


@pytest.mark.parametrize(("field", "spellings", "kept", "by_schema"), ONE_VALUE)
def test_one_value_has_one_spelling(field: str, spellings: list[Any], kept: Any, by_schema: bool) -> None:
    for model in (Spelt, None) if by_schema else (Spelt,):
        for spelling in spellings:
            assert Form(Spelt.get_schema(), model).read({field: spelling})[field] == kept, (spelling, model)
    assert Spelt.model_validate({field: spellings[0]}).get_json()[field] == kept


@pytest.mark.parametrize("field", ["when", "at", "lasts", "key"])
@pytest.mark.parametrize("text", ["soon", "", "5", "1700000000", "P", "-", ":"])
def test_a_text_that_is_of_no_such_format_stays(field: str, text: str) -> None:
    assert normal_form({field: text}, Spelt.get_schema())[field] == text


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_its_value(price: Decimal) -> None:
    written = Spelt(price=price).get_json()["price"]
    assert Decimal(written) == price and Spelt(price=Decimal(written)).get_json()["price"] == written


def test_a_reference_to_itself_ends() -> None:
    schema = {"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}
    assert normal_form({"a": None}, schema) == {"a": None}


def test_plain_schemas_have_one_spelling() -> None:
    class Plain(synalinks.DataModel):
        text: str
        words: list[str]

    assert has_one_spelling(Plain.get_schema())
    assert not any(has_one_spelling(model.get_schema()) for model in (Trip, Stop, Hotel))


def test_a_class_refuses_with_the_place() -> None:
    class Span(synalinks.DataModel):
        start: int
        end: int

        @model_validator(mode="after")
        def ordered(self) -> Span:
            if self.end < self.start:
                raise ValueError("end before start")
            return self

    with pytest.raises(ValueError, match="end before start"):
        Form(Span.get_schema(), Span).read({"start": 5, "end": 1})
    with pytest.raises(ValueError, match="^start: "):
        Form(Span.get_schema(), Span).read({"start": "x", "end": 1})


def test_texts_and_booleans_pass_as_they_are_beside_fields_that_do_not() -> None:
    schema = {
        "type": "object",
        "properties": {
            "note": {"type": "string"},
            "sure": {"type": "boolean"},
            "at": {"type": "string", "format": "date-time"},
            "kind": {"type": "string", "default": "tent"},
            "nights": {"type": "integer"},
        },
    }
    given = {"nights": 2.0, "note": "a", "sure": True, "at": "2026-01-02T03:00:00+02:00", "more": 1}
    for _ in range(2):
        found = normal_form(given, schema)
        assert json.dumps(found) == json.dumps(
            {"note": "a", "sure": True, "at": "2026-01-02T01:00:00Z", "kind": "tent", "nights": 2, "more": 1}
        )
    assert normal_form({"note": None, "sure": None}, schema) == {"kind": "tent"}
    schema = {**schema, "properties": {**schema["properties"], "note": {"type": "string", "default": "b"}}}  # type: ignore[dict-item]
    assert normal_form({"note": "a"}, schema) == {"note": "a", "kind": "tent"}, "another schema has fields of its own"
    assert normal_form({}, schema)["note"] == "b"
