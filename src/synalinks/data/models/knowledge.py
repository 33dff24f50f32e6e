"""Facts as a graph: entities, relations between them, and lists of both."""

from __future__ import annotations

from synalinks.data.data_model import DataModel, Field
from synalinks.data.models.embedding import Embedding
from synalinks.data.operand import Operand, schema_of


class Entity(DataModel):
    """A thing with a label. A subclass narrows the label and adds fields.

    Example:
        >>> from typing import Literal
        >>> class City(synalinks.Entity):
        ...     label: Literal["City"] = synalinks.Field(description="The label")
        ...     name: str = synalinks.Field(description="The name of the city")
        >>> synalinks.is_entity(City(label="City", name="Paris"))
        True
    """

    label: str = Field(description="The kind of thing")


class EmbeddedEntity(Embedding, Entity):
    """An entity with its vector."""


class Relation(DataModel):
    """A labelled arrow from a subject to an object. A subclass narrows all three.

    Example:
        >>> relation = synalinks.Relation(subj={"label": "France"}, label="HAS_CAPITAL", obj={"label": "Paris"})
        >>> synalinks.is_relation(relation), synalinks.is_entity(relation)
        (True, False)
    """

    subj: Entity = Field(description="The subject")
    label: str = Field(description="The kind of relation")
    obj: Entity = Field(description="The object")


class Entities(DataModel):
    """Several entities."""

    entities: list[Entity] = Field(description="The entities")


class Relations(DataModel):
    """Several relations."""

    relations: list[Relation] = Field(description="The relations")


class KnowledgeGraph(DataModel):
    """Entities, and relations between them.

    Example:
        >>> graph = synalinks.KnowledgeGraph(entities=[synalinks.Entity(label="Paris")], relations=[])
        >>> synalinks.is_knowledge_graph(graph)
        True
    """

    entities: list[Entity] = Field(description="The entities")
    relations: list[Relation] = Field(description="The relations")


class KnowledgeGraphs(DataModel):
    """Several graphs."""

    knowledge_graphs: list[KnowledgeGraph] = Field(description="The graphs")


def _has(x: object, model: type[DataModel], but: tuple[str, ...] = ()) -> bool:
    """Whether `x` is a data model, of any kind, with fields of the names of `model`, and none of `but`.

    Names are compared, not definitions: each subclass narrows the fields of its own.
    """
    if not isinstance(x, Operand):
        return False
    fields = set(schema_of(x).get("properties", {}))
    return fields >= set(model.model_fields) and fields.isdisjoint(but)


def is_entity(x: object) -> bool:
    """Whether a value has a label and is no relation."""
    return _has(x, Entity, but=("subj", "obj"))


def is_embedded_entity(x: object) -> bool:
    """Whether a value is an entity that carries its vector."""
    return is_entity(x) and _has(x, EmbeddedEntity)


def is_relation(x: object) -> bool:
    """Whether a value has a subject, a label and an object."""
    return _has(x, Relation)


def is_entities(x: object) -> bool:
    """Whether a value has entities, and no relations."""
    return _has(x, Entities, but=("relations",))


def is_relations(x: object) -> bool:
    """Whether a value has relations, and no entities."""
    return _has(x, Relations, but=("entities",))


def is_knowledge_graph(x: object) -> bool:
    """Whether a value has entities and relations."""
    return _has(x, KnowledgeGraph)


def is_knowledge_graphs(x: object) -> bool:
    """Whether a value has a list of graphs."""
    return _has(x, KnowledgeGraphs)
