"""One value in two spellings is one value, whichever way it gets to a program: as answer, target or input."""

from __future__ import annotations

import asyncio
import json
import pathlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Network, IPv6Address
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import (
    AnyUrl,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    HttpUrl,
    PlainSerializer,
    create_model,
)

import synalinks
from synalinks.data import JsonDataModel
from synalinks.data.form import Form
from synalinks.errors import DataError
from synalinks.testing import ScriptedProvider


class Size(IntEnum):
    small = 1
    large = 2


class Rate(Enum):
    half = 1.5
    full = 2


class Inner(synalinks.DataModel):
    note: str | None = None
    stars: int = 3
    paid: Decimal


Lower = Annotated[str, BeforeValidator(lambda text: text.lower() if isinstance(text, str) else text)]

#: Type of a field, JSON spellings of one value, and whether the schema alone says that they are one.
KINDS: dict[str, tuple[Any, list[Any], bool]] = {
    "instant": (datetime, ["2026-01-02T03:00:00+02:00", "2026-01-02T01:00:00Z", "2026-01-01T20:00:00.000-05:00"], True),
    "instants": (dict[str, datetime], [{"a": "2026-01-02T03:00+02:00"}, {"a": "2026-01-02T01:00:00+00:00"}], True),
    "hour": (time, ["14:00:00+02:00", "12:00:00Z", "12:00Z"], True),
    "day": (date, ["2026-01-02", "2026-01-02T00:00:00Z"], True),
    "lasting": (timedelta, ["PT24H", "P1D", "1 day, 00:00:00", "24:00:00"], True),
    "key": (UUID, ["a0eebc999c0b4ef8bb6d6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                   "urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], True),
    "address": (IPv6Address, ["2001:DB8::0", "2001:db8::", "2001:db8:0:0:0:0:0:0"], True),
    "network": (IPv4Network, ["10.0.0.0/8", "10.0.0.0/255.0.0.0"], True),
    "path": (pathlib.Path, ["a//b/./c", "a/b/c", "a/b/c/"], True),
    "url": (HttpUrl, ["HTTP://Example.com", "http://example.com:80/", "http://example.com/"], True),
    "any url": (AnyUrl, ["HTTPS://Example.com/a", "https://example.com:443/a"], True),
    "bytes": (Base64Bytes, ["YWJj", "YW\nJj\n"], True),
    "set": (set[str], [["b", "a", "b"], ["a", "b"], ["b", "a"]], True),
    "set of numbers": (frozenset[int], [[2, 1, 1], [1, 2.0]], True),
    "number of a list": (Rate, [2, 2.0], True),
    "whole number of a list": (Size, [1, 1.0], True),
    "literal": (Literal[1, 2], [1, 1.0], True),
    "zero": (float, [0, 0.0, -0.0], True),
    "large": (float, [1e22, 10**22], True),
    "either number": (int | float, [5, 5.0], True),
    "pair": (tuple[int, float], [[1, 2], [1.0, 2.0]], True),
    "price": (Decimal, [1.5, "1.50", "15E-1", "+1.5"], True),
    "prices": (list[Decimal], [[1, 2.5], ["1.0", "2.50"]], True),
    "keys": (dict[int, str], [{"1": "a"}, {"01": "a"}], False),
    "validated": (Lower, ["Paris", "paris"], False),
    "inner": (Inner, [{"note": None, "paid": 1}, {"stars": 3.0, "paid": "1.0"}], True),
}  # fmt: skip


def class_of(kind: str) -> type[synalinks.DataModel]:
    made: type[synalinks.DataModel] = create_model(
        "Value", __base__=synalinks.DataModel, value=(KINDS[kind][0], ...), other=(int, 0)
    )
    return made


class Question(synalinks.DataModel):
    question: str


@pytest.mark.parametrize("kind", KINDS)
def test_each_spelling_is_the_value_by_class_and_by_schema(kind: str) -> None:
    model, (_, spellings, by_schema) = class_of(kind), KINDS[kind]
    for known in (model, None) if by_schema else (model,):
        found = {json.dumps(Form(model.get_schema(), known).read({"value": one})) for one in spellings}
        assert found == {json.dumps(model(value=spellings[0]).get_json())}, known
    kept = model(value=spellings[0]).get_json()
    assert model.model_validate(kept).get_json() == kept


async def program_of(model: type[synalinks.DataModel], way: str) -> synalinks.Program:
    inputs = synalinks.Input(data_model=Question)
    make: Any = synalinks.ChainOfThought if way == "thought" else synalinks.Generator
    outputs = await make(data_model=model, language_model="ollama/m")(inputs)
    if way == "masked":
        outputs = await synalinks.OutMask(mask=["other"])(outputs)
    return synalinks.Program(inputs=inputs, outputs=outputs)


@pytest.mark.parametrize("way", ["whole", "masked", "thought"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_spelling_of_a_target_matches_each_of_an_answer(kind: str, way: str) -> None:
    model, spellings = class_of(kind), KINDS[kind][1]
    targets: list[Any] = [{"value": one} for one in spellings]
    if way == "whole":
        targets += [{"value": spellings[-1], "other": 0.0}, model(value=spellings[-1])]
        targets += [JsonDataModel(schema=model.get_schema(), json={"value": one}) for one in spellings]

    async def rewards() -> list[float]:
        program = await program_of(model, way)
        program.compile(reward=synalinks.rewards.ExactMatch(in_mask=["value"]))
        found = []
        for answer in spellings:
            text = json.dumps({"thinking": "", "value": answer} if way == "thought" else {"value": answer})
            with synalinks.use_provider(ScriptedProvider(lambda call, text=text: text)):
                found += [
                    (await program.evaluate([Question(question="?")], [target], verbose=0))["reward"]
                    for target in targets
                ]
        return found

    assert set(asyncio.run(rewards())) == {1.0}


@pytest.mark.parametrize("kind", KINDS)
def test_each_spelling_of_an_input_is_one_request(kind: str) -> None:
    model, (_, spellings, by_schema) = class_of(kind), KINDS[kind]
    seen: set[str] = set()

    def answer(call: Any) -> str:
        seen.add(call.request.digest)
        return '{"question": "?"}'

    async def run() -> None:
        generator = synalinks.Generator(data_model=Question, language_model="ollama/m")
        inputs = synalinks.Input(data_model=model)
        program = synalinks.Program(inputs=inputs, outputs=await generator(inputs))
        for one in spellings:
            value = JsonDataModel(schema=model.get_schema(), json={"value": one})
            for given in ({"value": one}, model(value=one), value, [value]):
                await program(given)
            if by_schema:
                await generator(value)

    with synalinks.use_provider(ScriptedProvider(answer)):
        asyncio.run(run())
    assert len(seen) == 1


def test_a_null_that_is_not_the_default_stays() -> None:
    class Stay(synalinks.DataModel):
        nights: int | None = 1
        note: str | None = None

    none, other = Stay(nights=None), Stay()
    assert none.get_json() == {"nights": None} and other.get_json() == {"nights": 1}
    for model in (Stay, None):
        for value in (none, other):
            assert Form(Stay.get_schema(), model).read(value.get_json()) == value.get_json()


def test_what_is_no_number_is_none() -> None:
    class Ratio(synalinks.DataModel):
        value: float | None = None

    spellings: list[Any] = [Ratio(value=float("nan")).get_json(), Ratio(value=None).get_json()]
    assert [*spellings, Form(Ratio.get_schema()).read({"value": float("inf")})] == [{}, {}, {}]


def test_serializers_of_a_class_run() -> None:
    class Part(BaseModel):
        raw: Base64Bytes

    class Whole(synalinks.DataModel):
        part: Part
        code: Annotated[int, PlainSerializer(lambda number: f"<{number}>", return_type=str)]

    assert Whole(part={"raw": "YWJj"}, code=4).get_json() == {"part": {"raw": "YWJj"}, "code": "<4>"}


def test_bytes_that_are_no_text_are_refused_with_a_way_out() -> None:
    class Raw(synalinks.DataModel):
        raw: bytes

    with pytest.raises(DataError, match="Raw holds bytes that are no text .*Base64Bytes"):
        Raw(raw=b"\xff").get_json()


def test_a_target_that_the_class_refuses_is_told_before_a_call() -> None:
    async def run() -> None:
        program = await program_of(class_of("price"), "whole")
        program.compile(reward="exact_match")
        with synalinks.use_provider(ScriptedProvider([])):
            await program.evaluate([Question(question="?")], [{"value": "much"}], verbose=0)

    with pytest.raises(DataError, match="not a target for Value: value: "):
        asyncio.run(run())
