"""A typed record: the pydantic model that users write to say what goes in and what comes out."""

from __future__ import annotations

import warnings
from collections.abc import ItemsView, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, dataclass_transform

from pydantic import BaseModel, ConfigDict, Field
from pydantic._internal._model_construction import ModelMetaclass  # a metaclass needs its base by name

from synalinks import _json
from synalinks._base import html as _html
from synalinks._json import Json, JsonObject
from synalinks.data.algebra.values import copy_json
from synalinks.data.json_data_model import JsonDataModel
from synalinks.data.model_json import json_of_model, schema_of_model
from synalinks.data.operand import Operand, either
from synalinks.data.schema import no_attribute
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.errors import UnknownField


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class DataModelMeta(Operand, ModelMetaclass):
    """The type of `DataModel` classes; it gives the classes themselves the operators.

    `A + B`, `A | B`, `~A`, `"field" in A` work on classes and make symbolic values.
    """

    def __new__(mcs, name: str, bases: tuple[type[Any], ...], namespace: JsonObject, **kwargs: Any) -> DataModelMeta:
        """Make the class; a field called `items` or `values` does not inherit a method as default."""
        # The library's own models are built on first use, which makes the import faster.
        # A user's model is built at once, so a wrong annotation is shown where it stands.
        kwargs.setdefault("defer_build", namespace.get("__module__", "").startswith("synalinks."))
        shadowed = [
            field for field in namespace.get("__annotations__", ()) if field in _METHODS and field not in namespace
        ]
        if not shadowed:
            return super().__new__(mcs, name, bases, namespace, **kwargs)  # type: ignore[return-value]
        for field in shadowed:
            namespace[field] = Field()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Field name .* shadows an attribute")
            return super().__new__(mcs, name, bases, namespace, **kwargs)  # type: ignore[return-value]


#: Methods that a field of the same name would take for its default value.
_NAMES = """
factorize in_mask out_mask prefix suffix get keys values items get_schema get_json get_config from_config
to_json_data_model to_symbolic_data_model prettify_schema prettify_json
"""
_METHODS = frozenset(_NAMES.split())


class DataModel(Operand, BaseModel, metaclass=DataModelMeta):
    """A record with typed fields, described by a JSON schema. Unknown fields are refused.

    The class stands for a value to come: in an expression it makes symbolic values. An instance is a value.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int = synalinks.Field(description="The number")
        ...
        >>> Answer(answer=4).get_json()
        {'answer': 4}
        >>> Answer.get_schema()["properties"]["answer"]["description"]
        'The number'
    """

    model_config = ConfigDict(extra="forbid", ignored_types=(either,))

    @classmethod
    def _shared_schema(cls) -> JsonObject:
        return schema_of_model(cls)

    @classmethod
    def get_schema(cls) -> JsonObject:
        """The JSON schema, in a copy of its own that may be changed."""
        schema: JsonObject = copy_json(cls._shared_schema())
        return schema

    def get_json(self) -> JsonObject:
        """The value as plain JSON, by the names of the schema: aliases where there are some, no computed fields.

        Fields that are None are left out, and sets are sorted.
        """
        return json_of_model(self)

    def get(self, key: str, default: Json = None) -> Json:
        """A field's value, or `default`."""
        return self.__dict__.get(key, default)

    def __getitem__(self, key: str) -> Json:
        try:
            return self.__dict__[key]
        except KeyError:
            raise KeyError(f"no field {key!r} in {type(self).__name__}; there are {list(self.__dict__)}") from None

    if not TYPE_CHECKING:  # a type checker reports these attributes

        def __getattr__(self, name: str) -> Any:
            # Only for what is no attribute: mistakes, and private ones, which pydantic finds.
            try:
                return super().__getattr__(name)
            except AttributeError as error:
                if name.startswith("_"):
                    raise
                raise UnknownField(no_attribute(type(self).__name__, name, list(type(self).model_fields))) from error

    @classmethod
    def keys(cls) -> KeysView[str]:
        """The names of the fields."""
        fields: JsonObject = cls._shared_schema().get("properties", {})
        return fields.keys()

    def values(self) -> ValuesView[Json]:
        """The values of the fields that are not None, as plain JSON."""
        return self.get_json().values()

    def items(self) -> ItemsView[str, Json]:
        """Names and values of the fields that are not None, as plain JSON."""
        return self.get_json().items()

    def to_json_data_model(self, name: str | None = None) -> JsonDataModel:
        """This value as it flows between modules."""
        return JsonDataModel(schema_of_model(type(self)), self.get_json(), name=name)

    @classmethod
    def to_symbolic_data_model(cls, name: str | None = None) -> SymbolicDataModel:
        """A placeholder with this schema."""
        return SymbolicDataModel(schema=cls._shared_schema(), name=name)

    def get_config(self) -> JsonObject:
        """What `from_config` needs: the value."""
        return self.get_json()

    @classmethod
    def from_config(cls, config: JsonObject) -> DataModel:
        """The value that `get_config` described."""
        return cls(**config)

    @classmethod
    def prettify_schema(cls) -> str:
        """The schema as indented JSON."""
        return _json.pretty(cls._shared_schema())

    def prettify_json(self) -> str:
        """The value as indented JSON."""
        return _json.pretty(self.get_json())

    def _repr_html_(self) -> str:
        return _html.fields(type(self).__name__, self.get_json())


__all__ = ["DataModel", "DataModelMeta", "Field"]
