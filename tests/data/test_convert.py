from __future__ import annotations

import pytest

from synalinks import data
from synalinks.errors import ConfigurationError


class Query(data.DataModel):
    query: str


def test_kinds() -> None:
    value = Query(query="a")
    assert data.is_meta_class(Query) and not data.is_meta_class(value) and not data.is_meta_class(int)
    assert data.is_data_model(value) and not data.is_data_model(Query)
    assert data.is_json_data_model(value.to_json_data_model()) and not data.is_json_data_model(value)
    assert data.is_symbolic_data_model(Query.to_symbolic_data_model())
    assert data.any_symbolic([value, {"a": Query}]) and not data.any_symbolic(value, None)


def test_to_json() -> None:
    made = data.convert_to_json_data_model({"a": [Query(query="a"), None]})
    assert made["a"][0].get_json() == {"query": "a"} and made["a"][1] is None
    with pytest.raises(ConfigurationError, match="Query is a schema without a value"):
        data.convert_to_json_data_model(Query)
    with pytest.raises(ConfigurationError, match="got int: 3"):
        data.convert_to_json_data_model([3])


def test_to_symbolic() -> None:
    for value in (Query, Query(query="a"), Query(query="a").to_json_data_model()):
        made = data.convert_to_symbolic_data_model([value])[0]
        assert data.is_symbolic_data_model(made) and list(made.keys()) == ["query"]
    assert data.convert_to_symbolic_data_model(None) is None
    with pytest.raises(ConfigurationError, match="a data model was expected"):
        data.convert_to_symbolic_data_model("x")
