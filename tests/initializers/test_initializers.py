from __future__ import annotations

import importlib
from typing import Any

import pytest

import synalinks
from synalinks import initializers
from synalinks.data import DataModel, Field, Trainable
from synalinks.errors import ConfigurationError
from synalinks.initializers import Empty, Initializer


class Stats(DataModel):
    count: int = 0
    tags: list[str] = Field(default_factory=lambda: ["a"])
    note: str | None = None


class Needy(DataModel):
    tone: str
    style: str
    size: int = 1


class Two(Initializer):
    def __call__(self) -> dict[str, Any]:
        return {"count": 2}


def test_empty_makes_every_default_anew() -> None:
    make = Empty(data_model=Stats)
    assert make() == make.get_json() == {"count": 0, "tags": ["a"]}
    make()["tags"].append("b")
    assert make() == {"count": 0, "tags": ["a"]}
    assert make.get_schema() == Stats.get_schema()
    assert Empty(schema=Trainable.get_schema())() == Trainable().get_json()


def test_empty_names_the_fields_without_a_default() -> None:
    for options in ({"data_model": Needy}, {"schema": Needy.get_schema()}):
        with pytest.raises(ConfigurationError, match="an empty Needy can't be made: tone, style"):
            Empty(**options)  # type: ignore[arg-type]


def test_empty_of_a_value_copies_it() -> None:
    make = Empty(data_model=Needy(tone="a", style="b"))
    assert make() == {"tone": "a", "style": "b", "size": 1} and make() is not make()


def test_a_schema_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="Empty needs `data_model="):
        Empty()
    with pytest.raises(TypeError):
        Initializer(data_model=Stats)  # type: ignore[abstract]


def test_serialize_round_trip() -> None:
    made = initializers.deserialize(initializers.serialize(Empty(data_model=Trainable)))
    assert isinstance(made, Empty) and made() == Trainable().get_json()
    config = initializers.serialize(Two(data_model=Stats))
    assert initializers.deserialize(config, custom_objects={"Two": Two})() == {"count": 2}
    with pytest.raises(ConfigurationError, match="A file may name"):
        initializers.deserialize(config)


def test_get() -> None:
    make = Empty(data_model=Stats)
    assert initializers.get(None) is None and initializers.get(make) is make
    assert initializers.get("empty") is Empty
    assert initializers.get(dict) is dict
    assert isinstance(initializers.get(initializers.serialize(make)), Empty)
    with pytest.raises(ConfigurationError, match="no initializer is called 'full'"):
        initializers.get("full")


def test_the_name_in_lower_case_is_the_class() -> None:
    importlib.import_module("synalinks.initializers.empty")
    assert synalinks.initializers.empty is synalinks.initializers.Empty
    assert synalinks.initializers.get("empty") is synalinks.initializers.Empty
