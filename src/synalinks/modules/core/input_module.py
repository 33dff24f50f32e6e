"""Input: the symbolic value that a program starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synalinks._support.setting_of import FixedSetting
from synalinks.data import ChatMessages, Form, Node, SymbolicDataModel, check_trainable_defaults
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.modules.core.module import Module


class InputModule(Module):
    """The operation behind an input; its output is the program's input.

    Args:
        schema, input_data_model: the schema of the input; one of the two.
        optional: whether the input may be None; for programs that read it.

    Example:
        >>> schema = {"type": "object", "properties": {"query": {"type": "string"}}}
        >>> synalinks.modules.InputModule(schema=schema, name="question").output.name
        'question'
    """

    input_data_model = FixedSetting("named_arguments")

    def __init__(
        self,
        *,
        schema: Mapping[str, Any] | None = None,
        input_data_model: Any = None,
        optional: bool = False,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = False,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        description = description or "An input of the program."
        super().__init__(name=name or None, description=description, trainable=trainable, hooks=hooks)
        form = Form.given(schema, input_data_model)
        if form is None:
            raise ConfigurationError("Input(...) needs data_model= or schema=")
        if input_data_model is not None:
            check_trainable_defaults(input_data_model)
        self.form = form
        self.schema: Mapping[str, Any] = form.schema
        self.optional = optional
        self.built = True
        self._symbol = SymbolicDataModel(schema=form.schema, name=self.name)
        self.output_spec = self._symbol.to_symbolic_data_model()
        Node(self, (), {}, self._symbol)  # which the symbol's `node` is from now on

    async def call(self, inputs: Any = None, training: bool = False) -> Any:
        """The value, unchanged."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Schema and name."""
        return {"schema": dict(self.schema), "optional": self.optional, "name": self.name}


def Input(  # noqa: N802  a factory with the public name of a class
    schema: Mapping[str, object] | None = None,
    data_model: object = None,
    optional: bool = False,
    name: str | None = None,
) -> SymbolicDataModel:
    """A symbolic value that stands for an input of a program.

    Args:
        schema, data_model: the schema of the input; one of the two.
        optional: whether the input may be None.
        name: of the input; automatic where None.

    Raises:
        ConfigurationError: neither is given, or a `Trainable` field has no default.

    Example:
        >>> import synalinks
        >>> class Query(synalinks.DataModel):
        ...     query: str
        >>> list(synalinks.Input(data_model=Query).keys())
        ['query']
    """
    made: SymbolicDataModel = InputModule(
        schema=schema, input_data_model=data_model, optional=optional, name=name
    ).output
    return made


def ImageInput(optional: bool = False, name: str | None = None) -> SymbolicDataModel:  # noqa: N802
    """An input of chat messages that may hold images."""
    return Input(data_model=ChatMessages, optional=optional, name=name)


def AudioInput(optional: bool = False, name: str | None = None) -> SymbolicDataModel:  # noqa: N802
    """An input of chat messages that may hold audio."""
    return Input(data_model=ChatMessages, optional=optional, name=name)
