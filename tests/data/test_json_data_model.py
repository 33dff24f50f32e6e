from __future__ import annotations

import pytest

from synalinks.data import DataModel, JsonDataModel
from synalinks.errors import ConfigurationError
from synalinks.session import clear_session


class Query(DataModel):
    query: str
    note: str | None = None


SCHEMA = Query.get_schema()


def test_made_from_dicts_or_from_an_instance() -> None:
    plain = JsonDataModel(schema=SCHEMA, json={"query": "a"})
    for value in (
        JsonDataModel(data_model=Query(query="a")),
        JsonDataModel(data_model=Query, json={"query": "a"}),
        JsonDataModel(schema=SCHEMA, json=Query(query="a")),  # type: ignore[arg-type]
    ):
        assert value.get_json() == plain.get_json() and value.get_schema() == SCHEMA


def test_a_class_without_a_value_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a value.*got Query"):
        JsonDataModel(data_model=Query)
    with pytest.raises(ValueError, match="needs a value"):
        JsonDataModel(schema=SCHEMA)
    with pytest.raises(ConfigurationError, match="needs `schema=` and `json=`"):
        JsonDataModel(json={"query": "a"})
    with pytest.raises(ConfigurationError, match="a JSON value is a dict"):
        JsonDataModel(schema=SCHEMA, json=[1])  # type: ignore[arg-type]


def test_names_are_made_when_asked_for() -> None:
    clear_session()
    JsonDataModel(SCHEMA, {})
    assert JsonDataModel(SCHEMA, {}).name == "json_data_model"
    assert JsonDataModel(SCHEMA, {}, name="x").name == "x"


def test_access_like_a_dict() -> None:
    value = JsonDataModel(SCHEMA, {"query": "a"})
    assert value["query"] == value.get("query") == "a" and value.get("x", 1) == 1
    assert dict(value.items()) == dict(zip(value.keys(), value.values(), strict=True)) == {"query": "a"}
    assert list(value) == ["query"] and {**value} == {"query": "a"}
    assert bool(JsonDataModel(SCHEMA, {}))
    with pytest.raises(KeyError, match="has no value here"):
        value["note"]
    with pytest.raises(KeyError, match="Query has no field or attribute 'x'"):
        value["x"]


def test_update_leaves_the_given_dict_alone() -> None:
    given = {"query": "a"}
    value = JsonDataModel(SCHEMA, given)
    value.update({"query": "b"})
    assert value.get_json() == {"query": "b"} and given == {"query": "a"}


def test_clone_shares_nothing() -> None:
    clear_session()
    value = JsonDataModel(SCHEMA, {"query": ["a"]}, name="x")
    other = value.clone()
    other.get_json()["query"].append("b")
    assert value.get_json() == {"query": ["a"]} and other.name == "clone_x"
    assert value.clone(name="y").name == "y"
    assert value.renamed("z").get_json() is value.get_json()


def test_config_round_trip() -> None:
    value = JsonDataModel(SCHEMA, {"query": "a"}, name="x")
    other = JsonDataModel.from_config(value.get_config())
    assert other.get_config() == value.get_config()
    assert value.to_symbolic_data_model().get_schema() == SCHEMA
