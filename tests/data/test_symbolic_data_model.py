from __future__ import annotations

import pytest

from synalinks.data import DataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError


class Query(DataModel):
    query: str


def test_made_from_a_class_or_a_schema() -> None:
    one = SymbolicDataModel(data_model=Query, name="x")
    two = SymbolicDataModel(schema=Query.get_schema())
    assert one.get_schema() == two.get_schema() == Query.get_schema()
    assert list(one.keys()) == ["query"] and one.name == "x" and one.node is None
    with pytest.raises(ConfigurationError, match="needs a schema"):
        SymbolicDataModel()
    with pytest.raises(ConfigurationError, match="a schema is a dict"):
        SymbolicDataModel(schema=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x.get_json(),
        lambda x: x.get("query"),
        lambda x: x["query"],
        lambda x: x.values(),
        lambda x: x.items(),
        lambda x: x.update({}),
    ],
)
def test_values_are_refused_with_guidance(use: object) -> None:
    with pytest.raises(ValueError, match="'q' is symbolic.*Build a Program"):
        use(SymbolicDataModel(data_model=Query, name="q"))  # type: ignore[operator]


def test_a_clone_is_the_same_output_of_the_same_node() -> None:
    made = Query + Query
    clone = made.clone()
    assert clone is not made and clone.node is made.node and clone.name == "clone_" + made.name
    assert clone.to_symbolic_data_model().node is None


def test_config_round_trip() -> None:
    one = SymbolicDataModel(data_model=Query, name="x")
    assert SymbolicDataModel.from_config(one.get_config()).get_config() == one.get_config()


def test_an_expression_is_no_annotation() -> None:
    with pytest.raises(ConfigurationError, match="not a type"):
        type("Bad", (DataModel,), {"__annotations__": {"x": Query + Query}, "__module__": __name__})
