"""How a module is built: `build` runs once, on symbols, at its first call or the module's."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from synalinks.data import SymbolicDataModel, convert_to_symbolic_data_model, tree

#: Names of the first parameter of a `build` that is given the schema in place of the symbol.
SCHEMA_PARAMETERS = frozenset({"input_schema", "inputs_schema", "schema"})


class Buildable(Protocol):
    """A module as `wrapped_build` uses it."""

    def while_building(self, symbols: tuple[object, ...]) -> AbstractContextManager[None]: ...


def wrapped_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """A class's `build`, sync or async, that takes whatever has a schema and leaves the module built."""
    parameters = list(inspect.signature(build).parameters.values())[1:]
    wants_schema = bool(parameters) and parameters[0].name in SCHEMA_PARAMETERS

    def fitting(symbols: tuple[object, ...]) -> tuple[object, ...]:
        given = tree.map_structure(_schema, symbols) if wants_schema else symbols
        return _as_many(given, parameters)

    if inspect.iscoroutinefunction(build):

        @functools.wraps(build)
        async def build_async(self: Buildable, *args: object, **kwargs: Any) -> Any:
            symbols = tuple(map(as_symbols, args))
            with self.while_building(symbols):
                return await build(self, *fitting(symbols), **kwargs)

        return build_async

    @functools.wraps(build)
    def build_sync(self: Buildable, *args: object, **kwargs: Any) -> Any:
        symbols = tuple(map(as_symbols, args))
        with self.while_building(symbols):
            return build(self, *fitting(symbols), **kwargs)

    return build_sync


def as_symbols(value: object) -> Any:
    """What a module is built with: symbols in the structure of anything that has schemas, or of JSON schemas.

    Raises:
        ConfigurationError: a leaf without a schema.
    """
    if isinstance(value, Mapping) and isinstance(value.get("properties"), Mapping):
        return SymbolicDataModel(schema=dict(value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(as_symbols, value))
    if isinstance(value, Mapping):
        return {key: as_symbols(item) for key, item in value.items()}
    return convert_to_symbolic_data_model(value)


def _schema(symbol: object) -> object:
    return symbol.get_schema() if isinstance(symbol, SymbolicDataModel) else symbol


def _as_many(given: tuple[object, ...], parameters: list[inspect.Parameter]) -> tuple[object, ...]:
    """As many arguments as the function takes: `build(self, inputs)` serves a call with more, and one with none."""
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return given
    wanted = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    missing = [None for one in wanted[len(given) :] if one.default is one.empty]
    return (*given[: len(wanted)], *missing)
