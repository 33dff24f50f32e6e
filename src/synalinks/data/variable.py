"""State that a module carries from call to call: a JSON value that may be changed in place."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, ClassVar

from pydantic import BaseModel

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks._support.copying import Copyable
from synalinks.data import schema as schemas
from synalinks.data.algebra.values import copy_json
from synalinks.data.json_data_model import JsonDataModel, _no_field, value_of
from synalinks.data.operand import Operand, is_operand, schema_of
from synalinks.data.scopes.name_scope import current_path
from synalinks.data.scopes.stateless_scope import stateless_scope
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.session import auto_name


class Variable(Copyable, Operand):
    """A named JSON value with a schema, that optimizers may rewrite if it is trainable.

    `get` hands out the value itself: appending to a list got from a variable changes the variable. What is
    *given* to a variable is copied, so that a later change of the original does not change the variable. In a
    `StatelessScope` all of this happens to a copy that ends with the scope.

    Args:
        initializer: the first value (a dict, or a data model), or something callable that makes it, such as
            an `Initializer`. Fields left out take the default that the schema gives them.
        data_model: the schema: a DataModel, or anything with a schema. A callable initializer that has a
            `get_schema` needs none.
        trainable: whether optimizers may change it.
        name: automatic if None.
        description: the schema's if None.

    Attributes:
        may_be_trained: whether it was made to be trainable: what freezing and unfreezing a module leaves alone.
        path: where the variable stands in its program, e.g. `generator/state_generator`: the names of open
            `name_scope` blocks, and its name.

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

    __slots__ = (
        "__weakref__",
        "_json",
        "_schema",
        "description",
        "initializer",
        "may_be_trained",
        "name",
        "path",
        "trainable",
    )
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
        scope = current_path()
        self.path = f"{scope}/{self.name}" if scope else self.name
        self.trainable = self.may_be_trained = trainable
        self.initializer = initializer
        self._schema = _schema_for(initializer, data_model, self.name)
        self.description = description or self._schema.get("description", "")
        self._json: JsonObject | None = None
        stateless = stateless_scope()
        if stateless is not None and self._makes:
            stateless.initialize_later(self)
        else:
            self.initialize()

    @property
    def _makes(self) -> bool:
        """Whether the initializer is to be called."""
        return callable(self.initializer) and not isinstance(self.initializer, Operand)

    def initialize(self) -> None:
        """Make the first value, unless there is one: a variable made in a `StatelessScope` has none until that ends."""
        if self._json is None:
            first = self.initializer() if self._makes else self.initializer  # type: ignore[operator]
            self._json = self._completed(self.accepted(first, "its initializer"))

    def stored_json(self) -> JsonObject:
        """The value of the variable itself, whatever a `StatelessScope` has for it."""
        if self._json is None:
            self.initialize()
        return self._json  # type: ignore[return-value]

    def _completed(self, value: JsonObject) -> JsonObject:
        """The value in the order of the schema, with defaults where fields were left out."""
        fields = schemas.properties(self._schema)
        whole = {
            name: value[name] if name in value else copy_json(definition["default"])
            for name, definition in fields.items()
            if name in value or definition.get("default") is not None
        }
        return {**whole, **value}

    def accepted(self, value: object, what: str) -> JsonObject:
        """A copy of a value that this variable can hold.

        Raises:
            ConfigurationError: no dict, or a field that the schema doesn't have; `what` says where it came from.
        """
        given = value_of(value)
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
        taken, scope = self.accepted(value, "assign()"), stateless_scope()
        if scope is None:
            self._json = taken
        else:
            scope.add_update((self, taken))

    def update(self, values: Mapping[str, Json] | Operand) -> None:
        """Replace some fields.

        Raises:
            ConfigurationError: a field that the schema doesn't have.
        """
        self.get_json().update(self.accepted(values, "update()"))

    def get_json(self) -> JsonObject:
        """The value itself, uncopied."""
        scope, value = stateless_scope(), self._json
        if scope is not None:
            return scope.value_of(self)
        return self.stored_json() if value is None else value

    def get_schema(self) -> JsonObject:
        """The JSON schema; shared with other values, so not to be changed."""
        return self._schema

    def _shared_schema(self) -> JsonObject:
        return self._schema

    def get(self, key: str, default: Json = None) -> Json:
        """The value of a field, uncopied, or `default`."""
        return self.get_json().get(key, default)

    def __getitem__(self, key: str) -> Json:
        value = self.get_json()
        try:
            return value[key]
        except KeyError:
            raise _no_field(key, value, self._schema) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.get_json())

    def keys(self) -> KeysView[str]:
        """The names of the fields that have a value."""
        return self.get_json().keys()

    def values(self) -> ValuesView[Json]:
        """The fields' values, uncopied."""
        return self.get_json().values()

    def items(self) -> ItemsView[str, Json]:
        """Names and values."""
        return self.get_json().items()

    def to_json_data_model(self, name: str | None = None) -> JsonDataModel:
        """What the variable holds now, in a copy."""
        return JsonDataModel(self._schema, copy_json(self.get_json()), name=name)

    def to_symbolic_data_model(self, name: str | None = None) -> SymbolicDataModel:
        """A placeholder with this schema."""
        return SymbolicDataModel(schema=self._schema, name=name)

    def prettify_schema(self) -> str:
        """The schema as indented JSON."""
        return _json.pretty(self._schema)

    def prettify_json(self) -> str:
        """The value as indented JSON."""
        return _json.pretty(self.get_json())

    def __repr__(self) -> str:
        return f"<Variable path={self.path!r} trainable={self.trainable} json={self.get_json()!r}>"


def _schema_for(initializer: object, data_model: object, name: str) -> JsonObject:
    if isinstance(data_model, dict):
        return data_model
    if data_model is not None and is_operand(data_model):
        return schema_of(data_model)
    if data_model is None and isinstance(initializer, Operand | BaseModel) and not isinstance(initializer, type):
        return schema_of(initializer)
    if data_model is None and hasattr(initializer, "get_schema"):
        found: JsonObject = initializer.get_schema()
        return found
    raise ConfigurationError(
        f"variable {name!r} needs a schema: give `data_model=` a DataModel class; got {data_model!r}"
    )
