"""The table of the operators for every pair of kinds of value, and the masks and renamings for every kind."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from pydantic import BaseModel

import synalinks
from synalinks import ops
from synalinks.data import DataModel, JsonDataModel, SymbolicDataModel, Variable
from synalinks.errors import ConfigurationError


class Q(DataModel):
    question: str = "q"


class A(DataModel):
    answer: str = "a"


class PlainQ(BaseModel):
    question: str = "q"


class PlainA(BaseModel):
    answer: str = "a"


#: Makers of each kind of value of two classes, and whether it has a value.
KINDS: dict[str, tuple[Any, bool]] = {
    "class": (lambda cls, plain: cls, False),
    "instance": (lambda cls, plain: cls(), True),
    "json": (lambda cls, plain: cls().to_json_data_model(), True),
    "symbolic": (lambda cls, plain: cls.to_symbolic_data_model(), False),
    "variable": (lambda cls, plain: Variable(cls().get_json(), data_model=cls, name="v"), True),
    "pydantic": (lambda cls, plain: plain(), True),
    "pydantic class": (lambda cls, plain: plain, False),
}
PAIRS = [
    (one, two)
    for one, two in itertools.product(KINDS, KINDS)
    if not (one.startswith("pydantic") and two.startswith("pydantic"))
]
BOTH = ["question", "answer"]


def fields(value: Any) -> list[str] | None:
    return None if value is None else list(value.get_schema()["properties"])


@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_two_values(one: str, two: str) -> None:
    (make_q, real_q), (make_a, real_a) = KINDS[one], KINDS[two]
    q, a, real = make_q(Q, PlainQ), make_a(A, PlainA), real_q and real_a
    found = {"+": q + a, "&": q & a, "|": q | a, "^": q ^ a}
    if real:
        for name in "+&|":
            assert found[name].get_json() == {"question": "q", "answer": "a"}, name
        assert found["^"] is None
    else:
        assert fields(found["+"]) == BOTH and fields(found["&"]) == BOTH
        assert fields(found["|"]) == ["question"] and fields(found["^"]) == ["question"]
        assert all(isinstance(value, SymbolicDataModel) for value in found.values())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("pydantic")])
def test_a_value_and_none(kind: str) -> None:
    make, real = KINDS[kind]
    value = make(Q, PlainQ)
    for pair in ((value, None), (None, value)):
        with pytest.raises(ConfigurationError, match="needs both values"):
            pair[0] + pair[1]
        assert (pair[0] & pair[1]) is None
        for found in (pair[0] | pair[1], pair[0] ^ pair[1]):
            assert fields(found) == ["question"] and isinstance(found, JsonDataModel if real else SymbolicDataModel)
    assert (~value is None) if real else fields(~value) == ["question"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("pydantic")])
def test_masks_and_renamings(kind: str) -> None:
    make, real = KINDS[kind]
    value = make(Q, PlainQ)
    for found, wanted in (
        (value.prefix("my"), "my_question"),
        (value.suffix("x"), "question_x"),
        (value.in_mask(mask=["questions"]), "question"),
        (value.in_mask(pattern="^quest"), "question"),
        (value.out_mask(mask=["answer"]), "question"),
        (value.factorize(), "question"),
    ):
        assert fields(found) == [wanted]
        if real:
            assert found.get_json() == {wanted: "q"}
    assert fields((value + value).factorize()) == ["questions"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_operators_as_functions(kind: str) -> None:
    make, _ = KINDS[kind]
    value = make(Q, PlainQ)

    async def main() -> None:
        assert fields(await ops.prefix(value, prefix="my")) == ["my_question"]
        assert fields(await ops.concat(value, value)) == ["question", "question_1"]
        assert fields(await ops.in_mask(value, mask=["question"])) == ["question"]
        assert fields(await ops.logical_or(None, value)) == ["question"]

    asyncio.run(main())


def test_the_class_beside_none_is_a_type_of_a_field() -> None:
    class Holder(DataModel):
        held: Q | None = None  # type: ignore[valid-type]

    assert Holder(held=Q()).get_json() == {"held": {"question": "q"}} and Holder().get_json() == {}


def test_a_json_data_model_is_loaded_as_it_was_saved() -> None:
    """The reference writes `json` and reads `value`."""
    value = Q(question="x").to_json_data_model(name="asked")
    again = synalinks.saving.deserialize_synalinks_object(synalinks.saving.serialize_synalinks_object(value))
    assert (again.get_json(), again.get_schema(), again.name) == (value.get_json(), value.get_schema(), "asked")
