"""Pydantic models that are no `DataModel`: as schemas and values, beside operators, aliases, computed fields."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import AliasChoices, BaseModel, Field, RootModel, computed_field

import synalinks
from synalinks import data
from synalinks.errors import ConfigurationError


class Query(BaseModel):
    query: str = Field(description="What is asked")


class Answer(BaseModel):
    answer: int
    note: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> int:
        return 2 * self.answer


class Renamed(BaseModel):
    read: str = Field(validation_alias="readAs")
    written: str = Field(serialization_alias="writtenAs")
    chosen: int = Field(validation_alias=AliasChoices("one", "two"), default=1)
    inner: list[Answer] = []


class Own(synalinks.DataModel):
    own: str


JSON = synalinks.JsonDataModel(data_model=Query(query="a"))


def test_a_class_is_a_schema_and_an_instance_a_value() -> None:
    assert JSON.get_schema() == Query.model_json_schema() and JSON.get_json() == {"query": "a"}
    assert synalinks.SymbolicDataModel(data_model=Query).get_schema() == Query.model_json_schema()
    assert synalinks.Variable({"query": "a"}, data_model=Query).get("query") == "a"
    assert data.convert_to_json_data_model([Query(query="b"), None])[0].get_json() == {"query": "b"}
    assert data.is_symbolic_data_model(data.convert_to_symbolic_data_model(Query))
    assert data.is_meta_class(Query) and data.is_data_model(Query(query="a")) and data.any_symbolic([Query])


def test_computed_fields_and_nones_are_no_part_of_the_value() -> None:
    assert synalinks.JsonDataModel(data_model=Answer(answer=2)).get_json() == {"answer": 2}


def test_values_have_the_names_of_the_schema_whatever_alias_is_of_which_kind() -> None:
    value = Renamed(readAs="r", written="w", two=2, inner=[Answer(answer=1)])  # type: ignore[call-arg]
    found = synalinks.JsonDataModel(data_model=value)
    assert found.get_json() == {"readAs": "r", "written": "w", "one": 2, "inner": [{"answer": 1}]}
    assert set(found.get_json()) == set(found.get_schema()["properties"])


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: JSON + Answer(answer=1), {"query": "a", "answer": 1}),
        (lambda: Answer(answer=1) + JSON, {"answer": 1, "query": "a"}),
        (lambda: Own(own="o") & Query(query="a"), {"own": "o", "query": "a"}),
        (lambda: JSON | Answer(answer=1), {"query": "a", "answer": 1}),
        (lambda: data.Or().apply(None, Query(query="b")), {"query": "b"}),
        (lambda: data.Prefix("gold").apply(Query(query="b")), {"gold_query": "b"}),
        (lambda: data.InMask(["query"]).apply(Query(query="b")), {"query": "b"}),
    ],
)
def test_they_stand_beside_operators(made: Any, wanted: dict[str, Any]) -> None:
    assert made().get_json() == wanted


def test_classes_beside_operators_are_symbols() -> None:
    assert list((Own + Query).keys()) == ["own", "query"]
    assert list((synalinks.Input(data_model=Query) & Answer).keys()) == ["query", "answer", "note"]
    assert Query in JSON and Query(query="z") in JSON and Answer not in JSON


def test_what_is_no_model_is_named() -> None:
    for wrong in (int, 3, "text"):
        with pytest.raises(ConfigurationError, match="data model"):
            synalinks.Input(data_model=wrong)
        with pytest.raises(ConfigurationError, match="data model"):
            synalinks.Generator(data_model=wrong)


class Numbers(RootModel[list[int]]):
    pass


def test_a_root_model_has_no_fields() -> None:
    with pytest.raises(ConfigurationError, match="Numbers is a RootModel, and a data model has fields"):
        synalinks.Input(data_model=Numbers)


class Reply(synalinks.DataModel):
    answer: int
    comment: str | None = None
    items: list[int]


def test_fields_are_attributes() -> None:
    value = Reply(answer=4, items=[1]).to_json_data_model()
    assert value.answer == 4 and value.comment is None and value["items"] == [1]
    assert callable(value.items), "a method comes first"
    assert "answer" in dir(value) and not hasattr(value, "_repr_mimebundle_")
    assert getattr(value, "nothing", "default") == "default"


def test_an_unknown_attribute_names_the_near_one() -> None:
    value, symbol = Reply(answer=4, items=[]).to_json_data_model(), Reply.to_symbolic_data_model()
    for thing in (value, symbol, Reply(answer=4, items=[])):
        with pytest.raises(AttributeError, match=r"Reply has no field or attribute 'anwser'; did you mean 'answer'\?"):
            thing.anwser  # noqa: B018
    with pytest.raises(AttributeError, match="is symbolic"):
        symbol.answer  # noqa: B018
