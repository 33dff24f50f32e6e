"""A value that is not there yet: a schema, a name, and the node that will make it."""

from __future__ import annotations

from collections.abc import KeysView
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Union

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from synalinks import _json
from synalinks._json import JsonObject
from synalinks._support.copying import Copyable
from synalinks.data.algebra.values import copy_json
from synalinks.data.operand import Operand, is_operand, schema_of
from synalinks.data.operation import Application
from synalinks.data.schema import no_attribute
from synalinks.errors import ConfigurationError, UnknownField
from synalinks.session import auto_name


class SymbolicDataModel(Copyable, Operand):
    """A placeholder in a graph: it has a schema, and no value.

    Attributes:
        node: the `Node` that makes it, or None.
        node_output_index: its place among that node's flattened outputs.
        record_history: whether a node that makes it is remembered.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> symbol = synalinks.SymbolicDataModel(data_model=Answer)
        >>> list((symbol + Answer).get_schema()["properties"])
        ['answer', 'answer_1']
    """

    __slots__ = ("__weakref__", "_name", "_origin", "_schema", "node", "node_output_index", "record_history")
    shared_by_copies: ClassVar[tuple[str, ...]] = ("_schema",)

    def __init__(
        self,
        data_model: object = None,
        schema: JsonObject | None = None,
        record_history: bool = True,
        name: str | None = None,
    ) -> None:
        if schema is None:
            if data_model is None or not is_operand(data_model):
                raise ConfigurationError(
                    "a SymbolicDataModel needs a schema: give `schema=` a JSON schema (a dict) or "
                    f"`data_model=` a DataModel; got data_model={data_model!r}"
                )
            schema = schema_of(data_model)
        elif not isinstance(schema, dict):
            if not is_operand(schema):
                raise ConfigurationError(f"a schema is a dict, got {type(schema).__name__}: {schema!r}")
            schema = schema_of(schema)
        self._schema = schema
        self._name: Any = name
        self._origin = data_model if isinstance(data_model, type) else None
        self.record_history = record_history
        self.node: Application | None = None
        self.node_output_index = 0

    @property
    def name(self) -> str:
        """The name given, or an automatic one, made when it is first asked for."""
        if type(self._name) is not str:  # not yet asked for: an operator lends its own name
            self._name = auto_name("symbolic_data_model") if self._name is None else self._name.name
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    def get_schema(self) -> JsonObject:
        """The JSON schema; shared with other values, so not to be changed."""
        return self._schema

    def _shared_schema(self) -> JsonObject:
        return self._schema

    def keys(self) -> KeysView[str]:
        """The names of the fields."""
        fields: JsonObject = self._schema.get("properties", {})
        return fields.keys()

    def clone(self, name: str | None = None) -> SymbolicDataModel:
        """Another placeholder for the same output of the same node."""
        other = SymbolicDataModel(
            schema=self._schema,
            record_history=self.record_history,
            name=name or auto_name("clone_" + self.name),
        )
        other.node = self.node
        other.node_output_index = self.node_output_index
        return other

    def to_symbolic_data_model(self, name: str | None = None) -> SymbolicDataModel:
        """A placeholder with this schema and no history."""
        return SymbolicDataModel(schema=self._schema, name=name)

    def get_config(self) -> JsonObject:
        """What `from_config` needs; the history is not part of it."""
        return {"schema": copy_json(self._schema), "name": self.name}

    @classmethod
    def from_config(cls, config: JsonObject) -> SymbolicDataModel:
        """The placeholder that `get_config` described."""
        return cls(**config)

    def _no_value(self) -> NoReturn:
        raise ConfigurationError(self._why_no_value())

    def _why_no_value(self) -> str:
        return (
            f"{self.name!r} is symbolic: it stands for a value that a program will compute, so it has a "
            "schema (`get_schema()`, `keys()`) and no value yet. Build a Program from its inputs to its "
            "outputs and call that with real data; inside a module, read values in `call`, not in `build` or "
            "`compute_output_spec`."
        )

    def get_json(self) -> NoReturn:
        """Refused: there is no value."""
        self._no_value()

    def get(self, key: str, default: object = None) -> NoReturn:
        """Refused: there is no value."""
        self._no_value()

    def __getitem__(self, key: str) -> NoReturn:
        self._no_value()

    if not TYPE_CHECKING:  # a type checker reports these attributes

        def __getattr__(self, name: str) -> NoReturn:
            # Only for what is no attribute of the class: fields, which have no value yet, and mistakes.
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
            fields = list(self.keys())
            if name not in fields:
                raise UnknownField(no_attribute(self._schema.get("title", "this symbol"), name, fields))
            raise AttributeError(self._why_no_value())

    def values(self) -> NoReturn:
        """Refused: there is no value."""
        self._no_value()

    def items(self) -> NoReturn:
        """Refused: there is no value."""
        self._no_value()

    def update(self, values: object) -> NoReturn:
        """Refused: there is no value."""
        self._no_value()

    def prettify_schema(self) -> str:
        """The schema as indented JSON."""
        return _json.pretty(self._schema)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let `Answer | None` annotate a field, though `|` between classes is an expression here."""
        return handler(Union[tuple(self._alternatives())])  # noqa: UP007  `|` would make an expression again

    def _alternatives(self) -> list[Any]:
        """The types of which this is the union, if it came from `|` between DataModel classes."""
        if self._origin is not None:
            return [self._origin]
        if self.node is None or not getattr(self.node.operation, "is_union", False):
            raise ConfigurationError(
                f"{self!r} is a symbolic value, not a type; annotate a field with a DataModel class"
            )
        types: list[Any] = []
        arguments: tuple[Any, ...] = self.node.args
        for arg in arguments:
            types.extend([type(None)] if arg is None else arg._alternatives())
        return types

    def __repr__(self) -> str:
        return f"<SymbolicDataModel fields={list(self.keys())}>"
