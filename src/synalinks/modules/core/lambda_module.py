"""Lambda: a function as a module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synalinks._support.setting_of import FixedSetting
from synalinks.data import Form, JsonDataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.lm import schema_of
from synalinks.modules.core.module import Module
from synalinks.modules.core.operation import to_value
from synalinks.saving import serialize_synalinks_object


class Lambda(Module):
    """A function of one input, as a module. None in is None out, without a call of the function.

    A program is saved with the function's name, so a program to be saved has a function that is registered
    (`synalinks.saving.register_synalinks_serializable`) or defined at the top of `__main__`, and no `lambda`.

    Example:
        >>> class Query(synalinks.DataModel):
        ...     query: str
        >>> shout = synalinks.Lambda(lambda inputs: {"query": inputs["query"].upper()}, data_model=Query)
        >>> asyncio.run(shout(Query(query="hello"))).get_json()
        {'query': 'HELLO'}

    Args:
        function: sync or async; takes the input, and `training` if it has such a parameter; returns a dict, a data
            model or None.
        schema, data_model: what the result obeys. Without either the function returns data models, and it also runs on
            symbolic inputs, as one that is written with `+`, `in_mask` and the like does.
        name, description, trainable, hooks: as for any module.

    Raises:
        ConfigurationError: no function; at a call, a result of another kind or one that breaks the schema.
    """

    data_model = FixedSetting("named_arguments")

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        schema: Mapping[str, Any] | None = None,
        data_model: Any = None,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = False,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        if not callable(function):
            raise ConfigurationError(f"Lambda({function!r}): give a function, e.g. Lambda(lambda inputs: inputs)")
        self.function = function
        form = Form.given(schema, data_model)
        self._form = None if form is None else schema_of(form.schema)
        self._gets_training = _has_parameter(function, "training")
        self.built = True

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of what the function makes; None where none was given."""
        return None if self._form is None else self._form.value

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """What the function returns for one input, as a data model of the schema."""
        if inputs is None:
            return None
        result = self.function(inputs, training=training) if self._gets_training else self.function(inputs)
        if inspect.isawaitable(result):
            result = await result
        return result if result is None else self._as_data_model(result)

    def _as_data_model(self, result: object) -> JsonDataModel | SymbolicDataModel:
        if isinstance(result, SymbolicDataModel):
            return result
        result = to_value(result)
        if not isinstance(result, (JsonDataModel, dict)) or (isinstance(result, dict) and self.schema is None):
            hint = " or give Lambda the schema of the dict: data_model=..." if isinstance(result, dict) else ""
            raise ConfigurationError(
                f"{self.name}: the function returned {type(result).__name__} {result!r}; return a data model{hint}"
            )
        if self._form is None:
            return result  # type: ignore[return-value]  # a dict without a schema was refused
        value = result if isinstance(result, dict) else result.get_json()
        problem = self._form.problem(value)
        if problem is not None:
            raise ConfigurationError(f"{self.name}: what the function returned breaks the schema given: {problem}")
        return JsonDataModel(schema=self._form.value, json=value, name=self.name)

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        """A symbol of the schema; without one, what the function makes of symbols."""
        if self.schema is not None:
            return SymbolicDataModel(schema=self.schema)
        try:
            return await super().compute_output_spec(inputs, training=training)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{self.name}: the function can't be run on symbolic inputs; say what it returns: "
                f"Lambda(function, data_model=...). ({error.__cause__ or error})"
            ) from error

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the function by its name.

        Raises:
            ConfigurationError: a `lambda` or a local function, which no file can name.
        """
        try:
            function = serialize_synalinks_object(self.function)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.name} (Lambda) can't be saved: {error}") from error
        return {
            "function": function,
            "schema": self.schema,
            "name": self.name,
            "description": self.description,
            "trainable": self.trainable,
        }


def _has_parameter(function: Callable[..., Any], name: str) -> bool:
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):  # of C
        return False
