from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from synalinks import ops
from synalinks.data import DataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError


class Query(DataModel):
    query: str


Q = Query(query="q")


def run(job: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(job)


def test_values() -> None:
    both = {"query": "q", "query_1": "q"}
    assert run(ops.concat(Q, Q, name="x")).name == "x"
    assert run(ops.concat(Q, Q)).get_json() == both
    assert run(ops.logical_and(Q, Q)).get_json() == run(ops.logical_or(Q, Q)).get_json() == both
    assert run(ops.logical_xor(Q, Q)) is None and run(ops.logical_not(Q)) is None
    assert run(ops.logical_xor(None, Q)).get_json() == {"query": "q"}
    assert run(ops.factorize(Q + Q)).get_json() == {"queries": ["q", "q"]}
    assert run(ops.in_mask(Q, mask=["queries"])).get_json() == {"query": "q"}
    assert run(ops.out_mask(Q, pattern="^q")).get_json() == {}
    assert run(ops.prefix(Q, prefix="a")).get_json() == {"a_query": "q"}
    assert run(ops.suffix(Q, suffix="a")).get_json() == {"query_a": "q"}


def test_symbols() -> None:
    made = run(ops.prefix(Query, prefix="a", description="d"))
    assert isinstance(made, SymbolicDataModel) and made.node is not None
    assert made.node.operation.description == "d"  # type: ignore[attr-defined]
    assert list(run(ops.logical_not(Query)).keys()) == ["query"]


def test_none_stays_none() -> None:
    assert run(ops.factorize(None)) is None and run(ops.prefix(None, prefix="a")) is None
    assert run(ops.in_mask(None, mask=["a"])) is None


@pytest.mark.parametrize("job", [ops.in_mask, ops.out_mask, ops.prefix, ops.suffix])
def test_something_to_go_by_is_needed(job: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"ops.{job.__name__} has nothing to go by"):
        run(job(Q))


def test_conversions() -> None:
    assert ops.convert_to_json_data_model(None) is None
    assert ops.convert_to_json_data_model(Q).get_json() == {"query": "q"}
    assert isinstance(ops.convert_to_symbolic_data_model(Q), SymbolicDataModel)
