"""Initializer: a callable that makes the first value of a variable."""

from __future__ import annotations

from abc import ABC, abstractmethod

from synalinks._json import JsonObject
from synalinks.data import JsonDataModel, Variable, copy_json, is_data_model, schema_of, value_of
from synalinks.data.operand import is_operand
from synalinks.errors import ConfigurationError


class Initializer(ABC):
    """Something callable that makes a JSON value, with the schema of what it makes.

    A subclass implements `__call__`.

    Args:
        schema: the JSON schema.
        json: a value, for initializers that start from one.
        data_model: in the place of `schema`, a `DataModel` class; an instance gives `json` as well.

    Raises:
        ConfigurationError: neither a schema nor a data model was given.

    Example:
        >>> class Greeting(synalinks.initializers.Initializer):
        ...     def __call__(self):
        ...         return {"instructions": "Be kind."}
        ...
        >>> variable = synalinks.Variable(Greeting(data_model=synalinks.Instructions), name="state")
        >>> variable.get("instructions")
        'Be kind.'
    """

    def __init__(
        self,
        schema: JsonObject | None = None,
        json: JsonObject | None = None,
        data_model: object = None,
    ) -> None:
        if schema is None:
            if data_model is None or not is_operand(data_model):
                raise ConfigurationError(
                    f"{type(self).__name__} needs `data_model=` a DataModel, or `schema=` a JSON schema; "
                    f"got data_model={data_model!r}"
                )
            schema = schema_of(data_model)
        if json is None and (is_data_model(data_model) or isinstance(data_model, JsonDataModel | Variable)):
            json = value_of(data_model)
        self._schema = schema
        self._json = json

    @abstractmethod
    def __call__(self) -> JsonObject:
        """A new value, of which nothing is shared."""

    def get_schema(self) -> JsonObject:
        """The schema of what is made; shared, so not to be changed."""
        return self._schema

    def get_json(self) -> JsonObject:
        """A new value, the same as calling the initializer."""
        return self()

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        return {"schema": copy_json(self._schema), "json": copy_json(self._json)}

    def clone(self) -> Initializer:
        """Another initializer of the same settings."""
        return self.from_config(self.get_config())

    @classmethod
    def from_config(cls, config: JsonObject) -> Initializer:
        """The initializer that `get_config` described."""
        return cls(**config)
