from __future__ import annotations

import asyncio
from typing import Any

import pytest

from synalinks.data import (
    OPERATOR_CLASSES,
    And,
    Concat,
    DataModel,
    JsonDataModel,
    Or,
    SymbolicDataModel,
    Variable,
    schema_of,
)
from synalinks.errors import ConfigurationError
from synalinks.session import clear_session


class Query(DataModel):
    query: str


class Answer(DataModel):
    thinking: str = "t"
    answer: str


Q = Query(query="q")
A = Answer(answer="a")
BOTH = {"query": "q", "thinking": "t", "answer": "a"}


def kinds(value: DataModel) -> list[Any]:
    """The same value in every kind that has one."""
    return [
        value,
        value.to_json_data_model(),
        Variable(initializer=value.get_json(), data_model=type(value)),
    ]


def json_of(value: Any) -> Any:
    assert value is None or isinstance(value, JsonDataModel)
    return None if value is None else value.get_json()


@pytest.mark.parametrize("q", kinds(Q))
@pytest.mark.parametrize("a", kinds(A))
def test_table_with_both(q: Any, a: Any) -> None:
    assert json_of(q + a) == json_of(q & a) == json_of(q | a) == BOTH
    assert (q ^ a) is None and (~q) is None
    assert (q + a).get_schema() == (Query + Answer).get_schema()


@pytest.mark.parametrize("q", kinds(Q))
def test_table_with_none(q: Any) -> None:
    assert json_of(q | None) == json_of(None | q) == {"query": "q"}
    assert json_of(q ^ None) == json_of(None ^ q) == {"query": "q"}
    assert (q & None) is None and (None & q) is None
    for wrong in (lambda: q + None, lambda: None + q):
        with pytest.raises(ValueError, match="`a & b`.*`a | b`"):
            wrong()


def test_none_with_none() -> None:
    for kind in ("And", "Or", "Xor"):
        assert OPERATOR_CLASSES[kind]().apply(None, None) is None
    for kind in ("Not", "Factorize", "InMask", "OutMask"):
        assert OPERATOR_CLASSES[kind]().apply(None) is None
    with pytest.raises(ConfigurationError, match="left and right one is None"):
        Concat().apply(None, None)


def fields(value: Any) -> list[str]:
    assert isinstance(value, SymbolicDataModel)
    return list(value.keys())


def test_symbolic_table() -> None:
    assert fields(Query + Answer) == fields(Query & Answer) == ["query", "thinking", "answer"]
    assert fields(Query | Answer) == fields(Query ^ Answer) == fields(~Query) == ["query"]
    assert fields(Query | None) == fields(None | Query) == fields(Query ^ None) == ["query"]
    assert (Query & None) is None
    with pytest.raises(ConfigurationError):
        Query + None


def test_class_beside_instance_is_symbolic() -> None:
    made = Query.to_symbolic_data_model() + A
    assert fields(made) == ["query", "thinking", "answer"]
    assert made.node is not None and isinstance(made.node.args[1], JsonDataModel)
    assert fields(Q + Answer) == ["query", "thinking", "answer"]


def test_a_node_runs_on_values() -> None:
    left, right = Query.to_symbolic_data_model(), Answer.to_symbolic_data_model()
    made = left + right
    assert made.node is not None and made.node.parents == (left, right)

    async def main() -> Any:
        assert made.node is not None
        return await made.node.operation.run_node(Q.to_json_data_model(), A)

    assert asyncio.run(main()).get_json() == BOTH


def test_contains() -> None:
    both = Q + A
    for whole in (both, Query + Answer):
        assert "answer" in whole and "other" not in whole
        assert Q in whole and Query in whole and both in whole
    assert "query" in Query and "query" in Q and Answer not in Query
    with pytest.raises(ConfigurationError, match="takes a field's name or a data model"):
        assert 3 in Q


def test_methods_on_every_kind() -> None:
    for value in kinds(A):
        assert json_of(value.in_mask(mask=["answers"])) == {"answer": "a"}
        assert json_of(value.out_mask(pattern="^th")) == {"answer": "a"}
        assert json_of(value.prefix("x")) == {"x_thinking": "t", "x_answer": "a"}
        assert json_of(value.suffix("x")) == {"thinking_x": "t", "answer_x": "a"}
    for symbol in (Answer, Answer.to_symbolic_data_model()):
        assert fields(symbol.in_mask(mask=["answers"])) == ["answer"]
        assert fields(symbol.out_mask(["answer"])) == ["thinking"]
        assert fields(symbol.prefix("x")) == ["x_thinking", "x_answer"]
        assert fields(symbol.suffix("x")) == ["thinking_x", "answer_x"]
        assert fields((symbol + Answer).factorize()) == ["thinking", "answers"]
    assert json_of((A + A).factorize()) == {"thinking": ["t", "t"], "answers": ["a", "a"]}


def test_a_field_that_is_none_shifts_no_name() -> None:
    class Maybe(DataModel):
        query: str | None = None

    made = Maybe() + Q
    assert made.get_json() == {"query_1": "q"}
    assert list(made.get_schema()["properties"]) == ["query", "query_1"]


def test_results_are_named_after_their_operator_when_asked() -> None:
    clear_session()
    first, second, third = Q + A, Q + A, Query | Answer
    assert second.name == "concat" and first.name == "concat_1" and third.name == "or"
    assert Concat(name="mine").apply(Q, A).name == "mine"


def test_derived_schemas_are_made_once() -> None:
    assert (Q + A).get_schema() is (Q + A).get_schema()
    one, two = A.in_mask(mask=["answer"]), A.in_mask(mask=["answer"])
    assert one.get_schema() is two.get_schema() is not A.in_mask(mask=["thinking"]).get_schema()
    assert A.in_mask(mask=["answer"]).get_schema() != A.out_mask(mask=["answer"]).get_schema()


def test_operands_stay_as_they_were() -> None:
    q, a = Q.to_json_data_model(), A.to_json_data_model()
    before = schema_of(Query), q.get_json().copy(), a.get_json().copy()
    q + a, a.out_mask(["answer"]), a.prefix("x")
    assert (schema_of(Query), q.get_json(), a.get_json()) == before


@pytest.mark.parametrize("kind", list(OPERATOR_CLASSES))
def test_config_round_trip(kind: str) -> None:
    options: dict[str, Any] = {
        "Prefix": {"prefix": "x"},
        "Suffix": {"suffix": "x"},
        "InMask": {"mask": ["answer"], "pattern": "a", "recursive": False},
        "OutMask": {"mask": ["answer"], "pattern": "a", "recursive": False},
    }.get(kind, {})
    made = OPERATOR_CLASSES[kind](name="x", description="d", **options)
    assert type(made).from_config(made.get_config()).get_config() == {
        **options,
        "name": "x",
        "description": "d",
    }


def test_wrong_operands() -> None:
    with pytest.raises(ConfigurationError, match="And works on data models and None, got dict"):
        And().apply(Q, {"a": 1})
    with pytest.raises(TypeError):
        Q + {"a": 1}
    with pytest.raises(ConfigurationError, match="got the string 'answer'"):
        A.in_mask(mask="answer")
    with pytest.raises(ConfigurationError, match="a prefix is a word"):
        A.prefix("")


def test_types_beside_other_types_stay_types() -> None:
    assert int | Query == Query | int
    assert Or().apply(Q, None) is not None
