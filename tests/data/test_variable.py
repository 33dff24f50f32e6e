from __future__ import annotations

from typing import Any

import pytest

from synalinks.data import DataModel, Field, Instructions, JsonDataModel, Trainable, Variable
from synalinks.errors import ConfigurationError
from synalinks.initializers import Empty
from synalinks.session import clear_session


class Persona(Trainable):
    """How to speak."""

    persona: str = Field(default="calm", description="Tone")


class Stats(DataModel):
    count: int = 0
    note: str | None = None


def variable(**options: Any) -> Variable:
    return Variable(initializer=Persona().get_json(), data_model=Persona, **options)


def test_reading() -> None:
    state = variable(name="persona")
    assert state.get("persona") == state["persona"] == "calm"
    assert list(state.keys()) == list(Persona.keys()) == list(state)
    assert dict(state.items()) == state.get_json() and len(list(state.values())) == 10
    assert state.get_schema() == Persona.get_schema()
    assert (state.name, state.path, state.trainable, state.description) == (
        "persona",
        "persona",
        True,
        "How to speak.",
    )
    assert "persona" in state and Trainable in state
    with pytest.raises(KeyError, match="Persona has no field or attribute 'x'"):
        state["x"]


def test_a_list_got_from_it_is_its_own() -> None:
    state = variable()
    state.get("current_predictions").append({"inputs": {}, "outputs": {}, "reward": None})
    assert len(state.get("current_predictions")) == 1


def test_what_is_given_is_copied() -> None:
    first = Persona().get_json()
    state = Variable(initializer=first, data_model=Persona)
    first["examples"].append(1)
    assert state.get("examples") == []
    given: dict[str, Any] = {"history": [1]}
    state.update(given)
    given["history"].append(2)
    assert state.get("history") == [1] and state.get("persona") == "calm"
    whole = {"persona": "loud", "examples": [{"a": 1}]}
    state.assign(whole)
    whole["examples"][0]["a"] = 2  # type: ignore[index]
    assert state.get_json() == {"persona": "loud", "examples": [{"a": 1}]}


def test_data_models_are_stored_as_plain_json() -> None:
    state = variable()
    state.assign(Persona(persona="x"))
    assert type(state.get_json()) is dict and state.get("persona") == "x"
    state.assign(Persona(persona="y").to_json_data_model())
    assert type(state.get_json()) is dict and state.get("persona") == "y"
    state.update(Persona(persona="z"))
    assert state.get("persona") == "z"


def test_a_wrong_key_is_refused_with_the_nearest_field() -> None:
    state = variable(name="p")
    with pytest.raises(ConfigurationError, match=r"'p' has no field 'personna' \(in update.*'persona'"):
        state.update({"personna": "x"})
    with pytest.raises(ConfigurationError, match=r"\(in assign"):
        state.assign({"other": "x"})
    with pytest.raises(ConfigurationError, match=r"\(in its initializer"):
        Variable(initializer={"other": 1}, data_model=Persona)
    with pytest.raises(ConfigurationError, match="a JSON value is a dict"):
        state.assign(3)  # type: ignore[arg-type]
    assert state.get_json() == Persona().get_json()


def test_fields_left_out_take_their_defaults() -> None:
    state = Variable(initializer={"persona": "x"}, data_model=Persona)
    assert state.get_json() == Persona(persona="x").get_json()
    state.get("examples").append(1)
    assert Persona.get_schema()["properties"]["examples"]["default"] == []


def test_initializers() -> None:
    assert Variable(initializer=Empty(data_model=Persona)).get_json() == Persona().get_json()
    assert Variable(initializer=Persona(persona="x")).get("persona") == "x"
    assert Variable(initializer=lambda: {"count": 2}, data_model=Stats).get_json() == {"count": 2}
    assert Variable(initializer={"count": 2}, data_model=Stats.get_schema()).get("count") == 2
    with pytest.raises(ConfigurationError, match="needs a schema"):
        Variable(initializer={"count": 2})


def test_names() -> None:
    clear_session()
    assert variable().name == "variable" and variable().name == "variable_1"
    with pytest.raises(ConfigurationError, match="can't hold a '/'"):
        variable(name="a/b")


def test_a_snapshot_shares_nothing() -> None:
    state = variable()
    taken = state.to_json_data_model()
    assert isinstance(taken, JsonDataModel)
    state.get("examples").append(1)
    assert taken.get("examples") == []
    assert state.to_symbolic_data_model().get_schema() == Persona.get_schema()


def test_instructions_can_be_declared_empty() -> None:
    assert Variable(initializer=Empty(data_model=Instructions)).get("instructions") is None
