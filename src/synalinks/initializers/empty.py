"""Empty: the initializer that fills every field with its default."""

from __future__ import annotations

from synalinks._json import JsonObject
from synalinks.data import copy_json, is_meta_class, value_of
from synalinks.data.schema import properties
from synalinks.errors import ConfigurationError
from synalinks.initializers.initializer import Initializer


class Empty(Initializer):
    """A value in which every field has its default (or, if one was given, a copy of that value).

    Raises:
        ConfigurationError: a field has no default; they are named.

    Example:
        >>> class Plan(synalinks.Trainable):
        ...     steps: list[str] = ["read"]
        ...
        >>> synalinks.initializers.Empty(data_model=Plan)()["steps"]
        ['read']
    """

    def __init__(
        self,
        schema: JsonObject | None = None,
        json: JsonObject | None = None,
        data_model: object = None,
    ) -> None:
        super().__init__(schema=schema, json=json, data_model=data_model)
        if self._json is None:
            required = self._schema.get("required", ())
            without = [name for name in properties(self._schema) if name in required]
            if without:
                title = self._schema.get("title", "the schema")
                raise ConfigurationError(
                    f"an empty {title} can't be made: {', '.join(without)} has no default. Give each field "
                    f"one (`synalinks.Field(default=...)`), or give the variable a first value."
                )
        # A class may make its defaults with a factory, which its schema doesn't show.
        self._model = data_model if is_meta_class(data_model) else None

    def __call__(self) -> JsonObject:
        """A new value, of which nothing is shared."""
        if self._json is not None:
            given: JsonObject = copy_json(self._json)
            return given
        if self._model is not None:
            return value_of(self._model())
        return {
            name: copy_json(definition["default"])
            for name, definition in properties(self._schema).items()
            if definition.get("default") is not None
        }
