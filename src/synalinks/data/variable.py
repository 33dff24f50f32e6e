"""State that a module carries from call to call: a JSON value that may be changed in place."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, ClassVar

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks._support.copying import Copyable
from synalinks.data import schema as schemas
from synalinks.data.algebra.values import copy_json
from synalinks.data.json_data_model import JsonDataModel, _no_field, _plain
from synalinks.data.operand import Operand, schema_of
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.session import auto_name


class Variable(Copyable, Operand):
    """A named JSON value with a schema, that optimizers may rewrite if it is trainable.

    `get` hands out the value itself: appending to a list got from a variable changes the variable. What is
    *given* to a variable is copied, so that a later change of the original does not change the variable.

    Args:
        initializer: the first value (a dict, or a data model), or something callable that makes it, such as
            an `Initializer`. Fields left out take the default that the schema gives them.
        data_model: the schema: a DataModel, or anything with a schema. A callable initializer that has a
            `get_schema` needs none.
        trainable: whether optimizers may change it.
        name: automatic if None.
        description: the schema's if None.

    Attributes:
        path: where the variable stands in its program, e.g. `generator/state_generator`.

    Raises:
        ConfigurationError: no schema, a `/` in the name, or a field that the schema doesn't have.

    Example:
        >>> class Plan(synalinks.Trainable):
        ...     steps: list[str] = []
        ...
        >>> plan = synalinks.Variable({"steps": ["read"]}, data_model=Plan, name="plan")
        >>> plan.get("steps").append("answer")
        >>> plan.get("steps")
        ['read', 'answer']
    """

    __slots__ = ("__weakref__", "_json", "_schema", "description", "initializer", "name", "path", "trainable")
    shared_by_copies: ClassVar[tuple[str, ...]] = ("_schema",)

    def __init__(
        self,
        initializer: Callable[[], Any] | Mapping[str, Json] | Operand,
        data_model: object = None,
        trainable: bool = True,
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        self.name = name or auto_name("variable")
        if "/" in self.name:
            raise ConfigurationError(f"a variable's name can't hold a '/', which separates paths; got {name!r}")
        self.path = self.name
        self.trainable = trainable
        self.initializer = initializer
        makes = callable(initializer) and not isinstance(initializer, Operand)
        self._schema = _schema_for(initializer, data_model, self.name)
        self.description = description or self._schema.get("description", "")
        self._json: JsonObject = {}
        first = initializer() if makes else initializer  # type: ignore[operator]
        self._json = self._completed(self._taken(first, "its initializer"))

    def _completed(self, value: JsonObject) -> JsonObject:
        """The value in the order of the schema, with defaults where fields were left out."""
        fields = schemas.properties(self._schema)
        whole = {
            name: value[name] if name in value else copy_json(definition["default"])
            for name, definition in fields.items()
            if name in value or definition.get("default") is not None
        }
        return {**whole, **value}

    def _taken(self, value: object, what: str) -> JsonObject:
        """A copy of a value that this variable can hold."""
        given = _plain(value)
        fields = schemas.properties(self._schema)
        for key in given:
            if key not in fields and fields:
                near = schemas.nearest_name(str(key), list(fields))
                hint = f"did you mean {near!r}? " if near else ""
                raise ConfigurationError(
                    f"variable {self.path!r} has no field {key!r} (in {what}); {hint}Its fields are {list(fields)}"
                )
        copied: JsonObject = copy_json(given)
        return copied

    def assign(self, value: Mapping[str, Json] | Operand) -> None:
        """Replace the whole value.

        Raises:
            ConfigurationError: the value has a field that the schema doesn't have, or is no dict.
        """
        self._json = self._taken(value, "assign()")

    def update(self, values: Mapping[str, Json] | Operand) -> None:
        """Replace some fields.

        Raises:
            ConfigurationError: a field that the schema doesn't have.
        """
        self._json.update(self._taken(values, "update()"))

    def get_json(self) -> JsonObject:
        """The value itself, uncopied."""
        return self._json

    def get_schema(self) -> JsonObject:
        """The JSON schema; shared with other values, so not to be changed."""
        return self._schema

    def _shared_schema(self) -> JsonObject:
        return self._schema

    def get(self, key: str, default: Json = None) -> Json:
        """The value of a field, uncopied, or `default`."""
        return self._json.get(key, default)

    def __getitem__(self, key: str) -> Json:
        try:
            return self._json[key]
        except KeyError:
            _no_field(key, self._json, self._schema)

    def __iter__(self) -> Iterator[str]:
        return iter(self._json)

    def keys(self) -> KeysView[str]:
        """The names of the fields that have a value."""
        return self._json.keys()

    def values(self) -> ValuesView[Json]:
        """The fields' values, uncopied."""
        return self._json.values()

    def items(self) -> ItemsView[str, Json]:
        """Names and values."""
        return self._json.items()

    def to_json_data_model(self, name: str | None = None) -> JsonDataModel:
        """What the variable holds now, in a copy."""
        return JsonDataModel(self._schema, copy_json(self._json), name=name)

    def to_symbolic_data_model(self, name: str | None = None) -> SymbolicDataModel:
        """A placeholder with this schema."""
        return SymbolicDataModel(schema=self._schema, name=name)

    def prettify_schema(self) -> str:
        """The schema as indented JSON."""
        return _json.pretty(self._schema)

    def prettify_json(self) -> str:
        """The value as indented JSON."""
        return _json.pretty(self._json)

    def __repr__(self) -> str:
        return f"<Variable path={self.path!r} trainable={self.trainable} json={self._json!r}>"


def _schema_for(initializer: object, data_model: object, name: str) -> JsonObject:
    if isinstance(data_model, Operand):
        return schema_of(data_model)
    if isinstance(data_model, dict):
        return data_model
    if data_model is None and isinstance(initializer, Operand) and not isinstance(initializer, type):
        return schema_of(initializer)
    if data_model is None and hasattr(initializer, "get_schema"):
        found: JsonObject = initializer.get_schema()
        return found
    raise ConfigurationError(
        f"variable {name!r} needs a schema: give `data_model=` a DataModel class; got {data_model!r}"
    )
