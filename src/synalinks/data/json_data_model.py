"""A value that flows between modules: a JSON dict, and the schema it is meant to obey."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, ClassVar

from pydantic import BaseModel

from synalinks import _json
from synalinks._base import html as _html
from synalinks._json import Json, JsonObject
from synalinks._support.copying import Copyable
from synalinks.data import schema as schemas
from synalinks.data.algebra.values import copy_json
from synalinks.data.model_json import SCHEMA, json_of_model, schema_of_model
from synalinks.data.operand import Operand, is_operand, schema_of
from synalinks.data.schema import no_attribute
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.errors import ConfigurationError, UnknownField
from synalinks.session import auto_name


class JsonDataModel(Copyable, Operand):
    """A JSON dict with its schema; cheap to make, and not validated.

    It holds the dicts it was given, uncopied: schemas are shared and not to be changed. `update` replaces the
    value's dict and leaves the one that was given as it is. A value is always truthy; None is what an absent
    one looks like. Fields are attributes too, but for those called like a method; one that was None is None.

    Args:
        schema: the JSON schema.
        json: the value.
        data_model: instead of both, an instance of a `DataModel` (or any other value with a schema); or,
            beside `json`, a `DataModel` class in the place of `schema`.
        name: automatic if None.

    Raises:
        ConfigurationError: value or schema is missing, or not a dict.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> value = synalinks.JsonDataModel(data_model=Answer, json={"answer": 4})
        >>> value.get("answer"), value.answer
        (4, 4)
    """

    __slots__ = ("__weakref__", "_json", "_name", "_schema")
    shared_by_copies: ClassVar[tuple[str, ...]] = ("_schema",)

    def __init__(
        self,
        schema: JsonObject | None = None,
        json: JsonObject | None = None,
        data_model: object = None,
        name: str | None = None,
    ) -> None:
        # The hot path: two dicts, three assignments.
        if type(schema) is dict and type(json) is dict:
            self._schema = schema
            self._json = json
        else:
            self._schema, self._json = _schema_and_json(schema, json, data_model)
        self._name: Any = name

    @property
    def name(self) -> str:
        """The name given, or an automatic one, made when it is first asked for."""
        if type(self._name) is not str:  # not yet asked for: an operator lends its own name
            self._name = auto_name("json_data_model") if self._name is None else self._name.name
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    def get_schema(self) -> JsonObject:
        """The JSON schema; shared with other values, so not to be changed."""
        return self._schema

    def get_json(self) -> JsonObject:
        """The value itself, uncopied."""
        return self._json

    def _shared_schema(self) -> JsonObject:
        return self._schema

    def get(self, key: str, default: Json = None) -> Json:
        """The value of a field, or `default`."""
        return self._json.get(key, default)

    def __getitem__(self, key: str) -> Json:
        try:
            return self._json[key]
        except KeyError:
            raise _no_field(key, self._json, self._schema) from None

    def __getattr__(self, name: str) -> Json:
        # Only for what is no attribute of the class: fields, and mistakes.
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        if name in self._json:
            return self._json[name]
        fields = schemas.properties(self._schema)
        if name in fields:
            return None
        raise UnknownField(no_attribute(self._schema.get("title", "this value"), name, [*fields, *self._json]))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._json})

    def __iter__(self) -> Iterator[str]:
        return iter(self._json)

    def keys(self) -> KeysView[str]:
        """The names of the fields that have a value."""
        return self._json.keys()

    def values(self) -> ValuesView[Json]:
        """The fields' values."""
        return self._json.values()

    def items(self) -> ItemsView[str, Json]:
        """Names and values."""
        return self._json.items()

    def update(self, values: Mapping[str, Json]) -> None:
        """Set fields. Not validated; the dict this value was made from stays as it is."""
        self._json = {**self._json, **value_of(values)}

    def clone(self, name: str | None = None) -> JsonDataModel:
        """A copy whose value shares nothing with this one."""
        return JsonDataModel(
            schema=self._schema,
            json=copy_json(self._json),
            name=name or auto_name("clone_" + self.name),
        )

    def renamed(self, name: str) -> JsonDataModel:
        """The same value under another name; the value is shared, not copied."""
        return JsonDataModel(schema=self._schema, json=self._json, name=name)

    def with_json(self, json: JsonObject) -> JsonDataModel:
        """Another value of the same schema and name."""
        return JsonDataModel(schema=self._schema, json=json, name=self._name)

    def to_json_data_model(self, name: str | None = None) -> JsonDataModel:
        """This value, or the same under another name."""
        return self if name is None else self.renamed(name)

    def to_symbolic_data_model(self, name: str | None = None) -> SymbolicDataModel:
        """A placeholder with this schema."""
        return SymbolicDataModel(schema=self._schema, name=name)

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        return {"schema": copy_json(self._schema), "json": copy_json(self._json), "name": self.name}

    @classmethod
    def from_config(cls, config: JsonObject) -> JsonDataModel:
        """The value that `get_config` described."""
        return cls(**config)

    def prettify_schema(self) -> str:
        """The schema as indented JSON."""
        return _json.pretty(self._schema)

    def prettify_json(self) -> str:
        """The value as indented JSON."""
        return _json.pretty(self._json)

    def _repr_html_(self) -> str:
        return _html.fields(str(self._schema.get("title", "JsonDataModel")), self._json)

    def __repr__(self) -> str:
        return f"<JsonDataModel json={self._json!r}>"


def json_data_model_of(value: BaseModel) -> JsonDataModel:
    """The value and schema of a pydantic model, a `DataModel` among them."""
    json = value.get_json() if isinstance(value, Operand) else json_of_model(value)  # type: ignore[attr-defined]
    return JsonDataModel(type(value).__dict__.get(SCHEMA) or schema_of_model(type(value)), json)


def _no_field(key: object, json: Mapping[str, Json], schema: Mapping[str, Json]) -> UnknownField:
    """The error of a field that is missing, which says whether that is because it was None."""
    if key in schema.get("properties", ()):
        return UnknownField(f"{key!r} has no value here (fields that are None are left out); use .get({key!r})")
    return UnknownField(schemas.no_attribute(schema.get("title", "this value"), str(key), list(json)))


def value_of(value: object) -> JsonObject:
    """A dict, out of a dict or of any value that has one.

    Raises:
        ConfigurationError: a value without one.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, Operand) and not isinstance(value, type | SymbolicDataModel):
        found: JsonObject = value.get_json()  # type: ignore[attr-defined]
        return found
    if isinstance(value, BaseModel):
        return json_of_model(value)
    raise ConfigurationError(f"a JSON value is a dict or a data model, got {type(value).__name__}: {value!r}")


def _schema_and_json(schema: object, json: object, data_model: object) -> tuple[JsonObject, JsonObject]:
    """The two dicts of a value, however they were given."""
    source = data_model if schema is None else schema
    if source is None:
        raise ConfigurationError(
            "a JsonDataModel needs `schema=` and `json=`, or `data_model=` with an instance of a DataModel; "
            f"got schema={schema!r}, data_model={data_model!r}"
        )
    found = source if isinstance(source, dict) else schema_of(source)
    if json is not None:
        return found, value_of(json)
    if data_model is None or isinstance(data_model, type | SymbolicDataModel) or not is_operand(data_model):
        got = getattr(data_model, "__name__", None) or type(data_model).__name__
        raise ConfigurationError(
            f"a JsonDataModel needs a value: `json=` a dict, or `data_model=` an instance; got {got}, "
            f"which has a schema only. For a placeholder use SymbolicDataModel."
        )
    return found, value_of(data_model)
