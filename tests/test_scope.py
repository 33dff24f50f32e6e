"""Tests of places in a run."""

from __future__ import annotations

import asyncio

from synalinks import scope
from synalinks._concurrency import run_all


def test_fields_that_are_set_in_order() -> None:
    place = scope.Scope(epoch=0, phase="train", module="a/b")
    assert list(place.to_dict().items()) == [("epoch", 0), ("phase", "train"), ("module", "a/b")]
    assert str(place) == "epoch=1 phase=train module=a/b"
    assert str(scope.NOWHERE) == "outside any run"


def test_blocks_nest_and_give_back() -> None:
    with scope.enter(epoch=1, phase="train"):
        with scope.enter(sample=3, phase="reward") as inner:
            assert inner == scope.Scope(epoch=1, phase="reward", sample=3)
        assert scope.current() == scope.Scope(epoch=1, phase="train")
    assert scope.current() is scope.NOWHERE


def test_a_field_can_be_emptied() -> None:
    with scope.enter(step=1), scope.enter(step=None):
        assert scope.current().step is None


def test_modules_join_their_names() -> None:
    outer = scope.enter_module("agent")
    inner = scope.enter_module("generator")
    assert scope.current().module == "agent/generator"
    scope.leave(inner)
    assert scope.current().module == "agent"
    scope.leave(outer)
    assert scope.current() == scope.NOWHERE


def test_tasks_have_places_of_their_own() -> None:
    async def one(sample: int) -> int | None:
        with scope.enter(sample=sample):
            await asyncio.sleep(0)
            return scope.current().sample

    async def main() -> list[int | None]:
        return await run_all(one(i) for i in range(5))

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_places_have_an_order_with_none_first() -> None:
    places = [scope.Scope(epoch=1), scope.Scope(epoch=0, step=2), scope.Scope(epoch=0), scope.NOWHERE]
    assert sorted(places, key=lambda place: place.sort_key) == places[::-1]
