"""Objects of frozen dataclasses that are made quickly are those of frozen dataclasses."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from synalinks._base.records import quickly_made
from synalinks.lm.core.call import Call, Recorded
from synalinks.lm.core.reply import Reply
from synalinks.lm.ledger.entries import Entry


@quickly_made
@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0
    near: list[str] = field(default_factory=list, compare=False)
    note: str | None = field(default="-", init=False)


def test_it_takes_and_keeps_what_a_dataclass_does() -> None:
    point = Point(1, near=["a"])
    assert repr(point) == "Point(x=1, y=0, near=['a'], note='-')" and type(point) is Point
    assert point == Point(1) and point != Point(1, 2) and hash(point) == hash(Point(x=1, y=0))
    assert Point(1).near is not Point(1).near, "each has its own"
    assert replace(point, y=5) == Point(1, 5) and replace(point, y=5).near == ["a"]


def test_it_can_not_be_changed() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x  # type: ignore[misc]
    assert point == Point(1)


def test_wrong_arguments_are_refused_by_name() -> None:
    for wrong in ({}, {"x": 1, "note": "a"}, {"x": 1, "z": 2}):
        with pytest.raises(TypeError, match=r"Point\.__init__\(\)"):
            Point(**wrong)  # type: ignore[arg-type]


def test_copies_and_pickles_are_of_the_class() -> None:
    for twin in (copy.copy(Point(1, 2)), copy.deepcopy(Point(1, 2)), pickle.loads(pickle.dumps(Point(1, 2)))):
        assert twin == Point(1, 2) and type(twin) is Point


def test_an_object_of_a_subclass_is_of_it() -> None:
    class Named(Point):
        name = ""

    named = Named(1, near=["a"])
    named_as = object.__setattr__
    named_as(named, "name", "p")
    assert type(named) is Named and (named.x, named.near, named.name) == (1, ["a"], "p")


@pytest.mark.parametrize("cls", [Call, Entry, Recorded, Reply])
def test_the_signature_is_that_of_the_fields(cls: type) -> None:
    parameters = inspect.signature(cls).parameters
    taken = {one.name: one for one in fields(cls) if one.init}
    assert list(parameters) == list(taken)
