"""Tests of entities, relations and graphs, and of the questions whether a value is one."""

from __future__ import annotations

from typing import Literal

import pytest

import synalinks
from synalinks import backend


class City(synalinks.Entity):
    """A city."""

    label: Literal["City"] = synalinks.Field(default="City", description="The label")
    name: str = synalinks.Field(description="Its name")


class Capital(synalinks.Relation):
    """A city that rules a country."""

    subj: City = synalinks.Field(description="The city")
    label: Literal["CAPITAL_OF"] = "CAPITAL_OF"
    obj: synalinks.Entity = synalinks.Field(description="The country")


PARIS = City(name="Paris")
CAPITAL = Capital(subj=PARIS, obj=synalinks.Entity(label="France"))
GRAPH = synalinks.KnowledgeGraph(entities=[PARIS], relations=[CAPITAL])
VALUES = {
    "entity": PARIS,
    "embedded_entity": synalinks.EmbeddedEntity(label="City", embedding=[0.5]),
    "relation": CAPITAL,
    "entities": synalinks.Entities(entities=[PARIS]),
    "relations": synalinks.Relations(relations=[CAPITAL]),
    "knowledge_graph": GRAPH,
    "knowledge_graphs": synalinks.KnowledgeGraphs(knowledge_graphs=[GRAPH]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_is_of_its_kind_and_of_no_other_in_every_form(kind: str) -> None:
    value = VALUES[kind]
    also = {"embedded_entity": {"entity"}}.get(kind, set())
    forms = (value, type(value), value.to_json_data_model(), type(value).to_symbolic_data_model())
    for form in forms:
        found = {other for other in VALUES if getattr(backend, f"is_{other}")(form)}
        assert found == {kind, *also}


@pytest.mark.parametrize("value", [None, "City", {"label": "City"}, 3, synalinks.ChatMessage(role="user", content="x")])
def test_other_values_are_of_none(value: object) -> None:
    assert not any(getattr(backend, f"is_{kind}")(value) for kind in VALUES)


def test_a_graph_keeps_what_its_parts_added() -> None:
    json = GRAPH.get_json()
    assert json["entities"] == [{"label": "City", "name": "Paris"}]
    assert json["relations"][0]["obj"] == {"label": "France"}
    both = GRAPH + synalinks.Entities(entities=[PARIS])
    assert list(both.keys()) == ["entities", "relations", "entities_1"]
