"""Form: what makes JSON a value in its normal form, by its schema and, where there is one, its class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

from pydantic import BaseModel, ValidationError, create_model

from synalinks import _json
from synalinks._json import JsonObject
from synalinks.data import tree
from synalinks.data.algebra.normal import has_one_spelling, normal_form
from synalinks.data.data_model import DataModel
from synalinks.data.json_data_model import JsonDataModel, value_of
from synalinks.data.model_json import in_words, is_model_class, name_read
from synalinks.data.operand import schema_of
from synalinks.errors import ConfigurationError

#: Schemas whose values have one spelling, or not, by their identity: most are shared by all values of a class.
_KNOWN: dict[int, tuple[Mapping[str, Any], bool]] = {}
MOST_KNOWN = 1000


def in_normal_form(value: Any) -> Any:
    """A structure with each `JsonDataModel` of it, which is made without being read, in the normal form of its schema.

    Example:
        >>> from synalinks.data import in_normal_form
        >>> schema = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}
        >>> in_normal_form(synalinks.JsonDataModel(schema=schema, json={"at": "2026-01-02T03:00:00+02:00"}))
        <JsonDataModel json={'at': '2026-01-02T01:00:00Z'}>
    """
    if isinstance(value, JsonDataModel):
        schema = value.get_schema()
        known = _KNOWN.get(id(schema))
        if known is None or known[0] is not schema:
            if len(_KNOWN) >= MOST_KNOWN:
                _KNOWN.clear()
            _KNOWN[id(schema)] = known = (schema, has_one_spelling(schema))
        if known[1]:
            return value
        return value.with_json(normal_form(value.get_json(), schema))
    return tree.map_structure(in_normal_form, value) if tree.is_nested(value) else value


class Form:
    """The form of the values of one schema: of a model's answers, of the inputs of a program.

    Example:
        >>> class Trip(synalinks.DataModel):
        ...     town: str
        ...     nights: int = 1
        ...
        >>> synalinks.data.Form(Trip.get_schema(), Trip).read({"town": "Oslo"})
        {'town': 'Oslo', 'nights': 1}

    Args:
        schema: what the values obey.
        model: the class that the schema is of, whose validators run; None where only the schema is known, as in a
            program that was loaded or unpickled.

    Raises:
        ConfigurationError: the schema is nested too deeply.
    """

    __slots__ = ("_model", "_one_spelling", "_plain", "schema")

    def __init__(self, schema: Mapping[str, Any], model: type[BaseModel] | None = None) -> None:
        if _json.is_deep(schema):
            raise ConfigurationError(f"not a schema of values: {_json.TOO_DEEP}")
        self.schema: JsonObject = schema if isinstance(schema, dict) else dict(schema)
        self._model = model
        self._one_spelling = has_one_spelling(schema)
        self._plain = None if model is None else _plain_fields(model, schema)

    @classmethod
    def given(cls, schema: Mapping[str, Any] | None, data_model: object) -> Self | None:
        """The form that a module is given as `schema=` or `data_model=`; None if it is given neither.

        Raises:
            ConfigurationError: `data_model` is no data model, or `schema` no schema.
        """
        if is_model_class(schema):  # the class of a data model in place of its schema
            schema, data_model = None, schema
        if data_model is None and schema is not None and not isinstance(schema, Mapping):
            raise ConfigurationError(f"schema={schema!r}: a JSON schema is a dict. Give data_model=, or such a schema")
        if data_model is None:
            return None if schema is None else cls(schema)
        return cls(schema_of(data_model), data_model if is_model_class(data_model) else None)

    def read(self, value: Any) -> Any:
        """A value that obeys the schema, in its normal form.

        Raises:
            ValueError: the class refuses it; the message says where and why.
        """
        if self._plain is not None and list(value) == self._plain:
            return value
        if self._model is not None:
            return _validated(self._model, value)
        return value if self._one_spelling else normal_form(value, self.schema)

    def read_part(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """A value of some of the fields, such as a target, in its normal form: by the class if it has all fields that
        the class needs, else by what the class says of each field.

        Args:
            value: an object that obeys `schema`.
            schema: that of the fields it has.

        Raises:
            ValueError: the class refuses it.
        """
        if self._model is None or not set(value) <= set(self.schema.get("properties", ())):
            return Form(schema).read(value)
        if set(self.schema.get("required", ())) <= set(value):
            found = _validated(self._model, value)
            return {name: item for name, item in found.items() if name in value}
        return _validated(_part_of(self._model, frozenset(value)), value)

    def made_by_class(self, value: Any) -> Any:
        """What the class makes of a value that may not obey the schema yet; None where only the schema is known.

        Raises:
            ValueError: the class refuses it.
        """
        return None if self._model is None else _validated(self._model, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # never changed

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.schema,))  # a pickle, as a saved file, has the schema only


def _validated(model: type[BaseModel], value: object) -> Any:
    try:
        return value_of(model.model_validate(value))
    except ValidationError as error:
        raise ValueError(in_words(error)) from error


@lru_cache(maxsize=64)
def _part_of(model: type[BaseModel], names: frozenset[str]) -> type[BaseModel]:
    """A class of some fields of a model, by their names in the schema; without its validators, which see all."""
    fields = {name: (field.annotation, field) for name, field in model.model_fields.items()}
    named = {name: field for name, field in fields.items() if name_read(name, field[1]) in names}
    made: type[BaseModel] = create_model(model.__name__, __base__=DataModel, **named)  # type: ignore[call-overload]
    return made


def _plain_fields(model: type[BaseModel], schema: Mapping[str, Any]) -> list[str] | None:
    """The fields of a class that gives each object under its schema back as it is, where they come in this order.

    None if the class may change or refuse an object: its fields are not all required texts and Booleans without
    constraints, or there is anything in pydantic's core schema (validators, serializers, settings, ...) beyond that.
    """
    core: Mapping[str, Any] = model.__pydantic_core_schema__
    fields: Mapping[str, Any] = core.get("schema", {}).get("fields", {})
    bases = model.__mro__[: model.__mro__.index(BaseModel)]
    own = {name for base in bases if base is not DataModel for name in vars(base)}
    if (
        {"get_json", "model_validate"} & own
        or _beyond(core, "cls", "schema", "config", "ref")
        or _beyond(core.get("config", {}), "title", "extra_fields_behavior")
        or _beyond(core["schema"], "fields", "model_name")
    ):
        return None
    for name, field in fields.items():
        kind = _PLAIN_KINDS.get(field["schema"]["type"])
        if kind is None or kind != schema.get("properties", {}).get(name, {}).get("type"):
            return None
        if _beyond(field, "schema") or _beyond(field["schema"]):
            return None
    return list(fields)


#: Types of pydantic's core schema that take a JSON value as it is, and the JSON schema's name for them.
_PLAIN_KINDS = {"str": "string", "bool": "boolean"}


def _beyond(core: Mapping[str, object], *known: str) -> bool:
    """Whether a part of a core schema says anything else than the words known."""
    return any(value and name not in ("type", "metadata", *known) for name, value in core.items())
