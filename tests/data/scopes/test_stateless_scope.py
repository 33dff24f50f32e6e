"""Tests of the scopes in which variables are not changed, and nothing is computed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Persona, Question, Speaker
from synalinks.errors import ConfigurationError


def persona(value: str = "kind") -> synalinks.Variable:
    return synalinks.Variable({"persona": value}, data_model=Persona, name="p")


def test_changes_end_with_the_block() -> None:
    variable = persona()
    before = variable.get_json()
    with synalinks.StatelessScope() as scope:
        variable.assign({**variable.get_json(), "persona": "stern"})
        variable.update({"nb_visit": 3})
        variable.get("examples").append({"inputs": {}, "outputs": {}})
        assert (variable["persona"], variable.get("nb_visit"), len(variable.get("examples"))) == ("stern", 3, 1)
        assert dict(variable.items())["nb_visit"] == 3 and variable.to_json_data_model().get("persona") == "stern"
    assert variable.get_json() is before and variable.get_json()["persona"] == "kind"
    assert variable.get("nb_visit") == 0 and variable.get("examples") == []
    value = scope.get_current_value(variable)
    assert value is not None and (value["persona"], value["nb_visit"]) == ("stern", 3)
    assert scope.state_mapping == [(variable, value)]


def test_a_mapping_gives_values_and_what_is_only_read_is_no_change() -> None:
    one, two = persona("one"), persona("two")
    with synalinks.StatelessScope(state_mapping=[(one, {"persona": "mapped"})]) as scope:
        assert (one.get("persona"), two.get("persona")) == ("mapped", "two")
    assert scope.get_current_value(two) is None
    assert one.get("persona") == "one"
    with pytest.raises(ConfigurationError, match="maps variables to values, got str"):
        synalinks.StatelessScope(state_mapping=[("p", {})])  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match="has no field 'persna'"):
        synalinks.StatelessScope(state_mapping=[(one, {"persna": ""})])


def test_an_inner_block_begins_with_the_values_of_the_outer() -> None:
    variable = persona()
    with synalinks.StatelessScope() as outer:
        variable.update({"persona": "outer"})
        with synalinks.StatelessScope() as inner:
            assert variable.get("persona") == "outer"
            variable.update({"persona": "inner"})
        assert variable.get("persona") == "outer"
    assert variable.get("persona") == "kind"
    assert outer.get_current_value(variable)["persona"] == "outer"  # type: ignore[index]
    assert inner.get_current_value(variable)["persona"] == "inner"  # type: ignore[index]


def test_variables_made_inside_get_their_first_value_when_the_outermost_block_ends() -> None:
    made: list[str] = []

    def first() -> dict[str, Any]:
        made.append("value")
        return {"persona": "made"}

    with synalinks.StatelessScope(), synalinks.StatelessScope():
        variable = synalinks.Variable(first, data_model=Persona, name="v")
        assert made == []
    assert made == ["value"] and variable.get("persona") == "made"
    with synalinks.StatelessScope(initialize_variables=False):
        later = synalinks.Variable(first, data_model=Persona, name="w")
    assert len(made) == 1
    assert later.get("persona") == "made" and len(made) == 2


def test_rewards_are_collected_where_the_block_was_opened_for_them() -> None:
    with synalinks.StatelessScope(collect_rewards=True) as scope:
        scope.add_reward(0.5)
    assert scope.rewards == [0.5]
    with pytest.raises(ConfigurationError, match="collect_rewards=True"):
        synalinks.StatelessScope().add_reward(1.0)


def test_what_a_module_builds_is_there_after_the_block() -> None:
    class Built(synalinks.Module):
        async def build(self, inputs: Any) -> None:
            self.state = self.add_variable(data_model=Persona, name="state")
            self.state.update({"persona": "built"})

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    module = Built()
    with synalinks.StatelessScope():
        asyncio.run(module(Question(question="hi")))
    assert module.state.get("persona") == "built"


def test_in_a_symbolic_scope_values_are_their_schemas() -> None:
    speaker = Speaker()
    with synalinks.SymbolicScope():
        out = asyncio.run(speaker(Question(question="hi")))
        assert asyncio.run(speaker(None)) is None
        program = asyncio.run(speaker([Question(question="hi"), Answer(answer=1)]))
    assert isinstance(out, synalinks.SymbolicDataModel) and isinstance(program, synalinks.SymbolicDataModel)
    assert asyncio.run(speaker(Question(question="hi"))).get_json() == {"answer": 8}
