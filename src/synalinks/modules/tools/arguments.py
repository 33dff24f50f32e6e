"""The arguments of a function as a JSON schema, and JSON as arguments: from signature, type hints and docstring."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.fields import FieldInfo

from synalinks import _json
from synalinks._json import JsonObject
from synalinks.data.model_json import SchemaGenerator, in_words
from synalinks.errors import ConfigurationError, DataError
from synalinks.modules.tools.results import title_of

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
#: Names that calls of modules use for themselves.
_TAKEN = ("training",)


class Signature:
    """What a function takes and gives, as a model that fills in its arguments is shown it.

    Args:
        fn: a function, sync or async; each parameter has a type hint and a description in the docstring, or in
            `Annotated[..., Field(description=...)]`.
        name: for messages and as the title of the schema.

    Attributes:
        summary: the first lines of the docstring. details: what follows them, without the parameters.
        schema: the JSON schema of the arguments. names: theirs, in order.
        returns: the type hint of the result, or None.

    Raises:
        ConfigurationError: there is no docstring, or a parameter without type hint or description, or one that has no
            name to be given by.
    """

    def __init__(self, fn: Callable[..., object], name: str) -> None:
        import docstring_parser  # used where there are tools

        parsed = docstring_parser.parse(inspect.getdoc(_plain(fn)) or "")
        self.summary = " ".join((parsed.short_description or "").split())
        self.details = parsed.long_description or ""
        if not self.summary:
            raise ConfigurationError(
                f"the tool {name!r} has no docstring; a model reads there what the tool is for. Begin the function "
                'with """What it does.""" and describe each parameter under "Args:"'
            )
        hints = _hints(fn, name)
        described = {one.arg_name: " ".join((one.description or "").split()) for one in parsed.params}
        parameters = inspect.signature(fn).parameters
        self.names = list(parameters)
        self.returns = hints.get("return")
        self._model = _model_of(name, parameters, hints, described)
        self.schema = _schema_of(self._model, name)

    def read(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """The values to call the function with, of the types that its hints name.

        Raises:
            DataError: arguments that are missing, unknown or of another type; the message says where.
        """
        try:
            found = self._model.model_validate(arguments)
        except ValidationError as error:
            raise DataError(in_words(error)) from error
        fields = self._model.model_fields
        return {fields[name].alias or name: getattr(found, name) for name in fields if name in found.model_fields_set}


def _plain(fn: Callable[..., object]) -> Callable[..., object]:
    """The function in a partial, and the call of an object that has one."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return fn if inspect.isroutine(fn) else type(fn).__call__


def _hints(fn: Callable[..., object], name: str) -> dict[str, object]:
    try:
        return typing.get_type_hints(_plain(fn), include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"the tool {name!r}: a type hint names {error.name!r}, which is not defined at the top of its module"
        ) from error


def _model_of(
    name: str,
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, object],
    described: Mapping[str, str],
) -> type[BaseModel]:
    """A model with a field for each parameter; the fields have names of their own, so that none is refused."""
    fields: dict[str, Any] = {}
    for index, (parameter, found) in enumerate(parameters.items()):
        hint = hints.get(parameter)
        _check(name, found, hint, described.get(parameter))
        more: dict[str, Any] = {"alias": parameter, "title": title_of(parameter)}
        if text := described.get(parameter):
            more["description"] = text
        fields[f"argument_{index}"] = (hint, Field(**_default(found.default), **more))
    try:
        made: type[BaseModel] = create_model(
            "Arguments", __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields
        )
    except PydanticUserError as error:
        raise ConfigurationError(f"the tool {name!r}: {str(error).splitlines()[0]}") from error
    return made


def _check(name: str, parameter: inspect.Parameter, hint: object, description: str | None) -> None:
    where = f"the tool {name!r}: its parameter {parameter.name!r}"
    if parameter.kind not in _NAMED:
        raise ConfigurationError(f"{where} has no name to be given by; a model gives every argument by name")
    if parameter.name in _TAKEN:
        raise ConfigurationError(f"{where} has a name that every module's call uses for itself; call it otherwise")
    if hint is None:
        raise ConfigurationError(f"{where} has no type hint; write e.g. {parameter.name}: str")
    noted = typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()
    if not description and not any(isinstance(one, FieldInfo) and one.description for one in noted):
        raise ConfigurationError(
            f"{where} is not described in the docstring; write a line '{parameter.name}: ...' under \"Args:\""
        )


def _default(value: object) -> dict[str, Any]:
    if value is inspect.Parameter.empty:
        return {}
    try:
        _json.dumps(value)
    except (TypeError, ValueError):
        return {"default_factory": lambda: value}  # not JSON, so not in the schema
    return {"default": value}


def _schema_of(model: type[BaseModel], name: str) -> JsonObject:
    try:
        found = model.model_json_schema(schema_generator=SchemaGenerator)
    except PydanticUserError as error:
        raise ConfigurationError(
            f"the tool {name!r} has a parameter that JSON has no form for: {str(error).splitlines()[0]}"
        ) from error
    found.setdefault("properties", {})
    return {**found, "title": title_of(name)}
