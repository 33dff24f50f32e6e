"""Operator: the base of the operators of the data algebra, and schemas that are derived once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from synalinks._json import JsonObject
from synalinks.data.convert import as_operand
from synalinks.data.json_data_model import JsonDataModel
from synalinks.data.node import Node
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.session import auto_name

Pair = tuple[JsonObject, JsonObject]
Schema = JsonObject
Operands = Sequence[JsonDataModel | None]
Schemas = Sequence[Schema | None]

#: Schemas already made, by operator and by the identity of the schemas they were made from. The entry holds
#: these schemas, so their ids stay theirs.
_made: dict[tuple[object, ...], tuple[tuple[Schema, ...], Schema]] = {}
_MADE_SIZE = 1024  # entries; a program has some ten


def derived_once(key: object, make: Callable[..., Schema], *sources: Schema) -> Schema:
    """The schema that `make` derives from `sources`, derived once."""
    place = (key, *map(id, sources))
    found = _made.get(place)
    if found is None:
        if len(_made) >= _MADE_SIZE:
            _made.clear()
        found = _made[place] = (sources, make(*sources))
    return found[1]


class Operator(ABC):
    """One operator, ready to be applied; it is the operation of the nodes it makes.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> synalinks.data.Concat(name="pair").apply(question, answer).get_json()
        {'question': '2 + 2?', 'answer': 4}
    """

    #: Whether it makes of types what `typing.Union` makes of them.
    is_union: ClassVar[bool] = False

    def __init__(self, name: str | None = None, description: str | None = None) -> None:
        self._name = name
        self.description = description or (type(self).__doc__ or "").partition("\n")[0]

    @property
    def name(self) -> str:
        """The name given, or an automatic one after the class, made when it is first asked for."""
        if self._name is None:
            self._name = auto_name(type(self).__name__)
        return self._name

    def apply(self, *operands: Any) -> Any:
        """The result: a `JsonDataModel`, a `SymbolicDataModel` if any operand is symbolic, or None.

        Raises:
            ConfigurationError: an operand that is no data model.
        """
        values = [as_operand(operand, type(self).__name__) for operand in operands]
        for value in values:
            if isinstance(value, SymbolicDataModel):
                return self._record(values)
        made = self.compute(values)
        if made is None:
            return None
        result = JsonDataModel(made[0], made[1])
        result._name = self  # asked for its name when the result is asked for its own
        return result

    def _record(self, operands: list[Any]) -> Any:
        found = self.output_schema([None if item is None else item.get_schema() for item in operands])
        if found is None:
            return None
        output = SymbolicDataModel(schema=found)
        output._name = self
        return Node(self, operands, {}, output).outputs

    async def run_node(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the operator to the values of a node's parents."""
        return self.apply(*args, **kwargs)

    @abstractmethod
    def compute(self, operands: Operands) -> Pair | None:
        """Schema and value of the result; None if there is none."""

    @abstractmethod
    def output_schema(self, found: Schemas) -> Schema | None:
        """Schema of a symbolic result; None if the result is always None."""

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        return {"name": self.name, "description": self.description}

    @classmethod
    def from_config(cls, config: JsonObject) -> Operator:
        """The operator that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self._name!r}>"
