from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from pydantic import PydanticUserError, ValidationError

from synalinks.data import ChatMessage, ChatMessages, DataModel, Field, JsonDataModel, SymbolicDataModel, schema_of
from synalinks.errors import DataError


class Query(DataModel):
    """A question."""

    query: str = Field(description="The question")
    note: str | None = None


class Answer(DataModel):
    answer: str


class Holder(DataModel):
    one: Answer | None = None
    some: list[Answer | Query] = []
    either: int | Answer = 0


class Tree(DataModel):
    children: list[Tree] = []


def test_get_json_leaves_none_out() -> None:
    assert Query(query="a").get_json() == {"query": "a"}
    assert Query(query="a", note="b").get_json() == {"query": "a", "note": "b"}


def test_results_and_dicts_put_into_a_list_of_a_data_model_are_written() -> None:
    conversation = ChatMessages()
    answer = ChatMessage(role="assistant", content="hello").to_json_data_model()
    conversation.messages += [answer, {"role": "user", "content": "again"}]
    assert [message["content"] for message in conversation.get_json()["messages"]] == ["hello", "again"]
    conversation.messages.append(object())
    with pytest.raises(DataError, match="holds no JSON: object"):
        conversation.get_json()


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError):
        Query(query="a", other=1)  # type: ignore[call-arg]


def test_get_json_of_a_subclass_in_a_field_is_whole() -> None:
    class More(Answer):
        more: int

    assert Holder(one=More(answer="a", more=1)).get_json()["one"] == {"answer": "a", "more": 1}


def test_the_schema_given_out_may_be_changed() -> None:
    Query.get_schema()["properties"].clear()
    assert list(Query.get_schema()["properties"]) == ["query", "note"]
    assert schema_of(Query) is schema_of(Query(query="a"))
    assert Query.get_schema() == Query.model_json_schema()


def test_the_schema_of_a_subclass_is_its_own() -> None:
    Answer.get_schema()

    class More(Answer):
        more: int

    assert list(More.keys()) == ["answer", "more"]


def test_access_like_a_dict() -> None:
    query = Query(query="a")
    assert query["query"] == "a" and query.get("query") == "a"
    assert query["note"] is None and query.get("other", 3) == 3
    assert list(query.keys()) == ["query", "note"] and list(query.items()) == [("query", "a")]
    assert list(query.values()) == ["a"]
    with pytest.raises(KeyError, match=r"no field 'qury' in Query; there are \['query', 'note'\]"):
        query["qury"]


def test_conversions() -> None:
    value = Query(query="a").to_json_data_model(name="x")
    assert isinstance(value, JsonDataModel)
    assert (value.name, value.get_json()) == ("x", {"query": "a"})
    symbol = Query.to_symbolic_data_model(name="y")
    assert isinstance(symbol, SymbolicDataModel)
    assert symbol.get_schema() == Query.get_schema() and symbol.name == "y"
    assert Query.from_config(Query(query="a").get_config()) == Query(query="a")


def test_a_union_of_data_models_is_an_annotation() -> None:
    held = Holder.model_validate({"one": {"answer": "a"}, "some": [{"query": "b"}], "either": {"answer": "c"}})
    assert held.one == Answer(answer="a") and held.some == [Query(query="b")]
    assert held.either == Answer(answer="c")
    assert Holder().one is None


def test_fields_named_like_methods() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Order(DataModel):
            items: list[str]
            values: int
            prefix: str = "p"

    with pytest.raises(ValidationError):
        Order()  # type: ignore[call-arg]
    order = Order(items=["a"], values=1)
    assert order.get_json() == {"items": ["a"], "values": 1, "prefix": "p"}
    assert order.to_json_data_model().get("items") == ["a"]
    assert (order + order).get_json()["items_1"] == ["a"]
    assert Order.get_schema()["required"] == ["items", "values"]


def test_a_recursive_model_has_its_fields_on_top() -> None:
    assert list(Tree.keys()) == ["children"]
    assert "Tree" in Tree.get_schema()["$defs"]


def test_numpy_object_arrays_hold_them_whole() -> None:
    array: Any = np.array([Query(query="a"), Query(query="b")], dtype="object")
    assert array.shape == (2,) and array[1] == Query(query="b")
    values = np.array([item.to_json_data_model() for item in array], dtype="object")
    assert values.shape == (2,)


def test_a_wrong_annotation_shows_where_it_stands() -> None:
    with pytest.raises(PydanticUserError, match="Unable to generate"):
        type("Bad", (DataModel,), {"__annotations__": {"x": object()}, "__module__": "mine"})
